"""Several standbys by one command, and several commands at once: side by side, and never in each other's way."""

import json
import signal

import pytest

from standbyctl.lab.server import free_port
from tests.live.test_runs import text

pytestmark = [pytest.mark.live, pytest.mark.one_version]
NAMES = ("db2", "db3")


class Several:
    """A primary, and a file that says where db2 and db3 go: each beside it on this machine."""

    def __init__(self, pair):
        self.pair = pair
        self.config = pair.area.path / "state.toml"
        self.before = pair.raw()
        self.say()

    def say(self, **more):
        """A port only where one is given."""
        nodes = [f'[[node]]\nname = "{name}"\ndata_directory = "{self.data(name)}"\n' for name in NAMES]
        self.config.write_text(
            "".join(node + more.get(name, "") + "\n" for name, node in zip(NAMES, nodes, strict=True))
        )

    def data(self, name):
        return self.pair.area.path / name

    @property
    def where(self):
        return ["-c", self.config, "-p", self.pair.primary.conninfo, "--name", "db2", "--name", "db3"]

    def attach(self, *more, status=0, **options):
        return self.pair.tool("attach", *self.where, "--yes", *more, status=status, **options)

    def start(self, *more):
        return self.pair.start_tool("attach", *self.where, "--yes", *more)

    def both_copy(self):
        return all(list(self.pair.area.path.glob(f".{name}.standbyctl-1/data/base")) for name in NAMES)

    def streaming(self):
        return self.pair.primary.rows("SELECT application_name FROM pg_stat_replication ORDER BY 1")

    def detach(self):
        for name in NAMES:
            where = ["--remove-data-dir", self.data(name), "--delete"]
            self.pair.tool("detach", name, "--yes", *where, status=0)
        assert self.pair.raw() == self.before
        assert self.pair.beside() == ["state.toml"]


@pytest.fixture
def several(pair):
    return Several(pair)


def of(name, output):
    """The lines of one of them."""
    return [line for line in output.splitlines() if line.startswith(f"{name}  ")]


def test_two_are_attached_by_one_command_and_both_are_detached_to_the_byte(several):
    pair = several.pair
    done = several.attach()
    assert several.streaming() == [("db2",), ("db3",)]
    assert pair.started_at() == several.before["started"]
    assert done.stdout.count("Plan: attach") == 2
    for name in NAMES:
        assert any("base backup" in line and "done" in line for line in of(name, done.stdout))
        assert any(f"ATTACHED  {name} streams from" in line for line in of(name, done.stdout))
    assert done.stdout.endswith("\nAll 2 are attached.\n")
    # The limit was set by whoever came first, and stands for both.
    assert sum("max_slot_wal_keep_size" in line for line in done.stdout.splitlines()) == 2
    ports = {(several.data(name) / "postmaster.pid").read_text().splitlines()[3] for name in NAMES}
    assert len(ports) == 2
    again = several.attach()
    assert [f"Nothing to do: {name} streams" in text(again) for name in NAMES] == [True, True]
    several.detach()


def test_they_copy_at_the_same_time_and_a_signal_ends_all_of_it(several):
    run = several.start("--max-rate", "2M")
    several.pair.wait(several.both_copy)
    assert len(several.pair.primary.rows("SELECT 1 FROM pg_stat_progress_basebackup")) == 2
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 130, output
    assert output.count("CODE:   A209") == 2
    assert several.pair.ours() == []
    assert "0 of 2 attached, not: db2, db3." in output
    several.attach()
    several.detach()


@pytest.mark.seldom
def test_killed_none_of_it_lives_on(several):
    run = several.start("--max-rate", "2M")
    several.pair.wait(several.both_copy)
    run.kill()
    run.wait()
    several.pair.wait(lambda: not several.pair.ours(), seconds=20)
    several.attach()
    several.detach()


def test_where_one_fails_the_other_is_attached_and_the_same_again_does_the_rest(several):
    pair = several.pair
    run = several.start("--max-rate", "4M")
    pair.wait(several.both_copy)
    pair.primary.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = 'db3_copy'")
    output, _ = run.communicate(timeout=90)
    assert run.returncode == 5, output
    assert any("A204" in line for line in of("db3", output)), output
    assert "1 of 2 attached, not: db3. The same command again goes on with them." in output
    assert several.streaming() == [("db2",)]
    again = several.attach()
    assert any("Nothing to do: db2" in line for line in of("db2", again.stdout))
    assert several.streaming() == [("db2",), ("db3",)]
    several.detach()


@pytest.mark.seldom
def test_a_reader_that_goes_away_stops_none_of_them(several):
    run = several.start("--max-rate", "4M")
    several.pair.wait(several.both_copy)
    run.stdout.close()
    assert run.wait(90) in {0, 141}
    assert several.streaming() == [("db2",), ("db3",)]


