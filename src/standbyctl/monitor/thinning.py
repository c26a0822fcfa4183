"""What ages is made coarser, and then goes: a little each round, so that no round takes long."""

from __future__ import annotations

import sqlite3

# Of each grain, seconds, how long it is kept; the coarsest as long as the history is.
KEPT = {1: 3600.0, 10: 86400.0}
COARSEST = 60
# So many of each grain go at a time, at most: after a day without a watch there are many.
ROWS_A_TIME, EVENTS_A_TIME = 2000, 500
MOST_EVENTS = 100_000
_ROLL = """
INSERT OR REPLACE INTO bucket
SELECT :to_grain, steady / :to_grain * :to_grain, node, sum(n), substr(max(printf('%020d', steady) || state), 21),
       min(lag_min), CAST(avg(lag_avg) AS INTEGER), max(lag_max),
       min(behind_min), CAST(avg(behind_avg) AS INTEGER), max(behind_max),
       min(wal_min), CAST(avg(wal_avg) AS INTEGER), max(wal_max)
  FROM bucket WHERE grain = :from_grain AND steady >= :begin AND steady < :end
 GROUP BY steady / :to_grain, node
"""
# The first of each: a standby's position is looked for between two of them.
_ROLL_WRITTEN = """
INSERT OR REPLACE INTO written
SELECT :to_grain, min(steady), wall, node, timeline, lsn
  FROM written WHERE grain = :from_grain AND steady >= :begin AND steady < :end
 GROUP BY CAST(steady AS INTEGER) / :to_grain, timeline, node
"""


def roll(conn: sqlite3.Connection, finer: int, coarser: int, begin: int, end: int) -> None:
    """Make coarser buckets of finer ones, which stay for their time."""
    limits = {"from_grain": finer, "to_grain": coarser, "begin": begin, "end": end}
    conn.execute(_ROLL, limits)
    conn.execute(_ROLL_WRITTEN, limits)


def delete_old(conn: sqlite3.Connection, steady: float, keep_seconds: float) -> None:
    """What is older than its grain is kept for."""
    for grain, kept in {**KEPT, COARSEST: keep_seconds}.items():
        limit = steady - min(kept, keep_seconds)
        for table in ("bucket", "written"):
            conn.execute(
                f"DELETE FROM {table} WHERE grain = ?1 AND steady < min(?2, coalesce("
                f"(SELECT steady FROM {table} WHERE grain = ?1 ORDER BY steady LIMIT 1 OFFSET ?3), ?2))",
                [grain, limit, ROWS_A_TIME],
            )
    # In the order of seq they are in the order of time, too.
    conn.execute(
        "DELETE FROM event WHERE seq < (SELECT min(seq) FROM event) + ?3"
        " AND (steady < ?1 OR seq <= (SELECT max(seq) FROM event) - ?2)",
        [steady - keep_seconds, MOST_EVENTS, EVENTS_A_TIME],
    )
    conn.execute("DELETE FROM last WHERE steady < ?", [steady - keep_seconds])
