"""Every server asked at once, and nobody waits for one that hangs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Container, Sequence
from typing import Protocol

from standbyctl.domain.errors import StandbyctlError
from standbyctl.domain.message import msg
from standbyctl.domain.samples import Answer, NodeSample, Silence

# A server has so long for an answer, once there is a way to it; whoever asks is told after a little more.
ANSWER_SECONDS = 2.0
GRACE_SECONDS = 0.2
WAY_SECONDS = 6.0
_TICK_SECONDS = 0.02


class Sampled(Protocol):
    """One server that is asked again and again."""

    name: str

    def open(self) -> None:
        """Make the way to it, where that is another's: ssh. Raises StandbyctlError where there is none."""

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

    def ask(self, timeout_seconds: float = ANSWER_SECONDS, only: Container[str] | None = None) -> tuple[Answer, ...]:
        """One answer for each server, or for each of some, in their order: at the latest in that time and a little
        more. Where ssh is on its way to a host, that is waited for besides.
        """
        began = self._monotonic()
        asked = [asker for asker in self._askers if only is None or asker.name in only]
        for asker in asked:
            asker.begin(timeout_seconds)
        return tuple(asker.answer(began, timeout_seconds) for asker in asked)

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
        self._thread = threading.Thread(target=self._run, name=f"asks {server.name}", daemon=True)
        self._thread.start()

    def begin(self, timeout_seconds: float) -> None:
        if self._busy:
            self._take()  # an answer to an earlier question is no answer to this one
        if not self._busy:
            self._busy = True
            self._asked.put(timeout_seconds)

    def answer(self, began: float, timeout_seconds: float) -> Answer:
        while (answer := self._take()) is None:
            since, patience = (began, WAY_SECONDS) if self._open is None else (max(began, self._open), timeout_seconds)
            if self._monotonic() > since + patience + GRACE_SECONDS:
                return Silence(
                    name=self.name,
                    at=self._monotonic(),
                    code="M602",
                    what=msg("{node} does not answer", node=self.name),
                    reason=msg("no answer in {seconds} s", seconds=f"{patience:g}"),
                    hung=True,
                )
        return answer

    def _take(self) -> Answer | None:
        try:
            answer = self._answers.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return None
        self._busy = False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        self._asked.put(None)
        if not self._busy:
            self._thread.join()

    def _run(self) -> None:
        while (timeout_seconds := self._asked.get()) is not None:
            began = self._monotonic()
            try:
                if self._open is None:
                    self._server.open()
                    self._open = self._monotonic()
                self._answers.put(self._server.sample(timeout_seconds))
            except StandbyctlError as error:
                at = self._monotonic()
                hung, reason = at - began >= timeout_seconds, error.detail or error.what
                self._answers.put(Silence(self.name, at, error.code, error.what, reason, error.hint, hung))
            except Exception as error:  # noqa: BLE001 it is raised again where the answer is taken
                self._answers.put(error)
        self._server.close()
