"""The operator is where he is: on the standby's host, or on the primary's."""

import pytest

from tests.hosts.inside import Inside, bring_tool
from tests.hosts.operator import CLUSTER, DATA, FACTS, beside, sql, streams

pytestmark = pytest.mark.hosts("bookworm")
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
NEW = ("--name", "db2", "--replace-cluster", CLUSTER)


@pytest.fixture(scope="module")
def primary(hosts, testbed):
    """As installed, but for this: it listens where a standby can reach it. Both hosts have the tool."""
    db1, db2 = hosts
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    for host in hosts:
        bring_tool(testbed, host.name)
    # As every Debian has it since its installer: the host's own name is an address of its loopback.
    for host in hosts:
        host.exec(f"sed -i '1i 127.0.1.1 {host.name}' /etc/hosts")
    # What answers on the standby's own host is never taken for the primary.
    sql(db2, "ALTER SYSTEM SET listen_addresses = '*'")
    db2.exec(f"systemctl restart {db2.unit}")
    return db1


@pytest.fixture
def before(primary, hosts):
    """Everything of both hosts that an attach may touch; afterwards it is as it was."""

    def seen():
        return sql(primary, FACTS).rpartition("|")[0], *map(beside, hosts)

    was = seen()
    yield
    assert seen() == was


@pytest.fixture
def by_password(primary, hosts):
    """The superuser may come by TCP with a password, from the standby's host and its own."""
    sql(primary, "ALTER ROLE postgres PASSWORD 'walrus'")
    admitted = "".join(f"host all postgres {host.ipv6}/128 scram-sha-256\\n" for host in hosts)
    kept = primary.exec(
        f"cp -p {primary.hba} {primary.hba}.kept && printf '{admitted}' >>{primary.hba}; echo $?"
    ).stdout
    assert kept == "0\n"
    sql(primary, "SELECT pg_reload_conf()")
    yield "PGPASSWORD=walrus"
    primary.exec(f"mv {primary.hba}.kept {primary.hba}")
    sql(primary, "ALTER ROLE postgres PASSWORD NULL")
    sql(primary, "SELECT pg_reload_conf()")


def proven(primary, hosts, operator):
    assert streams(primary)
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "| streaming |" in operator.tool("status")
    # The way from the standby's host to the primary's, whatever the operator calls it.
    conninfo = sql(hosts[1], "SHOW primary_conninfo")
    by_ipv6 = f"host={primary.ipv6} port=5432" in conninfo
    assert by_ipv6 or f"host={primary.ipv4} port=5432" in conninfo
    client = f"{hosts[1].ipv6}/128" if by_ipv6 else f"{hosts[1].ipv4}/32"
    line = f"host replication repl_db2 {client} scram-sha-256 # standbyctl: db2"
    assert line in primary.exec(f"cat {primary.hba}").stdout.splitlines()


def test_on_the_standbys_host_the_primary_is_reached_by_ssh(before, primary, hosts, testbed):
    operator = Inside(testbed, "db2")
    said = operator.tool("attach", "--primary-ssh", "db1", *NEW, "--yes")
    assert "ATTACHED db2 streams from db1_5432" in said
    proven(primary, hosts, operator)
    assert "Nothing to do" in operator.tool("attach", "--primary-ssh", "db1", *NEW, "--yes")
    operator.tool("detach", "db2", *GONE)


@pytest.mark.parametrize("user", ["root", "postgres"])
def test_on_the_primarys_host_no_conninfo_is_needed(before, primary, hosts, testbed, user):
    operator = Inside(testbed, "db1", user)
    where = ("--standby-ssh", "root@db2", *NEW)
    # Nobody has called it anything: its own addresses are tried.
    assert f"reached at {primary.ipv4}:5432" in operator.tool("preflight", *where)
    assert f"to db1_5432 ({primary.ipv4}:5432)" in operator.tool("plan", *where)
    assert "ATTACHED db2 streams from db1_5432" in operator.tool("attach", *where, "--yes")
    proven(primary, hosts, operator)
    assert "Nothing to do" in operator.tool("attach", *where, "--yes")
    operator.tool("detach", "db2", *GONE)


