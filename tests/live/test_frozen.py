"""A peer that is frozen, not dead, cannot stop the primary, even where nobody of ours lives to end it."""

import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.live
# Its walsender hangs in a write, and the checkpointer that takes the slot away waits for it. Two minutes and more
# without the tcp_user_timeout that attach asks the walsender for.
BOUND_SECONDS = 90
WRITE = "SELECT count(pg_logical_emit_message(true, 'x', repeat('x', 1000000))) FROM generate_series(1, {})"


def freeze(pids):
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def checkpoint_seconds(pair):
    """How long it takes where the slot has less room than was written."""
    for _ in range(8):
        pair.primary.rows(WRITE.format(32))
        pair.primary.rows("SELECT pg_switch_wal()")
    began = time.monotonic()
    with pair.primary.connect() as conn:
        conn.execute("SET statement_timeout = 0")
        conn.execute("CHECKPOINT")
    return time.monotonic() - began


@pytest.mark.timeout(300)
def test_a_frozen_walreceiver_does_not_hold_a_checkpoint_up(pair):
    pair.attach("--wal-cap", "64MB")
    with pair.standby() as conn:
        [(receiver,)] = conn.execute("SELECT pid FROM pg_stat_wal_receiver").fetchall()
    freeze([receiver])
    try:
        assert checkpoint_seconds(pair) < BOUND_SECONDS
        assert pair.primary.rows("SELECT wal_status FROM pg_replication_slots") == [("lost",)]
    finally:
        os.kill(receiver, signal.SIGCONT)


@pytest.mark.seldom
@pytest.mark.timeout(300)
def test_a_frozen_pg_basebackup_does_not_hold_a_checkpoint_up(pair):
    run = pair.start_tool("attach", *pair.where, "--yes", "--max-rate", "1M", "--wal-cap", "64MB")
    pair.wait(lambda: list(pair.area.path.glob(".db2.standbyctl-1/data/base")))
    found = subprocess.run(["pgrep", "-f", f"{pair.area.path}/.db2"], capture_output=True, text=True, check=True)
    # Its keeper too, which would end it.
    copying = [int(pid) for pid in found.stdout.split()]
    freeze(copying)
    run.kill()
    run.wait()
    try:
        assert checkpoint_seconds(pair) < BOUND_SECONDS
    finally:
        kill(copying)
