"""A server that answers and lets nobody look: told as that, on every surface, and never as one that is away."""

import pytest

from tests.live.test_status import codes, on, record
from tests.live.test_watch import Watching

pytestmark = [pytest.mark.live, pytest.mark.one_version]


class Observer:
    """A role that looks, given by the configuration; and the file with its password."""

    def __init__(self, pair):
        pair.primary.rows("CREATE ROLE mon LOGIN PASSWORD 'mon' IN ROLE pg_monitor")
        pair.attach()
        self.passfile = pair.area.path / "mon.pgpass"
        self.passwords(pair, primary="mon", standby="mon")
        where = pair.primary.conninfo.replace("user=postgres", "user=mon")
        config = pair.area.path / "standbyctl.toml"
        config.write_text(
            f'[[node]]\nname = "db1"\nconninfo = "{where}"\n'
            f'[[node]]\nname = "db2"\nconninfo = "{where} port={pair.port}"\n'
        )
        # Nothing is known of how it was attached: the role in the configuration is the one that looks.
        self.env = {"PGPASSFILE": str(self.passfile), "STANDBYCTL_STATE": str(pair.area.path / "of-mon")}
        self.args = ("-c", config, "-p", "db1")

    def passwords(self, pair, *, primary, standby):
        self.passfile.touch(0o600)
        self.passfile.write_text(f"*:{pair.primary.port}:*:mon:{primary}\n*:{pair.port}:*:mon:{standby}\n")


def test_a_wrong_password_is_told_as_that_and_not_as_a_server_that_is_away(pair):
    seen = Observer(pair)
    pair.wait(lambda: record(pair, *seen.args, env=seen.env)["nodes"][1]["state"] == "streaming")
    seen.passwords(pair, primary="mon", standby="not this")
    found = record(pair, *seen.args, env=seen.env, status=0)
    [told] = [each for each in found["findings"] if each["subject"] == "node:db2" and each["code"] != "L407"]
    assert (told["code"], told["severity"]) == ("M612", "unknown")
    assert "db2 answers, and does not let standbyctl look" in told["what"]
    assert "password authentication failed" in told["what"]
    assert "M601" not in {code for code, _ in codes(found)}
    said = pair.tool("check", "standby", *seen.args, env=seen.env, status=3).stdout
    assert said.startswith("STANDBYCTL STANDBY UNKNOWN - db2 answers, and does not let")
    # Everybody refuses.
    seen.passwords(pair, primary="nor this", standby="not this")
    said = " ".join(pair.tool("status", *seen.args, env=seen.env, status=3).stderr.split())
    assert "password authentication failed" in said
    assert "Check the password" in said
    said = pair.tool("check", *seen.args, env=seen.env, status=3).stdout
    assert said.startswith("STANDBYCTL ALL UNKNOWN - cannot connect to db1")


def test_a_role_that_may_not_log_in_and_one_without_a_right_are_told_as_that(pair):
    """Neither is asked for a password first: what PostgreSQL says is its SQLSTATE alone."""
    seen = Observer(pair)
    hba = pair.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"host all mon all reject\n{before}")
    on(pair, pair.port, "SELECT pg_reload_conf()")

    def told():
        return [each["what"] for each in record(pair, *seen.args, env=seen.env)["findings"] if each["code"] == "M612"]

    pair.wait(told)
    assert "rejects connection" in told()[0]
    hba.write_text(before)
    on(pair, pair.port, "SELECT pg_reload_conf()")
    pair.primary.rows("REVOKE pg_monitor FROM mon")
    said = pair.tool("status", *seen.args, env=seen.env, status=3).stderr
    assert "lacks rights" in said


def test_a_watch_tells_it_once_and_measures_nothing_that_it_cannot_know(pair):
    seen = Observer(pair)
    watch = Watching(pair, *map(str, seen.args), env=seen.env)
    watch.until("watch began")
    up = 'standbyctl_node_up{node="db2"}'
    pair.wait(lambda: watch.metrics().get(up) == 1.0)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mon'"
    seen.passwords(pair, primary="mon", standby="not this")
    on(pair, pair.port, end)
    watch.until("db2 answers, and does not let standbyctl look: .*password authentication failed")
    found = 'standbyctl_finding{code="M612",severity="unknown",subject="node:db2"}'
    pair.wait(lambda: watch.metrics().get(found) == 1.0)
    assert up not in watch.metrics()
    assert watch.metrics()["standbyctl_primaries"] == 1.0
    seen.passwords(pair, primary="nor this", standby="not this")
    pair.primary.rows(end)
    watch.until("db1 answers, and does not let standbyctl look")
    pair.wait(lambda: "standbyctl_primaries" not in watch.metrics())
    assert watch.metrics()["standbyctl_up"] == 1.0
    seen.passwords(pair, primary="mon", standby="mon")
    watch.until("db1 can be looked at again", seconds=25)
    watch.until("db2 can be looked at again", seconds=25)
    pair.wait(lambda: watch.metrics().get(up) == 1.0)
    assert watch.end()[0] == 0
    told = [event["what"] for event in watch.events if "does not let standbyctl look" in event["what"]]
    assert len(told) == 2
    assert (
        "db2 answers, and does not let standbyctl look"
        in pair.tool("events", *map(str, seen.args), env=seen.env).stdout
    )
