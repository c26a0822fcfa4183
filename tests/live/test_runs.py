"""Runs that are interrupted, that meet another run, or whose world has moved on."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time

import pytest

from standbyctl.domain.effects import WaitUntil
from standbyctl.domain.errors import StoppedError
from standbyctl.lab.server import stop_server
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World

pytestmark = [pytest.mark.live, pytest.mark.sample, pytest.mark.one_version]


def text(done):
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_our_children_prints_state_and_the_same_command_goes_on(pair, number):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "2M")
    pair.wait(lambda: pair.ours() and list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    run.send_signal(number)
    output, _ = run.communicate(timeout=20)
    assert run.returncode == 130
    assert pair.ours() == []
    assert "Steps 1 to 5 of 8 are done and kept. Step 6 was begun." in " ".join(output.split())
    assert "standbyctl detach db2" in output
    assert not pair.data.exists()
    pair.attach()
    assert pair.facts().place("db2").upstream
    assert pair.beside() == ["db2", "db2.pgpass"]


def test_killed_while_it_copies_no_child_lives_on(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "2M")
    pair.wait(lambda: pair.ours() and list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    run.kill()
    run.wait()
    pair.wait(lambda: not pair.ours(), seconds=10)
    pair.attach()
    pair.detach("--remove-data-dir", pair.data, "--delete")
    assert pair.beside() == []


def test_a_second_run_for_the_same_standby_is_refused(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "1M")
    pair.wait(lambda: pair.ours())
    second = pair.tool("attach", *pair.where, "--yes", status=4)
    assert "another standbyctl run is at work" in second.stderr or "still being written" in text(second)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=20)


def test_a_saved_plan_runs_and_stops_where_the_world_has_drifted(pair):
    plan = pair.area.path / "db2.plan"
    pair.tool("plan", *pair.where, "-o", plan, status=0)
    before = pair.raw()
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW max_slot_wal_keep_size") == [("1GB",)])
    pair.tool("attach", plan, "--yes", status=0)  # a step less to do is no drift
    pair.detach("--remove-data-dir", pair.data, "--delete")
    pair.primary.rows("ALTER SYSTEM RESET max_slot_wal_keep_size")
    pair.primary.rows("SELECT pg_reload_conf()")
    pair.wait(lambda: pair.primary.rows("SHOW max_slot_wal_keep_size") == [("-1",)])
    assert pair.raw() == before
    pair.tool("plan", *pair.where, "--wal-cap", "keep", "-o", plan, status=0)
    record = json.loads(plan.read_text())
    record["steps"] = record["steps"][1:]
    plan.write_text(json.dumps(record))
    drifted = pair.tool("attach", plan, "--yes", status=1)
    assert "not, or no longer, as the plan says" in text(drifted)
    assert "Nothing was changed" in drifted.stderr
    assert pair.raw() == before


def test_a_plan_of_another_cluster_is_refused(pair):
    plan = pair.area.path / "db2.plan"
    pair.tool("plan", *pair.where, "-o", plan, status=0)
    record = json.loads(plan.read_text())
    record["system_identifier"] = "1"
    plan.write_text(json.dumps(record))
    assert "another system identifier" in text(pair.tool("attach", plan, "--yes", status=1))
    plan.write_text("nonsense")
    assert "is no plan of standbyctl" in text(pair.tool("attach", plan, "--yes", status=2))
    assert "it cannot be changed by options" in text(pair.tool("attach", plan, "--yes", "--name", "x", status=2))


def test_a_standby_made_synchronous_meanwhile_stops_the_run_part_way(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "8M")
    pair.wait(lambda: pair.ours())
    pair.primary.rows("ALTER SYSTEM SET synchronous_standby_names = 'db2'")
    pair.primary.rows("SELECT pg_reload_conf()")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 5, output
    assert "would wait for the new standby" in " ".join(output.split())
    assert not (pair.data / "postmaster.pid").exists()
    pair.detach()


def test_a_frozen_copy_is_said_to_stall_within_fifteen_seconds(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "1M")
    pair.wait(lambda: list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    frozen = [
        int(line)
        for line in subprocess.run(
            ["pgrep", "-f", f"pg_basebackup.*{pair.area.path}"], capture_output=True, text=True
        ).stdout.split()
    ]
    time.sleep(1)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    seen = ""
    os.set_blocking(run.stdout.fileno(), False)
    while "STALLED" not in seen and time.monotonic() - began < 30:
        with contextlib.suppress(BlockingIOError):
            seen += os.read(run.stdout.fileno(), 65536).decode()
        time.sleep(0.1)
    took = time.monotonic() - began
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    run.send_signal(signal.SIGTERM)
    run.wait(20)
    assert "STALLED: nothing has moved for" in seen
    assert took <= 30


def test_a_frozen_primary_is_said_to_stall_and_does_not_hang_us(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "1M")
    pair.wait(lambda: list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    time.sleep(1)
    postmaster = int((pair.primary.data / "postmaster.pid").read_text().splitlines()[0])
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
    for pid in [postmaster, *map(int, children)]:
        os.kill(pid, signal.SIGSTOP)
    try:
        began, seen = time.monotonic(), ""
        os.set_blocking(run.stdout.fileno(), False)
        while "STALLED" not in seen and time.monotonic() - began < 30:
            with contextlib.suppress(BlockingIOError):
                seen += os.read(run.stdout.fileno(), 65536).decode()
            time.sleep(0.1)
        took = time.monotonic() - began
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 130
    finally:
        for pid in [postmaster, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert "STALLED: nothing has moved for" in seen
    assert took <= 30
    pair.attach()


def test_a_disk_that_fills_up_while_copying_leaves_nothing_that_looks_whole(pair):
    pair.primary.rows("CREATE TABLE big AS SELECT generate_series(1, 1000) AS x")
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "4M")
    pair.wait(lambda: list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    # What a full disk does to pg_basebackup is an error on write; taking its directory away is one too.
    data = pair.area.path / ".db2.standbyctl-1" / "data"
    while data.exists():  # it writes all the while
        shutil.rmtree(data, ignore_errors=True)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 5, output
    assert "the base backup failed" in output
    assert not pair.data.exists()
    pair.attach()
    assert pair.beside() == ["db2", "db2.pgpass"]


def test_a_lost_slot_makes_a_finished_copy_a_draft_again(pair):
    env = {"DYING_POINT": "before:13", "DYING_NOTE": str(pair.area.path / "state-note")}
    done = pair.tool("attach", *pair.where, "--yes", module="tests.faults.dying", env=env)
    assert done.returncode == -signal.SIGKILL
    assert (pair.data / "standby.signal").exists()
    pair.primary.rows("SELECT pg_drop_replication_slot('db2')")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('later', true)")
    for _ in range(4):
        pair.primary.rows("SELECT pg_logical_emit_message(true, 'x', 'x')")
        pair.primary.rows("SELECT pg_switch_wal()")
    pair.primary.rows("SELECT pg_drop_replication_slot('later')")
    pair.primary.rows("CHECKPOINT")  # a new slot reserves from the last checkpoint's REDO on
    pair.attach()
    assert pair.facts().place("db2").upstream
    assert "db2.detached-1" in pair.beside()


def test_detach_finds_our_marks_where_the_journal_is_lost_and_asks(pair):
    before = pair.raw()
    pair.attach("--wal-cap", "keep")
    shutil.rmtree(pair.state)
    where = ["detach", "db2", "-p", pair.primary.conninfo, "-D", str(pair.data), "--port", str(pair.port)]
    assert "it needs a terminal" in text(pair.tool(*where, "--yes", status=2))
    leader, follower = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "standbyctl", *where, "--yes"], env=pair.env | {"TERM": "dumb"},
        stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    os.write(leader, b"y\n")
    seen = b""
    while True:
        try:
            seen += os.read(leader, 4096)
        except OSError:
            break
    assert run.wait(60) == 0, seen.decode()
    assert b"There is no journal of this attach" in seen
    assert pair.raw() == before


def test_a_standby_that_ends_while_it_is_waited_for_is_not_waited_for_any_longer(pair):
    pair.attach()
    log, told = pair.data / "startup.log", []
    log.write_text("LOG:  going on\nFATAL:  could not write to file: No space left on device\n")
    session = pair.session()
    try:
        world = World(session._doors(), SystemClock(), told.append)
        primary = session.target.primary
        asked = WaitUntil(primary, "false", 300, "db2", str(log), str(pair.data))
        stop_server(pair.area, pair.data)
        began = time.monotonic()
        with pytest.raises(StoppedError) as stopped:
            perform(asked, world)
        assert "the server of db2 has ended again" in str(stopped.value.what)
        assert "No space left on device" in str(stopped.value.detail)
        assert time.monotonic() - began < 40
    finally:
        session.close()
    assert "; the log of db2: FATAL:  could not write to file" in str(told[0].message)
