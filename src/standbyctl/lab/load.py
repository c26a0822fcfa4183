"""Somebody who writes all the while: pgbench for the load, and a ledger that knows every commit it was told of."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from pathlib import Path

import psycopg

from standbyctl.domain.record import dataclass, field
from standbyctl.lab.server import Primary

LEDGER = "CREATE TABLE IF NOT EXISTS ledger (id bigint PRIMARY KEY)"


def fill(primary: Primary, scale: int) -> None:
    """pgbench's tables, about 15 MB for each unit of scale."""
    primary.area.run(
        "pgbench", "-i", "-q", "-s", str(scale), *_address(primary),
        env={"LC_ALL": "C", "PGPASSFILE": str(passfile(primary))},
    )  # fmt: skip


def start_pgbench(primary: Primary, rate: int, clients: int = 2) -> subprocess.Popen[bytes]:
    """pgbench at so many transactions a second, until it is ended."""
    argv = [
        *primary.area.as_user(), str(primary.area.bin / "pgbench"), "-n", "-c", str(clients), "-R", str(rate),
        "-T", "86400", *_address(primary),
    ]  # fmt: skip
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C", "PGPASSFILE": str(passfile(primary))},
        cwd="/",
        start_new_session=True,
    )


def _address(primary: Primary) -> tuple[str, ...]:
    return ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "postgres")


def passfile(primary: Primary) -> Path:
    """A passfile for the superuser of a lab primary and its copies."""
    path = primary.area.path / f".{primary.data.name}.pgpass"
    if not path.exists():
        path.touch(0o600)
        path.write_text(f"*:*:*:postgres:{primary.password}\n")
        shutil.chown(path, primary.area.user)
    return path


@dataclass(slots=True)
class Ledger:
    """Commits one row after another, and keeps account: acknowledged, or failed."""

    primary: Primary
    acknowledged: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write, every few milliseconds."""
        self.primary.rows(LEDGER)
        first = int(self.primary.rows("SELECT coalesce(max(id), 0) FROM ledger")[0][0])
        self._thread = threading.Thread(target=self._write, args=(first,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, with the account complete."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(30)

    def _write(self, number: int) -> None:
        conn: psycopg.Connection[tuple[object, ...]] | None = None
        while not self._ending.wait(0.003):
            number += 1
            began = time.monotonic()
            try:
                conn = conn or self.primary.connect(connect_timeout=2)
                conn.execute("INSERT INTO ledger VALUES (%s)", [number])
                self.acknowledged.append(number)
            except psycopg.Error as error:
                self.failures.append(str(error))
                conn = None
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        if conn is not None:
            conn.close()

    def missing_on(self, port: int, timeout_seconds: float = 30) -> int:
        """How many acknowledged commits a copy does not have, once it has replayed all there was."""
        [(lsn,)] = self.primary.rows("SELECT pg_current_wal_flush_lsn()::text")
        deadline = time.monotonic() + timeout_seconds
        with self.primary.connect(port) as conn:
            while conn.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [lsn]).fetchone() != (True,):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            there = {row[0] for row in conn.execute("SELECT id FROM ledger")}
        return len(set(self.acknowledged) - there)
