"""Whatever happens to a failover, or to the return of the old primary: never two primaries, and an end.

Three cells by default, all of them by `make faults`, which prints the matrix.
"""

import re
import signal
import time
from contextlib import contextmanager

import pytest

from tests.hosts.conftest import ROLES_CELL
from tests.hosts.operator import sql, wait
from tests.hosts.roles import NAMES, Clients, Watching, crash

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled, pytest.mark.seldom]
# The effect before which it waits.
FAILOVER = {"fence": "Fence", "promote": "Promote", "keep": "Sql:pg_create_physical_replication_slot"}
REWIND = {"rewind": "Rewind", "start": "StartServer", "follow": "WaitUntil:pg_stat_replication"}
CLONE = {"copy": "CopyCluster", "in place": "PutInPlace"}
WAYS = {phase: way for way, phases in (("rewind", REWIND), ("clone", CLONE)) for phase in phases}
PHASES = FAILOVER | REWIND | CLONE
FAULTS = ("old_is_cut", "old_loses_power", "new_is_cut", "new_loses_power", "new_reboots", "tool_is_killed")
NAMED = {("promote", "new_loses_power"), ("fence", "old_is_cut"), ("rewind", "new_is_cut")}


class Faults:
    """Each begins, lets the tool go on, and has passed when it returns."""

    def __init__(self, cast, process, go):
        self.cast, self.process, self.go = cast, process, go
        self.old, self.new = cast.hosts

    @contextmanager
    def _over(self):
        """The tool goes on and ends; where it waits for who is away, that comes back first."""
        self.go()
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        yield
        self.process.wait(timeout=600)

    def _cut(self, host):
        self.cast.bed.cut(host.name)
        with self._over():
            self.cast.bed.heal()

    def _loses_power(self, host):
        host.kill()
        with self._over():
            host.start()

    def old_is_cut(self):
        self._cut(self.old)

    def old_loses_power(self):
        self._loses_power(self.old)

    def new_is_cut(self):
        self._cut(self.new)

    def new_loses_power(self):
        self._loses_power(self.new)

    def new_reboots(self):
        self.new.reboot()
        with self._over():
            pass

    def tool_is_killed(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("--matrix")
    cells = [(phase, fault) for phase in PHASES for fault in FAULTS if every or (phase, fault) in NAMED]
    if "fault" in metafunc.fixturenames:
        metafunc.parametrize(("phase", "fault"), cells)


def again_until_it_ends(cast, *args):
    """The same command; where something of the first one still lives, or a server still starts, it says so."""
    outcome, said = "the same command", cast.operator.tool(*args, status=None, timeout_seconds=600)
    deadline = time.monotonic() + 150
    while not any(word in said for word in ("PROMOTED", "RESYNCED", "Nothing to do")):
        assert re.search("CODE: (A2|R442)", said), said
        assert time.monotonic() < deadline, said
        time.sleep(3)
        outcome, said = "the same command, after a wait", cast.operator.tool(*args, status=None, timeout_seconds=600)
    return outcome


def test_it_finishes_or_the_same_command_does(cast, tmp_path, record_property, phase, fault):
    old, new = cast.hosts
    over = ("failover", "--to", NAMES["db2"], "--yes")
    back = ("resync", NAMES["db1"], "--yes", "--way", WAYS.get(phase, "clone"))
    with Watching(cast.hosts) as watching, Clients(old, new) as clients:
        received = set(clients.acknowledged[:-20])
        if phase in REWIND:
            # With commits that nobody else has; not just after its promotion, which pg_rewind of 15 cannot tell.
            sql(old, "CHECKPOINT")
            cast.bed.cut("db1", "db2")
            clients.more()
        crash(old)
        if phase not in FAILOVER:
            # Who was cut off from it still takes it for alive for 3 s (R442).
            again_until_it_ends(cast, *over)
        # Not before: what a kernel has not got rid of is sent even where its process has ended.
        cast.bed.heal()
        args = over if phase in FAILOVER else back
        env = {"PAUSING_AT": PHASES[phase], "PAUSING_IN": f"{tmp_path}"}
        process = cast.operator.start(*args, env=env, module="tests.faults.pausing")
        wait(lambda: (tmp_path / "here").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        getattr(Faults(cast, process, (tmp_path / "go").touch), fault)()
        said, _ = process.communicate(timeout=60)
        assert process.returncode in {0, 1, 3, 5, -signal.SIGKILL}, said
        assert "bug" not in said, said
        if (phase, fault) == ("fence", "old_loses_power"):
            # Nobody had kept it from starting, and nobody was promoted: it is the primary as before.
            assert "CODE: R440" in cast.operator.tool(*over, status=4)
            record_property(ROLES_CELL, (phase, fault, f"{process.returncode}", "the old primary is back: R440"))
            assert cast.writable() == [old]
            assert watching.twice == []
            clients.more()
            return
        outcome = "finished" if process.returncode == 0 else again_until_it_ends(cast, *args)
        clients.more()
        assert cast.writable() == [new]
        record_property(ROLES_CELL, (phase, fault, f"{process.returncode}", outcome))
        if phase in FAILOVER:
            cast.operator.tool(*back, timeout_seconds=600)
        wait(cast.settled)
        clients.more()
    assert watching.twice == []
    # Commits do not wait for the standby: what was under way then, and what was committed since.
    assert clients.lost(new).isdisjoint(received)
