"""Debian 11 to Debian 13 with the same PostgreSQL: the move that many make, and that no error of PostgreSQL's stops."""

import pytest

from tests.hosts.operator import FACTS, Operator, sql, where
from tests.hosts.transplant import transplant

BESIDE = "ls -A /var/lib/postgresql/13"
pytestmark = pytest.mark.hosts("bullseye", "trixie")


@pytest.fixture(scope="module")
def primary(hosts, testbed):
    db1, db2 = hosts
    transplant(testbed, "db2", "bullseye", 13)
    db2.exec("systemctl stop postgresql@17-main && pg_createcluster 13 main --port 5432")
    db2.exec("rm -r /var/lib/postgresql/13/main && systemctl daemon-reload")
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec("systemctl restart postgresql@13-main")
    return db1


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def test_the_same_major_on_debian_11_and_13_is_refused_with_the_indexes_named(primary, hosts, operator):
    sql(primary, 'CREATE TABLE customer (id int PRIMARY KEY, name text UNIQUE, code text COLLATE "C" UNIQUE)')
    before, there = sql(primary, FACTS), hosts[1].exec(BESIDE).stdout
    for verb in (("preflight",), ("plan",), ("attach", "--yes")):
        said = operator.tool(*verb, *where(**{"--replace-cluster": ""}), status=4)
        assert "P215" in said
        assert "db1_5432 has glibc 2.31, db2 glibc 2.41" in said
        assert "In that order: postgres.public.customer_name_key." in said
        assert "customer_code_key" not in said
    assert (sql(primary, FACTS), hosts[1].exec(BESIDE).stdout) == (before, there)