@pytest.mark.seldom
def test_a_person_is_waited_for_once_for_each(several):
    pair = several.pair
    hba, run = pair.primary.data / "pg_hba.conf", several.start("--hba", "wait")
    admitted = set()
    made = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'repl_db_' AND rolname <> ALL (%s)"
    for _ in NAMES:
        pair.wait(lambda there=list(admitted): pair.primary.rows(made, there))
        [(role,)] = pair.primary.rows(made, list(admitted))
        admitted.add(role)
        hba.write_text(hba.read_text() + f"host replication {role} samehost scram-sha-256\n")
        pair.primary.rows("SELECT pg_reload_conf()")
    output, _ = run.communicate(timeout=90)
    assert run.returncode == 0, output


@pytest.mark.seldom
def test_saved_plans_run_together_and_json_is_one_document(several):
    pair = several.pair
    plans = [pair.area.path / f"{name}.plan" for name in NAMES]
    several.say(db2=f"port = {free_port()}\n", db3=f"port = {free_port()}\n")
    for name, plan in zip(NAMES, plans, strict=True):
        pair.tool("plan", "-c", several.config, "-p", pair.primary.conninfo, "--name", name, "-o", plan, status=0)
    done = json.loads(pair.tool("attach", *plans, "--yes", "--json", status=0).stdout)
    assert [(each["name"], each["exit_code"]) for each in done["standbys"]] == [("db2", 0), ("db3", 0)]
    assert [each["result"]["verdict"] for each in done["standbys"]] == ["attached", "attached"]
    for plan in plans:
        plan.unlink()
    several.detach()


def test_what_only_one_can_have_is_refused_before_anything_changes(several):
    pair, port = several.pair, free_port()
    several.say(db2=f"port = {port}\n", db3=f"port = {port}\n")
    said = several.attach(status=2)
    assert f"two of the standbys have the same port {port}, for db2 and for db3." in text(said).replace("DETAIL: ", "")
    said = pair.tool("attach", *several.where, "-D", several.data("db2"), "--port", port, "--yes", status=2)
    assert "two of the standbys have the same" in text(said)
    said = several.attach("--slot", "both", status=2)
    assert "--slot is one standby's" in text(said)
    said = several.attach("--standby-ssh", "a", "--standby-ssh", "b", "--standby-ssh", "c", status=2)
    assert "2 times --name and 3 times --standby-ssh" in text(said)
    assert pair.raw() == several.before
    assert pair.beside() == ["state.toml"]


def test_walsenders_and_slots_must_do_for_all_of_them(several):
    pair = several.pair
    for name, value in (("max_wal_senders", 3), ("max_replication_slots", 1)):
        pair.primary.rows(f"ALTER SYSTEM SET {name} = {value}")
    pair.primary.stop("fast")
    pair.primary.start()
    before = pair.raw()
    said = several.attach(status=1)
    assert "0 of 3 are in use, and 2 more are for those attached with it" in text(said)
    assert "0 of 1 replication slots are in use, and 1 more are for those attached with it" in text(said)
    assert pair.raw() == before
    for name in NAMES:
        where = ["-c", several.config, "-p", pair.primary.conninfo, "--name", name]
        pair.tool("plan", *where, status=0)


def test_commands_at_once_wait_for_each_other_where_they_change_the_primary(pair):
    one = pair.start_tool("attach", *pair.where, "--yes", "--hba", "wait")
    pair.wait(lambda: pair.primary.rows("SELECT 1 FROM pg_roles WHERE rolname = 'repl_db2'"))
    other = ["-p", pair.primary.conninfo, "-D", pair.area.path / "db3", "--name", "db3", "--port", free_port()]
    two = pair.start_tool("attach", *other, "--yes", "--max-rate", "2M")
    lines = []
    for line in two.stdout:
        lines.append(line)
        if "waiting for its turn: " in line:
            break
    assert lines[-1].startswith("        waiting for its turn:"), lines
    hba = pair.primary.data / "pg_hba.conf"
    hba.write_text(hba.read_text() + "host replication repl_db2 samehost scram-sha-256\n")
    pair.primary.rows("SELECT pg_reload_conf()")
    said, _ = one.communicate(timeout=60)
    assert one.returncode == 0, said
    # While one copies, another standby can be taken away.
    pair.wait(lambda: list(pair.area.path.glob(".db3.standbyctl-1/data/base")))
    pair.detach("--remove-data-dir", pair.data, "--delete")
    said, _ = two.communicate(timeout=60)
    assert two.returncode == 0, said
    assert pair.primary.rows("SELECT application_name FROM pg_stat_replication") == [("db3",)]


@pytest.mark.seldom
def test_what_copies_cannot_be_detached_meanwhile(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "2M")
    pair.wait(lambda: list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    said = pair.detach(status=4)
    assert "another standbyctl run is at work" in text(said) or "still being written" in text(said)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=20)
