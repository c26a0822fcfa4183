"""What round after round says of one cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from standbyctl.diagnosis.lag import LsnClock
from standbyctl.diagnosis.picture import Known, draw, writer_of
from standbyctl.diagnosis.rate import measure_rate
from standbyctl.domain.picture import Expected, Picture
from standbyctl.domain.samples import Answer, NodeSample, SlotSample

# The rate of WAL is measured over so long at most: a few checkpoints of a busy server.
RATE_SECONDS = 900.0
# Of primaries and timelines that are not the newest.
MOST_CLOCKS = 4
# Of what a slot holds: some minutes of a watch.
MOST_HELD = 300


class Track:
    """Takes the answers of rounds, and draws the picture of the newest.

    Each primary has a clock for each timeline: positions of another do not compare.
    """

    def __init__(self, system_identifier: str, head: str, expected: Sequence[Expected]) -> None:
        self.system_identifier, self.head, self.expected = system_identifier, head, tuple(expected)
        self._clocks: dict[tuple[str, int | None], LsnClock] = {}
        self.last: dict[str, NodeSample] = {}
        self._held: dict[tuple[str, str], deque[tuple[float, int]]] = {}
        self._answers: tuple[Answer, ...] = ()
        self._rates: dict[tuple[str, int | None], deque[tuple[float, int]]] = {}
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
            for slot in each.slots:
                self._hold(each, slot)
        self.head = _first_name(self.head, ours)
        if (writer := writer_of(ours, self.head)) is not None and writer.lsn is not None:
            self.written(writer.name, writer.timeline, writer.at, writer.lsn)

    def _hold(self, sample: NodeSample, slot: SlotSample) -> None:
        """What a slot holds: it grows where its reader stands still, though it be connected."""
        if slot.retained_bytes is not None:
            held = self._held.setdefault((sample.name, slot.name), deque(maxlen=MOST_HELD))
            held.append((sample.at, slot.retained_bytes))

    def written(self, name: str, timeline: int | None, at: float, lsn: int) -> None:
        """A primary had written so far: of this round, or remembered."""
        self._writer = name, timeline
        self._clocks.setdefault(self._writer, LsnClock()).written(at, lsn)
        samples = self._rates.setdefault(self._writer, deque())
        samples.append((at, lsn))
        while samples[-1][0] - samples[0][0] > RATE_SECONDS:
            samples.popleft()
        for old in [each for each in self._clocks if each != self._writer][:-MOST_CLOCKS]:
            del self._clocks[old], self._rates[old]

    @property
    def clock(self) -> LsnClock:
        """Of the primary that was seen last."""
        return self._clocks[self._writer] if self._writer else LsnClock()

    def picture(self, at: float) -> Picture:
        """As the newest round showed it, at a moment of the sampler's clock."""
        rate = measure_rate(self._rates[self._writer]) if self._writer else None
        rates = {self._writer[0]: rate} if self._writer and rate else {}
        growth = {key: rate for key, held in self._held.items() if (rate := measure_rate(held))}
        known = Known(at, self.clock, self.last, rates, growth)
        return draw(self.system_identifier, self.head, self._answers, self.expected, known)


def _first_name(head: str, samples: Sequence[NodeSample]) -> str:
    """The name that a server is met by first, where it was asked for by another."""
    started = next((each.started_at for each in samples if each.name == head), None)
    return next((each.name for each in samples if each.started_at == started), head)
