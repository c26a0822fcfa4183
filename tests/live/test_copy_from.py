"""A standby as the source of the copy, where the primary is to be spared: it works, and every refusal of it."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from standbyctl.app.request import Request, resolve
from standbyctl.app.session import Session, silent
from standbyctl.app.state import State
from standbyctl.domain.effects import AwaitReplay
from standbyctl.domain.errors import StoppedError
from standbyctl.lab.load import passfile
from standbyctl.lab.server import free_port
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from tests.live.stages import restarted
from tests.live.test_rights import Weak, as_superuser, shown
from tests.live.test_ways import killed, words
from tests.pair import another_system

pytestmark = [pytest.mark.live, pytest.mark.settled]


class Three:
    """A primary, db2 attached to it, and room for db3."""

    def __init__(self, pair, *more):
        self.pair = pair
        self.data = pair.area.path / "db3"
        self.port = free_port()
        pair.attach(*more)
        self.before, self.beside, self.started = pair.raw(), pair.beside(), pair.started_at()

    @property
    def where(self):
        to = ["-D", str(self.data), "--name", "db3", "--port", str(self.port)]
        return ["-p", self.pair.primary.conninfo, *to, "--copy-from", "db2"]

    def attach(self, *more, status=0, **options):
        return self.pair.tool("attach", *self.where, "--yes", *more, status=status, **options)

    def refused(self, *more, status=1, code="P137"):
        """What plan and attach say, which is the same; nothing is changed."""
        before = self.pair.raw()
        planned = self.pair.tool("plan", *self.where, *more)
        done = self.attach(*more, status=status)
        assert (planned.returncode, planned.stderr) == (status, done.stderr)
        asked = self.pair.tool("preflight", *self.where, *more, "--json", status=status)
        if status in {1, 4}:
            blocked = {c["code"] for c in json.loads(asked.stdout)["checks"] if c["status"] == "BLOCK"}
            assert set(re.findall(r"CODE: +(\w+)", done.stderr)) == blocked
        assert f"CODE:   {code}" in done.stderr
        assert self.pair.raw() == before
        assert self.pair.beside() == self.beside
        assert not (self.pair.state / "db3").exists()
        return words(done)

    def detach(self):
        """Everything back, and nothing asked of the source."""
        where = ["--remove-data-dir", self.data, "--delete"]
        self.pair.tool("detach", "db3", "--yes", *where, status=0)
        assert self.pair.raw() == self.before
        assert self.pair.beside() == self.beside

    def admit(self, role="repl_db3"):
        """What the refusal says: a line in the source's own file, and a reload there."""
        hba = self.pair.data / "pg_hba.conf"
        hba.write_text(hba.read_text() + f"host replication {role} 127.0.0.1/32 scram-sha-256 # copy for db3\n")
        self.reload_source()

    def reload_source(self):
        before = self.on_source("SELECT pg_conf_load_time()")
        self.on_source("SELECT pg_reload_conf()")
        self.pair.wait(lambda: self.on_source("SELECT pg_conf_load_time()") != before)

    def restart_source(self):
        self.stop_source()
        self.pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(self.pair.data), "-l", "/dev/null")

    def stop_source(self):
        self.pair.area.run("pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", str(self.pair.data))

    def on_source(self, query):
        with self.pair.standby() as conn:
            cursor = conn.execute(query)
            return cursor.fetchall() if cursor.description else []

    def on_new(self, query):
        with self.pair.primary.connect(self.port) as conn:
            return conn.execute(query).fetchall()

    def assert_attached(self, slot="db3"):
        """It streams from the primary, which was not restarted; it is what the primary is."""
        primary = self.pair.primary
        assert self.pair.started_at() == self.started
        assert self.on_new("SELECT pg_is_in_recovery()") == [(True,)]
        [row] = self.on_new("SELECT sender_port, coalesce(slot_name, '') FROM pg_stat_wal_receiver")
        assert row == (primary.port, slot)
        sums = "SELECT count(*), sum(hashtext(a::text)) FROM pgbench_accounts AS a"
        self.pair.wait(lambda: self.on_new(sums) == primary.rows(sums))
        if slot:
            assert "Nothing to do" in self.attach().stdout
        assert self.on_source("SELECT count(*) FROM pg_replication_slots") == [(0,)]
        assert not list(self.pair.area.path.glob(".db3.standbyctl-*"))

    def started_attach(self, *more):
        process = self.pair.start_tool("attach", *self.where, "--yes", *more)
        return process, Reading(process)


