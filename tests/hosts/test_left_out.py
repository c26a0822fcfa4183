"""Three hosts, two of them gone at once: the third becomes the primary, and the other standby comes back to it."""

import pytest

from tests.hosts.operator import CLUSTER, Operator, sql, streams, wait
from tests.hosts.roles import crash

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled, pytest.mark.seldom]


def test_another_standby_whose_host_is_silent_can_be_left_out_and_comes_back(testbed):
    db1, db2, db3 = testbed.up(dict.fromkeys(("db1", "db2", "db3"), "bookworm"))
    operator = Operator(testbed)
    try:
        sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
        db1.exec(f"systemctl restart {db1.unit}")
        hosts = [word for name in ("db2", "db3") for word in ("--standby-ssh", name, "--name", name)]
        operator.tool("attach", "--primary-ssh", "db1", *hosts, "--replace-cluster", CLUSTER, "--yes")
        testbed.cut("db3")
        crash(db1)
        said = operator.tool("failover", "--to", "db2", "--yes", status=1)
        assert "R444" in said
        assert "--without db3" in said
        assert sql(db2, "SELECT pg_is_in_recovery()") == "t"
        operator.tool("failover", "--without", "db3", "--yes")
        assert sql(db2, "SELECT pg_is_in_recovery()") == "f"
        sql(db2, "CREATE TABLE since AS SELECT generate_series(1, 1000) AS n")
        testbed.heal()
        operator.tool("resync", "db3", "--yes")
        wait(lambda: streams(db2, "db3"))
        wait(lambda: sql(db3, "SELECT count(*) FROM since") == "1000")
    finally:
        operator.end()
        testbed.heal()
        testbed.down()
