"""What a history says, for others than its watch: read-only, and without ever holding the writer up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from standbyctl.domain.codec import decode
from standbyctl.domain.event import Event
from standbyctl.domain.finding import Severity
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.samples import NodeSample
from standbyctl.monitor.boot import read_boot
from standbyctl.monitor.files import APPLICATION_ID, VERSION, NewerError, cannot_open
from standbyctl.monitor.memory import Boot, Memory, Moment, read_memory
from standbyctl.monitor.track import Track

HOUR, DAY = 3600.0, 86400.0
READ_SECONDS = 1.0
_P99 = 0.99


@dataclass(frozen=True, slots=True)
class Written:
    """The primary had written so far, so long ago."""

    age_seconds: float
    node: str
    timeline: int | None
    lsn: int


@dataclass(frozen=True, slots=True)
class Last:
    """A server as it answered last. LSNs in bytes."""

    age_seconds: float
    timeline: int | None
    in_recovery: bool
    lsn: int | None
    receive_lsn: int | None
    replay_lsn: int | None

    def sample(self, name: str, system_identifier: str, monotonic: float) -> NodeSample:
        """For `Track.last`: what is not known any more is as if it had not been asked."""
        return NodeSample(
            name=name, at=monotonic - self.age_seconds, clock=0.0, system_identifier=system_identifier, started_at="",
            version_num=0, in_recovery=self.in_recovery, timeline=self.timeline, lsn=self.lsn,
            receive_lsn=self.receive_lsn, replay_lsn=self.replay_lsn,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recall:
    """Ages in seconds, and never negative, whatever was done to the clock of this host meanwhile.

    `age_seconds`: of the newest round; a watch is at work where it is not much more than `interval_seconds`.
    `written`: for `Track.written`, the oldest first. `lag` and `rate`: of the last hour by node, in equal parts, the
    oldest first: the most of each, seconds and bytes a second; None where nothing was seen. `lag_p99`: seconds that
    the lag of 99 minutes in 100 stayed below. `inactive`: since when nobody was seen on a slot, by node and slot.
    `holding`: since when a finding holds, by code and subject.
    """

    age_seconds: float
    interval_seconds: float
    written: tuple[Written, ...] = ()
    lag: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    rate: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    lag_p99: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[str, Last] = field(default_factory=dict)
    inactive: Mapping[tuple[str, str], float] = field(default_factory=dict)
    holding: Mapping[tuple[str, str], float] = field(default_factory=dict)


def recall(
    path: Path,
    now_wall: float,
    boot: Boot | None = None,
    *,
    parts: int = 60,
    written_seconds: float = DAY,
    p99: bool = True,
) -> Recall | None:
    """All of it; None where there is no history, or nothing in it yet. CannotTellError where it cannot be read."""
    with _reading(path) as found:
        if found is None or (head := found.execute("SELECT steady, wall, interval FROM head").fetchone()) is None:
            return None
        newest, wall, interval = head
        since = Moment(wall, newest, read_boot(found, newest)).age(now_wall, boot)
        kept = found.execute("SELECT json FROM memory").fetchone()
        memory = (read_memory(kept[0]) if kept else None) or Memory()
        age = _Age(newest, since)
        return Recall(
            age_seconds=since,
            interval_seconds=interval,
            written=tuple(_written(found, age, written_seconds)),
            lag={node: _scaled(row, 1000) for node, row in _hour(found, "lag_max", age, parts).items()},
            rate={
                node: _scaled(row, 1)
                for node, row in _hour(found, "wal_max", age, parts).items()
                if any(each is not None for each in row)
            },
            lag_p99=_p99(found, newest) if p99 else {},
            last={
                node: Last(age.of(steady), timeline, bool(in_recovery), lsn, receive_lsn, replay_lsn)
                for node, steady, timeline, in_recovery, lsn, receive_lsn, replay_lsn in found.execute(
                    "SELECT node, steady, timeline, in_recovery, lsn, receive_lsn, replay_lsn FROM last"
                )
            },
            inactive={(slot.node, slot.name): age.of(slot.since) for slot in memory.slots if not slot.active},
            holding={(held.code, held.subject): age.of(held.since) for held in memory.held if held.quiet_since is None},
        )


def remember(track: Track, known: Recall, monotonic: float) -> None:
    """A track begins with what is known: of a standby that is behind, the lag is known at once."""
    for each in known.written:
        track.written(each.node, each.timeline, monotonic - each.age_seconds, each.lsn)
    for name, last in known.last.items():
        track.last[name] = last.sample(name, track.system_identifier, monotonic)


def recall_events(
    path: Path, now_wall: float, since_seconds: float | None = None, after: int = 0, boot: Boot | None = None
) -> tuple[tuple[int, Event], ...] | None:
    """Events with their numbers, the oldest first; of the last so many seconds, and after that number."""
    with _reading(path) as found:
        if found is None or (head := found.execute("SELECT steady, wall FROM head").fetchone()) is None:
            return None
        newest = Moment(head[1], head[0], read_boot(found, head[0]))
        oldest = -1.0 if since_seconds is None else newest.steady + newest.age(now_wall, boot) - since_seconds
        rows = found.execute(
            "SELECT seq, wall, kind, subject, what, severity, code FROM event"
            " WHERE seq > ? AND steady >= ? ORDER BY seq",
            [after, oldest],
        ).fetchall()
    return tuple(
        (seq, Event(wall, kind, subject, decode(Message, json.loads(what)), Severity(of) if of else None, code))
        for seq, wall, kind, subject, what, of, code in rows
    )


def last_lsn(path: Path, node: str) -> tuple[int, float] | None:
    """How far the WAL of a primary went when it was last seen, in bytes, and when that was (seconds since 1970)."""
    with _reading(path) as found:
        if found is None or (head := found.execute("SELECT steady, wall FROM head").fetchone()) is None:
            return None
        query = "SELECT lsn, steady FROM written WHERE node = ? ORDER BY steady DESC LIMIT 1"
        row = found.execute(query, [node]).fetchone()
    return (int(row[0]), float(head[1] - (head[0] - row[1]))) if row else None


def last_number(path: Path) -> int:
    """Of the newest event; 0 where there is none."""
    with _reading(path) as found:
        rows = found.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchall() if found else []
    return int(rows[0][0]) if rows else 0


@dataclass(frozen=True, slots=True)
class _Age:
    """Of a moment of the history, now."""

    newest: float
    since: float

    def of(self, steady: float) -> float:
        return max(self.newest - steady, 0.0) + self.since


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """One moment of the file: of what is written meanwhile nothing is seen."""
    if not path.exists():
        yield None
        return
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_SECONDS, isolation_level=None
        )
        try:
            conn.execute("BEGIN")
            [version] = conn.execute("PRAGMA user_version").fetchone()
            [application] = conn.execute("PRAGMA application_id").fetchone()
            if version > VERSION and application == APPLICATION_ID:
                raise NewerError(version)
            yield conn if version else None
        finally:
            conn.close()
    except (sqlite3.Error, NewerError, ValueError, TypeError, KeyError) as error:
        raise cannot_open(path, error) from error


def _written(conn: sqlite3.Connection, age: _Age, seconds: float) -> Iterator[Written]:
    """Each moment by the finest grain that is kept of it; of an idle primary the first and the last."""
    finest = {grain: conn.execute("SELECT min(steady) FROM written WHERE grain = ?", [grain]).fetchone()[0]
              for grain in (1, 10)}  # fmt: skip
    fine = finest[1] if finest[1] is not None else age.newest
    coarse = min(finest[10] if finest[10] is not None else fine, fine)
    rows = conn.execute(
        "SELECT steady, node, timeline, lsn FROM written WHERE steady >= ?1 AND (grain = 1 AND steady >= ?2"
        " OR grain = 10 AND steady < ?2 AND steady >= ?3 OR grain = 60 AND steady < ?3) ORDER BY steady",
        [age.newest + age.since - seconds, fine, coarse],
    )
    idle: Written | None = None
    before: Written | None = None
    for steady, node, timeline, lsn in rows:
        now = Written(age.of(steady), node, timeline, lsn)
        if before is not None and (node, timeline, lsn) == (before.node, before.timeline, before.lsn):
            idle = now
            continue
        if idle is not None:
            yield idle
            idle = None
        yield now
        before = now
    if idle is not None:
        yield idle


def _hour(conn: sqlite3.Connection, column: str, age: _Age, parts: int) -> dict[str, list[int | None]]:
    """The most of each part of the hour that ends now."""
    begin = age.newest + age.since - HOUR
    found: dict[str, list[int | None]] = {}
    rows = conn.execute(
        f"SELECT node, CAST((steady - ?1) * ?2 / {HOUR} AS INTEGER) AS part, max({column}) FROM bucket"
        " WHERE grain = 1 AND steady >= ?1 GROUP BY node, part",
        [begin, parts],
    )
    for node, part, most in rows:
        row = found.setdefault(node, [None] * parts)
        row[min(part, parts - 1)] = most
    return found


def _scaled(row: list[int | None], by: int) -> tuple[float | None, ...]:
    return tuple(None if each is None else each / by for each in row)


def _p99(conn: sqlite3.Connection, newest: float) -> dict[str, float]:
    """Of the most of each minute, for a month; what is not a minute old yet is not in it.

    By an index of its own: without, it takes seconds. A file of an earlier release gets one from its next watch.
    """
    if conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'lag_of_minutes'").fetchone() == (0,):
        return {}
    # Left to itself, SQLite takes the primary key.
    of_minutes = "FROM bucket INDEXED BY lag_of_minutes WHERE grain = 60 AND lag_max IS NOT NULL AND steady >= ?1"
    counts = conn.execute(f"SELECT node, count(*) {of_minutes} GROUP BY node", [newest - 30 * DAY]).fetchall()
    found = {}
    for node, n in counts:
        [most] = conn.execute(
            f"SELECT lag_max {of_minutes} AND node = ?2 ORDER BY lag_max DESC LIMIT 1 OFFSET ?3",
            [newest - 30 * DAY, node, n - 1 - int(n * _P99)],
        ).fetchone()
        found[node] = most / 1000
    return found
