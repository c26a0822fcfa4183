"""Something between the hosts translates addresses: the line in pg_hba.conf is for the one that the primary sees."""

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, beside, sql, streams, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
SEEN = "SELECT client_addr FROM pg_stat_replication WHERE application_name = 'db2'"
REFUSED = "grep -c 'no pg_hba.conf entry for replication' {log} || true"
# A router that hides who comes through it, and passes its own port 6432 on to the primary.
ROUTER = """
sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
nft -f - <<END
table ip router {{
    chain in {{ type nat hook prerouting priority dstnat; ip daddr {router} tcp dport 6432 dnat to {primary}:5432; }}
    chain out {{ type nat hook postrouting priority srcnat; ip daddr {primary} tcp dport 5432 masquerade; }}
}}
END
"""


@pytest.fixture(scope="module")
def hosts(testbed):
    """A primary, the place of its standby, and a router on the way from this to that."""
    db1, db2, router = testbed.up(dict.fromkeys(("db1", "db2", "router"), "bookworm"))
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    router.exec(f"systemctl stop {router.unit}")
    router.exec(ROUTER.format(router=router.ipv4, primary=db1.ipv4))
    # By no other way: IPv6 is not routed here.
    db2.exec(f"ip route add {db1.ipv4}/32 via {router.ipv4}; ip -6 route add unreachable {db1.ipv6}/128")
    yield db1, db2, router
    testbed.down()


@pytest.fixture
def operator(testbed, hosts):
    made = Operator(testbed)
    yield made
    made.end()


@pytest.fixture
def before(hosts):
    """Everything of both hosts that an attach may touch; afterwards it is as it was."""
    db1, db2, _ = hosts
    was, refused = [sql(db1, FACTS), beside(db2)], db1.exec(REFUSED.format(log=db1.log)).stdout
    yield
    # But for when it was started: one test restarts it.
    assert [sql(db1, FACTS).rpartition("|")[0], beside(db2)] == [was[0].rpartition("|")[0], was[1]]
    assert db1.exec(REFUSED.format(log=db1.log)).stdout == refused, "the primary has refused nobody, and logged nothing"


def test_the_line_is_for_the_address_that_the_primary_sees_and_the_plan_says_so(before, hosts, operator):
    db1, db2, router = hosts
    said = operator.tool("preflight", *where())
    translation = f"reached at {db1.ipv4}:5432, which sees {db2.ipv4} as {router.ipv4} (address translation)"
    assert translation in said.replace("\n", " ")
    said = operator.tool("plan", *where())
    assert f"host replication repl_db2 {router.ipv4}/32 scram-sha-256" in said
    assert f"addresses are translated on the way: db1_5432 sees {db2.ipv4}" in said
    assert "ATTACHED" in operator.tool("attach", *where(), "--yes")
    assert sql(db1, SEEN) == router.ipv4
    assert "Nothing to do" in operator.tool("attach", *where(), "--yes")
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    operator.tool("detach", "db2", *GONE)


@pytest.mark.seldom
def test_a_rule_that_is_there_for_the_address_that_the_primary_sees_is_enough(before, hosts, operator):
    db1, _, router = hosts
    rule = f"host replication all {router.ipv4}/32 scram-sha-256"
    db1.exec(f"cp -p {db1.hba} {db1.hba}.kept && echo '{rule}' >>{db1.hba} && systemctl reload {db1.unit}")
    assert f"admits repl_db2 from {router.ipv4}" in operator.tool("preflight", *where())
    assert "then reload" not in operator.tool("plan", *where())
    operator.tool("attach", *where(), "--yes")
    assert sql(db1, SEEN) == router.ipv4
    operator.tool("detach", "db2", *GONE)
    db1.exec(f"mv {db1.hba}.kept {db1.hba} && systemctl reload {db1.unit}")


@pytest.mark.seldom
def test_a_primary_that_listens_by_name_gets_a_standby_that_listens_where_it_is(before, hosts, operator):
    db1, db2, _ = hosts
    sql(db1, f"ALTER SYSTEM SET listen_addresses = 'localhost, {db1.ipv4}'")
    db1.exec(f"systemctl restart {db1.unit}")
    operator.tool("attach", *where(), "--yes")
    assert sql(db2, "SHOW listen_addresses") == f"localhost, {db2.ipv4}"
    operator.tool("detach", "db2", *GONE)
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")


@pytest.mark.seldom
def test_killed_before_the_line_is_there_it_goes_on_with_the_same_one(before, hosts, operator):
    operator.dies("before:EnsureHbaLine", "attach", *where(), "--yes")
    said = operator.tool("attach", *where(), "--yes")
    assert "ATTACHED" in said
    operator.dies("before:StopServer", "detach", "db2", *GONE)
    operator.tool("detach", "db2", *GONE)


def test_where_the_standby_connects_to_is_said_and_kept(before, hosts, operator):
    db1, db2, router = hosts
    asked = where(**{"--primary-address": "router:6432"})
    said = operator.tool("plan", *asked)
    assert f"to db1_5432 ({router.ipv4}:6432)" in said
    assert f"host replication repl_db2 {router.ipv4}/32 scram-sha-256" in said
    operator.dies("before:StartServer", "attach", *asked, "--yes")
    # It need not be said twice.
    assert "ATTACHED" in operator.tool("attach", *where(), "--yes")
    assert f"host={router.ipv4} port=6432" in sql(db2, "SHOW primary_conninfo")
    assert sql(db1, SEEN) == router.ipv4
    assert streams(db1)
    operator.tool("detach", "db2", *GONE)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("router:6433", 1, "db1_5432 is not reached from where its standby is to run"),
        ("router:6433", 1, "or say where the standby is to connect: --primary-address HOST:PORT"),
        ("router:port", 2, '"router:port" is no value of primary_address'),
    ],
)
def test_an_address_where_nothing_answers_is_refused_by_name(before, operator, address, status, words):
    said = operator.tool("attach", *where(**{"--primary-address": address}), "--yes", status=status)
    assert words in said