def test_on_the_primarys_host_localhost_is_not_where_its_standby_connects_to(
    by_password, before, primary, hosts, testbed
):
    operator = Inside(testbed, "db1")
    where = ("-p", "host=localhost user=postgres dbname=postgres", "--standby-ssh", "db2", *NEW)
    said = operator.tool("attach", *where, "--yes", env=by_password)
    assert f"to db1_5432 ({primary.ipv4}:5432)" in said
    assert streams(primary)
    operator.tool("detach", "db2", *GONE, env=by_password)


def test_on_the_standbys_host_a_conninfo_is_enough_where_the_server_edits_its_file(
    by_password, before, primary, hosts, testbed
):
    operator, db2 = Inside(testbed, "db2"), hosts[1]
    where = ("-p", f"host={primary.ipv6} user=postgres dbname=postgres", *NEW)
    said = operator.tool("plan", *where, status=1, env=by_password)
    assert "cannot choose a cap for the WAL that slots keep" in said
    assert said.count("ERROR") == 1
    where = (*where, "--wal-cap", "1GB", "--hba", "sql")
    said = operator.tool("attach", *where, "--yes", env=by_password)
    assert f"({primary.ipv6}:5432)" in said
    assert f"host replication repl_db2 {db2.ipv6}/128 scram-sha-256" in said
    assert "ATTACHED db2 streams from" in said
    assert f"host={primary.ipv6} port=5432" in sql(db2, "SHOW primary_conninfo")
    assert sql(primary, "SELECT client_addr FROM pg_stat_replication") == db2.ipv6
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s", env=by_password)
    assert "| streaming |" in operator.tool("status", env=by_password)
    assert "Nothing to do" in operator.tool("attach", *where, "--yes", env=by_password)
    operator.tool("detach", "db2", *GONE, env=by_password)


def test_what_takes_a_shell_on_a_host_that_nobody_has_named_is_refused(by_password, before, primary, testbed):
    operator = Inside(testbed, "db2")
    where = ("-p", f"host={primary.ipv6} user=postgres dbname=postgres", *NEW, "--wal-cap", "1GB")
    said = operator.tool("plan", *where, env=by_password)
    assert "wait for a person to add, and reload: host replication repl_db2" in said
    said = operator.tool("plan", *where, "--hba", "file", status=1, env=by_password)
    assert "cannot be edited from here" in said
    said = operator.tool("plan", *where, "--via", "ssh-tunnel", status=2, env=by_password)
    assert "a tunnel takes a shell on the primary's host" in said
    assert "READY" in operator.tool("preflight", *where, "--hba", "sql", env=by_password)


@pytest.fixture
def elsewhere(before, primary):
    """The primary's socket and its port are not where everybody looks for them."""
    conf, socket, tool = f"/etc/postgresql/{primary.cluster}/postgresql.conf", "/srv/pg", "pg_conftool 15 main set"
    primary.exec(
        f"install -d -o postgres {socket} && cp -p {conf} {conf}.kept &&"
        f" {tool} unix_socket_directories {socket} && {tool} port 5440 && systemctl restart {primary.unit}"
    )
    yield f"host={socket} port=5440"
    primary.exec(f"mv {conf}.kept {conf} && systemctl restart {primary.unit}")


@pytest.mark.seldom
@pytest.mark.parametrize("place", ["db1", "db2"])
def test_a_socket_and_a_port_of_its_own_are_named_by_a_conninfo_and_the_standby_gets_an_address(
    elsewhere, primary, hosts, testbed, place
):
    operator = Inside(testbed, place)
    where = ("--standby-ssh", "db2", *NEW) if place == "db1" else ("--primary-ssh", "db1", *NEW)
    # Debian's psql finds the only cluster there is.
    assert "to db1_5440 (" in operator.tool("plan", *where)
    assert "cannot connect to" in operator.tool("plan", "-p", "port=5441", *where, status=3)
    where = ("-p", elsewhere, *where)
    said = operator.tool("attach", *where, "--yes")
    address = primary.ipv4 if place == "db1" else primary.ipv6
    assert f"to db1_5440 ({address}:5440)" in said
    assert f"host={address} port=5440" in sql(hosts[1], "SHOW primary_conninfo")
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "| streaming |" in operator.tool("status")
    operator.tool("detach", "db2", *GONE)
