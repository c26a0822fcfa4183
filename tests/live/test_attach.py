"""The promises of attach, kept on a real primary that somebody writes to."""

import json
import re
import stat

import pytest

from standbyctl.lab.load import start_pgbench

pytestmark = [pytest.mark.live, pytest.mark.sample]


@pytest.fixture
def busy(pair):
    """pgbench writes, and a ledger keeps account."""
    pgbench, ledger = start_pgbench(pair.primary, 200), pair.ledger()
    ledger.start()
    yield ledger
    ledger.stop()
    pgbench.terminate()
    pgbench.wait()


def test_no_write_fails_none_is_lost_and_the_primary_is_not_restarted(pair, busy):
    born = pair.started_at()
    done = pair.attach()
    busy.stop()
    assert "ATTACHED  db2 streams from" in done.stdout
    assert busy.failures == []
    assert len(busy.acknowledged) > 50
    assert busy.missing_on(pair.port) == 0
    assert pair.started_at() == born


def test_attaching_twice_changes_nothing_the_second_time(pair):
    pair.attach()
    before = pair.raw()
    again = pair.attach()
    assert again.stdout.startswith("Nothing to do: db2 streams from")
    assert pair.raw() == before
    assert pair.plan().plan.steps == ()


def test_every_step_of_the_first_plan_has_something_to_do(pair):
    kinds = [type(step).__name__ for step in pair.plan().plan.steps]
    assert kinds == [
        "ProvidePassfile", "CreateRole", "AdmitReplication", "CapSlots", "CreateSlot", "CopyByBasebackup",
        "InstallCopy", "StartStandby",
    ]  # fmt: skip


def test_detach_gives_everything_back_to_the_byte(pair):
    raw, facts = pair.raw(), pair.facts()
    pair.attach()
    assert pair.raw() != raw
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.raw() == raw
    assert pair.facts() == facts
    assert pair.beside() == []


def test_an_empty_directory_is_used_and_given_back_empty(pair):
    pair.area.run("pg_ctl", "--version")
    pair.data.mkdir(mode=0o700)
    import shutil

    shutil.chown(pair.data, pair.area.user)
    facts = pair.facts()
    pair.attach()
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.facts() == facts
    assert list(pair.data.iterdir()) == []


def test_detach_alone_keeps_the_directory_and_it_cannot_start_as_a_primary(pair):
    pair.attach()
    done = pair.detach()
    assert "cannot start as a primary" in " ".join(done.stdout.split())
    assert (pair.data / "standby.signal").exists()
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.data), "-l", str(pair.area.path / "x.log"))
    with pair.standby() as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def test_a_directory_that_is_removed_is_renamed_aside(pair):
    pair.attach()
    pair.detach("--remove-data-dir", pair.data)
    assert pair.beside() == ["db2.detached-1"]
    assert (pair.area.path / "db2.detached-1" / "standby.signal").exists()


def test_detaching_twice_changes_nothing_the_second_time(pair):
    pair.attach()
    pair.detach()
    before = pair.raw()
    assert pair.detach().stdout == "Nothing to do: db2 is detached already.\n"
    assert pair.raw() == before


def test_status_never_takes_another_cluster_for_the_primary(pair, template):
    env = {"PGHOST": "127.0.0.1", "PGPORT": str(pair.primary.port), "PGUSER": "postgres"}
    pair.tool("attach", *pair.where[2:], "--yes", status=0, env=env)
    plain = pair.tool("status", status=0)
    assert "streaming" in plain.stdout
    other = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGUSER": "nobody"}
    assert pair.tool("status", status=0, env=other).stdout == plain.stdout
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    assert "unreachable" in pair.tool("status", status=1).stdout


def test_the_standby_is_set_up_as_the_laws_say(pair):
    pair.attach()
    with pair.standby() as conn:
        conninfo = conn.execute("SHOW primary_conninfo").fetchone()[0]
        assert conn.execute("SHOW primary_slot_name").fetchone() == ("db2",)
    assert f"host=127.0.0.1 port={pair.primary.port} user=repl_db2" in conninfo
    assert f"passfile={pair.data}.pgpass" in conninfo
    assert "password=" not in conninfo
    assert "application_name=db2" in conninfo
    assert "tcp_user_timeout=60000" in conninfo
    assert "keepalives_idle=30" in conninfo
    assert "options='-c tcp_user_timeout=60000" in conninfo
    passfile = pair.area.path / "db2.pgpass"
    assert stat.S_IMODE(passfile.stat().st_mode) == 0o600
    [(password,)] = pair.primary.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'repl_db2'")
    assert password.startswith("SCRAM-SHA-256$")
    assert (pair.data.stat().st_mode & 0o777) == 0o700


def test_a_parameter_that_only_the_command_line_raised_is_raised_on_the_standby(pair):
    pair.primary.stop("fast")
    log = str(pair.area.path / "db1.log")
    options = "-c max_connections=150 -c max_worker_processes=12"
    pair.area.run("pg_ctl", "start", "-w", "-s", "-D", str(pair.primary.data), "-l", log, "-o", options)
    pair.attach()
    with pair.standby() as conn:
        assert conn.execute("SHOW max_connections").fetchone() == ("150",)
        assert conn.execute("SHOW max_worker_processes").fetchone() == ("12",)


def test_the_journal_and_the_json_are_for_machines(pair):
    done = pair.attach("--json")
    record = json.loads(done.stdout)
    assert record["schema"] == "standbyctl.attach/1"
    assert record["verdict"] == "attached"
    events = [line["event"] for line in pair.journal()]
    assert events[0] == "run"
    assert events.count("begun") == events.count("done") == 8
    status = json.loads(pair.tool("status", "-p", pair.primary.conninfo, "--json", status=0).stdout)
    by_name = {node["name"]: node for node in status["nodes"]}
    assert by_name["db2"]["role"] == "standby"
    assert by_name["db2"]["state"] == "streaming"
    assert by_name["db2"]["timeline"] == 1
    assert by_name["db2"]["slot"] == "db2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d", status["at"])


def test_a_standby_that_stands_still_is_started_again(pair):
    pair.attach()
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(pair.data), "-m", "fast")
    done = pair.attach()
    assert "1/1 start, prove" in done.stdout
    assert pair.plan().plan.steps == ()


def test_without_a_terminal_it_wants_yes(pair):
    done = pair.tool("attach", *pair.where, status=2)
    assert "Give --yes" in done.stderr
    assert "C124" in done.stderr
    assert pair.journal() == []
