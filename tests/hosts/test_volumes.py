"""On two hosts a tablespace is in the same path on both, and pg_wal may be on a volume of its own."""

import pytest

from tests.hosts.operator import DATA, Operator, receives, sql, streams, wait, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
SPACE, WAL = "/srv/fast space", "/srv/wal"
MADE = "find /srv -mindepth 1 | sort"


@pytest.fixture(scope="module")
def primary(hosts):
    db1 = hosts[0]
    db1.exec(f"install -d -o postgres -m 700 '{SPACE}'")
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec("systemctl restart postgresql@15-main")
    sql(db1, f"CREATE TABLESPACE fast LOCATION '{SPACE}'")
    sql(db1, "CREATE TABLE quick TABLESPACE fast AS SELECT generate_series(1, 1000) AS n")
    return db1


def test_a_missing_directory_is_named_with_the_command_that_makes_it_then_all_of_it_survives_a_reboot(
    primary, hosts, testbed
):
    standby, operator = hosts[1], Operator(testbed)
    asked = (*where(), "--waldir", WAL)
    try:
        for verb, more in (("plan", ()), ("attach", ("--yes",))):
            said = operator.tool(verb, *asked, *more, status=1)
            for path in (f"'{SPACE}'", WAL):
                assert f"install -d -o postgres -m 700 {path}" in said
        standby.exec(f"install -d -o postgres -m 700 '{SPACE}' {WAL}")
        made = standby.exec(MADE).stdout
        assert "OK P230 volumes" in operator.tool("preflight", *asked)
        operator.tool("attach", *asked, "--yes")
        assert streams(primary)
        standby.reboot()
        wait(lambda: receives(standby))
        sql(primary, "INSERT INTO quick VALUES (1001)")
        wait(lambda: sql(standby, "SELECT count(*) FROM quick") == "1001")
        operator.tool("detach", "db2", "--yes", "--remove-data-dir", DATA, "--delete")
        assert standby.exec(MADE).stdout == made
        assert sql(primary, "SELECT count(*) FROM quick") == "1001"
    finally:
        operator.end()
