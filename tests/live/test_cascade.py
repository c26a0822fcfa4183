"""A standby of a standby: it works, goes on where it was killed, and is given back; and every refusal of it."""

import json
import re

import pytest

from standbyctl.lab.server import free_port
from tests.live.test_ways import killed, words
from tests.pair import another_system

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


def test_verify_and_status_know_the_chain(chain):
    pair = chain.pair
    chain.attach()
    seen = words(pair.tool("verify", "db3", "--for", "1s", status=0))
    assert "VERIFIED" in seen
    assert "a copy of db2, in recovery as that is, which is a standby of" in seen
    assert "1 on all three" in seen
    table = pair.tool("status", status=0).stdout.splitlines()
    assert [line.split("|")[0].rstrip() for line in table[3:5]] == ["+ db2", "  + db3"]
    assert re.search(r"\+ db3 +\| standby +\| streaming +\| +1 \| +[\d.]+ s \| +\d+ \S+ +\| db3", "\n".join(table))
    record = json.loads(pair.tool("status", "--json", status=0).stdout)
    assert [(node["name"], node["upstream"]) for node in record["nodes"]][1:] == [
        ("db2", record["nodes"][0]["name"]),
        ("db3", "db2"),
    ]
    assert {slot["name"]: slot["active"] for slot in record["slots"]} == {"db2": True, "db3": True}
    # What it has received it sends on, whether or not it replays it.
    chain.on(pair.port, "SELECT pg_wal_replay_pause()")
    pair.tool("verify", "db3", "--for", "1s", status=0)
    chain.on(pair.port, "SELECT pg_wal_replay_resume()")
    chain.detach()


@pytest.mark.seldom
@pytest.mark.parametrize("kind", ["MakeRole", "AwaitReplay", "Reload", "CopyCluster", "StartServer"])
def test_an_attach_that_was_killed_goes_on_and_comes_back(chain, kind):
    killed(chain.pair, "after", kind, "attach", *chain.where, "--yes")
    chain.attach()
    chain.assert_attached()
    chain.detach()


@pytest.mark.seldom
def test_a_detach_that_was_killed_after_the_role_was_dropped_goes_on(chain):
    chain.attach()
    gone = ("detach", "db3", "--yes", "--remove-data-dir", chain.data, "--delete")
    killed(chain.pair, "before", "AwaitReplay", *gone)
    chain.detach()


@pytest.mark.seldom
def test_a_plan_that_was_saved_is_carried_out(chain):
    path = chain.pair.area.path / "state" / "plan.json"
    chain.pair.tool("plan", *chain.where, "-o", path, status=0)
    chain.pair.tool("attach", path, "--yes", status=0)
    path.unlink()
    chain.assert_attached()
    chain.detach()


@pytest.mark.seldom
def test_without_a_slot_the_upstream_keeps_what_its_wal_keep_size_says(chain):
    chain.attach("--no-slot", "--wal-keep-size", "128MB")
    assert chain.on(chain.port, "SELECT coalesce(slot_name, '') FROM pg_stat_wal_receiver") == [("",)]
    assert "Nothing to do" in chain.attach("--no-slot", "--wal-keep-size", "128MB").stdout
    chain.detach()


# --- refused


def test_an_upstream_that_is_none_is_refused_and_nothing_is_changed(chain, template):
    pair = chain.pair
    primary = pair.primary.conninfo
    said = chain.refused("-p", pair.primary.conninfo, "--upstream", f"port={pair.primary.port}", *chain.place)
    assert "is the primary itself" in said
    assert "Leave --upstream out" in said
    on_standby = f"host=127.0.0.1 port={pair.port} user=postgres"
    said = chain.refused("-p", on_standby, *chain.place, status=1, code="P111")
    assert "is a standby itself" in said
    assert "--upstream with the conninfo of" in said
    said = chain.refused("-p", on_standby, "--upstream", primary, *chain.place, status=1, code="P111")
    assert "is a standby itself" in said
    itself = ["-D", str(pair.data), "--name", "db2", "--port", str(pair.port)]
    said = chain.refused("-p", primary, "--upstream", "db2", *itself, status=2, code="C108")
    assert "db2 cannot stream from itself" in said
    with another_system(template) as there:
        said = chain.refused("-p", primary, "--upstream", there, *chain.place)
    assert "is not a standby of" in said


def test_an_upstream_that_does_not_stream_or_replay_or_was_promoted_is_refused(chain):
    pair = chain.pair
    chain.on(pair.port, "SELECT pg_wal_replay_pause()")
    assert "replay is paused on db2" in chain.refused(*chain.where, status=1)
    chain.on(pair.port, "SELECT pg_wal_replay_resume()")
    conninfo = chain.on(pair.port, "SHOW primary_conninfo")[0][0].replace("'", "''")
    chain.on(pair.port, "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
    chain.on(pair.port, "SELECT pg_reload_conf()")
    pair.wait(lambda: not chain.on(pair.port, STREAMS))
    assert "db2 does not stream" in chain.refused(*chain.where, status=1)
    chain.on(pair.port, f"ALTER SYSTEM SET primary_conninfo = '{conninfo}'")
    chain.on(pair.port, "SELECT pg_reload_conf()")
    pair.wait(lambda: chain.on(pair.port, STREAMS))
    pair.primary.rows("ALTER SYSTEM SET full_page_writes = off")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW full_page_writes") == [("off",)])
    assert "full_page_writes is off on" in chain.refused(*chain.where, status=1)
    chain.on(pair.port, "SELECT pg_promote()")
    said = chain.refused(*chain.where)
    assert "db2 is not in recovery: it is a primary by now" in said


def test_an_upstream_that_is_promoted_on_the_way_is_said(chain):
    pair = chain.pair
    killed(pair, "before", "CopyCluster", "attach", *chain.where, "--yes")
    chain.on(pair.port, "SELECT pg_promote()")
    said = words(chain.attach(status=4))
    assert "CODE: P139" in said
    refused = pair.tool("detach", "db3", "--yes", status=4)
    assert "db2 is not a standby any more" in refused.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--copy-from", "db2"), "--upstream with --copy-from: not yet"),
        (("--via", "ssh-tunnel"), "--upstream with --via ssh-tunnel: not yet"),
        (("--synchronous-commit", "off"), "a standby has no commits"),
    ],
)
def test_what_does_not_go_with_an_upstream_is_said(chain, more, said):
    done = chain.attach(*more, status=2)
    assert said in words(done)
    assert chain.raw() == chain.before


@pytest.mark.seldom
def test_an_upstream_that_standbyctl_toml_names(chain):
    pair = chain.pair
    config = pair.area.path / "state" / "standbyctl.toml"
    config.write_text(f'[[node]]\nname = "near"\nconninfo = "host=127.0.0.1 port={pair.port}"\n')
    where = ["-p", pair.primary.conninfo, "--upstream", "near", *chain.place, "-c", config]
    assert "ATTACHED  db3 streams from near" in pair.tool("attach", *where, "--yes", status=0).stdout
    config.unlink()
    direct = pair.tool("attach", "-p", pair.primary.conninfo, *chain.place, "--yes", status=2)
    assert "was attached, or begun, with another upstream" in words(direct)
    chain.detach()
