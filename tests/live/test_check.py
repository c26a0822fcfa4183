"""check: what a monitoring system gets, on real servers: exit code, one line, performance data."""

import json
import re

import pytest

pytestmark = [pytest.mark.live, pytest.mark.one_version]

FIRST = re.compile(r"STANDBYCTL (\w+) (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| (\S+=\S+ ?)+)?")
DATUM = re.compile(r"[^'=|;\s]+=-?[\d.]+(s|B)?(;[\d.:]*){0,3}")


def check(pair, *args, status):
    said = pair.tool("check", *args, status=status).stdout
    first = said.splitlines()[0]
    found = FIRST.fullmatch(first)
    assert found, said
    for datum in first.partition(" | ")[2].split():
        assert DATUM.fullmatch(datum), datum
    assert found[2] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"][status]
    return said


@pytest.mark.sample
def test_a_pair_that_is_well_and_one_that_is_not(pair):
    pair.attach()
    for family in ("lag", "slots", "standby", "wal", "primaries", "all"):
        check(pair, family, status=0)
    assert re.search(r"db2_lag=[\d.]+s;5;60;0", check(pair, "lag", status=0))
    with pair.standby() as conn:
        conn.execute("SELECT pg_wal_replay_pause()")
    pair.primary.rows("SELECT pg_logical_emit_message(true, 'x', 'y')")
    assert "STANDBYCTL STANDBY CRITICAL - replay is paused on db2" in check(pair, "standby", status=2)
    check(pair, "primaries", status=0)
    check(pair, "slots", status=0)
    record = json.loads(pair.tool("check", "all", "--json", status=2).stdout)
    assert (record["verdict"], record["findings"][0]["code"]) == ("critical", "L403")
    assert {each["label"]: each["value"] for each in record["perfdata"]}["primaries"] == 1


def test_each_family_has_its_case(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    assert "db2 should stream" in check(pair, "standby", status=2)
    assert "UNKNOWN - how far behind db2 is cannot be known" in check(pair, "lag", status=3)
    check(pair, "slots", status=0)
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    for _ in range(4):
        pair.primary.rows("SELECT pg_logical_emit_message(false, 'x', repeat('x', 9000000))")
        pair.primary.rows("SELECT pg_switch_wal()")
    pair.primary.rows("CHECKPOINT")
    assert "slot db2 on" in (lost := check(pair, "slots", status=2))
    assert "is lost" in lost
    pair.primary.rows("ALTER SYSTEM SET archive_command = '/bin/false'")
    pair.primary.stop("immediate")
    for family in ("lag", "slots", "wal", "primaries"):
        said = pair.tool("check", family)
        assert said.returncode in {2, 3}, said.stdout
        assert said.stdout.startswith("STANDBYCTL ")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nonsense"], "nonsense"),
        (["lag", "-w", "soon"], "soon is no time"),
        (["lag", "--frobnicate"], "frobnicate"),
        (["lag", "-p", "host=127.0.0.1 port=1 user=postgres"], "cannot connect"),
        (["slots", "-c", "/nonexistent/x.toml"], "cannot read"),
    ],
)
def test_what_goes_wrong_is_unknown_and_never_critical(pair, args, words):
    assert words in check(pair, *args, status=3)


def test_pg_monitor_is_enough_for_all_that_looks_and_what_is_missing_is_said(pair):
    """Nothing else is granted: not the waldir's function alone, nor any right on a database."""
    pair.primary.rows("CREATE ROLE mon LOGIN PASSWORD 'mon' IN ROLE pg_monitor")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('dr', true)")
    where = ["-p", f"{pair.primary.conninfo} user=mon"]
    rights = {"PGPASSFILE": "/dev/null", "PGPASSWORD": "mon"}
    found = json.loads(pair.tool("status", *where, "--json", status=0, env=rights).stdout)
    [node] = found["nodes"]
    assert (node["role"], node["lacks"], node["pg_wal_bytes"] > 0) == ("primary", [], True)
    assert found["slots"][0]["retained_bytes"] is not None
    assert "dr" in pair.tool("slots", "list", *where, status=0, env=rights).stdout
    for family in ("slots", "wal", "primaries"):
        pair.tool("check", family, *where, status=0, env=rights)
    assert "no standby is known" in pair.tool("check", "standby", *where, status=3, env=rights).stdout
    pair.primary.rows("REVOKE pg_monitor FROM mon")
    said = pair.tool("status", *where, status=3, env=rights)
    assert "GRANT pg_monitor TO mon;" in said.stderr
    assert "UNKNOWN - the role mon lacks rights" in pair.tool("check", *where, status=3, env=rights).stdout
    pair.primary.rows("GRANT pg_read_all_stats TO mon")
    [node] = json.loads(pair.tool("status", *where, "--json", status=0, env=rights).stdout)["nodes"]
    assert node["lacks"] == ["pg_read_all_settings", "pg_monitor"]
    assert node["pg_wal_bytes"] is None
    said = pair.tool("status", *where, status=0, env=rights).stdout
    assert "What needs pg_read_all_settings, pg_monitor is not seen on primary: GRANT pg_monitor" in said


def test_a_role_that_is_given_looks_at_the_standbys_that_are_known_too_and_nobody_is_there_twice(pair):
    pair.primary.rows("CREATE ROLE mon LOGIN PASSWORD 'mon' IN ROLE pg_monitor")
    pair.attach()
    was = [node["name"] for node in json.loads(pair.tool("status", "--json", status=0).stdout)["nodes"]]
    where = ["-p", pair.primary.conninfo.replace("user=postgres", "user=mon")]
    # Of the role that it was attached by there is no password here.
    rights = {"PGPASSFILE": "/dev/null", "PGPASSWORD": "mon"}

    def seen():
        found = json.loads(pair.tool("status", *where, "--json", env=rights).stdout)
        assert [node["name"] for node in found["nodes"]] == was
        assert [node["role"] for node in found["nodes"]] == ["primary", "standby"]
        return not found["findings"]

    pair.wait(seen)
    said = pair.tool("check", "standby", *where, status=0, env=rights).stdout
    assert said.startswith("STANDBYCTL STANDBY OK - standbys that stream: 1")
