"""The least that a planned switchover can do, as a careful person's script: what bench/switchover.py measures against.

CHECKPOINT; SIGINT to the postmaster; postmaster.pid watched every millisecond; pg_controldata; the standby asked every
millisecond whether it has replayed the shutdown checkpoint; standby.signal and a configuration for the old primary;
pg_promote(false), asked every millisecond; the old primary started. Every connection is there before the signal, and
nothing is synced, journaled, checked or taken back: this is no way to change over, only how fast one can be.

    python bench/switchover_by_hand.py BIN OLD_DATA OLD_PORT NEW_PORT FILE

FILE is what the old primary's postgresql.auto.conf is to be. As root or as the server's user, with PGPASSFILE.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg


def control(programs, data):
    """What the control file says."""
    env = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    said = subprocess.run([programs / "pg_controldata", data], env=env, check=True, capture_output=True, text=True)
    return {key: value.strip() for key, _, value in (line.partition(":") for line in said.stdout.splitlines())}


def until(conn, question, *params):
    while not conn.execute(question, params).fetchone()[0]:
        time.sleep(0.001)


def main(programs, old, old_port, new_port, conf):
    owner, wanted = old.stat(), conf.read_bytes()
    address = "host=127.0.0.1 user=postgres dbname=postgres port="
    with (
        psycopg.connect(f"{address}{new_port}", autocommit=True) as new,
        psycopg.connect(f"{address}{old_port}", autocommit=True) as primary,
    ):
        primary.execute("CHECKPOINT")
        begun = time.monotonic()
        pidfile = old / "postmaster.pid"
        os.kill(int(pidfile.read_text().split("\n", 1)[0]), signal.SIGINT)
        while pidfile.exists():
            time.sleep(0.001)
        stopped = time.monotonic()
        found = control(programs, old)
        assert found["Database cluster state"] == "shut down", found
        until(new, "SELECT pg_last_wal_replay_lsn() > %s::pg_lsn", found["Latest checkpoint location"])
        (old / "postgresql.auto.conf").write_bytes(wanted)
        (old / "standby.signal").touch(0o600)
        os.chown(old / "standby.signal", owner.st_uid, owner.st_gid)
        proven = time.monotonic()
        new.execute("SELECT pg_promote(false)")
        until(new, "SELECT NOT pg_is_in_recovery()")
    ended = time.monotonic()
    print(f"stop {(stopped - begun) * 1000:.0f}")
    print(f"prove {(proven - stopped) * 1000:.0f}")
    print(f"promote {(ended - proven) * 1000:.0f}")
    drop = []
    if os.geteuid() == 0:
        drop = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--init-groups", "--"]
    argv = [*drop, programs / "pg_ctl", "start", "-s", "-W", "-D", old, "-l", f"{old}.log"]
    subprocess.run(argv, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
