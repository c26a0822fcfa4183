"""plan --stage-restart: written for the owner's next restart, tried, listed until in force, and taken back."""

import json
from pathlib import Path

import psycopg
import pytest

from standbyctl.app.session import silent
from standbyctl.app.staging import find_staged
from standbyctl.app.state import State
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.version import NEWEST_KNOWN
from standbyctl.lab.load import passfile
from standbyctl.lab.server import stop_server

pytestmark = [pytest.mark.live, pytest.mark.settled]


def words(done):
    return " ".join((done.stdout + done.stderr).split())


def configure(pair, **settings):
    """Give the primary other settings, and restart it: its owner's deeds, not ours."""
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    owner_restarts(pair)


def owner_restarts(pair):
    pair.primary.stop("fast")
    pair.primary.start()


def primary_of(pair):
    return ("-p", pair.primary.conninfo)


def stage(pair, *more, status=0, **options):
    return pair.tool("plan", "--stage-restart", *primary_of(pair), "--yes", *more, status=status, **options)


def unstage(pair, *more, status=0):
    return pair.tool("plan", "--unstage", "--yes", *more, status=status)


def waiting(pair):
    """What status says waits, and what has come into force."""
    seen = json.loads(pair.tool("status", *primary_of(pair), "--json", status=0).stdout)
    return {each["name"]: (each["from"], each["to"]) for each in seen["staged"]}, {
        each["name"]: each["value"] for each in seen["in_force"]
    }


def settled(pair):
    """No trial has left anything behind."""
    pair.wait(lambda: not list(Path("/tmp").glob("standbyctl-trial.*")))


@pytest.mark.seldom
@pytest.mark.sample
def test_from_wal_level_minimal_to_a_standby_with_one_restart_that_is_the_owners(pair):
    configure(pair, wal_level="minimal", max_wal_senders="0")
    refused = pair.tool("plan", *pair.where, status=1)
    assert "standbyctl plan --stage-restart" in words(refused)
    started = pair.started_at()

    staged = stage(pair)
    assert "wal_level minimal -> replica max_wal_senders 0 -> 10" in words(staged)
    tried = "-C shared_memory_size" if pair.area.major >= 15 else "-c hba_file=COPY/none (where it ends)"
    assert tried in words(staged)
    assert pair.started_at() == started
    assert pair.primary.rows("SHOW wal_level") == [("minimal",)]
    assert waiting(pair) == ({"wal_level": ("minimal", "replica"), "max_wal_senders": ("0", "10")}, {})
    node = staged.stdout.split("STAGED")[1].split()[0]
    said = words(pair.tool("status", status=0))
    assert f"staged, waiting for a restart of {node}: wal_level minimal -> replica (S301)" in said
    assert "waits for the next restart" in words(pair.tool("plan", *pair.where, status=1))
    again = stage(pair)
    assert "Nothing to stage" in words(again)

    owner_restarts(pair)
    restarted = pair.started_at()
    assert waiting(pair) == ({}, {"wal_level": "replica", "max_wal_senders": "10"})
    said = words(pair.tool("status", status=0))
    assert f"in force since {node} was started ({restarted.split('.')[0]}" in said
    assert "S301" not in said
    pair.attach()
    assert "is in use" in words(unstage(pair, status=4))
    pair.detach()
    assert "is in force by now" in words(unstage(pair))
    assert pair.started_at() == restarted
    settled(pair)


def test_unstage_before_the_restart_leaves_every_file_as_it_was(pair):
    pair.primary.rows("ALTER SYSTEM SET max_wal_senders = 5")
    pair.primary.rows("ALTER SYSTEM SET work_mem = '7MB'")
    owner_restarts(pair)
    before, facts = pair.raw(), pair.facts()
    stage(
        pair, "--wal-level", "logical", "--max-wal-senders", 30, "--max-replication-slots", 30,
        "--listen-addresses", "*", "--wal-log-hints",
    )  # fmt: skip
    stage(pair, "--max-wal-senders", 40)
    assert waiting(pair)[0] == {
        "wal_level": ("replica", "logical"),
        "max_wal_senders": ("5", "40"),
        "max_replication_slots": ("10", "30"),
        "listen_addresses": ("127.0.0.1", "*"),
        "wal_log_hints": ("off", "on"),
    }
    unstage(pair)
    assert pair.raw() == before
    assert pair.facts() == facts
    assert waiting(pair) == ({}, {})
    assert "nothing was staged from here" in words(pair.tool("plan", "--unstage", "--yes", status=2))
    assert "Nothing to take back" in words(unstage(pair, *primary_of(pair)))


