"""Ways around what only a restart would change: no slot, one walsender; and settings that somebody else keeps."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from standbyctl.app.detach import detach as run_detach
from standbyctl.app.detach import find_attached
from standbyctl.app.detach import plan as plan_detach
from standbyctl.app.request import Request
from standbyctl.app.session import Session, silent
from standbyctl.app.state import State
from standbyctl.lab.server import free_port
from standbyctl.planner.detach import DetachOptions
from tests.live.stages import restarted

pytestmark = pytest.mark.live


def words(done):
    return " ".join((done.stdout + done.stderr).split())


def streams(pair):
    assert pair.plan().plan.steps == ()
    place = pair.facts().place("db2")
    assert place.upstream
    assert place.covered
    return place


def target_of(pair):
    """What an attach would be about now, given nothing but the place."""
    session = pair.session()
    session.close()
    return session.target


def write_wal(pair, segments):
    """So many WAL files more, and a checkpoint that removes those that nothing keeps."""
    for _ in range(segments):
        pair.primary.rows("SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()")
    pair.primary.rows("CHECKPOINT")


def killed(pair, when, kind, *args):
    """Run the tool so that it is killed before, during or after the first effect of that kind."""
    note = pair.state / "note"
    note.parent.mkdir(exist_ok=True)
    env = {"DYING_POINT": f"{when}:{kind}", "DYING_NOTE": str(note), "DYING_DELAY": "0.05"}
    done = pair.tool(*args, module="tests.faults.dying", env=env)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pair.wait(lambda: not pair.ours())


def attach_args(pair, *more):
    return ("attach", *pair.where, "--yes", *more)


SLOTLESS = ("--no-slot", "--wal-keep-size", "128MB")


@pytest.mark.seldom
def test_with_no_slots_at_all_and_one_walsender_a_standby_is_attached_and_everything_given_back(pair):
    restarted(pair, max_replication_slots="0", max_wal_senders="1")
    before = pair.raw()
    refused = pair.attach(status=1)
    assert "Use --no-slot with --wal-keep-size SIZE" in words(refused)
    assert "Use --wal-method fetch: it needs the one that is free" in words(refused)
    done = pair.attach(*SLOTLESS, "-X", "fetch")
    assert "no slot: nothing guarantees the WAL that db2 needs." in words(done)
    assert "keeps the last 128 MB (wal_keep_size)" in words(done)
    assert pair.primary.rows("SHOW wal_keep_size") == [("128MB",)]
    streams(pair)
    with pair.standby() as conn:
        assert conn.execute("SHOW primary_slot_name").fetchone() == ("",)
    again = pair.attach("-X", "fetch")
    assert "Nothing to do" in again.stdout
    assert re.search(r"db2 +\| standby \| streaming .*\(none\)", pair.tool("status", status=0).stdout)
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.raw() == before
    assert pair.beside() == []


def test_without_a_slot_it_has_to_be_said_how_much_is_kept_unless_enough_is(pair):
    before = pair.raw()
    refused = pair.attach("--no-slot", status=1)
    assert "nothing would keep WAL for db2" in words(refused)
    assert "P108" in refused.stderr
    assert pair.raw() == before
    pair.primary.rows("ALTER SYSTEM SET wal_keep_size = '2GB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW wal_keep_size") == [("2GB",)])
    done = pair.attach("--no-slot", "--wal-keep-size", "1GB")
    assert "wal_keep_size stays 2048MB: it is only ever raised" in words(done)
    assert "1 setting" not in done.stdout
    pair.detach()
    assert pair.primary.rows("SHOW wal_keep_size") == [("2GB",)]


def test_a_finished_copy_without_a_slot_counts_only_while_the_primary_has_the_wal_that_it_needs_next(pair):
    killed(pair, "before", "StartServer", *attach_args(pair, *SLOTLESS))
    assert pair.facts(no_slot=True).place("db2").covered
    write_wal(pair, 20)
    assert not pair.facts(no_slot=True).place("db2").covered
    done = pair.attach(*SLOTLESS)
    assert "data directory" in done.stdout
    assert "base backup" in done.stdout
    streams(pair)


def test_a_standby_that_was_away_for_longer_than_wal_keep_size_is_not_started_in_vain(pair):
    pair.attach(*SLOTLESS)
    stop = [*pair.area.as_user(), str(pair.area.bin / "pg_ctl"), "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast"]
    # Whoever was away for less goes on. Files that the standby has made in advance do not count as received.
    write_wal(pair, 3)
    pair.wait(lambda: pair.facts().place("db2").upstream)
    subprocess.run(stop, check=True)
    write_wal(pair, 3)
    assert pair.facts().place("db2").covered
    done = pair.attach(*SLOTLESS)
    assert "start, prove" in done.stdout
    assert "base backup" not in done.stdout
    subprocess.run(stop, check=True)
    write_wal(pair, 30)
    assert not pair.facts().place("db2").covered
    refused = pair.attach(*SLOTLESS, status=1)
    assert "has fallen behind" in words(refused)
    assert "It has no slot" in words(refused)
    pair.detach("--remove-data-dir", pair.data, "--delete")


def test_a_copy_that_fetches_has_its_wal_kept_by_the_slot(pair):
    before = pair.raw()
    done = pair.tool("plan", *pair.where, "--wal-method", "fetch", status=0)
    assert "--wal-method fetch" in words(done)
    assert "Until then the slot holds all that" in words(done)
    pair.attach("--wal-method", "fetch")
    streams(pair)
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.raw() == before


RUNBOOK = (
    "--wal-keep-size", "256MB", "--synchronous-commit", "off", "--auth-method", "md5", "--restore-command",
    "cp /nowhere/%f %p",
)  # fmt: skip


@pytest.mark.seldom
def test_the_values_of_the_runbook_are_put_into_force_and_given_back(pair):
    before = pair.raw()
    planned = pair.tool("plan", *pair.where, *RUNBOOK, status=0)
    for consequence in (
        "is not what makes replication asynchronous",
        "up to three times wal_writer_delay, in a crash",
        "always keeps so much WAL in pg_wal",
        "MD5 is deprecated",
        "restore_command runs on the standby's machine",
        "hot_standby = on",
    ):
        assert consequence in words(planned)
    assert "WARNING" not in planned.stdout
    assert pair.raw() == before
    pair.attach(*RUNBOOK)
    streams(pair)
    assert pair.primary.rows("SHOW synchronous_commit") == [("off",)]
    assert pair.primary.rows("SHOW wal_keep_size") == [("256MB",)]
    hba = (pair.primary.data / "pg_hba.conf").read_text()
    assert "host replication repl_db2 127.0.0.1/32 md5 # standbyctl: db2" in hba
    with pair.standby() as conn:
        assert conn.execute("SHOW restore_command").fetchone() == ("cp /nowhere/%f %p",)
        assert conn.execute("SHOW hot_standby").fetchone() == ("on",)
    assert pair.facts().server(target_of(pair).primary).hba.has_line, "md5 is remembered"
    pair.attach("--auth-method", "scram-sha-256", status=2)
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.raw() == before


@pytest.mark.turns
@pytest.mark.parametrize("value", ["local", "remote_write", "remote_apply"])
@pytest.mark.one_version
def test_every_synchronous_commit_can_be_asked_for(pair, value):
    before = pair.raw()
    pair.attach("--synchronous-commit", value)
    assert pair.primary.rows("SHOW synchronous_commit") == [(value,)]
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.raw() == before


@pytest.mark.one_version
def test_a_setting_that_somebody_has_changed_since_is_kept(pair):
    pair.attach(*RUNBOOK)
    pair.primary.rows("ALTER SYSTEM SET synchronous_commit = 'local'")
    pair.primary.rows("SELECT pg_reload_conf()")
    done = pair.detach()
    assert "synchronous_commit is local: not as attach left it, so it is kept" in words(done)
    assert pair.primary.rows("SHOW synchronous_commit") == [("local",)]
    assert pair.primary.rows("SHOW wal_keep_size") == [("0",)]


@pytest.mark.one_version
def test_a_setting_stays_while_another_standby_without_a_slot_relies_on_it(pair):
    pair.attach(*SLOTLESS)
    other = pair.area.path / "db3"
    port = free_port()
    where = ["-p", pair.primary.conninfo, "-D", str(other), "--name", "db3", "--port", str(port)]
    pair.tool("attach", *where, "--yes", *SLOTLESS, status=0)
    done = pair.detach()
    assert "wal_keep_size is kept: standbys without a slot rely on it (db3)" in words(done)
    assert pair.primary.rows("SHOW wal_keep_size") == [("128MB",)]
    pair.tool("detach", "db3", "--yes", status=0)


@pytest.mark.one_version
def test_a_superuser_as_the_role_is_possible_and_called_what_it_is(pair):
    entry = pair.area.path / "super.pgpass"
    entry.write_text(f"*:*:*:postgres:{pair.primary.password}\n")
    entry.chmod(0o600)
    shutil.chown(entry, pair.area.user)
    done = pair.attach("--role", "postgres", "--passfile", entry)
    assert "postgres is a superuser: whoever can read" in words(done)
    streams(pair)
    pair.detach()


@pytest.mark.one_version
def test_without_the_journal_a_standby_without_a_slot_is_known_by_its_configuration(pair):
    before = pair.raw()
    pair.attach("--no-slot", "--wal-keep-size", "256MB", "--auth-method", "md5")
    (pair.state / "db2" / "journal.jsonl").unlink()
    os.environ["PGPASSFILE"] = pair.env["PGPASSFILE"]
    state = State(pair.state)
    attached = find_attached("db2", Request(pair.primary.conninfo, str(pair.data), port=pair.port), state)
    assert (attached.resolved.target.slot, attached.resolved.target.auth_method) == ("", "md5")
    session = Session(attached.resolved, silent)
    options = DetachOptions(remove_data_directory=True, delete=True)
    planned = plan_detach(session, state, attached, options)
    assert planned.plan.blockers == ()
    run_detach(session, state, lambda event: None, options, planned, lambda run: None)
    session.close()
    # What the setting was before is not known.
    assert pair.primary.rows("SHOW wal_keep_size") == [("256MB",)]
    pair.primary.rows("ALTER SYSTEM RESET wal_keep_size")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW wal_keep_size") == [("0",)])
    assert pair.raw() == before


# --- settings that somebody else keeps


class Keeper(threading.Thread):
    """Whoever manages the files: reads what the run asks for, writes it there, reloads."""

    def __init__(self, pair, process):
        super().__init__(daemon=True)
        self.pair, self.process, self.lines, self.seen = pair, process, [], ""
        self.start()

    def run(self):
        conf = self.pair.primary.data / "postgresql.conf"
        for line in self.process.stdout:
            self.seen += line
            # The plan, shown before, names them too.
            if "put this into" in self.seen and (found := re.fullmatch(r"\s+(\w+ = '[^']*')\s*", line)):
                self.lines.append(found[1])
                with conf.open("a") as file:
                    file.write(found[1] + "\n")
                time.sleep(0.3)
                self.pair.primary.rows("SELECT pg_reload_conf()")

    def finish(self):
        self.join(90)
        assert self.process.wait(10) == 0, self.seen
        return " ".join(self.seen.split())


@pytest.mark.seldom
def test_where_settings_are_kept_elsewhere_the_lines_are_printed_and_the_run_goes_on_once_they_are_in_force(pair):
    conf = pair.primary.data / "postgresql.conf"
    if pair.area.major >= 17:
        restarted(pair, allow_alter_system="off")
        refused = pair.attach(status=1)
        assert "P115" in refused.stderr
        assert "Use --settings print" in words(refused)
    before, text = pair.raw(), conf.read_text()
    asked = ("--settings", "print", "--synchronous-commit", "off", "--wal-keep-size", "256MB")
    planned = pair.tool("plan", *pair.where, *asked, status=0)
    assert "wait for a person to set, and reload:" in words(planned)
    assert "ALTER SYSTEM" not in planned.stdout
    keeper = Keeper(pair, pair.start_tool(*attach_args(pair, *asked)))
    seen = keeper.finish()
    assert f"put this into {conf} on" in seen
    assert len(keeper.lines) == 3
    assert (pair.primary.data / "postgresql.auto.conf").read_text().count("synchronous_commit") == 0
    assert pair.primary.rows("SHOW synchronous_commit") == [("off",)]
    streams(pair)
    done = pair.detach("--remove-data-dir", pair.data, "--delete")
    for line in keeper.lines:
        assert f"was set by hand; take this out of {conf} again: {line}" in words(done)
    assert pair.primary.rows("SHOW synchronous_commit") == [("off",)], "what a person has set, a person takes out"
    conf.write_text(text)
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW synchronous_commit") == [("on",)])
    assert pair.raw() == before


@pytest.mark.one_version
def test_a_run_that_was_killed_while_it_waited_for_settings_goes_on_waiting_for_what_is_left(pair):
    asked = ("--settings", "print", "--wal-cap", "keep", "--synchronous-commit", "off", "--wal-keep-size", "256MB")
    run = pair.start_tool(*attach_args(pair, *asked))
    seen = ""
    while "put this into" not in seen or "synchronous_commit = 'off'" not in seen.split("put this into")[1]:
        line = run.stdout.readline()
        assert line, seen
        seen += line
    run.kill()
    run.wait()
    with (pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("wal_keep_size = '1GB'\n")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW wal_keep_size") == [("1GB",)])
    keeper = Keeper(pair, pair.start_tool(*attach_args(pair, *asked)))
    keeper.finish()
    assert keeper.lines == ["synchronous_commit = 'off'"], "more than was asked for will do"
    done = pair.detach()
    assert "wal_keep_size was set by hand" in words(done)


# --- killed, and asked for nonsense


KILLED = [
    ("after", "AlterSystem"),
    ("before", "CopyCluster"),
    ("during", "CopyCluster"),
    ("after", "WaitUntil"),
    ("during", "StartServer"),
]


@pytest.mark.one_version
@pytest.mark.turns
@pytest.mark.parametrize(("when", "kind"), KILLED, ids=[" ".join(point) for point in KILLED])
def test_killed_on_one_of_these_ways_it_goes_on_and_is_given_back(pair, when, kind):
    before, beside = pair.raw(), pair.beside()
    args = attach_args(pair, "--no-slot", "--wal-method", "fetch", *RUNBOOK)
    killed(pair, when, kind, *args)
    pair.tool(*args, status=0)
    streams(pair)
    assert pair.primary.rows("SHOW synchronous_commit") == [("off",)]
    killed(pair, "after", "AlterSystem", "detach", "db2", "--yes")
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert (pair.raw(), pair.beside()) == (before, beside)


@pytest.mark.one_version
def test_a_bad_value_is_a_usage_error_and_changes_nothing(pair):
    before = pair.raw()
    for args, said in (
        (["--wal-keep-size", "much"], '"much" is no wal_keep_size'),
        (["--wal-keep-size", "1MB"], '"1MB" is no wal_keep_size'),
        (["--wal-keep-size", "9999999TB"], "is no wal_keep_size"),
        (["--restore-command", "cp %f %p\nrm x"], "restore_command must be one line"),
        (["--synchronous-commit", "maybe"], "'maybe' is not one of"),
        (["--auth-method", "trust"], "'trust' is not one of"),
        (["--wal-method", "none"], "'none' is not one of"),
        (["--settings", "guess"], "'guess' is not one of"),
        (["--no-slot", "--slot", "x"], "--no-slot and --slot exclude each other"),
        (["--no-slot", "--wal-cap", "1GB"], "--no-slot and --wal-cap exclude each other"),
    ):
        done = pair.attach(*args, status=2)
        assert said in words(done)
    config = pair.area.path / "standbyctl.toml"
    for key, value in (("wal_method", '"x"'), ("settings", '"x"'), ("auth_method", '"x"'), ("hba", '"x"')):
        config.write_text(f"[attach]\n{key} = {value}\n")
        done = pair.attach("--config", config, status=2)
        assert f'"x" is no value of {key}' in words(done)
        assert "C107" in done.stderr
    assert pair.raw() == before
    assert pair.journal() == []


@pytest.mark.one_version
def test_the_configuration_file_may_ask_for_all_of_it(pair):
    config = pair.area.path / "standbyctl.toml"
    config.write_text(
        '[attach]\nno_slot = true\nwal_method = "fetch"\nwal_keep_size = "256MB"\nsynchronous_commit = "local"\n'
        'auth_method = "md5"\nrestore_command = "cp /nowhere/%f %p"\nsettings = "alter"\n'
    )
    pair.attach("--config", config)
    assert streams(pair).covered
    target = target_of(pair)
    assert (target.slot, target.auth_method) == ("", "md5")
    pair.detach()
