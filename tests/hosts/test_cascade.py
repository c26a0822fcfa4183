"""db1, db2 behind it, db3 behind db2: three hosts, each reached by ssh."""

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, beside, sql, streams, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.seldom]
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
DB3 = where(**{"--standby-ssh": "db3", "--name": "db3"})


@pytest.fixture(scope="module")
def hosts(testbed):
    """A primary that listens, and the places of two standbys."""
    db1, db2, db3 = testbed.up(dict.fromkeys(("db1", "db2", "db3"), "bookworm"))
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    yield db1, db2, db3
    testbed.down()


@pytest.fixture
def operator(testbed, hosts):
    """With db2 attached, which goes again; then all three hosts are as they were."""
    db1, *standbys = hosts
    was = sql(db1, FACTS), *map(beside, standbys)
    made = Operator(testbed)
    made.tool("attach", *where(), "--yes")
    yield made
    made.tool("detach", "db2", *GONE)
    made.end()
    assert (sql(db1, FACTS), *map(beside, standbys)) == was


def test_a_standby_on_a_third_host_streams_from_the_second(operator, hosts):
    db1, db2, _ = hosts
    before = sql(db2, FACTS)
    said = operator.tool("attach", *DB3, "--upstream", "db2", "--yes")
    assert "ATTACHED db3 streams from db2" in said
    assert streams(db2, "db3")
    assert not streams(db1, "db3")
    assert sql(db1, "SELECT slot_name FROM pg_replication_slots") == "db2"
    assert "# standbyctl: db3" in db2.exec(f"cat {db2.hba}").stdout
    assert db1.exec(f"grep -c repl_db3 {db1.hba} || true").stdout == "0\n"
    assert "Nothing to do" in operator.tool("attach", *DB3, "--upstream", "db2", "--yes")
    assert "VERIFIED" in operator.tool("verify", "db3", "--for", "1s")
    table = operator.tool("status")
    assert "+ db2 | standby | streaming" in table
    assert "+ db3 | standby | streaming" in table
    assert "A254" in operator.tool("detach", "db2", "--yes", status=4)
    operator.tool("detach", "db3", *GONE)
    wait_for = sql(db1, "SELECT pg_current_wal_flush_lsn()")
    sql(db2, f"DO $$ BEGIN WHILE pg_last_wal_replay_lsn() < '{wait_for}' LOOP PERFORM pg_sleep(0.1); END LOOP; END $$")
    assert sql(db2, FACTS) == before


def test_the_upstream_may_be_named_by_its_conninfo_or_its_host_and_a_killed_attach_goes_on(operator, hosts):
    _, db2, _ = hosts
    by_ssh = ("--upstream", "port=5432", "--upstream-ssh", "db2", "--yes")
    operator.dies("after:MakeRole", "attach", *DB3, *by_ssh)
    operator.tool("attach", *DB3, *by_ssh)
    assert streams(db2, "db3")
    operator.tool("detach", "db3", *GONE)
