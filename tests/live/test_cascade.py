"""A standby of a standby: it works, goes on where it was killed, and is given back; and every refusal of it."""

import json
import re

import pytest

from standbyctl.lab.server import free_port
from tests.live.test_ways import words

pytestmark = [pytest.mark.live, pytest.mark.one_version]

STREAMS = "SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"


class Chain:
    """A primary, db2 attached to it, and room for db3 behind db2."""

    def __init__(self, pair):
        self.pair, self.data, self.port = pair, pair.area.path / "db3", free_port()
        pair.attach()
        self.before, self.beside = self.raw(), pair.beside()

    @property
    def place(self):
        return ["-D", str(self.data), "--name", "db3", "--port", str(self.port)]

    @property
    def where(self):
        return ["-p", self.pair.primary.conninfo, "--upstream", "db2", *self.place]

    def attach(self, *more, status=0):
        return self.pair.tool("attach", *self.where, *more, "--yes", status=status)

    def raw(self):
        """What there is on the primary, and what there is on db2, with none of our code between."""
        auto = (self.pair.data / "postgresql.auto.conf").read_text().splitlines()
        return {
            "db1": self.pair.raw(),
            "hba": (self.pair.data / "pg_hba.conf").read_bytes(),
            "auto": sorted(line for line in auto if line and not line.startswith("#")),
            "roles": self.on(self.pair.port, "SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"),
            "slots": self.on(self.pair.port, "SELECT slot_name, slot_type FROM pg_replication_slots"),
            "settings": self.on(
                self.pair.port,
                "SELECT name, setting FROM pg_settings WHERE source <> 'client' AND name NOT IN"
                " ('application_name', 'transaction_isolation') ORDER BY 1",
            ),
            "started": self.on(self.pair.port, "SELECT pg_postmaster_start_time()::text"),
            "files": sorted(path.name for path in self.pair.data.iterdir()),
        }

    def on(self, port, query):
        with self.pair.primary.connect(port) as conn:
            cursor = conn.execute(query)
            return cursor.fetchall() if cursor.description else []

    def caught_up(self):
        lsn = self.pair.primary.rows("SELECT pg_current_wal_flush_lsn()::text")[0][0]
        self.pair.wait(lambda: self.on(self.pair.port, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'") == [(True,)])

    def assert_attached(self):
        """It streams from db2 through a slot there, and the primary has seen nothing but a role."""
        pair = self.pair
        assert self.on(self.port, "SELECT sender_port, slot_name FROM pg_stat_wal_receiver") == [(pair.port, "db3")]
        names = "SELECT application_name FROM pg_stat_replication"
        assert (pair.primary.rows(names), self.on(pair.port, names)) == ([("db2",)], [("db3",)])
        now = self.raw()
        assert (now["started"], now["db1"]["started"]) == (self.before["started"], self.before["db1"]["started"])
        changed = {key for key in now["db1"] if now["db1"][key] != self.before["db1"][key]}
        assert changed == {"roles", "comments"}
        sums = "SELECT count(*), sum(hashtext(a::text)) FROM pgbench_accounts AS a"
        pair.wait(lambda: self.on(self.port, sums) == pair.primary.rows(sums))
        assert "Nothing to do: db3 streams from db2" in self.attach().stdout

    def detach(self):
        """Everything back, on all three."""
        done = self.pair.tool("detach", "db3", "--yes", "--remove-data-dir", self.data, "--delete", status=0)
        self.caught_up()
        assert self.raw() == self.before
        assert self.pair.beside() == self.beside
        assert "Nothing" not in done.stdout

    def refused(self, *args, status=4, code="P139"):
        """What plan and attach say, which is the same; nothing is changed."""
        before, beside = self.raw(), self.pair.beside()
        planned = self.pair.tool("plan", *args)
        done = self.pair.tool("attach", *args, "--yes", status=status)
        assert (planned.returncode, planned.stderr) == (status, done.stderr)
        if status in {1, 4}:
            asked = self.pair.tool("preflight", *args, "--json", status=status)
            blocked = {c["code"] for c in json.loads(asked.stdout)["checks"] if c["status"] == "BLOCK"}
            assert set(re.findall(r"CODE: +(\w+)", done.stderr)) == blocked
        assert f"CODE:   {code}" in done.stderr
        assert (self.raw(), self.pair.beside()) == (before, beside)
        assert not (self.pair.state / "db3").exists()
        return words(done)


@pytest.fixture
def chain(pair):
    return Chain(pair)


@pytest.mark.sample
def test_a_standby_streams_from_a_standby_and_everything_comes_back_on_all_three(chain):
    pair = chain.pair
    planned = words(pair.tool("plan", *chain.where, status=0))
    assert "its lag adds up" in planned
    pair.tool("preflight", *chain.where, status=0)
    chain.attach()
    chain.assert_attached()
    refused = pair.tool("detach", "db2", "--yes", status=4)
    assert "CODE:   A254" in refused.stderr
    assert "db2 has standbys of its own" in refused.stderr
    chain.detach()
