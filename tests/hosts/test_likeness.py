"""The same PostgreSQL on two releases of Debian: what is not alike is found before a byte is copied."""

import json

import pytest

from tests.hosts.operator import FACTS, Operator, sql, streams, where
from tests.hosts.transplant import transplant

pytestmark = [pytest.mark.hosts("bookworm", "trixie"), pytest.mark.settled]
DATA = "/var/lib/postgresql/15/main"
CONF = "/etc/postgresql/15/main/postgresql.conf"
# Each index as its name says it: whether libc or ICU orders it, or neither.
TEXT = """
CREATE TABLE t (id int PRIMARY KEY, name text, bare text COLLATE "C", other text COLLATE "de-x-icu", day date);
CREATE INDEX libc_name ON t (id, name);
CREATE INDEX libc_expression ON t (lower(name));
CREATE INDEX libc_predicate ON t (day) WHERE bare < 'x' COLLATE "en_US";
CREATE INDEX libc_explicit ON t (bare COLLATE "en_US");
CREATE INDEX icu_column ON t (other);
CREATE INDEX none_c ON t (bare);
CREATE INDEX none_pattern ON t (name text_pattern_ops);
CREATE INDEX none_hash ON t USING hash (name);
CREATE INDEX none_day ON t (day);
CREATE UNLOGGED TABLE fleeting (name text PRIMARY KEY);
CREATE TABLE libc_ranges (name text) PARTITION BY RANGE (name);
CREATE TABLE none_list (name text) PARTITION BY LIST (name);
"""
LIBC = ["libc_explicit", "libc_expression", "libc_name", "libc_predicate", "libc_ranges (partitioned by range)"]


@pytest.fixture(scope="module")
def primary(hosts, testbed):
    """db2 has the programs of db1, to the byte, over its own C library; and a cluster of that major, not yet made."""
    db1, db2 = hosts
    transplant(testbed, "db2", "bookworm", 15)
    db2.exec(f"systemctl stop postgresql@17-main && pg_createcluster 15 main --port 5432 && rm -r {DATA}")
    db2.exec("systemctl daemon-reload")
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart postgresql@15-main && cp {CONF} {CONF}.kept")
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


@pytest.fixture
def unchanged(primary, hosts):
    """Neither host is changed by what is tested."""
    beside = "ls -A /var/lib/postgresql/15"
    before, there = sql(primary, FACTS), hosts[1].exec(beside).stdout
    yield
    assert (sql(primary, FACTS), hosts[1].exec(beside).stdout) == (before, there)


@pytest.fixture
def app(primary):
    """A database with text in many orders."""
    sql(primary, "CREATE DATABASE app")
    primary.exec("cd / && psql -XqAt -d app", user="postgres", text=TEXT)
    yield
    sql(primary, "DROP DATABASE app")


def lines(operator, *options, status=0):
    """Code to status and words of a preflight."""
    found = json.loads(
        operator.tool("preflight", *where(**{"--replace-cluster": ""}), *options, "--json", status=status)
    )
    return {check["code"]: (check["status"], check["seen"]) for check in found["checks"]}


def test_another_glibc_is_refused_with_the_indexes_named_by_preflight_plan_and_attach(app, unchanged, operator):
    said = [operator.tool(verb, *where(**{"--replace-cluster": ""}), status=4) for verb in ("preflight", "plan")]
    said.append(operator.tool("attach", *where(**{"--replace-cluster": ""}), "--yes", status=4))
    for words in said:
        assert "P215" in words
        assert "db1_5432 has glibc 2.36, db2 glibc 2.41" in words
        assert f"In that order: {', '.join(f'app.public.{each}' for each in LIBC)}." in words
        assert "icu_column" not in words, "both have the same ICU"
        assert "--despite libc" in words
    assert lines(operator, status=4)["P215"][0] == "BLOCK"


def test_where_no_index_is_in_its_order_another_glibc_is_well(primary, unchanged, operator):
    assert lines(operator)["P215"] == ("OK", "glibc 2.41 (db1_5432: glibc 2.36); ICU 72; no index is in their order")


def test_a_database_that_takes_no_connections_is_named_and_not_passed_over(app, primary, unchanged, operator):
    sql(primary, "ALTER DATABASE app ALLOW_CONNECTIONS false")
    said = operator.tool("plan", *where(**{"--replace-cluster": ""}), status=4)
    sql(primary, "ALTER DATABASE app ALLOW_CONNECTIONS true")
    assert "what is in its order could not be told" in said
    assert "Could not tell: app (takes no connections)." in said


