"""Debian's releases, each with its own PostgreSQL: from two fresh hosts to a pair, and back, by one command each.

What else happens to two hosts is tried on one release (test_attach.py).
"""

import time

import pytest

from tests.hosts.conftest import SAID
from tests.hosts.operator import FACTS, Operator, beside, receives, sql, wait, where

SUITES = ("bullseye", "trixie", "sid")


@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.hosts(suite)) for suite in SUITES])
def pair(testbed, request):
    """Two hosts as they were installed, but for this: db1 listens on TCP."""
    yield testbed.up({"db1": request.param, "db2": request.param})
    testbed.down()


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def timed(deed):
    began = time.monotonic()
    return deed(), time.monotonic() - began


def test_two_fresh_hosts_of_any_release_are_a_pair_after_one_command_and_as_before_after_another(
    pair, operator, request
):
    db1, db2 = pair
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    sql(db1, "CREATE TABLE kept AS SELECT generate_series(1, 100000) AS n")
    before, there = sql(db1, FACTS), installed(db2)
    asked = where(**{"--replace-cluster": db2.cluster})

    said, preflight = timed(lambda: operator.tool("preflight", *asked))
    assert "READY" in said
    said, attach = timed(lambda: operator.tool("attach", *asked, "--yes"))
    assert "ATTACHED db2 streams from" in said
    assert db2.exec(f"systemctl is-active {db2.unit}").stdout == "active\n"
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    assert "| streaming |" in operator.tool("status")
    assert sql(db2, "SELECT pg_is_in_recovery(), count(*) FROM kept") == "t|100000"
    assert "Nothing to do" in operator.tool("attach", *asked, "--yes")

    _, back = timed(lambda: (db2.reboot(), wait(lambda: receives(db2), 90)))
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", db2.data, "--delete")
    assert sql(db1, FACTS) == before, "not restarted either"
    assert installed(db2) == there
    request.config.stash[SAID].append(
        f"PostgreSQL {db1.major} ({db1.suite}): preflight {preflight:.1f} s, attach {attach:.1f} s, streams again"
        f" {back:.1f} s after a reboot begins"
    )


def installed(host):
    """What a detach has to give back there."""
    etc = "cd /etc/postgresql && find . -type f -exec sha256sum {} + | sort"
    return beside(host), host.exec(etc).stdout, host.exec(f"systemctl is-enabled {host.unit}", check=False).stdout
