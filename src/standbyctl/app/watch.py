"""Round after round over a cluster, for days: what is seen is remembered, what changes is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from standbyctl.app.cluster import Cluster
from standbyctl.app.state import State
from standbyctl.diagnosis.health import diagnose_health
from standbyctl.domain.errors import StandbyctlError
from standbyctl.domain.event import WATCH, Event
from standbyctl.domain.finding import Finding, Limits, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Picture
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.changes import changes, stepped
from standbyctl.monitor.files import history_path
from standbyctl.monitor.history import KEEP_SECONDS, History, Round
from standbyctl.monitor.memory import Boot, Memory, Moment
from standbyctl.monitor.recall import recall, remember
from standbyctl.monitor.recorder import CLOSE_SECONDS, Recorder
from standbyctl.monitor.rounds import ANSWER_SECONDS, GRACE_SECONDS, Rounds
from standbyctl.monitor.track import Track
from standbyctl.nodes.clock import boot_id, elapsed_seconds

# What is attached or detached from here meanwhile is seen after so long.
REREAD_SECONDS = 15.0
# Less than half of WatchdogSec of the unit.
BEAT_SECONDS = 20.0
# Of a round, for answers; the rest is for what is made of them.
_WAIT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Times:
    """Clocks. `elapsed` goes on while the host sleeps, and is never set; `boot_id`: since which start of it."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    elapsed: Callable[[], float] = elapsed_seconds
    boot_id: Callable[[], str] = boot_id

    def boot(self) -> Boot:
        """Now."""
        return Boot(self.boot_id(), self.elapsed())


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest round. `monotonic`: when that was."""

    monotonic: float
    interval: float
    picture: Picture
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Who is told. `tell`: an event; `show`: the newest round; `beat`: a word to the service manager."""

    tell: Callable[[Event], None]
    show: Callable[[Seen], None] = lambda _: None
    beat: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class Watch:
    """`opened`: the cluster that is asked for; or that one again, as it is known now. `pause`: waits so long, and says
    whether to end.
    """

    opened: Callable[[Cluster | None], Cluster]
    state: State
    surfaces: Surfaces
    pause: Callable[[float], bool]
    interval: float = 1.0
    keep_seconds: float = KEEP_SECONDS
    limits: Limits = field(default_factory=Limits)
    times: Times = field(default_factory=Times)
    configurations: tuple[Path, ...] = ()
    open_history: Callable[[Path, float, float], History] = History.open
    close_seconds: float = CLOSE_SECONDS
    _cluster: Cluster | None = None
    _rounds: Rounds | None = None
    _recorder: Recorder | None = None
    _fresh: bool = True
    _known: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    _reread_at: float = 0.0
    _unreadable: bool = False
    _events: list[Event] = field(default_factory=list)

    def run(self) -> None:
        """Until it is told to end; raises where it cannot begin."""
        self._known = self._files()
        cluster = self.opened(None)
        self._take(cluster)
        path = history_path(self.state.root, cluster.system_identifier)
        history = self.open_history(path, self.times.wall(), self.keep_seconds)
        track = Track(cluster.system_identifier, cluster.head, cluster.expected)
        now, memory = self._begin(history)
        self._recorder = Recorder(history)
        try:
            self._seed(track, path)
            self._loop(track, self._recorder, now, memory)
        finally:
            self._recorder.close(self.close_seconds)
            self._leave()

    def _loop(self, track: Track, history: Recorder, now: Moment, memory: Memory) -> None:
        elapsed, due = self.times.elapsed(), self.times.monotonic()
        wait = min(self.interval * _WAIT_SHARE, ANSWER_SECONDS + GRACE_SECONDS)
        first, round_ = True, None
        while True:
            assert self._rounds is not None
            # The moment of a round is when it begins: how long it waits for a server that hangs is no matter of time.
            now, elapsed = self._advance(now, elapsed)
            began = self.times.monotonic()
            # With new connections every server has its time, and ssh what it takes to connect.
            track.take(self._rounds.ask() if self._fresh else self._rounds.ask_steadily(wait))
            self._fresh = False
            monotonic = self.times.monotonic()
            picture = track.picture(monotonic)
            findings = diagnose_health(picture, self.limits)
            findings += (history.trouble,) if history.trouble else ()
            memory, happened = changes(memory, picture, findings, now)
            events = (*self._events, *happened, *history.take_notices())
            self._events = []
            self.surfaces.show(Seen(monotonic, self.interval, picture, findings))
            for event in events:
                self.surfaces.tell(event)
            self.surfaces.beat("READY=1\nWATCHDOG=1" if first else "WATCHDOG=1")
            first = False
            round_ = Round(now, began, self.interval, picture, memory, events)
            history.record(round_)
            self._reread(track)
            due = self._next(due)
            if self._rest(due):
                break
        ended = Event(self.times.wall(), WATCH, "watch", msg("watch ended"))
        self.surfaces.beat("STOPPING=1")
        now, _ = self._advance(now, elapsed)
        self.surfaces.tell(ended)
        history.record(Round(now, self.times.monotonic(), self.interval, round_.picture, memory, (ended,)))

    def _rest(self, due: float) -> bool:
        """Until the next round; whether to end. Where that is long, the service manager hears of us meanwhile."""
        while (left := due - self.times.monotonic()) > BEAT_SECONDS:
            if self.pause(BEAT_SECONDS):
                return True
            self.surfaces.beat("WATCHDOG=1")
        return self.pause(max(left, 0.0))

    def _next(self, due: float) -> float:
        """By the clock, however long a round took; what was missed meanwhile is not made up for."""
        due, now = due + self.interval, self.times.monotonic()
        return due if due > now else now + self.interval - (now - due) % self.interval

    def _begin(self, history: History) -> tuple[Moment, Memory]:
        """Where the last watch ended, or now."""
        wall, boot, before = self.times.wall(), self.times.boot(), history.before
        if before is None:
            self._events.append(Event(wall, WATCH, "watch", msg("watch began")))
            return Moment(wall, wall, boot), history.memory
        missed = before.age(wall, boot)
        what = msg("watch began; nothing was seen for {time}", time=format_seconds(missed))
        self._events.append(Event(wall, WATCH, "watch", what))
        if (event := stepped(before, wall, missed)) is not None:
            self._events.append(event)
        now = Moment(wall, before.steady + max(missed, 1.0), boot)
        return now, history.memory.after_hole(before.steady, now.steady)

    def _advance(self, before: Moment, elapsed_before: float) -> tuple[Moment, float]:
        wall, elapsed = self.times.wall(), self.times.elapsed()
        passed = max(elapsed - elapsed_before, 0.0)
        if (event := stepped(before, wall, passed)) is not None:
            self._events.append(event)
        return Moment(wall, before.steady + passed, Boot(self.times.boot_id(), elapsed)), elapsed

    def _seed(self, track: Track, path: Path) -> None:
        """Where the primary was before this process began: of a standby that is behind, the lag is known at once."""
        try:
            known = recall(path, self.times.wall(), self.times.boot(), p99=False)
        except StandbyctlError:  # it was just opened to be written: whatever this is, rounds go on without it
            return
        if known is not None:
            remember(track, known, self.times.monotonic())

    # --- what is known here of the cluster, and may change

    def _take(self, cluster: Cluster) -> None:
        self._leave()
        self._cluster, self._rounds = cluster, Rounds(cluster.samplers, self.times.monotonic)
        self._fresh = True

    def _leave(self) -> None:
        if self._rounds is not None:
            self._rounds.close()
        if self._cluster is not None:
            self._cluster.hosts.close()
        self._rounds = self._cluster = None

    def _files(self) -> Mapping[Path, tuple[int, int]]:
        """Journals and configuration, by size and time."""
        found = {}
        for path in [*self.state.root.glob("*/journal.jsonl"), *self.configurations]:
            try:
                stat = path.stat()
            except OSError:
                continue
            found[path] = (stat.st_mtime_ns, stat.st_size)
        return found

    def _reread(self, track: Track) -> None:
        """A standby that was attached or detached from here meanwhile, or a node that was configured."""
        now = self.times.monotonic()
        if now < self._reread_at:
            return
        self._reread_at = now + REREAD_SECONDS
        if (files := self._files()) == self._known:
            return
        assert self._cluster is not None
        try:
            cluster = self.opened(self._cluster)
        except StandbyctlError as error:
            # What is known goes on; it is tried again.
            if not self._unreadable:
                why = msg("what is known of the cluster cannot be read anew: {what}", what=error.detail or error.what)
                self._events.append(Event(self.times.wall(), WATCH, "watch", why, Severity.WARNING, error.code))
            self._unreadable = True
            return
        self._known, self._unreadable = files, False
        names = {sampler.name for sampler in cluster.samplers}
        track.expected, track.head = cluster.expected, cluster.head
        track.last = {name: last for name, last in track.last.items() if name in names}
        self._take(cluster)
