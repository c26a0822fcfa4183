"""The file of a history: made, opened, checked, set aside where it is damaged; and who may write to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.finding import STANDBY, Finding, Severity, finding
from standbyctl.domain.message import Message, msg
from standbyctl.monitor.boot import BOOT_TABLE

# "sbyc"; the version of the tables is SQLite's user_version.
APPLICATION_ID, VERSION = 0x73627963, 1
# Nobody but a person with sqlite3 holds it for long, and a round has not the time to wait.
BUSY_SECONDS = 0.1
_TABLES = """
CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1), rounds INTEGER, steady REAL, wall REAL, interval REAL,
  rolled_10 INTEGER, rolled_60 INTEGER);
CREATE TABLE memory (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT);
CREATE TABLE bucket (
  grain INTEGER, steady INTEGER, node TEXT, n INTEGER, state TEXT,
  lag_min INTEGER, lag_avg INTEGER, lag_max INTEGER,
  behind_min INTEGER, behind_avg INTEGER, behind_max INTEGER,
  wal_min INTEGER, wal_avg INTEGER, wal_max INTEGER,
  PRIMARY KEY (grain, steady, node)) WITHOUT ROWID;
CREATE TABLE written (
  grain INTEGER, steady REAL, wall REAL, node TEXT, timeline INTEGER, lsn INTEGER,
  PRIMARY KEY (grain, steady)) WITHOUT ROWID;
CREATE TABLE last (
  node TEXT PRIMARY KEY, steady REAL, timeline INTEGER, in_recovery INTEGER,
  lsn INTEGER, receive_lsn INTEGER, replay_lsn INTEGER) WITHOUT ROWID;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, steady REAL, wall REAL, kind TEXT, subject TEXT, severity TEXT, code TEXT,
  what TEXT);
"""
# For what is usual: of a month of minutes, node by node, in the order of lag. Later than the tables.
_INDEX = """
CREATE INDEX IF NOT EXISTS lag_of_minutes ON bucket (node, lag_max) WHERE grain = 60 AND lag_max IS NOT NULL
"""


class DamagedError(Exception):
    """It is no history, or not whole."""


class NewerError(Exception):
    """A later standbyctl has written it."""


def history_path(root: Path, system_identifier: str) -> Path:
    """Where the history of a cluster is, below the state."""
    return root / "history" / f"{system_identifier}.db"


def open_file(path: Path) -> sqlite3.Connection:
    """To write to it, made if need be; raises sqlite3.Error, OSError, DamagedError, NewerError.

    With WAL and synchronous = NORMAL a transaction is in the file cache once it is committed: a process that is killed
    takes nothing back. A host that loses power may lose what was committed since the last checkpoint (seconds to a
    minute), and never the file: SQLite flushes before each checkpoint, in the right order. FULL would flush every
    second, for a history that has a hole there anyway.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # SQLite's own files take its mode
    conn = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _check(conn)
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = NORMAL")
        conn.execute("PRAGMA journal_size_limit = 16777216")
        if conn.execute("PRAGMA user_version").fetchone() == (0,):
            # One transaction: a file is whole, or empty.
            conn.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {VERSION}; COMMIT;"
            )
        conn.execute(_INDEX)
        conn.execute(BOOT_TABLE)
    except BaseException as error:
        conn.close()
        if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
            raise DamagedError(str(error)) from error
        raise
    return conn


def _check(conn: sqlite3.Connection) -> None:
    """Not damaged, as far as can be told without reading every index against its table: a second for 100 MB."""
    [application], [version] = (
        conn.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    tables = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (application, version) == (0, 0) and not tables:
        return
    if application != APPLICATION_ID:
        raise DamagedError("not a history of standbyctl")
    if version > VERSION:
        raise NewerError(version)
    if (found := conn.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise DamagedError(found)


def is_damage(error: sqlite3.Error) -> bool:
    """Rather than a full disk, or somebody who holds it."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def set_aside(path: Path) -> Path:
    """Rename it, with the files beside it that SQLite would play into a new one. Nothing is deleted."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{path}.damaged-{stamp}{suffix}")
    return Path(f"{path}.damaged-{stamp}")


class Ownership:
    """One watch writes to a history: a lock that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 20, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise RefusedError(
                "M605",
                msg("another watch is at work on this cluster"),
                detail=msg("History: {path}. Process: {pid}.", path=path, pid=holder or "?"),
                hint=msg("What it sees is read with: standbyctl events"),
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let it go. The file stays: who removes it and who opens it could meet."""
        os.close(self._fd)


def cannot_open(path: Path, error: Exception) -> CannotTellError:
    """Why nothing can be read or begun there."""
    return CannotTellError("M607", msg("cannot open the history {path}", path=path), detail=_why(error))


def cannot_write(why: Exception | Message) -> Finding:
    """Rounds go on without it."""
    return finding(
        "M604",
        Severity.WARNING,
        "watch",
        msg("the history cannot be written: {e}", e=_why(why) if isinstance(why, Exception) else why),
        msg("Everything else goes on: what is seen meanwhile will be missing in it."),
        of=STANDBY,
    )


def _why(error: Exception) -> Message:
    return msg("A later standbyctl has written it.") if isinstance(error, NewerError) else msg("{e}", e=error)
