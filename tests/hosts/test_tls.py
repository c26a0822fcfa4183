"""The standby speaks TLS to its primary, and knows whom it speaks to."""

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, sql, streams, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
CA = "/etc/ssl/standbyctl-ca.pem"
GONE = ("--yes", "--remove-data-dir", DATA, "--delete")
HOW = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid) WHERE application_name = 'db2'"
LINE = "SELECT type FROM pg_hba_file_rules WHERE 'repl_db2' = ANY (user_name)"


@pytest.fixture(scope="module")
def primary(hosts):
    """It has a certificate for the name db1, and the standby's host has it too."""
    db1, db2 = hosts
    db1.exec(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=db1 -addext subjectAltName=DNS:db1"
        f" -keyout {DATA}/server.key -out {DATA}/server.crt 2>/dev/null && chmod 600 {DATA}/server.key"
        f" && chown postgres: {DATA}/server.key {DATA}/server.crt"
    )
    for name, value in (("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key"), ("listen_addresses", "*")):
        sql(db1, f"ALTER SYSTEM SET {name} = '{value}'")
    db1.exec("systemctl restart postgresql@15-main")
    db2.exec(f"cat >{CA}", text=db1.exec(f"cat {DATA}/server.crt").stdout)
    db2.exec(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout /dev/null -out {CA}.other 2>&1"
    )
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


@pytest.fixture
def before(primary):
    was = sql(primary, FACTS).rpartition("|")[0]
    yield was
    assert sql(primary, FACTS).rpartition("|")[0] == was


def test_verified_by_name_it_streams_through_a_line_that_lets_nobody_else_in(before, primary, hosts, operator):
    asked = where(**{"--sslmode": "verify-full", "--sslrootcert": CA})
    assert "TLS on; the standby connects with sslmode verify-full" in operator.tool("preflight", *asked)
    assert "hostssl replication repl_db2" in operator.tool("attach", *asked, "--yes")
    assert sql(primary, HOW) == "t"
    assert sql(primary, LINE) == "hostssl"
    conninfo = sql(hosts[1], "SHOW primary_conninfo")
    assert "host=db1 " in conninfo
    assert f"sslmode=verify-full sslrootcert={CA}" in conninfo
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "Nothing to do" in operator.tool("attach", *where(), "--yes")
    operator.tool("detach", "db2", *GONE)


@pytest.mark.seldom
def test_without_a_journal_detach_knows_its_line_by_its_kind(before, primary, operator, testbed):
    operator.tool("attach", *where(**{"--sslmode": "require"}), "--yes")
    assert sql(primary, LINE) == "hostssl"
    operator.tool("detach", "db2", *GONE)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"--sslmode": "verify-full", "--sslrootcert": f"{CA}.other"}, "certificate verify failed"),
        ({"--sslmode": "verify-ca", "--sslrootcert": "/no/such.pem"}, 'root certificate file "/no/such.pem" does not'),
    ],
)
def test_a_primary_that_is_not_the_right_one_is_refused_before_the_slot_is_made(before, primary, operator, more, words):
    said = operator.tool("attach", *where(**more), "--yes", status=5)
    assert words in said
    assert sql(primary, "SELECT count(*) FROM pg_replication_slots") == "0"
    operator.tool("detach", "db2", "--yes")
    assert not streams(primary)


def test_a_primary_without_tls_is_a_blocker_that_needs_no_restart(before, primary, operator):
    sql(primary, "ALTER SYSTEM SET ssl = off")
    sql(primary, "SELECT pg_reload_conf()")
    said = operator.tool("attach", *where(**{"--sslmode": "require"}), "--yes", status=1)
    assert "does not speak TLS" in said
    sql(primary, "ALTER SYSTEM RESET ssl")
    sql(primary, "SELECT pg_reload_conf()")
    said = operator.tool("attach", *where(**{"--sslmode": "verify-ca"}), "--yes", status=2)
    assert "sslmode verify-ca needs the certificate of an authority" in said