def test_what_would_not_start_is_found_out_and_taken_back_at_once(pair):
    # Each value is good, and together no server starts with them: only a start finds that out.
    configure(pair, max_wal_senders="1")
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = 3\nsuperuser_reserved_connections = 3\n")
    before = pair.raw()
    done = stage(pair, status=1)
    assert "CODE: S303" in words(done)
    assert "superuser_reserved_connections" in words(done)
    assert "Everything that was written is taken back: nothing is left changed." in words(done)
    assert pair.raw() == before
    assert waiting(pair)[0] == {}
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = 100\n")
    stage(pair)
    assert waiting(pair)[0] == {"max_wal_senders": ("1", "10")}
    settled(pair)


def test_what_was_staged_starts_and_more_than_could_is_refused(pair):
    for senders in (11, 500):
        stage(pair, "--max-wal-senders", senders)
        owner_restarts(pair)
        assert pair.primary.rows("SHOW max_wal_senders") == [(str(senders),)]
    before = pair.raw()
    assert "S304" in stage(pair, "--max-wal-senders", 262143, status=1).stderr
    assert pair.raw() == before


@pytest.mark.one_version
def test_an_attach_goes_on_while_something_waits_for_a_restart(pair):
    stage(pair, "--max-wal-senders", 20)
    started = pair.started_at()
    pair.attach()
    assert waiting(pair)[0] == {"max_wal_senders": ("10", "20")}
    assert "S301" in pair.tool("status", status=0).stdout
    unstage(pair)
    assert "Nothing to do" in pair.attach().stdout
    pair.detach()
    assert pair.started_at() == started


@pytest.mark.one_version
def test_the_runbooks_values_are_refused_by_attach_where_they_do_not_run_and_taken_where_they_do(pair):
    asked = ("--wal-level", "logical", "--max-wal-senders", "12", "--max-replication-slots", "11")
    before = pair.raw()
    done = pair.tool("attach", *pair.where, "--yes", *asked, status=1)
    assert words(done).count(f"standbyctl plan --stage-restart {' '.join(asked)}") == 3
    assert pair.raw() == before
    stage(pair, *asked)
    owner_restarts(pair)
    pair.attach(*asked)
    assert pair.primary.rows("SHOW wal_level") == [("logical",)]


@pytest.mark.one_version
def test_a_primary_that_listens_nowhere_is_opened_by_its_owners_restart(pair):
    configure(pair, listen_addresses="")
    socket = f"host={pair.area.path} port={pair.primary.port} user=postgres dbname=postgres"
    silent = pair.tool("plan", "--stage-restart", "-p", socket, "--yes", status=0)
    assert "give --listen-addresses LIST too" in words(silent)
    pair.tool("plan", "--stage-restart", "-p", socket, "--listen-addresses", "127.0.0.1", "--yes", status=0)
    owner_restarts(pair)
    pair.attach()


@pytest.mark.one_version
def test_what_somebody_else_has_set_is_not_overwritten_and_what_they_change_later_stays(pair):
    configure(pair, max_wal_senders="1")
    pair.primary.rows("ALTER SYSTEM SET max_wal_senders = 2")
    before = pair.raw()
    assert "S302" in stage(pair, "--max-wal-senders", 20, status=1).stderr
    assert pair.raw() == before
    pair.primary.rows("ALTER SYSTEM RESET max_wal_senders")
    stage(pair, "--max-wal-senders", 20)
    pair.primary.rows("ALTER SYSTEM SET max_wal_senders = 7")
    assert waiting(pair)[0] == {}
    assert "max_wal_senders is 7: not as it was staged, so it is kept" in words(unstage(pair))
    assert [line for line in pair.raw()["auto"] if "max_wal_senders" in line] == ["max_wal_senders = '7'"]


