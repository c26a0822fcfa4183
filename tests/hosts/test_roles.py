"""Roles change between two hosts that are reached by ssh, and whose servers systemd runs."""

import itertools
import stat
import threading
import time

import psycopg
import pytest

from tests.hosts.operator import Operator, sql, streams, wait, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
PROBE = "host all probe 0.0.0.0/0 trust"


class Clients:
    """They commit one row after another on whichever host takes them, and know what was acknowledged."""

    def __init__(self, *hosts):
        addresses = ",".join(host.ipv4 for host in hosts)
        self.conninfo = f"host={addresses} user=probe dbname=postgres target_session_attrs=read-write connect_timeout=2"
        self.acknowledged, self.ending = [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            self.next = conn.execute("SELECT coalesce(max(n), 0) FROM ledger").fetchone()[0]
        self.thread.start()
        self.more()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(30)

    def _run(self):
        conn = None
        while not self.ending.wait(0.002):
            self.next += 1
            try:
                conn = conn or psycopg.connect(self.conninfo, autocommit=True)
                conn.execute("INSERT INTO ledger VALUES (%s)", [self.next])
                self.acknowledged.append((self.next, time.monotonic()))
            except psycopg.Error:
                conn = conn and conn.close()
        if conn:
            conn.close()

    def more(self):
        known = len(self.acknowledged)
        wait(lambda: len(self.acknowledged) > known)

    def lost(self, host):
        there = set(map(int, sql(host, "SELECT n FROM ledger").split()))
        return {number for number, _ in self.acknowledged} - there

    def gap(self, since):
        """The longest time without a commit, in seconds."""
        times = [when for _, when in self.acknowledged[since:]]
        return max(b - a for a, b in itertools.pairwise(times))


@pytest.fixture(scope="module")
def ready(testbed):
    """A primary that listens and has clients."""
    db1, db2 = testbed.up({"db1": "bookworm", "db2": "bookworm"})
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"echo '{PROBE}' >>{db1.hba}; systemctl restart {db1.unit}")
    sql(db1, "CREATE ROLE probe LOGIN; CREATE TABLE ledger (n bigint PRIMARY KEY); GRANT ALL ON ledger TO probe")
    yield db1, db2
    testbed.down()


@pytest.fixture
def operator(testbed, ready):
    db1, db2 = ready
    made = Operator(testbed)
    made.tool("attach", *where(), "--yes")
    db2.exec(f"grep -qx '{PROBE}' {db2.hba} || echo '{PROBE}' >>{db2.hba}; systemctl reload {db2.unit}")
    sql(db2, "ALTER SYSTEM SET listen_addresses = '*'")
    db2.exec(f"systemctl restart {db2.unit}")
    wait(lambda: streams(db1))
    yield made
    made.end()
    testbed.heal()


def primary(host):
    return sql(host, "SELECT pg_is_in_recovery()") == "f"


class Traced:
    """The client of ssh, and a line of each time that it was called."""

    def __init__(self, operator, place):
        self.log, self.program = place / "calls", place / "ssh"
        words = operator.env["STANDBYCTL_SSH"]
        self.program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{self.log}\nexec {words} "$@"\n')
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.env = {"STANDBYCTL_SSH": str(self.program)}


def test_there_and_back_over_ssh(operator, ready, tmp_path):
    db1, db2 = ready
    with Clients(db1, db2) as clients:
        traced = Traced(operator, tmp_path)
        said = operator.tool("switchover", "--to", "db2", "--yes", env=traced.env)
        print(said)
        print(traced.log.read_text())
        clients.more()
        assert primary(db2)
        wait(lambda: streams(db2, "db1_5432"))
        first = len(clients.acknowledged)
        print("gap", clients.gap(0))
        said = operator.tool("switchover", "--to", "db1_5432", "--yes")
        clients.more()
        print(said, "gap", clients.gap(first))
    assert primary(db1)
    wait(lambda: streams(db1))
    assert clients.lost(db1) == set()
    for host in ready:
        assert host.exec(f"systemctl is-active {host.unit}").stdout == "active\n"
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
