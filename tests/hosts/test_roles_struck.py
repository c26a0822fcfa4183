"""Whatever happens to a switchover, before the stop or in its pause: never two primaries, nothing lost, and an end.

Three cells by default, all of them by `make faults`, which prints the matrix.
"""

import signal
import time

import pytest

from tests.hosts.conftest import ROLES_CELL
from tests.hosts.operator import wait
from tests.hosts.roles import Clients, Watching

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled, pytest.mark.seldom]
# The hook in which it waits.
PHASES = {"stop": "before", "pause": "at", "promoted": "after"}


class Faults:
    """Each begins, lets the switchover go on, and has passed when it returns."""

    def __init__(self, cast, process, go):
        self.cast, self.process, self.go = cast, process, go
        self.old, self.new = cast.hosts

    def _cut(self, host):
        self.cast.bed.cut(host.name)
        self.go()
        self.process.wait(timeout=300)
        self.cast.bed.heal()

    def _loses_power(self, host):
        host.kill()
        self.go()
        self.process.wait(timeout=300)
        host.start()

    def old_reboots(self):
        self.old.reboot()
        self.go()

    def old_is_cut(self):
        self._cut(self.old)

    def new_is_cut(self):
        self._cut(self.new)

    def old_loses_power(self):
        self._loses_power(self.old)

    def new_loses_power(self):
        self._loses_power(self.new)

    def tool_is_killed(self):
        self.process.send_signal(signal.SIGKILL)


FAULTS = ("old_reboots", "old_is_cut", "new_is_cut", "old_loses_power", "new_loses_power", "tool_is_killed")
NAMED = {("pause", "old_reboots"), ("pause", "new_loses_power"), ("pause", "old_is_cut")}


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("--matrix")
    cells = [(phase, fault) for phase in PHASES for fault in FAULTS if every or (phase, fault) in NAMED]
    if "fault" in metafunc.fixturenames:
        metafunc.parametrize(("phase", "fault"), cells)


def test_it_finishes_or_the_same_command_does(cast, tmp_path, record_property, phase, fault):
    old, new = cast.hosts
    with Watching(cast.hosts) as watching, Clients(old, new) as clients:
        with cast.switching(new, PHASES[phase], tmp_path) as (process, go):
            getattr(Faults(cast, process, go), fault)()
            said, _ = process.communicate(timeout=300)
        assert process.returncode in {0, 5, -signal.SIGKILL}, said
        assert "bug" not in said, said
        after_it = [host.name for host in cast.writable()]
        outcome = "finished"
        if process.returncode != 0:
            outcome = again_until_it_ends(cast, new)
        clients.more()
    record_property(ROLES_CELL, (phase, fault, f"{process.returncode}", f"{outcome}; until then {after_it}"))
    assert watching.twice == []
    assert cast.writable() == [new]
    assert clients.lost(new) == set()
    wait(cast.settled)


def again_until_it_ends(cast, new):
    """The same command; where something of the first one still lives, it says so, and to wait."""
    outcome, said = "the same command", cast.switchover(new, status=None)
    deadline = time.monotonic() + 150
    while "CODE: A203" in said and time.monotonic() < deadline:
        time.sleep(3)
        outcome, said = "the same command, after a wait", cast.switchover(new, status=None)
    assert "SWITCHED" in said or "Nothing to do" in said, said
    return outcome


def test_a_failover_ends_a_switchover_whose_old_primary_is_gone(cast, tmp_path):
    old, new = cast.hosts
    with Watching(cast.hosts) as watching, Clients(old, new) as clients:
        with cast.switching(new, "at", tmp_path) as (process, _):
            process.kill()
            process.wait()
            old.kill()
        assert cast.writable() == []
        said = cast.switchover(new, status=3)
        assert "CODE: A212" in said
        assert f"standbyctl failover --to {new}" in said
        cast.operator.tool("failover", "--to", "db2", "--yes", "--fenced")
        clients.more()
        old.start()
        assert cast.writable() == [new]
        cast.operator.tool("resync", "db1_5432", "--yes")
        wait(cast.settled)
    assert watching.twice == []
    assert clients.lost(new) == set()
