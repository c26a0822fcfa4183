"""How long ago a round was, in spite of a clock that was set meanwhile: by the boot clock, while the host stays up."""

from __future__ import annotations

import sqlite3

from standbyctl.monitor.memory import Boot, Moment
from standbyctl.nodes.clock import boot_id, elapsed_seconds

# Later than the other tables: a file of an earlier release gets it from its next watch.
BOOT_TABLE = """
CREATE TABLE IF NOT EXISTS boot (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT, elapsed REAL, steady REAL)
"""


def this_boot() -> Boot:
    """Now."""
    return Boot(boot_id(), elapsed_seconds())


def write_boot(conn: sqlite3.Connection, moment: Moment) -> None:
    """With the round of that moment, in its transaction."""
    if moment.boot is not None:
        row = [moment.boot.id, moment.boot.elapsed, moment.steady]
        conn.execute("INSERT OR REPLACE INTO boot VALUES (1, ?, ?, ?)", row)


def read_boot(conn: sqlite3.Connection, steady: float) -> Boot | None:
    """Of the newest round; None where another release has written that, which knows nothing of it."""
    if conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'boot'").fetchone() == (0,):
        return None
    found = conn.execute("SELECT id, elapsed FROM boot WHERE steady = ?", [steady]).fetchone()
    return Boot(*found) if found else None