def test_another_icu_is_refused_for_what_is_in_its_order_alone(app, primary, hosts, unchanged, operator):
    # A program that says of itself what another release's would: the name that it is linked by is all that is read.
    db2, program = hosts[1], "/usr/lib/postgresql/15/bin/postgres"
    db2.exec(f"cp -p {program} {program}.kept && sed -i 's/libicui18n\\.so\\.72/libicui18n.so.76/' {program}")
    said = operator.tool("plan", *where(**{"--replace-cluster": ""}), "--despite", "libc", status=4)
    db2.exec(f"mv {program}.kept {program}")
    assert "db1_5432 has ICU 72, db2 ICU 76" in said
    assert "In that order: app.public.icu_column." in said


def test_with_the_override_that_names_it_the_standby_is_attached_and_the_plan_names_what_to_reindex(
    app, primary, operator
):
    before = sql(primary, FACTS)
    said = operator.tool("attach", *where(**{"--replace-cluster": ""}), "--despite", "libc", "--yes")
    assert "(--despite libc): read nothing there by what is in its order" in said
    assert "app.public.libc_name" in said
    assert streams(primary)
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", DATA, "--delete")
    assert sql(primary, FACTS).rpartition("|")[0] == before.rpartition("|")[0]


def test_a_locale_that_the_standbys_host_does_not_know_is_refused_with_the_line_to_type(
    primary, hosts, unchanged, operator
):
    db2 = hosts[1]
    db2.exec("localedef --delete-from-archive en_US.utf8 && sed -i /en_US/d /etc/locale.gen")
    said = [operator.tool(verb, *where(**{"--replace-cluster": ""}), status=1) for verb in ("preflight", "plan")]
    said.append(operator.tool("attach", *where(**{"--replace-cluster": ""}), "--yes", status=1))
    for words in said:
        assert "the host of db2 does not know the locale en_US.UTF-8" in words
        assert "database postgres" in words
    typed = "echo 'en_US.UTF-8 UTF-8' >>/etc/locale.gen"
    assert f"{typed} locale-gen" in said[1]
    db2.exec(f"{typed}\nlocale-gen")
    assert lines(operator)["P216"] == ("OK", "all known")


def test_what_the_two_hosts_have_is_said_line_by_line(primary, hosts, unchanged, operator):
    primary.exec(f"sed -i 's/^shared_buffers.*/shared_buffers = 300MB/' {CONF}")
    seen = lines(operator)
    primary.exec(f"cp -p {CONF}.kept {CONF}")
    assert seen["P208"][1].startswith("shared_buffers is 128 MB"), "its own file says so"
    assert seen["P209"] == ("WARN", "db1_5432 has in its $libdir what is not here: llvmjit.so")
    assert seen["P217"] == ("OK", "x86_64, 64-bit, both")
    # Both are namespaces of one machine, and have one clock.
    status, words = seen["P218"]
    assert status == "OK"
    assert float(words.split()[0]) <= float(words.split()[-2])


def test_a_look_at_two_hosts_that_are_alike_asks_no_other_database(app, primary, unchanged, operator):
    sql(primary, "ALTER SYSTEM SET log_connections = on")
    sql(primary, "SELECT pg_reload_conf()")
    log = "/var/log/postgresql/postgresql-15-main.log"
    primary.exec(f"sleep 1; : >{log}")
    # A getconf that says what the primary's says.
    operator.bed["db2"].exec(
        "printf '#!/bin/sh\\necho glibc 2.36\\n' >/usr/local/bin/getconf; chmod 755 /usr/local/bin/getconf"
    )
    seen = lines(operator)
    operator.bed["db2"].exec("rm /usr/local/bin/getconf")
    said = primary.exec(f"grep -c 'connection authorized' {log}; grep -c 'database=app' {log} || true").stdout.split()
    sql(primary, "ALTER SYSTEM RESET log_connections")
    sql(primary, "SELECT pg_reload_conf()")
    assert seen["P215"] == ("OK", "glibc 2.36; ICU 72, as on the host of db1_5432")
    assert int(said[0]) <= 2 + 2, "those of sql() among them"
    assert said[1] == "0"