class Reading(threading.Thread):
    """What a process says, while it goes on."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.text = process, ""
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.text += line


class Watching(threading.Thread):
    """Every backup and every connection of the copy that the primary ever shows."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.pair, self.seen, self.asked, self.ending = pair, [], 0, threading.Event()
        self.start()

    def run(self):
        with self.pair.primary.connect() as conn:
            while not self.ending.wait(0.01):
                self.asked += 1
                self.seen += conn.execute(
                    "SELECT pid::text FROM pg_stat_progress_basebackup UNION ALL"
                    " SELECT application_name FROM pg_stat_replication WHERE state = 'backup' OR"
                    " (application_name ~ 'db3_copy|pg_basebackup' AND state = 'streaming')"
                ).fetchall()

    def stop(self):
        self.ending.set()
        self.join()
        assert self.asked > 20
        return self.seen


@pytest.fixture
def three(pair):
    return Three(pair)


@pytest.mark.seldom
def test_a_standby_is_copied_under_load_and_the_primary_is_not_read(three):
    pair = three.pair
    said = three.refused()
    assert "does not let repl_db3 in for the copy" in said
    assert "host replication repl_db3 127.0.0.1/32 scram-sha-256 # copy for db3" in said
    three.admit()
    asked = pair.tool("preflight", *three.where, status=0)
    assert re.search(r"OK +P137 source of the copy +db2 \(127.0.0.1:\d+\), streams from 127.0.0.1:\d+", asked.stdout)
    assert "--copy-from db2" in asked.stdout
    ledger, watch = pair.ledger(), None
    pair.primary.rows("CREATE TABLE ledger (id bigint PRIMARY KEY)")
    ledger.start()
    try:
        watch = Watching(pair)
        process, reading = three.started_attach("--max-rate", "16M")
        pair.wait(lambda: process.poll() is not None, 90)
        reading.join()
    finally:
        ledger.stop()
        seen = watch.stop() if watch else []
    assert process.returncode == 0, reading.text
    assert re.search(r"copying \d+% of .*slot holds", reading.text)
    assert seen == []
    assert ledger.failures == []
    assert len(ledger.acknowledged) > 100
    assert ledger.missing_on(three.port) == 0
    three.assert_attached()
    pair.tool("status", status=0)
    pair.primary.rows("DROP TABLE ledger")
    three.detach()


