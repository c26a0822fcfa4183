"""The lag of a standby in seconds, by one clock and no table: the age of the newest LSN that it has passed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind; `at_least`: its replay has not passed anything that was sampled."""

    seconds: float
    behind_bytes: int
    at_least: bool


@dataclass(slots=True)
class LsnClock:
    """Knows when the primary was where.

    An idle primary is no lag: what was sampled last has been passed. Nothing that the standby says of itself but its
    replay position is asked, so neither a paused replay nor a receiver that is cut off can look current.

    >>> clock = LsnClock()
    >>> clock.written(0.0, 100); clock.written(1.0, 200); clock.written(2.0, 200)
    >>> clock.replayed(2.0, 200), clock.replayed(2.0, 150), clock.replayed(2.0, 50)
    (Lag(seconds=0.0, behind_bytes=0, at_least=False), Lag(seconds=2.0, behind_bytes=50, at_least=False), \
Lag(seconds=2.0, behind_bytes=150, at_least=True))
    """

    _samples: list[tuple[float, int]] = field(default_factory=list)

    def written(self, at: float, lsn: int) -> None:
        """The primary had written so far."""
        self._samples.append((at, lsn))

    def replayed(self, at: float, lsn: int) -> Lag:
        """The standby has replayed so far."""
        newest = self._samples[-1][1]
        if lsn >= newest:
            return Lag(0.0, 0, at_least=False)
        passed = [moment for moment, written in self._samples if written <= lsn]
        since = passed[-1] if passed else self._samples[0][0]
        return Lag(at - since, newest - lsn, at_least=not passed)
