"""Two standbys on two hosts by one command."""

import pytest

from tests.hosts.operator import CLUSTER, FACTS, Operator, beside, receives, sql, streams

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
NAMES = ("db2", "db3")


def test_two_hosts_are_attached_side_by_side_and_detached(testbed):
    primary, *standbys = testbed.up({"db1": "bookworm", "db2": "bookworm", "db3": "bookworm"})
    operator = Operator(testbed)
    try:
        sql(primary, "ALTER SYSTEM SET listen_addresses = '*'")
        primary.exec("systemctl restart postgresql@15-main")
        before, there = sql(primary, FACTS), [beside(host) for host in standbys]
        hosts = [word for name in NAMES for word in ("--standby-ssh", name, "--name", name)]
        asked = ("attach", "--primary-ssh", "db1", *hosts, "--replace-cluster", CLUSTER, "--yes")
        said = operator.tool(*asked)
        assert "All 2 are attached." in said
        for name, host in zip(NAMES, standbys, strict=True):
            assert streams(primary, name)
            assert receives(host)
        assert "Nothing to do: db2" in operator.tool(*asked)
        for name, host in zip(NAMES, standbys, strict=True):
            operator.tool("detach", name, "--yes", "--remove-data-dir", host.data, "--delete")
        assert sql(primary, FACTS) == before
        assert [beside(host) for host in standbys] == there
    finally:
        operator.end()
        testbed.down()