def owner_starts(pair, options):
    pair.primary.stop("fast")
    log = str(pair.area.path / "db1.log")
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.primary.data), "-l", log, "-o", options)


def test_a_value_of_the_command_line_cannot_be_staged_and_goes_into_the_trial(pair):
    owner_starts(pair, "-c max_wal_senders=1 -c max_connections=50")
    before = pair.raw()
    assert "S305" in stage(pair, status=1).stderr
    assert pair.raw() == before
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("superuser_reserved_connections = 60\n")
    owner_starts(pair, "-c superuser_reserved_connections=3 -c max_connections=50")
    stage(pair, "--max-replication-slots", 20)
    unstage(pair)
    # With the file's 60 of 50 no server starts.
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("superuser_reserved_connections = 3\n")
    owner_starts(pair, "-c max_connections=50")
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("superuser_reserved_connections = 60\n")
    assert "S303" in stage(pair, "--max-replication-slots", 20, status=1).stderr


def test_the_trial_reads_the_configuration_that_the_server_reads_wherever_it_is(pair):
    """As Debian keeps it: outside, with data_directory in it, and more files included from beside it."""
    etc = pair.area.path / "etc"
    (etc / "conf.d").mkdir(parents=True)
    conf = etc / "postgresql.conf"
    text = (pair.primary.data / "postgresql.conf").read_text()
    conf.write_text(f"{text}\ndata_directory = '{pair.primary.data}'\ninclude_dir = 'conf.d'\nmax_wal_senders = 1\n")
    extra = etc / "conf.d" / "extra.conf"
    extra.write_text("max_connections = 30\n")
    (pair.primary.data / "postgresql.conf").unlink()
    owner_starts(pair, f"-c config_file={conf}")
    before = pair.raw()
    extra.write_text("max_connections = 30\nsuperuser_reserved_connections = 30\n")
    assert "S303" in stage(pair, status=1).stderr
    assert pair.raw() == before
    extra.write_text("max_connections = 30\n")
    assert f"max_wal_senders = 1 stands in {conf}" in words(stage(pair))
    owner_starts(pair, f"-c config_file={conf}")
    assert pair.primary.rows("SHOW max_wal_senders") == [("10",)]


@pytest.mark.one_version
def test_where_alter_system_is_forbidden_or_the_files_are_broken_nothing_is_written(pair):
    configure(pair, max_wal_senders="1")
    conf = pair.primary.data / "postgresql.conf"
    text = conf.read_text()
    conf.write_text(text + "max_wal_senders = many\n")
    before = pair.raw()
    assert "P114" in stage(pair, status=1).stderr
    assert pair.raw() == before
    conf.write_text(text)
    if pair.area.major >= 17:
        configure(pair, allow_alter_system="off")
        assert "P115" in stage(pair, status=1).stderr


