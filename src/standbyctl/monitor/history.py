"""What a watch has seen, in one SQLite file a cluster: written once a round, thinned as it ages, bounded.

Of the last hour every second is kept, for a chart and for what has just happened; of the last day every ten seconds,
for how far a standby is behind that was away for hours; of thirty days every minute, least, mean and most, for what is
usual. For 30 nodes that is 1.7 million rows, about 100 MB; for two, 8 MB.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from standbyctl.diagnosis.picture import writer_of
from standbyctl.domain.codec import encode
from standbyctl.domain.event import WATCH, Event
from standbyctl.domain.finding import Finding, Severity
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import NodeView, Picture
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.samples import NodeSample
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.boot import read_boot, write_boot
from standbyctl.monitor.files import (
    DamagedError,
    NewerError,
    Ownership,
    cannot_open,
    cannot_write,
    is_damage,
    open_file,
    set_aside,
)
from standbyctl.monitor.memory import Memory, Moment, read_memory
from standbyctl.monitor.thinning import delete_old, roll

DAY = 86400.0
KEEP_SECONDS = 30 * DAY
# Who streams without being known here may have any name, and another one each time.
MOST_NODES = 64
MOST_PENDING = 1000
# A disk that is full, or a file that somebody holds, is tried again so often.
AGAIN_SECONDS, DAMAGED_AGAIN_SECONDS = 5.0, 300.0
_FAILURES = (sqlite3.Error, OSError, DamagedError)
Opens = Callable[[Path], sqlite3.Connection]


@dataclass(frozen=True, slots=True)
class Round:
    """What is remembered of one round. `monotonic`: its moment, by the clock that samples are dated with."""

    moment: Moment
    monotonic: float
    interval: float
    picture: Picture
    memory: Memory
    events: tuple[Event, ...] = ()


@dataclass(slots=True)
class History:
    """Writes. Whatever is wrong with its disk, it raises nothing once it is open: rounds go on without it."""

    path: Path
    keep_seconds: float = KEEP_SECONDS
    memory: Memory = field(default_factory=Memory)
    # The newest round of an earlier watch, if any.
    before: Moment | None = None
    notices: list[Event] = field(default_factory=list)
    trouble: Finding | None = None
    opens: Opens = open_file
    _conn: sqlite3.Connection | None = None
    _owner: Ownership | None = None
    _inode: int = 0
    _rounds: int = 0
    _rolled: dict[int, int] = field(default_factory=dict)
    _written: Memory | None = None
    _pending: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_PENDING))
    _gap: Moment | None = None
    _again: float = 0.0
    _positions: dict[str, tuple[float, int | None, int]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, wall: float, keep_seconds: float = KEEP_SECONDS, opens: Opens = open_file) -> History:
        """For one watch alone. A damaged file is set aside, and a new one begun; RefusedError, CannotTellError."""
        try:
            made = cls(path, keep_seconds, opens=opens, _owner=Ownership(path))
        except OSError as error:
            raise cannot_open(path, error) from error
        try:
            made._open(wall)
        except NewerError as error:
            made.close()
            raise cannot_open(path, error) from error
        except _FAILURES as error:
            made._fail(Moment(wall, wall), error)
        return made

    def record(self, now: Round) -> None:
        """One round, in one transaction: all of it is there, or nothing."""
        self._pending.extend(now.events)
        if self._gap is not None and now.moment.steady < self._again:
            return
        try:
            if self._conn is None or not self._same_file():
                self._open(now.moment.wall)
            self._write(now)
        except (*_FAILURES, NewerError) as error:
            self._fail(now.moment, error)
            return
        if self._gap is not None:
            missing = format_seconds(now.moment.steady - self._gap.steady)
            self._tell(now.moment.wall, msg("the history is written again; {time} are missing", time=missing))
        self._gap = self.trouble = None
        self._pending.clear()
        self._written = now.memory

    def close(self) -> None:
        """End it; what was recorded stays."""
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None
        if self._owner is not None:
            self._owner.release()
            self._owner = None

    # --- the file

    def _open(self, wall: float) -> None:
        self._drop()
        try:
            self._conn = self.opens(self.path)
            self._resume(self._conn)
        except (DamagedError, sqlite3.DatabaseError, ValueError, TypeError, KeyError) as error:
            if isinstance(error, sqlite3.Error) and not is_damage(error):
                raise
            self._drop()
            aside = set_aside(self.path)
            what = msg(
                "the history was damaged ({e}); it was set aside as {path}, and a new one begun", e=error, path=aside
            )
            self._tell(wall, what, Severity.WARNING, "M606")
            self._conn = self.opens(self.path)
            self._resume(self._conn)
        self._inode = self.path.stat().st_ino

    def _resume(self, conn: sqlite3.Connection) -> None:
        """Where it ends."""
        head = conn.execute("SELECT rounds, steady, wall, rolled_10, rolled_60 FROM head").fetchone()
        self._rounds, self._rolled, self._written = 0, {10: 0, 60: 0}, None
        if head is None:
            return
        self._rounds, self._rolled = head[0], {10: head[3], 60: head[4]}
        if self._gap is None and self.before is None:  # at the start, that is
            self.before = Moment(head[2], head[1], read_boot(conn, head[1]))
            [found] = conn.execute("SELECT json FROM memory").fetchone() or [None]
            memory = read_memory(found) if found is not None else Memory()
            self.memory = memory or Memory()
            if memory is None:
                lost = msg("how servers, slots and findings were seen last cannot be read; it is learned anew")
                self._tell(head[2], lost, Severity.WARNING, "")

    def _drop(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None

    def _same_file(self) -> bool:
        """Whether it is still there: somebody may have removed it, or put another in its place."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _fail(self, now: Moment, error: Exception) -> None:
        """Said once; written on as soon as that is possible."""
        damaged = isinstance(error, sqlite3.Error) and is_damage(error)
        if damaged:
            self._drop()  # opened anew it is checked, and set aside
        # A new one that is damaged at once is its disk's fault: it is not set aside again and again.
        again = DAMAGED_AGAIN_SECONDS if isinstance(error, DamagedError) else AGAIN_SECONDS
        self._again = now.steady + (0.0 if damaged else again)
        if self._gap is None:
            self._gap = now
            self.trouble = cannot_write(error)

    def _tell(self, wall: float, what: Message, severity: Severity | None = None, code: str = "M604") -> None:
        event = Event(wall, WATCH, "watch", what, severity, code)
        self.notices.append(event)

    def take_notices(self) -> tuple[Event, ...]:
        """What is to be told of the history itself, once."""
        taken, self.notices = tuple(self.notices), []
        return taken

    # --- a round

    def _write(self, now: Round) -> None:
        assert self._conn is not None
        conn, steady = self._conn, now.moment.steady
        rolled = {grain: int(steady // grain) * grain for grain in (10, 60)}
        conn.execute("BEGIN IMMEDIATE")
        try:
            self._write_nodes(conn, now)
            self._write_events(conn, (*self._pending,), now)
            if now.memory != self._written:
                conn.execute("INSERT OR REPLACE INTO memory VALUES (1, ?)", [json.dumps(encode(now.memory))])
            for grain, finer in ((10, 1), (60, 10)):
                if rolled[grain] > self._rolled[grain]:
                    roll(conn, finer, grain, self._rolled[grain], rolled[grain])
            if self._rounds % 5 == 0:
                delete_old(conn, steady, self.keep_seconds)
            conn.execute(
                "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?, ?)",
                [self._rounds + 1, steady, now.moment.wall, now.interval, rolled[10], rolled[60]],
            )
            write_boot(conn, now.moment)
            conn.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                conn.execute("ROLLBACK")
            raise
        self._rounds, self._rolled = self._rounds + 1, rolled

    def _write_nodes(self, conn: sqlite3.Connection, now: Round) -> None:
        rows, last = [], []
        second = int(now.moment.steady)
        for node in _known_first(now.picture):
            lag, behind = node.lag, node.behind.get("replay")
            own = node.sample
            milliseconds = None if lag is None or lag.at_most else round(lag.seconds * 1000)
            wal = self._rate(own) if own is not None and not own.in_recovery else None
            rows.append((second, node.name, node.state, milliseconds, behind, wal))
            if own is not None:
                age = now.monotonic - own.at
                last.append((node.name, now.moment.steady - age, own.timeline, own.in_recovery, own.lsn,
                             own.receive_lsn, own.replay_lsn))  # fmt: skip
        conn.executemany(_BUCKET, rows)
        conn.executemany("INSERT OR REPLACE INTO last VALUES (?, ?, ?, ?, ?, ?, ?)", last)
        writer = _writer(now.picture)
        if writer is not None and writer.lsn is not None:
            age = now.monotonic - writer.at
            conn.execute(
                "INSERT OR REPLACE INTO written VALUES (1, ?, ?, ?, ?, ?)",
                [now.moment.steady - age, now.moment.wall - age, writer.name, writer.timeline, writer.lsn],
            )

    def _rate(self, own: NodeSample) -> int | None:
        """Bytes a second that it has written since the last round."""
        if own.lsn is None:
            return None
        before = self._positions.get(own.name)
        self._positions[own.name] = own.at, own.timeline, own.lsn
        if before is None or before[1] != own.timeline or own.at - before[0] <= 0 or own.lsn < before[2]:
            return None
        return round((own.lsn - before[2]) / (own.at - before[0]))

    @staticmethod
    def _write_events(conn: sqlite3.Connection, events: Iterable[Event], now: Round) -> None:
        # What could not be written at its time has the moment of its own in the wall clock only.
        conn.executemany(
            "INSERT INTO event (steady, wall, kind, subject, severity, code, what) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (now.moment.steady, each.at, each.kind, each.subject, each.severity and each.severity.value, each.code,
                 json.dumps(encode(each.what)))
                for each in events
            ],
        )  # fmt: skip


