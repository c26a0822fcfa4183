"""Every server asked at once, and nobody waits for one that hangs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from standbyctl.domain.errors import NotLetInError, StandbyctlError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import replace
from standbyctl.domain.samples import Answer, NodeSample, Silence

# A server has so long for an answer, once there is a way to it; whoever asks is told after a little more.
ANSWER_SECONDS = 2.0
GRACE_SECONDS = 0.2
WAY_SECONDS = 6.0
_TICK_SECONDS = 0.02
# A server that refuses is asked again after a while: each attempt may be a line in its log. So long each time, the last
# of them again and again; and after some minutes the longest.
BACKOFF_SECONDS = (0.0, 1.0, 2.0, 5.0)
LONGEST_BACKOFF_SECONDS, PATIENT_AFTER_SECONDS = 15.0, 300.0


class Sampled(Protocol):
    """One server that is asked again and again."""

    name: str
    by_ssh: bool

    def open(self) -> None:
        """Make the way to it, where that is ssh. Raises StandbyctlError where there is none."""

    def sample(self, timeout_seconds: float) -> NodeSample:
        """The server now; raises StandbyctlError where there is no answer."""

    def close(self) -> None:
        """End the connection."""


class Rounds:
    """A thread of its own for each server: connections, and children on the way to it, live as long as it does.

    A server that does not answer in time keeps its own thread busy, and is asked again when that is free.
    """

    def __init__(self, servers: Sequence[Sampled], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._askers = [_Asker(server, monotonic) for server in servers]

    def ask(self, timeout_seconds: float = ANSWER_SECONDS) -> tuple[Answer, ...]:
        """One answer for each server, in their order: at the latest in that time and a little more. Where ssh is on its
        way to a host, that is waited for besides.
        """
        began = self._monotonic()
        for asker in self._askers:
            asker.begin(timeout_seconds)
        return tuple(asker.answer(began, timeout_seconds) for asker in self._askers)

    def ask_steadily(self, wait_seconds: float, *, patient: bool = False) -> tuple[Answer, ...]:
        """The same, for rounds that follow each other closely: nobody is waited for longer than that.

        A server that is still at work is as it was the last time, until it has had the time for an answer. One that
        does not answer is asked again after a while. `patient`: where ssh is on its way to a host, that is waited for.
        """
        deadline = self._monotonic() + wait_seconds
        for asker in self._askers:
            asker.begin_unless_busy(ANSWER_SECONDS)
        return tuple(asker.newest(deadline, ANSWER_SECONDS, patient=patient) for asker in self._askers)

    def close(self) -> None:
        """End the connections, but for those that hang: they end with this process."""
        for asker in self._askers:
            asker.end()


class _Asker:
    """One server and its thread."""

    def __init__(self, server: Sampled, monotonic: Callable[[], float]) -> None:
        self.name, self._server, self._monotonic = server.name, server, monotonic
        self._asked: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        self._busy = False
        self._open: float | None = None
        self._began = float("-inf")
        self._last: Answer | None = None
        self._failed, self._failing_since = 0, 0.0
        self._thread = threading.Thread(target=self._run, name=f"asks {server.name}", daemon=True)
        self._thread.start()

    def begin(self, timeout_seconds: float) -> None:
        if self._busy:
            self._take(0.0)  # an answer to an earlier question is no answer to this one
        if not self._busy:
            self._busy, self._began = True, self._monotonic()
            self._asked.put(timeout_seconds)

    def answer(self, began: float, timeout_seconds: float) -> Answer:
        """What it says, once it says it, or that it has not in time."""
        while (answer := self._take(_TICK_SECONDS)) is None:
            if self._monotonic() > self._due(began, timeout_seconds):
                answer = self._silence()
                break
        self._note(answer)
        return answer

    def begin_unless_busy(self, timeout_seconds: float) -> None:
        now = self._monotonic()
        if not self._busy and now >= self._began + self._backoff(now):
            self.begin(timeout_seconds)

    def newest(self, deadline: float, timeout_seconds: float, *, patient: bool = False) -> Answer:
        """What it says, or has said."""
        now = self._monotonic()
        if not self._busy:
            assert self._last is not None
            return replace(self._last, at=now)
        answer = self._take(max(deadline - now, 0.0))
        while answer is None and patient and self._server.by_ssh and self._pending(timeout_seconds):
            answer = self._take(_TICK_SECONDS)
        if answer is None:
            if self._last is not None and self._pending(timeout_seconds):
                return self._last  # it has some time left
            answer = self._silence()
        self._note(answer)
        return answer

    def end(self) -> None:
        self._asked.put(None)
        if not self._busy:
            self._thread.join()

    def _take(self, wait_seconds: float) -> Answer | None:
        try:
            answer = self._answers.get(timeout=wait_seconds) if wait_seconds else self._answers.get_nowait()
        except queue.Empty:
            return None
        self._busy = False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _due(self, began: float, timeout_seconds: float) -> float:
        """Until when it is waited for: while ssh is on its way, that; from then on, an answer."""
        if self._open is None:
            return began + WAY_SECONDS + GRACE_SECONDS
        return max(began, self._open) + timeout_seconds + GRACE_SECONDS

    def _pending(self, timeout_seconds: float) -> bool:
        return self._monotonic() < self._due(self._began, timeout_seconds)

    def _silence(self) -> Silence:
        return Silence(
            name=self.name,
            at=self._monotonic(),
            code="M602",
            what=msg("{node} does not answer", node=self.name),
            reason=_no_answer(self._monotonic() - self._began),
            hung=True,
        )

    def _note(self, answer: Answer) -> None:
        self._last = answer
        if not isinstance(answer, Silence):
            self._failed = 0
        elif not self._busy:
            self._failing_since = self._failing_since if self._failed else answer.at
            self._failed += 1

    def _backoff(self, now: float) -> float:
        if not self._failed:
            return 0.0
        if now - self._failing_since > PATIENT_AFTER_SECONDS:
            return LONGEST_BACKOFF_SECONDS
        if isinstance(self._last, Silence) and self._last.hung:
            return BACKOFF_SECONDS[-1]  # what was asked may still be at work there
        return BACKOFF_SECONDS[min(self._failed, len(BACKOFF_SECONDS)) - 1]

    def _run(self) -> None:
        while (timeout_seconds := self._asked.get()) is not None:
            began = float("inf")  # what ssh says of its way is a reason, however long it took
            try:
                if self._open is None:
                    self._server.open()
                    self._open = self._monotonic()
                began = self._monotonic()
                self._answers.put(self._server.sample(timeout_seconds))
            except StandbyctlError as error:
                at, self._open = self._monotonic(), None
                hung = at - began >= timeout_seconds
                # What libpq says of a connection that we have hung up is no reason.
                reason = _no_answer(timeout_seconds) if hung else error.detail or error.what
                refused = isinstance(error, NotLetInError) and not hung
                self._answers.put(Silence(self.name, at, error.code, error.what, reason, error.hint, hung, refused))
            except Exception as error:  # noqa: BLE001 it is raised again where the answer is taken
                self._answers.put(error)
        self._server.close()


def _no_answer(seconds: float) -> Message:
    return msg("no answer in {seconds} s", seconds=f"{seconds:.1f}")