@pytest.mark.majors(15, NEWEST_KNOWN)
def test_a_role_with_just_the_rights_to_it_can_stage_and_no_start_is_tried(pair):
    configure(pair, max_wal_senders="1")
    for statement in (
        f"CREATE ROLE ops LOGIN PASSWORD '{pair.primary.password}' IN ROLE pg_read_all_settings, pg_monitor",
        "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO ops",
        "GRANT ALTER SYSTEM ON PARAMETER max_wal_senders TO ops",
    ):
        pair.primary.rows(statement)
    entry = pair.area.path / "ops.pgpass"
    entry.write_text(f"*:*:*:ops:{pair.primary.password}\n")
    entry.chmod(0o600)
    ops = pair.primary.conninfo.replace("user=postgres", "user=ops")
    asked = ("plan", "--stage-restart", "-p", ops, "--yes")
    before = pair.raw()
    refused = pair.tool(*asked, "--wal-log-hints", status=1, env={"PGPASSFILE": str(entry)})
    assert "GRANT ALTER SYSTEM ON PARAMETER wal_log_hints TO ops;" in words(refused)
    assert pair.raw() == before
    done = pair.tool(*asked, status=0, env={"PGPASSFILE": str(entry)})
    assert "not at hand" in words(done)
    assert "-C shared_memory_size" not in words(done)
    assert waiting(pair)[0] == {"max_wal_senders": ("1", "10")}
    pair.primary.rows("GRANT ALTER SYSTEM ON PARAMETER listen_addresses TO ops")
    listening = pair.tool(*asked[:-1], "--listen-addresses", "*", status=2, env={"PGPASSFILE": str(entry)})
    assert "can listen on * was not looked at" in words(listening)
    # Whoever may not read the files sees what the journal has, against what runs.
    pair.primary.rows("REVOKE EXECUTE ON FUNCTION pg_show_all_file_settings() FROM ops")
    seen = pair.tool("status", "-p", ops, "--json", status=0, env={"PGPASSFILE": str(entry)})
    assert [each["name"] for each in json.loads(seen.stdout)["staged"]] == ["max_wal_senders"]


@pytest.mark.one_version
def test_a_copy_on_this_host_is_not_taken_for_the_server(pair):
    """A standby has the same system identifier, and its files are not the primary's."""
    pair.attach()
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    pair.wait(lambda: not (pair.data / "standby.signal").exists())
    where = pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port))
    done = pair.tool("plan", "--stage-restart", "-p", where, "--max-wal-senders", 20, "--yes", status=0)
    assert f"{pair.data}/postgresql.conf" in "".join(done.stdout.split())
    assert "max_wal_senders" not in (pair.primary.data / "postgresql.auto.conf").read_text()


@pytest.mark.one_version
def test_what_was_staged_on_one_server_is_not_taken_back_on_its_promoted_copy(pair):
    pair.attach()
    stage(pair, "--max-wal-senders", 20)
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    where = pair.primary.conninfo.replace(str(pair.primary.port), str(pair.port))
    before = pair.raw()
    assert "A257" in unstage(pair, "-p", where, status=4).stderr
    assert pair.raw() == before
    assert "max_wal_senders = '20'" in before["auto"]
    unstage(pair)
    assert "max_wal_senders = '20'" not in pair.raw()["auto"]


@pytest.mark.one_version
def test_what_the_files_say_by_now_is_what_unstage_goes_by(pair):
    conf = pair.primary.data / "postgresql.conf"
    text = conf.read_text()
    stage(pair, "--wal-level", "logical")
    owner_restarts(pair)
    conf.write_text(text + "wal_level = minimal\n")
    before = pair.raw()
    assert "It would be minimal" in words(unstage(pair, status=4))
    assert pair.raw() == before
    conf.write_text(text + "max_connections = 3\nsuperuser_reserved_connections = 3\n")
    before = pair.raw()
    done = words(unstage(pair, status=1))
    assert "CODE: S303" in done
    assert "Everything that was staged is put back: nothing is left changed." in done
    assert pair.raw() == before
    conf.write_text(text)
    assert "logical -> replica" in words(unstage(pair))


@pytest.mark.one_version
def test_a_standby_without_a_slot_that_is_stopped_is_not_lost(pair):
    configure(pair, wal_level="minimal", max_wal_senders="0")
    stage(pair)
    owner_restarts(pair)
    pair.attach("--no-slot", "--wal-keep-size", "128MB")
    stop_server(pair.area, pair.data, "fast")
    done = words(unstage(pair, status=4))
    assert done.count("S307") >= 2
    assert "away for the moment: db2" in done


def test_places_that_replication_origins_need_are_kept_up_to_17(pair):
    configure(pair, max_replication_slots="1")
    stage(pair, "--max-replication-slots", 10)
    owner_restarts(pair)
    for n in range(4):
        pair.primary.rows(f"SELECT pg_replication_origin_create('o{n}')")
        pair.primary.rows(f"SELECT pg_replication_origin_advance('o{n}', '0/100')")
    pair.primary.rows("CHECKPOINT")
    done = unstage(pair, status=0 if pair.area.major >= 18 else 4)
    assert ("replication origins exist: 4" in words(done)) is (pair.area.major < 18)
    owner_restarts(pair)


