"""A primary that was lost comes back by the cheapest way, and what only it had committed is said and kept."""

import json
import os
import re
import shutil
import signal

import pytest

from tests.live.stages import restarted
from tests.roles import Cast, Writer, at_a_terminal
from tests.sound import sound

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    with made.connect("db1") as conn:
        conn.execute("CREATE TABLE alone (n int)")
    made.caught_up("db2", "db1")
    return made


def cut(cast):
    """The standby follows nobody any more."""
    with cast.connect("db2") as conn:
        conn.execute("ALTER SYSTEM SET primary_conninfo = ''")
        conn.execute("SELECT pg_reload_conf()")
    cast.pair.wait(lambda: not cast.rows("db1", "SELECT 1 FROM pg_stat_replication"))


def lose(cast, commits):
    """The primary, with commits that nobody else has. Their transactions' numbers."""
    cut(cast)
    lost = []
    with cast.connect("db1") as conn:
        for _ in range(commits):
            lost.append(conn.execute("INSERT INTO alone VALUES (1) RETURNING txid_current()").fetchone()[0])
    pid = int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    # Its parent may take a moment to see that it has ended; until then its lock file counts.
    cast.pair.wait(lambda: not os.path.exists(f"/proc/{pid}"), 60)
    return lost


def said_of(done):
    return " ".join(done.stdout.split())


def kept_aside(cast):
    return sorted(path.name for path in cast.pair.area.path.glob("db1.detached-*"))