# Two rounds within a second are one bucket.
_BUCKET = """
INSERT INTO bucket VALUES (1, ?1, ?2, 1, ?3, ?4, ?4, ?4, ?5, ?5, ?5, ?6, ?6, ?6)
ON CONFLICT DO UPDATE SET n = n + 1, state = excluded.state,
  lag_min = min(coalesce(lag_min, excluded.lag_min), coalesce(excluded.lag_min, lag_min)),
  lag_avg = (coalesce(lag_avg, excluded.lag_avg) + coalesce(excluded.lag_avg, lag_avg)) / 2,
  lag_max = max(coalesce(lag_max, excluded.lag_max), coalesce(excluded.lag_max, lag_max)),
  behind_min = min(coalesce(behind_min, excluded.behind_min), coalesce(excluded.behind_min, behind_min)),
  behind_avg = (coalesce(behind_avg, excluded.behind_avg) + coalesce(excluded.behind_avg, behind_avg)) / 2,
  behind_max = max(coalesce(behind_max, excluded.behind_max), coalesce(excluded.behind_max, behind_max)),
  wal_min = min(coalesce(wal_min, excluded.wal_min), coalesce(excluded.wal_min, wal_min)),
  wal_avg = (coalesce(wal_avg, excluded.wal_avg) + coalesce(excluded.wal_avg, wal_avg)) / 2,
  wal_max = max(coalesce(wal_max, excluded.wal_max), coalesce(excluded.wal_max, wal_max))
"""


def _known_first(picture: Picture) -> Sequence[NodeView]:
    """Each name once."""
    nodes = sorted(picture.nodes, key=lambda node: not (node.expected or node.sample or node.silence))
    return list({node.name: node for node in reversed(nodes) if node.name}.values())[::-1][:MOST_NODES]


def _writer(picture: Picture) -> NodeSample | None:
    answers = [node.sample for node in picture.nodes if node.sample is not None]
    return writer_of(answers, picture.primaries[0] if picture.primaries else "")
