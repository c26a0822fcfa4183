"""Roles change between two hosts that are reached by ssh, and whose servers systemd runs."""

import pytest

from tests.hosts.operator import sql, wait
from tests.hosts.roles import NAMES, Clients, Traced, Watching, active, crash, writes

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
PG_VERSION = "ls -d /var/lib/postgresql/15/main.detached-*/PG_VERSION"


def refused(cast, code, *args, status=4):
    """Refused for safety: by that code, and nothing was changed."""
    said = cast.operator.tool(*args, status=status)
    assert f"CODE: {code}" in said, said
    return said


def test_there_and_back_with_nothing_lost(cast, tmp_path):
    db1, db2 = cast.hosts
    traced = Traced(cast.operator, tmp_path)
    hooks = ("--before", traced.mark("pause begins"), "--after", traced.mark("pause ends"))
    with Watching(cast.hosts) as watching, Clients(db1, db2) as clients:
        cast.switchover(db2, *hooks, env=traced.env)
        clients.more()
        assert cast.writable() == [db2]
        # The stop of the old primary; the session in which the new one is promoted is there already.
        assert len(traced.between("pause begins", "pause ends")) == 1
        wait(cast.settled)
        assert "VERIFIED" in cast.operator.tool("verify", "db1_5432", "--for", "1s")
        cast.switchover(db1)
        clients.more()
    assert watching.twice == []
    assert cast.writable() == [db1]
    assert clients.lost(db1) == set()
    wait(cast.settled)
    assert [active(host) for host in cast.hosts] == ["active", "active"]
    assert "VERIFIED" in cast.operator.tool("verify", "db2", "--for", "1s")


@pytest.mark.seldom
def test_roles_outlive_a_reboot_of_either_host(cast):
    db1, db2 = cast.hosts
    cast.switchover(db2)
    wait(cast.settled)
    for host in (db2, db1):
        host.reboot()
        wait(cast.settled)
        assert cast.writable() == [db2]
    assert "VERIFIED" in cast.operator.tool("verify", "db1_5432", "--for", "1s")


def test_a_crashed_primary_is_fenced_over_ssh_and_comes_back_as_a_standby(cast):
    db1, db2 = cast.hosts
    # What an earlier change of roles has left there would have it follow by itself once its host is up.
    sql(db1, "ALTER SYSTEM RESET primary_conninfo")
    with Watching(cast.hosts) as watching, Clients(db1, db2) as clients:
        crash(db1)
        before = set(clients.acknowledged)
        cast.operator.tool("failover", "--to", "db2", "--yes")
        clients.more()
        assert cast.writable() == [db2]
        # Commits do not wait for the standby: what was under way there and then.
        assert clients.lost(db2) <= set(sorted(before)[-20:])
        lost = clients.lost(db2)
        db1.reboot()
        assert not writes(db1)
        assert db1.exec(f"ls {db1.data}/standby.signal").stdout
        cast.operator.tool("resync", "db1_5432", "--way", "clone", "--yes")
        wait(cast.settled)
        cast.switchover(db1)
        clients.more()
    assert watching.twice == []
    assert cast.writable() == [db1]
    assert clients.lost(db1) == lost
    assert db1.exec(PG_VERSION).stdout, "what it held is kept"


@pytest.mark.seldom
def test_a_primary_that_came_back_by_itself_after_a_failover_is_told_of_and_let_alone(cast):
    db1, db2 = cast.hosts
    db1.kill()
    refused(cast, "R443", "failover", "--to", "db2", "--yes")
    assert cast.writable() == []
    cast.operator.tool("failover", "--to", "db2", "--yes", "--fenced")
    assert cast.writable() == [db2]
    db1.start()
    wait(lambda: writes(db1))
    said = cast.operator.tool("status", status=1)
    assert "2 primaries take writes: db2 (timeline 2), db1_5432 (timeline 1)" in said
    refused(cast, "R419", "resync", "db1_5432", "--yes")
    assert cast.writable() == [db1, db2]
    db1.exec(f"systemctl stop {db1.unit}")
    cast.operator.tool("resync", "db1_5432", "--yes")
    wait(cast.settled)
    assert cast.writable() == [db2]
    assert NAMES["db1"] in cast.operator.tool("status")