@pytest.mark.sample
def test_commits_that_are_nowhere_else_are_not_overwritten_unless_one_says_so(cast):
    own = cast.hba("db1")
    lost = lose(cast, 20)
    said = cast.tool("failover", "--to", "db2", "--yes", status=0).stdout
    assert "lost: 20 commits that db1 has and db2 has not" in " ".join(said.split())
    # What it needs when it comes back is kept.
    assert cast.slots("db2") == ["db1"]
    with cast.connect("db2") as conn:
        conn.execute("CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
    plan = cast.tool("resync", "db1", "-n", status=0).stdout
    assert re.search(r"rewind +\d.* overwrites 20 commits", " ".join(plan.split()))
    assert "pg_basebackup" in plan
    found = json.loads(cast.tool("resync", "db1", "--way", "rewind", "--dry-run", "--json", status=0).stdout)
    assert [commit["xid"] for commit in found["commits"]] == lost
    said = cast.tool("resync", "db1", "--way", "rewind", "--yes", status=0).stdout
    assert "RESYNCED" in said
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
    assert cast.rows("db1", "SELECT (SELECT count(*) FROM alone), (SELECT count(*) FROM since)") == [(0, 1000)]
    sound(cast, "db1", "db2")
    # What is its own is as it was; what was overwritten can be read.
    assert cast.hba("db1") == own
    [aside] = kept_aside(cast)
    assert list((cast.pair.area.path / aside / "pg_wal").glob("00000001*"))
    assert cast.rows("db2", "SELECT 1 FROM pg_hba_file_rules WHERE 'repl_db1' = ANY (user_name)"
                            " AND 'postgres' = ANY (database)") == []  # fmt: skip
    with Writer(cast) as writer:
        writer.more()
        cast.switchover("db1")
        writer.more()
    assert writer.lost("db1") == set()


@pytest.mark.one_version
def test_what_is_overwritten_is_confirmed_by_the_name_of_the_node(cast):
    lose(cast, 1)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    args = ["resync", "db1", "--way", "rewind"]
    said, status = at_a_terminal(cast, args, b"y\n", b"Type db1")
    assert status == 1
    assert "\r\n\r\nType db1 to go on" in said
    assert "That is not db1. Nothing was changed." in said
    assert kept_aside(cast) == []
    said, status = at_a_terminal(cast, args, b"db1\n", b"Type db1")
    assert status == 0, said
    assert cast.follows("db1", "db2")


@pytest.fixture
def preparing(pair):
    restarted(pair, max_prepared_transactions="5")
    made = Cast(pair)
    made.attach("db2")
    with made.connect("db1") as conn:
        conn.execute("CREATE TABLE alone (n int)")
        conn.execute("BEGIN; INSERT INTO alone VALUES (1); PREPARE TRANSACTION 'first'")
    made.caught_up("db2", "db1")
    return made


def test_both_halves_of_a_prepared_transaction_are_commits_that_are_nowhere_else(preparing):
    cast = preparing
    cut(cast)
    with cast.connect("db1") as conn:
        conn.execute("COMMIT PREPARED 'first'")
        conn.execute("BEGIN; INSERT INTO alone VALUES (2); PREPARE TRANSACTION 'second'")
    lose(cast, 0)
    said = " ".join(cast.tool("failover", "--to", "db2", "--yes", status=0).stdout.split())
    assert "lost: 2 commits that db1 has and db2 has not" in said
    found = json.loads(cast.tool("resync", "db1", "-n", "--json", status=0).stdout)
    assert len(found["commits"]) == 2
    assert "RewindPlace" not in [step["step"] for step in found["steps"]]


def taken(cast, name):
    """The way that is taken by itself, and the steps to be done for it."""
    found = json.loads(cast.tool("resync", name, "-n", "--json", status=0).stdout)
    steps = [step["step"] for step in found["steps"]]
    return next(each["way"] for each in found["ways"] if each["open"]), steps


def test_a_standby_whose_wal_was_kept_goes_on_where_it_is(cast):
    area, data = cast.pair.area, cast.data("db2")
    made = (data / "PG_VERSION").stat().st_ino
    area.run("pg_ctl", "stop", "-D", str(data), "-m", "immediate", "-w", "-s")
    with Writer(cast) as writer:
        writer.more()
    with cast.connect("db1") as conn:
        conn.execute("SELECT pg_switch_wal()")
        conn.execute("CHECKPOINT")
    assert taken(cast, "db2") == ("reconnect", ["StartStandby"])
    assert "RESYNCED" in said_of(cast.tool("resync", "db2", "--yes", status=0))
    assert (data / "PG_VERSION").stat().st_ino == made
    cast.caught_up("db2", "db1")
    assert writer.lost("db2") == set()
    sound(cast, "db2", "db1")


def test_a_primary_that_was_stopped_follows_the_new_timeline_as_it_is(cast):
    """Its standby has had all of its WAL: nothing is to be rewound."""
    made = (cast.data("db1") / "PG_VERSION").stat().st_ino
    cast.pair.primary.stop("fast")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    with cast.connect("db2") as conn:
        conn.execute("CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
    way, steps = taken(cast, "db1")
    assert way == "follow"
    assert not {"RewindPlace", "CopyByBasebackup"} & {*steps}
    assert "PointAtPrimary" in steps
    cast.tool("resync", "db1", "--yes", status=0)
    assert (cast.data("db1") / "PG_VERSION").stat().st_ino == made
    assert kept_aside(cast) == []
    cast.caught_up("db1", "db2")
    assert cast.rows("db1", "SELECT count(*) FROM since") == [(1000,)]
    sound(cast, "db1", "db2")


def checkpoint_in_the_last_file(cast):
    """That, and what comes after it, the standby's slot keeps."""
    with cast.connect("db1") as conn:
        conn.execute("CHECKPOINT")
    cast.caught_up("db2", "db1")


def test_without_commits_of_its_own_it_is_rewound_by_itself(cast):
    """It has WAL of its own all the same: what was rolled back, and a checkpoint."""
    checkpoint_in_the_last_file(cast)
    cut(cast)
    with cast.connect("db1") as conn:
        conn.execute("BEGIN; INSERT INTO alone SELECT generate_series(1, 100000); ROLLBACK")
        conn.execute("CHECKPOINT")
    lose(cast, 0)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    way, steps = taken(cast, "db1")
    assert way == "rewind"
    assert "RewindPlace" in steps
    said = cast.tool("resync", "db1", "--yes", status=0).stdout
    assert "pg_rewind" in said
    assert "pg_basebackup" not in said
    sound(cast, "db1", "db2")


def test_it_is_not_rewound_where_its_wal_before_the_fork_is_gone(cast):
    """pg_rewind needs that back to the last checkpoint that both have had, and a later one removes it."""
    with cast.connect("db1") as conn:
        conn.execute("SELECT pg_switch_wal()")
        conn.execute("INSERT INTO alone VALUES (0)")
    cast.caught_up("db2", "db1")
    cut(cast)
    with cast.connect("db1") as conn:
        conn.execute("BEGIN; INSERT INTO alone VALUES (1); ROLLBACK")
        conn.execute("CHECKPOINT")
    lose(cast, 0)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    refused = cast.tool("resync", "db1", "--way", "rewind", "--yes", status=1).stderr
    assert re.search(r"its WAL back to the last checkpoint before \S+ is not there any more", " ".join(refused.split()))
    way, steps = taken(cast, "db1")
    assert (way, "CopyByBasebackup" in steps) == ("clone", True)
    cast.tool("resync", "db1", "--yes", status=0)
    sound(cast, "db1", "db2")


def test_what_it_alone_has_makes_it_a_copy_beside_that_takes_its_place(cast):
    lose(cast, 1)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    assert "CopyByBasebackup" in taken(cast, "db1")[1]
    cast.tool("resync", "db1", "--yes", status=0)
    assert kept_aside(cast) == ["db1.detached-1"]
    assert cast.rows("db1", "SELECT count(*) FROM alone") == [(0,)]
    sound(cast, "db1", "db2")


@pytest.mark.one_version
def test_who_follows_the_new_primary_lets_go_of_the_slots_that_nobody_streams_from(cast):
    """They would keep WAL there for ever. A slot of the DBA's own is none of ours."""
    cast.attach("db3")
    with cast.connect("db1") as conn:
        conn.execute("SELECT pg_create_physical_replication_slot('own')")
    stop(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    found = json.loads(cast.tool("resync", "db1", "-n", "--json", status=0).stdout)
    assert [step["step"] for step in found["steps"]][-3:] == ["PointAtPrimary", "StartStandby", "LetGoOfSlots"]
    cast.tool("resync", "db1", "--yes", status=0)
    assert cast.follows("db1", "db2")
    assert cast.slots("db1") == ["own"]


def stop(cast, name):
    cast.pair.area.run("pg_ctl", "stop", "-D", str(cast.data(name)), "-m", "fast", "-w", "-s")


def start(cast, name):
    data = cast.data(name)
    cast.pair.area.run("pg_ctl", "start", "-D", str(data), "-w", "-s", "-l", str(data / "again.log"))


def promote_again(cast, name):
    """A primary goes to the next timeline by itself."""
    stop(cast, name)
    (cast.data(name) / "standby.signal").touch()
    start(cast, name)
    cast.pair.area.run("pg_ctl", "promote", "-D", str(cast.data(name)), "-w", "-s")


def promoted_apart(cast, name, commits):
    """A server becomes a primary by hand, and commits what nobody else has; it is stopped, and sealed, again."""
    data = cast.data(name)
    cast.pair.area.run("pg_ctl", "promote", "-D", str(data), "-w", "-s")
    with cast.connect(name) as conn:
        for _ in range(commits):
            conn.execute("INSERT INTO alone VALUES (2)")
    stop(cast, name)
    (data / "standby.signal").touch()


@pytest.mark.one_version
@pytest.mark.parametrize("further", [False, True], ids=["same number", "number of an earlier one"])
def test_a_timeline_of_the_same_number_that_is_another_one_is_not_streamed_over(cast, further):
    """Two nodes are promoted apart, each to timeline 2: their numbers are equal, and their commits are not."""
    promoted_apart(cast, "db2", 3)
    with cast.connect("db1") as conn:
        conn.execute("INSERT INTO alone VALUES (1)")
    for _ in range(1 + further):
        promote_again(cast, "db1")
    with cast.connect("db1") as conn:
        conn.execute("INSERT INTO alone SELECT 1 FROM generate_series(1, 1000)")
    found = json.loads(cast.tool("resync", "db2", "-n", "--json", status=0).stdout)
    assert [each["way"] for each in found["ways"] if each["open"]] == ["clone"]
    why = {each["way"]: each["why"] for each in found["ways"]}
    assert "its timeline 2 is its own: it was promoted apart from db1" in why["follow"]
    assert len(found["commits"]) == 3
    cast.tool("resync", "db2", "--yes", status=0)
    assert cast.follows("db2", "db1")
    cast.caught_up("db2", "db1")
    assert cast.rows("db2", "SELECT n, count(*) FROM alone GROUP BY n") == [(1, 1001)]


@pytest.mark.one_version
def test_who_was_started_with_commits_of_its_own_is_seen_by_its_history(cast):
    """By hand. PostgreSQL asks its primary for the WAL of timeline 2, and gets that of another one."""
    promoted_apart(cast, "db2", 3)
    with cast.connect("db1") as conn:
        conn.execute("INSERT INTO alone SELECT 1 FROM generate_series(1, 20000)")
    promote_again(cast, "db1")
    with cast.connect("db1") as conn:
        conn.execute("INSERT INTO alone SELECT 1 FROM generate_series(1, 20000)")
    start(cast, "db2")
    done = cast.tool("verify", "db2", status=1)
    assert "2 on both, and not the same: on db1 1 to 0/" in " ".join(done.stdout.split())


def lost(cast):
    with cast.connect("db1") as conn:
        conn.execute("CHECKPOINT")
    return cast.rows("db1", "SELECT wal_status FROM pg_replication_slots") == [("lost",)]


@pytest.fixture
def archived(pair):
    """A standby whose slot was lost while it was off, and an archive that has what its primary has no more."""
    archive = pair.area.path / "archive"
    archive.mkdir(mode=0o755)
    shutil.chown(archive, pair.area.user)
    restarted(pair, archive_mode="on", archive_command=f"cp %p {archive}/%f", max_wal_size="32MB", min_wal_size="32MB")
    made = Cast(pair)
    made.attach("db2", "--wal-cap", "64MB")
    pair.area.run("pg_ctl", "stop", "-D", str(pair.data), "-m", "fast", "-w", "-s")
    with made.connect("db1") as conn:
        conn.execute("CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
        for _ in range(8):
            conn.execute("CREATE TABLE IF NOT EXISTS filler AS SELECT 1 AS n")
            conn.execute("INSERT INTO filler SELECT 1")
            conn.execute("SELECT pg_switch_wal()")
        conn.execute("CHECKPOINT")
    pair.wait(lambda: lost(made), 60)
    made.archive = archive
    return made


@pytest.mark.sample
def test_wal_that_the_primary_has_no_more_comes_out_of_an_archive(archived):
    cast, bring = archived, f"cp {archived.archive}/%f %p"
    began = cast.pair.started_at()
    closed = said_of(cast.tool("resync", "db2", "-n", status=0))
    assert re.search(r"archive +no it has no restore_command", closed)
    assert "pg_basebackup" in closed
    closed = said_of(cast.tool("resync", "db2", "-n", "--restore-command", "echo gone >&2; exit 3", status=0))
    assert re.search(r"does not bring 0000000100000000\w{8}: exit 3 gone", closed)
    closed = said_of(cast.tool("resync", "db2", "-n", "--restore-command", "echo %f > %p", status=0))
    assert "what came is not that file" in closed
    hole = sorted(archived.archive.glob("0000*"))[-4]
    away = hole.rename(hole.with_name("away"))
    closed = said_of(cast.tool("resync", "db2", "-n", "--restore-command", bring, status=0))
    assert f"does not bring {hole.name}: exit 1" in closed.replace("'", "").replace(f"{bring} ", "")
    away.rename(hole)
    done = said_of(cast.tool("resync", "db2", "--restore-command", bring, "--yes", status=0))
    assert "pg_basebackup" not in done
    assert "RESYNCED" in done
    assert cast.follows("db2", "db1")
    cast.caught_up("db2", "db1")
    assert cast.rows("db2", "SELECT count(*) FROM since") == [(1000,)]
    assert cast.rows("db2", "SHOW restore_command") == [(bring,)]
    assert cast.pair.started_at() == began
    assert "Nothing to do" in said_of(cast.tool("resync", "db2", "--yes", status=0))
    sound(cast, "db2", "db1")


def test_it_is_asked_by_the_command_that_the_standby_has_and_what_is_gone_there_too_is_seen(archived):
    cast, conf = archived, archived.data("db2") / "postgresql.auto.conf"
    with conf.open("a") as file:
        file.write(f"restore_command = 'cp \"{archived.archive}/%f\" %p'\n")
    found = json.loads(cast.tool("resync", "db2", "-n", "--json", status=0).stdout)
    way = {each["way"]: each for each in found["ways"]}["archive"]
    assert way["open"]
    assert way["copied_bytes"] >= 64 << 20
    assert [step["step"] for step in found["steps"]] == ["CreateSlot", "StartStandby"]
    first = way["why"].split()[0]
    kept = archived.archive / first
    gone = kept.rename(kept.with_name("gone"))
    closed = json.loads(cast.tool("resync", "db2", "-n", "--json", status=0).stdout)
    way = {each["way"]: each for each in closed["ways"]}["archive"]
    assert not way["open"]
    assert first in way["why"]
    gone.rename(kept)
    cast.tool("resync", "db2", "--yes", status=0)
    assert cast.follows("db2", "db1")
    sound(cast, "db2", "db1")
