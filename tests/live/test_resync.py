"""A primary that was lost comes back by the cheapest way, and what only it had committed is said and kept."""

import json
import os
import re
import signal

import pytest

from tests.roles import Cast, Writer

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    with made.connect("db1") as conn:
        conn.execute("CREATE TABLE alone (n int)")
    made.caught_up("db2", "db1")
    return made


def lose(cast, commits):
    """The primary, with commits that nobody else has. Their transactions' numbers."""
    with cast.connect("db2") as conn:
        conn.execute("ALTER SYSTEM SET primary_conninfo = ''")
        conn.execute("SELECT pg_reload_conf()")
    cast.pair.wait(lambda: not cast.rows("db1", "SELECT 1 FROM pg_stat_replication"))
    lost = []
    with cast.connect("db1") as conn:
        for _ in range(commits):
            lost.append(conn.execute("INSERT INTO alone VALUES (1) RETURNING txid_current()").fetchone()[0])
    pid = int((cast.data("db1") / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    # Its parent may take a moment to see that it has ended; until then its lock file counts.
    cast.pair.wait(lambda: not os.path.exists(f"/proc/{pid}"), 60)
    return lost


def sound(cast, name):
    """Every block of a standby has its checksum; it is started again."""
    data, area = cast.data(name), cast.pair.area
    area.run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-s")
    area.run("pg_checksums", "--check", "-D", str(data))
    area.run("pg_ctl", "start", "-D", str(data), "-w", "-s", "-l", str(data.with_name("again.log")))


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
    sound(cast, "db1")
    cast.pair.wait(lambda: cast.follows("db1", "db2"))
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


def test_without_commits_of_its_own_it_is_rewound_by_itself(cast):
    lose(cast, 0)
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    said = cast.tool("resync", "db1", "--yes", status=0).stdout
    assert "pg_rewind" in said or "follow" in said
    assert "pg_basebackup" not in said
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