@pytest.mark.one_version
@pytest.mark.turns
@pytest.mark.parametrize("listen", ["127.0.0.1,badhost.invalid", "127.0.0.1,192.0.2.7"])
def test_addresses_it_could_not_listen_on_are_found_out_and_taken_back(pair, listen):
    before = pair.raw()
    done = stage(pair, "--listen-addresses", listen, status=1)
    assert "CODE: S303" in words(done)
    assert "Everything that was written is taken back" in words(done)
    assert listen.split(",")[-1] in words(done)
    assert pair.raw() == before
    assert waiting(pair)[0] == {}


@pytest.mark.one_version
def test_addresses_that_others_have_set_are_theirs_as_long_as_one_is_good(pair):
    configure(pair, listen_addresses="127.0.0.1,192.0.2.7", max_wal_senders="1")
    stage(pair)
    owner_restarts(pair)
    assert pair.primary.rows("SHOW max_wal_senders") == [("10",)]


@pytest.mark.one_version
def test_a_standby_that_attaches_while_unstage_asks_is_seen(pair, monkeypatch):
    with (pair.primary.data / "pg_hba.conf").open("a") as hba:
        hba.write("host replication all all scram-sha-256\n")
    configure(pair, wal_level="minimal", max_wal_senders="0")
    stage(pair)
    owner_restarts(pair)
    before = pair.raw()
    monkeypatch.setenv("PGPASSFILE", str(passfile(pair.primary)))
    found = find_staged(pair.primary.conninfo, "", State(pair.state), silent, lambda do: do)
    try:
        plan = found.plan_back(found.look())
        assert plan.steps
        assert not plan.blockers
        walsender = f"{pair.primary.conninfo} replication=true"
        with psycopg.connect(walsender, autocommit=True), pytest.raises(BlockedError) as refused:
            found.unstage(lambda _: None, plan, lambda _: None)
    finally:
        found.close()
    assert {blocker.code for blocker in refused.value.blockers} == {"S307"}
    assert pair.raw() == before


@pytest.mark.one_version
def test_it_asks_and_without_a_terminal_does_nothing(pair):
    configure(pair, max_wal_senders="1")
    before = pair.raw()
    done = pair.tool("plan", "--stage-restart", *primary_of(pair), status=2)
    assert "Give --yes" in done.stderr
    shown = json.loads(pair.tool("plan", "--stage-restart", *primary_of(pair), "--json", status=0).stdout)
    assert shown["verdict"] == "to be staged"
    assert shown["settings"] == [{"name": "max_wal_senders", "from": "1", "to": "10"}]
    refused = stage(pair, "--listen-addresses", "127.0.0.1, a b,,c", status=2)
    assert "no list of addresses" in words(refused)
    assert pair.raw() == before
    record = json.loads(stage(pair, "--json").stdout)
    assert record["verdict"] == "staged"
    assert record["settings"] == [{"name": "max_wal_senders", "from": "1", "to": "10"}]
    assert json.loads(unstage(pair, "--json").stdout)["verdict"] == "unstaged"


@pytest.mark.one_version
def test_two_at_once_are_one_after_the_other(pair):
    configure(pair, max_wal_senders="1")
    argv = ("plan", "--stage-restart", *primary_of(pair), "--yes")
    both = [pair.start_tool(*argv) for _ in range(2)]
    codes = sorted(process.wait(60) for process in both)
    assert codes in ([0, 0], [0, 4])
    stage(pair)
    unstage(pair)


@pytest.mark.one_version
def test_a_reload_by_anybody_changes_nothing_of_it(pair):
    stage(pair, "--max-wal-senders", 20)
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SELECT pending_restart FROM pg_settings WHERE name = 'max_wal_senders'")[0][0])
    assert waiting(pair)[0] == {"max_wal_senders": ("10", "20")}
    unstage(pair)
    assert waiting(pair)[0] == {}
