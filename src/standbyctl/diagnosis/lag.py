"""The lag of a standby in seconds, by one clock and no table: the age of what it has replayed."""

from __future__ import annotations

from bisect import bisect_right

from standbyctl.domain.picture import Lag
from standbyctl.domain.record import dataclass, field

# Samples that are further apart say no more than that it was between them: nobody looked meanwhile.
HOLE_SECONDS = 90.0
# A week of samples a second would be 600,000: beyond this, every second one of the older half goes.
MOST_SAMPLES = 20_000


@dataclass(slots=True)
class LsnClock:
    """Knows when the primary was where, by the clock of whoever samples it.

    What a standby has replayed the primary had written at some moment: the lag is how long ago that was. An idle
    primary is no lag: what was sampled last has been passed. Nothing that the standby says of itself but its position
    is asked, so neither a paused replay nor a receiver that is cut off can look current, and no host's clock matters.
    The error is below the time between two samples: the moment is taken in proportion between the two around it, and
    where the primary had been idle before it wrote, from the sample that first showed the new.

    >>> clock = LsnClock()
    >>> clock.written(0.0, 100); clock.written(1.0, 200); clock.written(2.0, 200); clock.written(3.0, 300)
    >>> clock.lag(3.0, 300), clock.lag(3.0, 150), clock.lag(3.5, 200)
    (Lag(seconds=0.0, behind_bytes=0, at_least=False, at_most=False, least=0.0), \
Lag(seconds=2.5, behind_bytes=150, at_least=False, at_most=False, least=0.0), \
Lag(seconds=0.5, behind_bytes=100, at_least=False, at_most=False, least=0.0))
    >>> clock.lag(3.0, 50)
    Lag(seconds=3.0, behind_bytes=250, at_least=True, at_most=False, least=0.0)
    """

    _at: list[float] = field(default_factory=list)
    _lsn: list[int] = field(default_factory=list)

    @property
    def newest(self) -> tuple[float, int] | None:
        """When the primary was seen last, and where it was then."""
        return (self._at[-1], self._lsn[-1]) if self._at else None

    def written(self, at: float, lsn: int) -> None:
        """The primary had written so far. Less than before: what was not flushed is gone with a crash."""
        while self._lsn and self._lsn[-1] > lsn:
            self._at.pop()
            self._lsn.pop()
        if len(self._lsn) > 1 and self._lsn[-2] == lsn == self._lsn[-1]:
            self._at[-1] = at  # idle: since when, and until when
            return
        self._at.append(at)
        self._lsn.append(lsn)
        if len(self._at) > MOST_SAMPLES:
            half = MOST_SAMPLES // 2
            self._at[:half] = self._at[:half:2]
            self._lsn[:half] = self._lsn[:half:2]

    def lag(self, at: float, lsn: int) -> Lag | None:
        """Of who has come so far; None where nothing is known of the primary."""
        if not self._lsn:
            return None
        behind = self._lsn[-1] - lsn
        if behind <= 0:
            return Lag(0.0, 0)
        after = bisect_right(self._lsn, lsn)
        if after == 0:
            return Lag(max(at - self._at[0], 0.0), behind, at_least=True)
        before = after - 1
        moment = self._at[after]
        if moment - self._at[before] > HOLE_SECONDS:
            return Lag(max(at - self._at[before], 0.0), behind, at_most=True, least=max(at - moment, 0.0))
        if lsn > self._lsn[before]:
            part = (lsn - self._lsn[before]) / (self._lsn[after] - self._lsn[before])
            moment = self._at[before] + part * (self._at[after] - self._at[before])
        return Lag(max(at - moment, 0.0), behind)
