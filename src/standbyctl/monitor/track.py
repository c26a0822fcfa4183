"""What round after round says of one cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from standbyctl.diagnosis.lag import LsnClock
from standbyctl.diagnosis.picture import Known, draw, writer_of
from standbyctl.diagnosis.rate import measure_rate
from standbyctl.domain.picture import Expected, Picture
from standbyctl.domain.samples import Answer, NodeSample

# The rate of WAL is measured over so long at most: a few checkpoints of a busy server.
RATE_SECONDS = 900.0


class Track:
    """Takes the answers of rounds, and draws the picture of the newest.

    The clock begins anew with a timeline: positions of the one before do not compare.
    """

    def __init__(self, system_identifier: str, head: str, expected: Sequence[Expected]) -> None:
        self.system_identifier, self.head, self.expected = system_identifier, head, tuple(expected)
        self.clock = LsnClock()
        self.last: dict[str, NodeSample] = {}
        self._answers: tuple[Answer, ...] = ()
        self._written: deque[tuple[float, int]] = deque()
        self._writer: tuple[str, int | None] | None = None

    def take(self, answers: Sequence[Answer]) -> None:
        """One round."""
        self._answers = tuple(answers)
        ours = [
            each
            for each in answers
            if isinstance(each, NodeSample) and each.system_identifier == self.system_identifier
        ]
        for each in ours:
            self.last[each.name] = each
        self.head = _first_name(self.head, ours)
        if (writer := writer_of(ours, self.head)) is not None and writer.lsn is not None:
            self.written(writer.name, writer.timeline, writer.at, writer.lsn)

    def written(self, name: str, timeline: int | None, at: float, lsn: int) -> None:
        """A primary had written so far: of this round, or remembered."""
        if self._writer != (name, timeline):
            self._writer = name, timeline
            self.clock = LsnClock()
            self._written.clear()
        self.clock.written(at, lsn)
        self._written.append((at, lsn))
        while self._written[-1][0] - self._written[0][0] > RATE_SECONDS:
            self._written.popleft()

    def picture(self, at: float) -> Picture:
        """As the newest round showed it, at a moment of the sampler's clock."""
        rate = measure_rate(self._written)
        rates = {self._writer[0]: rate} if self._writer and rate else {}
        known = Known(at, self.clock, self.last, rates)
        return draw(self.system_identifier, self.head, self._answers, self.expected, known)


def _first_name(head: str, samples: Sequence[NodeSample]) -> str:
    """The name that a server is met by first, where it was asked for by another."""
    started = next((each.started_at for each in samples if each.name == head), None)
    return next((each.name for each in samples if each.started_at == started), head)
