"""What writes a history, in a thread of its own: a disk that hangs holds up no round."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from standbyctl.domain.event import WATCH, Event
from standbyctl.domain.finding import Finding
from standbyctl.domain.message import msg
from standbyctl.domain.record import replace
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.files import cannot_write
from standbyctl.monitor.history import MOST_PENDING, Round
from standbyctl.monitor.memory import Moment

# Rounds that wait to be written. Of more there will be a hole.
MOST_WAITING = 10
CLOSE_SECONDS = 5.0


class Recorded(Protocol):
    """A history."""

    trouble: Finding | None

    def record(self, now: Round) -> None:
        """Write one round, however long that takes."""

    def take_notices(self) -> Sequence[Event]:
        """What is to be told of it, once."""

    def close(self) -> None:
        """End it."""


class Recorder:
    """Takes rounds, and never waits for the disk."""

    def __init__(self, history: Recorded) -> None:
        self._history = history
        self._turn = threading.Condition()
        self._waiting: deque[Round] = deque()
        self._left: deque[Event] = deque(maxlen=MOST_PENDING)
        self._hole: Moment | None = None
        self._notices: list[Event] = [*history.take_notices()]
        self._trouble = history.trouble
        self._busy, self._ending = False, False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> Finding | None:
        """Why nothing is written."""
        with self._turn:
            return cannot_write(msg("its disk takes too long")) if self._hole is not None else self._trouble

    def take_notices(self) -> tuple[Event, ...]:
        """What is to be told of the history itself, once."""
        with self._turn:
            taken, self._notices = tuple(self._notices), []
            return taken

    def record(self, now: Round) -> None:
        """One round, when its turn comes. Where too many wait it is left out, but for its events."""
        with self._turn:
            if self._error is not None:
                raise self._error
            # Once there is a hole, all that waits is written first: it ends once, however slow the disk is.
            if len(self._waiting) >= MOST_WAITING or (self._hole is not None and self._waiting):
                self._hole = self._hole or now.moment
                self._left.extend(now.events)
                return
            if self._hole is not None:
                missing = format_seconds(max(now.moment.steady - self._hole.steady, 0.0))
                again = msg("the history is written again; {time} are missing", time=missing)
                self._notices.append(Event(now.moment.wall, WATCH, "watch", again, None, "M604"))
                self._hole = None
            self._waiting.append(replace(now, events=(*self._left, *now.events)))
            self._left.clear()
            self._turn.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until everything is written; whether it is."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, and end it; where that hangs, it ends with this process."""
        with self._turn:
            self._ending = True
            self._turn.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while (now := self._next()) is not None:
                self._history.record(now)
                with self._turn:
                    self._trouble = self._history.trouble
                    self._notices += self._history.take_notices()
        except BaseException as error:  # noqa: BLE001 it is raised again where rounds are given
            with self._turn:
                self._error = error
        finally:
            self._history.close()

    def _next(self) -> Round | None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._waiting or self._ending)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()
