"""Debian's releases, each with its own PostgreSQL: roles change there and back, by plan and after a crash."""

import pytest

from tests.hosts.operator import sql, wait
from tests.hosts.roles import Cast, Clients, Watching, crash

pytestmark = pytest.mark.seldom
SUITES = ("bullseye", "bookworm", "trixie", "sid")


@pytest.fixture(params=[pytest.param(suite, marks=pytest.mark.hosts(suite)) for suite in SUITES])
def cast(testbed, request):
    made = Cast(testbed, request.param)
    yield made
    made.end()


def test_on_any_release_roles_change_and_a_lost_primary_is_rewound_with_its_configuration_in_etc(cast):
    db1, db2 = cast.hosts
    # Up to 17 Debian's clusters have no data checksums.
    sql(db1, "ALTER SYSTEM SET wal_log_hints = on")
    db1.exec(f"systemctl restart {db1.unit}")
    wait(cast.settled)
    with Watching(cast.hosts) as watching, Clients(db1, db2) as clients:
        cast.switchover(db2)
        clients.more()
        wait(cast.settled)
        cast.switchover(db1)
        clients.more()
        wait(cast.settled)
        assert clients.lost(db1) == set()
        # It has a commit that nobody else has.
        sql(db2, "ALTER SYSTEM SET primary_conninfo = ''; SELECT pg_reload_conf()")
        wait(lambda: not sql(db1, "SELECT 1 FROM pg_stat_replication"))
        sql(db1, "INSERT INTO ledger VALUES (-1)")
        crash(db1)
        cast.operator.tool("failover", "--to", "db2", "--yes")
        clients.more()
        own = db1.exec(f"cat {db1.hba} /etc/postgresql/{db1.cluster}/postgresql.conf").stdout
        said = cast.operator.tool("resync", "db1_5432", "--way", "rewind", "--yes")
        assert "rewind done" in said
        wait(cast.settled)
        assert db1.exec(f"cat {db1.hba} /etc/postgresql/{db1.cluster}/postgresql.conf").stdout == own
        assert sql(db1, "SELECT count(*) FROM ledger WHERE n = -1") == "0"
        assert "VERIFIED" in cast.operator.tool("verify", "db1_5432", "--for", "1s")
        cast.switchover(db1)
        clients.more()
    assert watching.twice == []
    assert cast.writable() == [db1]