def test_what_the_sources_configuration_would_do_is_undone_in_the_copy(three):
    pair = three.pair
    three.admit()
    for name, value in (
        ("recovery_min_apply_delay", "1s"), ("archive_mode", "always"), ("archive_command", "/bin/true"),
        ("archive_cleanup_command", "touch /tmp/never"), ("recovery_end_command", "touch /tmp/never"),
        ("cluster_name", "db2"), ("max_connections", "130"), ("max_worker_processes", "20"),
        ("restore_command", "cp /nowhere/%f %p"), ("hot_standby_feedback", "on"),
        ("log_directory", "/tmp/never"), ("external_pid_file", str(pair.data / "external.pid")),
    ):  # fmt: skip
        three.on_source(f"ALTER SYSTEM SET {name} = '{value}'")
    three.restart_source()
    # In the source's files, and not what anything runs with.
    three.on_source("ALTER SYSTEM SET max_connections = 5")
    three.on_source("ALTER SYSTEM SET max_locks_per_transaction = 10")
    pair.wait(lambda: three.on_source("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    planned = words(pair.tool("plan", *three.where, status=0))
    assert "restore_command = 'cp /nowhere/%f %p' with it" in planned
    three.attach()
    three.assert_attached()
    shown = dict(three.on_new("SELECT name, setting FROM pg_settings"))
    assert shown["primary_slot_name"] == "db3"
    assert "application_name=db3" in shown["primary_conninfo"]
    assert shown["port"] == str(three.port)
    assert (shown["recovery_min_apply_delay"], shown["archive_mode"], shown["hot_standby"]) == ("0", "on", "on")
    assert (shown["archive_cleanup_command"], shown["recovery_end_command"]) == ("", "")
    assert (shown["external_pid_file"], shown["log_directory"]) == ("", "log")
    assert (shown["max_connections"], shown["max_locks_per_transaction"]) == ("130", "64")
    assert shown["max_worker_processes"] == "20"
    assert pair.primary.rows("SELECT application_name FROM pg_stat_replication ORDER BY 1") == [("db2",), ("db3",)]
    three.detach()


# --- refused


def test_a_source_that_is_the_primary_or_itself_or_carries_a_password(three):
    pair = three.pair
    assert "is the primary itself" in three.refused("--copy-from", pair.primary.conninfo)
    done = three.attach("--copy-from", "port=1 password=secret", status=2)
    assert "C104" in done.stderr
    assert "secret" not in done.stderr
    done = three.attach("--copy-from", "port=1 no_such_word=x", status=2)
    assert "the standby to be copied (--copy-from)" in words(done)
    done = pair.attach("--copy-from", f"port={pair.port}", status=2)
    assert "cannot be a copy of itself" in words(done)
    assert pair.raw() == three.before


def test_a_source_of_another_cluster(three, template):
    with another_system(template) as conninfo:
        said = three.refused("--copy-from", conninfo, status=4)
        assert "is not a standby of" in said
        assert "System identifier" in said


@pytest.mark.seldom
def test_a_source_that_does_not_stream_or_does_not_answer_or_is_promoted(three):
    pair = three.pair
    three.admit()
    three.on_source("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
    three.reload_source()
    pair.wait(lambda: not three.on_source("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    assert "db2 does not stream" in three.refused()
    three.stop_source()
    said = three.refused(status=3)
    assert "the standby that was to be copied does not answer" in said
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", "/dev/null")
    three.on_source("SELECT pg_promote()")
    said = three.refused()
    assert "db2 is not in recovery: it is a primary by now" in said
    # A standby of it is on its timeline, and not on that of the primary.
    more = [str(pair.area.path / "db4"), "--name", "db4", "--port", str(free_port())]
    pair.tool("attach", "-p", f"host=127.0.0.1 port={pair.port} user=postgres", "-D", *more, "--yes", status=0)
    three.beside = pair.beside()
    said = three.refused("--copy-from", "db4")
    assert "db4 is on another timeline than" in said
    assert "Timeline of db4: 2" in said


@pytest.mark.seldom
def test_a_source_with_too_few_walsenders_and_no_slots(pair):
    restarted(pair, max_wal_senders="2", max_replication_slots="2")
    three = Three(pair)
    three.admit()
    with (pair.data / "pg_hba.conf").open("a") as hba:
        hba.write("host replication postgres 127.0.0.1/32 scram-sha-256\n")
    three.on_source("ALTER SYSTEM SET max_replication_slots = 0")
    three.restart_source()
    pair.wait(lambda: three.on_source("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    with pair.standby(replication="true", dbname=""):
        said = three.refused()
        assert "not enough free walsenders on db2" in said
        assert "Use --wal-method fetch" in said
        # One is free there, and one at the primary for the standby.
        three.attach("--wal-method", "fetch")
    three.assert_attached()
    three.detach()
    planned = pair.tool("plan", *three.where, status=0)
    assert "--no-slot" in planned.stdout, "the source has none for the copy"
    three.attach()
    three.assert_attached()
    three.detach()


def test_a_source_that_cannot_be_copied_whole(three):
    pair = three.pair
    hba = pair.data / "pg_hba.conf"
    hba.write_text(hba.read_text() + "host replication repl_db3 127.0.0.1/32 scram-sha-256\n")
    said = three.refused()
    assert "was changed there, and not reloaded since" in said
    three.reload_source()
    pair.primary.rows("ALTER SYSTEM SET full_page_writes = off")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW full_page_writes") == [("off",)])
    (pair.data / "root-only").write_text("x")
    (pair.data / "root-only").chmod(0)
    said = three.refused()
    assert "full_page_writes is off on" in said
    assert "cannot read everything in the data directory of db2" in said
    (pair.data / "root-only").unlink()
    pair.primary.rows("ALTER SYSTEM RESET full_page_writes")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.primary.rows("CHECKPOINT")
    inside = ["-D", str(pair.data / "inside")]
    assert "It would be copied into itself" in three.refused(*inside, status=4)
    moved = pair.area.path / "elsewhere.conf"
    (pair.data / "pg_ident.conf").rename(moved)
    (pair.data / "pg_ident.conf").symlink_to(moved)
    three.beside = pair.beside()
    assert "has configuration outside its data directory" in three.refused()


def test_a_rule_that_only_the_server_can_judge_is_left_to_it(three):
    pair = three.pair
    hba = pair.data / "pg_hba.conf"
    hba.write_text("host replication all samehost scram-sha-256\n" + hba.read_text())
    three.reload_source()
    asked = pair.tool("preflight", *three.where, status=0)
    assert re.search(r"WARN +P137", asked.stdout)
    # By its Unix socket it is asked, and copied by TCP all the same.
    socket = ["--copy-from", f"host={pair.area.path} port={pair.port}"]
    planned = pair.tool("plan", *three.where[:-2], *socket, status=0)
    assert f"host=127.0.0.1 port={pair.port} user=repl_db3" in words(planned)
    three.attach(*socket)
    three.detach()


# --- it lags


def test_a_source_that_lags_is_waited_for(three):
    pair = three.pair
    three.admit()
    three.on_source("SELECT pg_wal_replay_pause()")
    pair.primary.rows("CREATE TABLE later AS SELECT generate_series(1, 10000)")
    asked = pair.tool("preflight", *three.where, status=0)
    assert re.search(r"WARN +P137 .*replay is paused", asked.stdout)
    process, reading = three.started_attach()
    pair.wait(lambda: "replay is paused" in reading.text.split("slot", 1)[-1])
    time.sleep(2)
    assert process.poll() is None
    assert not list(pair.area.path.glob(".db3.standbyctl-*"))
    three.on_source("SELECT pg_wal_replay_resume()")
    pair.wait(lambda: process.poll() is not None, 60)
    reading.join()
    assert process.returncode == 0, reading.text
    assert "waiting until db2 has replayed" in " ".join(reading.text.split())
    assert three.on_new("SELECT count(*) FROM later") == [(10000,)]
    three.assert_attached()
    pair.primary.rows("DROP TABLE later")
    three.detach()


def test_a_source_that_is_promoted_meanwhile_is_not_copied(three):
    pair = three.pair
    three.admit()
    three.on_source("SELECT pg_wal_replay_pause()")
    process, reading = three.started_attach()
    pair.wait(lambda: "waiting until" in reading.text)
    three.on_source("SELECT pg_promote()")
    pair.wait(lambda: process.poll() is not None, 60)
    reading.join()
    assert process.returncode == 5, reading.text
    assert "db2 is not in recovery any more" in reading.text
    assert "CODE:   P137" in reading.text
    assert not three.data.exists()
    # The journal has it begun; without the option it goes on from the primary.
    where = three.where[:-2]
    pair.tool("attach", *where, "--yes", status=0)
    three.detach()


@pytest.mark.seldom
@pytest.mark.one_version
def test_a_slot_that_begins_with_a_checkpoint_under_way_is_waited_for(three):
    """RedoRecPtr is the new one from its start; no standby can begin a copy there before its end."""
    pair = three.pair
    three.admit()
    pair.primary.rows("ALTER SYSTEM SET checkpoint_timeout = '30s'")
    pair.primary.rows("ALTER SYSTEM SET checkpoint_completion_target = 0.5")
    pair.primary.rows("SELECT pg_reload_conf()")
    spread = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'CheckpointWriteDelay'"
    pair.primary.rows("UPDATE pgbench_accounts SET abalance = abalance + 1")
    pair.wait(lambda: pair.primary.rows(spread), 60)
    done = three.attach("--slot", "db3")
    assert "has finished the checkpoint that is under way" in words(done)
    three.assert_attached()


class Doors:
    """The deeds of one step, with no engine between."""

    def __init__(self, three):
        os.environ["PGPASSFILE"] = str(passfile(three.pair.primary))
        request = Request(
            three.pair.primary.conninfo,
            str(three.data),
            name="db3",
            port=three.port,
            copy_from=f"port={three.pair.port}",
        )
        self.session = Session(resolve(replace(request, copy_name="db2"), State(three.pair.state)), silent)
        self.told = []
        self.world = World(self.session._doors(), SystemClock(), self.told.append)

    def wait(self, seconds=60, **changes):
        facts = self.session.look()
        system = facts.server(self.session.target.primary).system_identifier
        effect = AwaitReplay("db2", self.session.target.primary, "", system, seconds)
        perform(replace(effect, **changes), self.world)


def test_what_the_source_has_become_meanwhile_is_seen(three):
    pair, doors = three.pair, Doors(three)
    try:
        doors.wait()
        assert doors.told == []
        with pytest.raises(StoppedError, match="db2 is another cluster by now"):
            doors.wait(system_identifier="7")
        three.on_source("SELECT pg_wal_replay_pause()")
        pair.primary.rows("SELECT pg_logical_emit_message(true, 'x', 'y')")
        with pytest.raises(StoppedError, match=r"still waiting after 2 s until db2 has replayed .* replay is paused"):
            doors.wait(2)
        three.on_source("SELECT pg_wal_replay_resume()")
        three.on_source("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        three.reload_source()
        pair.primary.rows("CREATE TABLE delayed ()")
        with pytest.raises(StoppedError, match="recovery_min_apply_delay is 1h there"):
            doors.wait(2)
        three.on_source("ALTER SYSTEM RESET recovery_min_apply_delay")
        three.reload_source()
        doors.wait()
        three.on_source("SELECT pg_promote()")
        for _ in range(2):
            with pytest.raises(StoppedError, match="db2 is not in recovery any more") as stopped:
                doors.wait()
            assert stopped.value.code == "P137"
    finally:
        doors.session.close()


# --- it dies


KILLED = [
    ("before", "AwaitReplay"),
    ("after", "AwaitReplay"),
    ("during", "CopyCluster"),
    ("after", "CopyCluster"),
    ("before", "StartServer"),
]


@pytest.mark.seldom
@pytest.mark.turns
@pytest.mark.parametrize(("when", "kind"), KILLED, ids=[" ".join(point) for point in KILLED])
def test_killed_on_the_way_it_goes_on(three, when, kind):
    pair = three.pair
    three.admit()
    killed(pair, when, kind, "attach", *three.where, "--yes", "--max-rate", "32M")
    if kind == "StartServer":
        # Everything is copied: the source is not needed any more.
        three.stop_source()
        done = three.attach()
        assert "base backup" not in done.stdout
        pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", "/dev/null")
    else:
        three.attach()
    three.assert_attached()
    three.detach()


def test_killed_in_the_copy_it_can_be_given_back_without_the_source(three):
    pair = three.pair
    three.admit()
    killed(pair, "during", "CopyCluster", "attach", *three.where, "--yes", "--max-rate", "32M")
    three.stop_source()
    done = three.attach(status=3)
    assert "CODE:" in done.stderr
    pair.tool("detach", "db3", "--yes", status=0)
    assert pair.beside() == three.beside
    assert pair.primary.rows("SELECT slot_name FROM pg_replication_slots") == [("db2",)]


@pytest.mark.one_version
def test_a_frozen_copy_of_a_standby_is_said_to_stall(three):
    pair = three.pair
    three.admit()
    process, reading = three.started_attach("--max-rate", "2M")
    pair.wait(lambda: "copying" in reading.text, 30)
    found = subprocess.run(
        ["pgrep", "-f", r"pg_basebackup --dbname .*\.db3\.standbyctl-"], capture_output=True, text=True
    )
    frozen = [int(pid) for pid in found.stdout.split()]
    assert frozen
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        pair.wait(lambda: "STALLED" in reading.text, 30)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    pair.wait(lambda: process.poll() is not None, 60)
    assert process.returncode == 0


# --- with other wishes


def test_without_a_slot_and_with_a_plan_that_was_saved(three):
    pair = three.pair
    three.admit()
    plan = pair.area.path / "plan.json"
    pair.tool("plan", *three.where, "--no-slot", "--wal-keep-size", "128MB", "-o", plan, status=0)
    assert json.loads(plan.read_text())["target"]["copy_from"] == "db2"
    pair.tool("attach", plan, "--yes", status=0)
    three.assert_attached(slot="")
    plan.unlink()
    three.detach()


@pytest.mark.parametrize("host", ["127.0.0.1", "*"])
def test_the_role_and_passfile_of_the_operator_will_do(three, host):
    """A passfile finds passwords by host and port: an entry for the primary is lent to the copy."""
    pair = three.pair
    pair.primary.rows("CREATE ROLE walrus LOGIN REPLICATION PASSWORD 'tusk:\\tusk'")
    three.before = pair.raw()
    three.admit("walrus")
    passfile = pair.area.path / "walrus.pgpass"
    port = "*" if host == "*" else pair.primary.port
    passfile.write_text(f"# theirs\n{host}:{port}:*:walrus:tusk\\:\\\\tusk")
    passfile.chmod(0o600)
    shutil.chown(passfile, pair.area.user)
    three.beside = pair.beside()
    three.attach("--role", "walrus", "--passfile", passfile)
    assert pair.primary.rows("SELECT usename FROM pg_stat_replication ORDER BY 1") == [("repl_db2",), ("walrus",)]
    three.detach()


@pytest.mark.one_version
def test_the_source_is_named_in_the_configuration_file(three):
    pair = three.pair
    three.admit()
    config = pair.area.path / "standbyctl.toml"
    config.write_text(
        f'[[node]]\nname = "upstairs"\nport = {pair.port}\n[[node]]\nname = "bare"\n[attach]\ncopy_from = "upstairs"\n'
    )
    three.beside = pair.beside()
    where = [*three.where[:-2], "--config", config]
    planned = pair.tool("plan", *where, status=0)
    assert "pg_basebackup from upstairs into" in planned.stdout
    done = pair.tool("plan", *where, "--copy-from", "bare", status=2)
    assert "neither a conninfo nor a port" in done.stderr
    pair.tool("attach", *where, "--yes", status=0)
    three.detach()


def test_a_copy_of_a_standby_is_verified_like_any_other(three):
    if three.pair.area.run("pg_verifybackup", "--version", check=False).returncode != 0:
        return  # that of one wheel dies when it is loaded
    three.admit()
    done = three.attach("--verify-backup")
    assert "verify backup   done" in done.stdout
    three.assert_attached()
    three.detach()


@pytest.mark.one_version
def test_no_superuser_is_needed_for_it(pair):
    weak = Weak(pair)
    weak.make_theirs()
    three = Three(pair)
    where = ["-p", weak.conninfo, *three.where[2:], *weak.theirs]
    as_superuser(pair, *shown(weak.tool("plan", *where, status=3)))
    three.before, three.beside = pair.raw(), pair.beside()
    pair.wait(lambda: three.on_source("SELECT 1 FROM pg_roles WHERE rolname = 'theirs'"))
    three.admit("theirs")
    weak.tool("attach", *where, "--yes")
    assert three.on_new("SELECT sender_port FROM pg_stat_wal_receiver") == [(pair.primary.port,)]
    weak.tool("detach", "db3", "--yes", "--remove-data-dir", three.data, "--delete")
    assert (pair.raw(), pair.beside()) == (three.before, three.beside)
