"""Why roles are not changed now, looked at whole; nothing is changed then."""

import os
import signal
from contextlib import contextmanager

import psycopg
import pytest

from tests.live.conftest import scrub
from tests.roles import Cast

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    return made


@pytest.fixture
def refused(cast, golden):
    """Run a verb, compare what it says with a golden file, and see that roles and files are as before."""

    def run(name, status, *args):
        before = (cast.pair.raw(), cast.hba("db2"), cast.auto_conf("db2"), cast.slots("db2"))
        done = cast.tool(*args, "--yes")
        assert done.returncode == status, done.stdout + done.stderr
        assert "Nothing was changed" in done.stderr
        assert (cast.pair.raw(), cast.hba("db2"), cast.auto_conf("db2"), cast.slots("db2")) == before
        golden(f"roles_{name}.txt", scrub(cast.pair, done.stderr))

    return run


@contextmanager
def altered(cast, name, setting, value):
    """ALTER SYSTEM and a reload, and back."""
    with cast.connect(name) as conn:
        conn.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        conn.execute("SELECT pg_reload_conf()")
    cast.pair.wait(lambda: cast.rows(name, f"SHOW {setting}") != [("",)])
    try:
        yield
    finally:
        with cast.connect(name) as conn:
            conn.execute(f"ALTER SYSTEM RESET {setting}")
            conn.execute("SELECT pg_reload_conf()")


def test_a_candidate_that_does_not_replay(cast, refused):
    cast.rows("db2", "SELECT pg_wal_replay_pause()::text")
    refused("paused", 1, "switchover", "--to", "db2")
    cast.rows("db2", "SELECT pg_wal_replay_resume()::text")
    with altered(cast, "db2", "recovery_min_apply_delay", "1h"):
        cast.pair.wait(lambda: cast.rows("db2", "SHOW recovery_min_apply_delay") == [("1h",)])
        refused("delayed", 1, "switchover", "--to", "db2")
    with altered(cast, "db2", "synchronous_standby_names", "db9"):
        cast.pair.wait(lambda: cast.rows("db2", "SHOW synchronous_standby_names") == [("db9",)])
        refused("synchronous", 1, "switchover", "--to", "db2")


def test_a_candidate_that_does_not_stream(cast, refused):
    pair = cast.pair
    with altered(cast, "db2", "primary_conninfo", "host=127.0.0.1 port=1"):
        pair.wait(lambda: cast.rows("db1", "SELECT count(*) FROM pg_stat_replication") == [(0,)])
        done = cast.tool("switchover", "--to", "db2", "--yes", status=1)
        assert "R402" in done.stderr
    pair.area.run("pg_ctl", "stop", "-D", str(cast.data("db2")), "-m", "fast", "-w")
    done = cast.tool("switchover", "--to", "db2", "--yes")
    assert done.returncode == 3, done.stderr
    assert "A201" in done.stderr


def test_who_is_no_candidate(cast, refused):
    refused("unknown", 2, "switchover", "--to", "db9")
    cast.attach("db3", "--upstream", "db2")
    refused("cascading", 4, "switchover", "--to", "db3")


def test_what_does_not_come_along(cast, refused):
    with cast.connect("db1") as conn:
        conn.execute("CREATE UNLOGGED TABLE fleeting (n int)")
        refused("unlogged", 1, "switchover", "--to", "db2")
        conn.execute("DROP TABLE fleeting")
    with psycopg.connect(cast.pair.primary.conninfo, password=cast.pair.primary.password, autocommit=True) as conn:
        conn.execute("SELECT pg_create_physical_replication_slot('other', true)")
        done = cast.tool("switchover", "--to", "db2", "--yes", "--despite", "unlogged-tables", status=0)
        assert "SWITCHED" in done.stdout
    # Somebody else's slot is left to somebody else.
    assert cast.slots("db1") == ["other"]


def test_a_primary_that_is_alive_is_not_replaced(cast, refused):
    refused("alive", 4, "failover", "--to", "db2")
    said = cast.tool("promote", "db2")
    assert said.returncode == 1
    assert "db1 is alive and takes writes" in said.stdout
    assert "switchover --to db2" in said.stdout
    assert cast.writable() == ["db1"]


def test_a_primary_that_is_frozen_is_not_replaced(cast):
    pid = int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        done = cast.tool("failover", "--to", "db2", "--yes")
        assert done.returncode == 4, done.stdout + done.stderr
        assert "R441" in done.stderr
        assert cast.rows("db2", "SELECT pg_is_in_recovery()") == [(True,)]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_loss_that_nobody_knows_is_above_every_limit(cast):
    pid = int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    done = cast.tool("failover", "--to", "db2", "--yes", "--max-loss", "1GB")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "R445" in done.stderr
    assert cast.writable() == []
