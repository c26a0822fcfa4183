"""Why roles are not changed now, looked at whole; nothing is changed then."""

import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

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
def stopped(pid):
    """A process that does nothing, and is there."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def postmaster(cast, name):
    return int((cast.data(name) / "postmaster.pid").read_text().splitlines()[0])


def kill(cast, name):
    """The server, and nobody is left of it."""
    pid = postmaster(cast, name)
    os.kill(pid, signal.SIGKILL)
    cast.pair.wait(lambda: not Path(f"/proc/{pid}").exists(), 60)


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


def test_what_cannot_be_done_is_not_named(cast):
    """Neither by a switchover whose primary is down, nor by promote."""
    unknown = cast.tool("promote", "db9", status=2)
    assert "switchover --to db2" in unknown.stderr
    assert "--to db9" not in unknown.stderr
    kill(cast, "db1")
    down = cast.tool("switchover", "--to", "db2", "--yes", status=3)
    assert "If db1 does not come back: standbyctl failover --to db2" in " ".join(down.stderr.split())
    assert "failover --to db2" in cast.tool("promote", "db2", status=1).stdout
    said = " ".join(cast.tool("promote", "db1", status=1).stdout.split())
    assert "db1 is the primary that is known here, and does not answer" in said
    assert "failover --to db2" in said
    assert "--to db1" not in said
    assert cast.writable() == []


def test_a_standby_that_has_become_the_primary_is_not_said_to_be_detached(cast):
    cast.tool("switchover", "--to", "db2", "--yes", status=0)
    done = cast.tool("detach", "db2", "--yes", status=4)
    said = " ".join(done.stderr.split())
    assert "db2 is a primary, as far as is known here DETAIL: Its standbys: db1." in said
    assert "switchover --to db1, then run this again" in said
    assert cast.writable() == ["db2"]
    cast.pair.wait(lambda: cast.follows("db1", "db2"))
    cast.pair.area.run("pg_ctl", "stop", "-D", str(cast.data("db1")), "-m", "fast", "-w")
    said = " ".join(cast.tool("detach", "db1", "--yes", status=0).stdout.split())
    assert f"db2 was a standby once: its role repl_db2, its line in pg_hba.conf, {cast.data('db2')}.pgpass" in said
    assert cast.rows("db2", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'repl%'") == [("repl_db2",)]
    assert "# standbyctl: db2" in cast.hba("db2")
    assert "Nothing to do" in cast.tool("detach", "db2", "--yes", status=0).stdout


def test_a_primary_that_is_frozen_is_not_replaced(cast):
    with stopped(postmaster(cast, "db1")):
        done = cast.tool("failover", "--to", "db2", "--yes")
        assert done.returncode == 4, done.stdout + done.stderr
        assert "R441" in done.stderr
        assert cast.rows("db2", "SELECT pg_is_in_recovery()") == [(True,)]


def test_a_loss_that_nobody_knows_is_above_every_limit(cast):
    kill(cast, "db1")
    done = cast.tool("failover", "--to", "db2", "--yes", "--max-loss", "1GB")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "R445" in done.stderr
    assert cast.writable() == []


def test_a_candidate_that_lags(cast, refused):
    [(startup,)] = cast.rows("db2", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'")
    with stopped(startup):
        with cast.connect("db1") as conn:
            conn.execute("CREATE TABLE filler AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 40000)")
        received = "SELECT pg_wal_lsn_diff(sent_lsn, write_lsn) = 0 FROM pg_stat_replication"
        cast.pair.wait(lambda: cast.rows("db1", received) == [(True,)])
        refused("lagging", 1, "switchover", "--to", "db2")


def test_a_receiver_that_is_frozen_would_hold_up_the_stop(cast, refused):
    [(receiver,)] = cast.rows("db2", "SELECT pid FROM pg_stat_wal_receiver")
    with stopped(receiver):
        silent = "SELECT now() - reply_time > interval '26 s' FROM pg_stat_replication"
        cast.pair.wait(lambda: cast.rows("db1", silent) == [(True,)], 60)
        refused("frozen", 1, "switchover", "--to", "db2")


def test_nobody_chooses_between_two_that_have_as_much(cast, refused):
    cast.attach("db3")
    cast.caught_up("db2", "db1")
    cast.caught_up("db3", "db1")
    kill(cast, "db1")
    done = cast.tool("failover", "--yes", status=2)
    assert "As much WAL as any have db2, db3, up to " in " ".join(done.stderr.split())
    assert cast.writable() == []


def test_who_has_most_takes_over_where_nobody_is_named(cast):
    cast.attach("db3")
    with cast.connect("db2") as conn:
        conn.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
        conn.execute("SELECT pg_reload_conf()")
    cast.pair.wait(lambda: cast.rows("db1", "SELECT count(*) FROM pg_stat_replication") == [(1,)])
    with cast.connect("db1") as conn:
        conn.execute("CREATE TABLE since (n int)")
    cast.caught_up("db3", "db1")
    kill(cast, "db1")
    said = cast.tool("failover", "--yes", status=0).stdout
    assert "db3 is the primary" in said
    assert cast.writable() == ["db3"]
    cast.pair.wait(lambda: cast.follows("db2", "db3"))


def test_with_no_standby_there_is_nobody_to_take_over(pair, golden):
    made = Cast(pair)
    done = made.tool("failover", "--yes", status=2)
    golden("roles_none.txt", scrub(pair, done.stderr))


def test_two_operators_at_once(cast):
    """One of them does it; the other is told that somebody is at work, or that there is nothing left to do."""
    first = cast.pair.start_tool("switchover", "--to", "db2", "--yes", env={"STANDBYCTL_CONFIG": str(cast.config)})
    second = cast.pair.start_tool("switchover", "--to", "db2", "--yes", env={"STANDBYCTL_CONFIG": str(cast.config)})
    whole = " ".join(" ".join(process.communicate(timeout=100)[0].split()) for process in (first, second))
    codes = [first.returncode, second.returncode]
    assert 0 in codes, whole
    assert all(code == 0 or "A203" in whole for code in codes), whole
    assert cast.writable() == ["db2"]
    cast.pair.wait(lambda: cast.follows("db1", "db2"))
    assert "Nothing to do" in cast.switchover("db2").stdout


def test_two_failovers_to_two_standbys_at_once_make_one_primary_at_most(cast):
    cast.attach("db3")
    kill(cast, "db1")
    env = {"STANDBYCTL_CONFIG": str(cast.config)}
    both = [cast.pair.start_tool("failover", "--to", name, "--yes", env=env) for name in ("db2", "db3")]
    whole = " ".join(" ".join(process.communicate(timeout=100)[0].split()) for process in both)
    assert len(cast.writable()) <= 1, whole
    assert any(code in whole for code in ("A203", "R431", "R440", "R419", "A201")), whole
    to = next(iter(cast.writable()), "db2")
    cast.tool("failover", "--to", to, "--yes", status=0)
    assert cast.writable() == [to]
    other = "db3" if to == "db2" else "db2"
    cast.pair.wait(lambda: cast.follows(other, to))


def test_a_failover_to_another_one_is_refused_in_the_pause_of_a_switchover(cast):
    cast.attach("db3")
    place = cast.pair.area.path / "hook"
    place.mkdir()
    wait = f"touch {place}/here; while [ ! -e {place}/go ]; do sleep 0.05; done"
    env = {"STANDBYCTL_CONFIG": str(cast.config)}
    process = cast.pair.start_tool("switchover", "--to", "db2", "--yes", "--at", f"sh -c '{wait}'", env=env)
    cast.pair.wait((place / "here").exists, 60)
    elsewhere = cast.pair.area.path / "elsewhere"
    shutil.copytree(cast.pair.state, elsewhere)
    try:
        for state in (cast.pair.state, elsewhere):
            env = {"STANDBYCTL_STATE": str(state)}
            refused = cast.tool("failover", "--to", "db3", "--yes", env=env)
            assert refused.returncode != 0
            assert "CODE:   R431" in refused.stderr or "CODE:   A203" in refused.stderr, refused.stderr
            assert cast.writable() == []
    finally:
        (place / "go").touch()
        said, _ = process.communicate(timeout=100)
    assert process.returncode == 0 or "taken back" in " ".join(said.split()), said
    assert len(cast.writable()) == 1


def test_what_a_delayed_standby_has_is_not_known_once_it_was_started_again(cast):
    cast.attach("db3")
    with cast.connect("db3") as conn:
        conn.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        conn.execute("SELECT pg_reload_conf()")
    kill(cast, "db1")
    db3 = cast.data("db3")
    cast.pair.area.run("pg_ctl", "restart", "-D", str(db3), "-m", "fast", "-w", "-s", "-l", str(db3) + ".again")
    for to in ("db2", "db3"):
        done = cast.tool("failover", "--to", to, "--yes", status=1)
        assert "how much of the WAL db3 has is not known" in " ".join(done.stderr.split())
    assert cast.writable() == []
