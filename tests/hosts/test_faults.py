"""Whatever happens in whichever phase of an attach: it finishes, or the same command finishes, or detach restores.

A dozen cells by default, all of them by `make faults`, which prints the matrix.
"""

import time

import pytest

from tests.hosts.conftest import CELL
from tests.hosts.operator import DATA, FACTS, Operator, beside, receives, sql, streams, wait, where
from tests.hosts.striking import PHASES, Faults, struck

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
FAULTS = (
    "cut 5",
    "cut 90",
    "standby_loses_power",
    "primary_loses_power 3",
    "operator_killed",
    "disk_full",
    "primary_restarted",
    "primary_frozen 20",
)
NAMED = {
    ("settings", "primary_loses_power 3"),
    ("settings", "operator_killed"),
    ("slot", "cut 5"),
    ("slot", "primary_restarted"),
    ("checkpoint", "operator_killed"),
    ("checkpoint", "primary_frozen 20"),
    ("copy", "standby_loses_power"),
    ("copy", "disk_full"),
    ("copy", "primary_loses_power 3"),
    ("start", "standby_loses_power"),
    ("proof", "primary_restarted"),
    ("proof", "cut 5"),
}
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
LEFT = "ps -eo args | grep -E '[p]g_basebackup|standbyctl' | grep -v grep || true"


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("--matrix")
    cells = [(phase, fault) for phase in PHASES for fault in FAULTS if every or (phase, fault) in NAMED]
    # The longest cut is where the most is lost by giving up.
    cells = [(phase, "cut 300" if (phase, fault) == ("copy", "cut 90") else fault) for phase, fault in cells]
    metafunc.parametrize(("phase", "fault"), cells)


@pytest.fixture(scope="module")
def pair(testbed):
    db1, db2 = testbed.up({"db1": "bookworm", "db2": "bookworm"}, disk_mb={"db2": 1500})
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec("systemctl restart postgresql@15-main")
    db1.exec("cd / && pgbench -i -q -s 6 postgres", user="postgres")
    yield db1, db2
    testbed.down()


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()
    testbed.heal()


def test_it_finishes_or_the_same_command_does_or_detach_restores(
    pair, operator, testbed, phase, fault, record_property
):
    primary, standby = pair
    before, there = sql(primary, FACTS), beside(standby)
    asked = ("attach", *where(), "--yes")
    # Something to write out, so that a spread checkpoint takes its time.
    sql(primary, "UPDATE pgbench_branches SET bbalance = bbalance + 1")
    with struck(phase, operator, primary, *asked) as (process, go):
        Faults(testbed, primary, standby).strike(fault, process, go)
        if phase == "checkpoint":
            sql(primary, "CHECKPOINT")
        said, _ = process.communicate(timeout=300)
    assert "bug" not in said, said
    assert process.returncode in {0, 5, -9}, said
    outcome = "finished"
    if process.returncode != 0:
        outcome = "the same command"
        if (again := run_until_told(operator, asked)) is not None:
            outcome = f"detach, for: {again}"
    record_property(CELL, (phase, fault, f"{process.returncode}", outcome))
    if "detach" not in outcome:
        wait(lambda: streams(primary) and receives(standby), 90)
        assert sql(primary, "SELECT string_agg(slot_name, ',') FROM pg_replication_slots") == "db2"
    assert standby.exec(LEFT).stdout == ""
    operator.tool("detach", "db2", *GONE)
    assert standby.exec(LEFT).stdout == ""
    assert sql(primary, FACTS).rpartition("|")[0] == before.rpartition("|")[0]
    assert beside(standby) == there
    assert receives(standby) == "", "the cluster that was there is back"


def run_until_told(operator, asked):
    """The same command; again where something of the first run still lives. What it says, or None if it finishes."""
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        process = operator.start(*asked)
        said, _ = process.communicate(timeout=300)
        if process.returncode == 0:
            return None
        assert "bug" not in said, said
        if "P204" not in said and "A254" not in said:
            return said
    return said
