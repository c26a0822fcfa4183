"""How long a copy takes, and what WAL is kept for it meanwhile. Pure arithmetic; None is unknown."""

from __future__ import annotations

import re

from standbyctl.domain.progress import Trial
from standbyctl.domain.record import dataclass

_RATE = re.compile(r"(\d+)([kM]?)")


@dataclass(frozen=True, slots=True)
class Forecast:
    """Before a copy. `rate_bytes` is of the copy, `wal_rate_bytes` of the WAL that the primary writes meanwhile.

    `keeps_bytes`: what the primary keeps for a standby's slot at most: the cap, or the room where there is none.
    """

    copy_bytes: int | None = None
    rate_bytes: float | None = None
    limited: bool = False
    wal_rate_bytes: float | None = None
    keeps_bytes: int | None = None
    link_bytes: float | None = None

    @property
    def seconds(self) -> float | None:
        """Of the copy."""
        if self.copy_bytes is None or not self.rate_bytes:
            return None
        return self.copy_bytes / self.rate_bytes

    @property
    def wal_bytes(self) -> float | None:
        """Written while the copy runs, and kept for the standby."""
        if self.seconds is None or self.wal_rate_bytes is None:
            return None
        return self.seconds * self.wal_rate_bytes

    @property
    def lasts_seconds(self) -> float | None:
        """How long what is kept lasts, once nobody reads it."""
        if self.keeps_bytes is None or not self.wal_rate_bytes:
            return None
        return self.keeps_bytes / self.wal_rate_bytes

    @property
    def slot_survives(self) -> bool | None:
        """Whether the WAL of the copy stays below what is kept."""
        if self.wal_bytes is None or self.keeps_bytes is None:
            return None
        return self.wal_bytes < self.keeps_bytes

    @property
    def catches_up(self) -> bool | None:
        """Whether WAL goes over faster than it is written. A limit on the copy does not slow the stream."""
        if self.link_bytes is None or self.wal_rate_bytes is None:
            return None
        return self.wal_rate_bytes < self.link_bytes


def rate_bytes(max_rate: str) -> int | None:
    """A rate as pg_basebackup takes it, in bytes a second; None for no limit.

    >>> rate_bytes("80M"), rate_bytes("32k"), rate_bytes("32"), rate_bytes("")
    (83886080, 32768, 32768, None)
    """
    found = _RATE.fullmatch(max_rate)
    return int(found[1]) * (1 << 20 if found[2] == "M" else 1 << 10) if found else None


def predict_copy(
    copy_bytes: int | None, max_rate: str, trial: Trial | None, wal_rate_bytes: float | None, keeps_bytes: int | None
) -> Forecast:
    """Put together what is known: the limit that was asked for, and what a trial has measured."""
    limit, measured = rate_bytes(max_rate), trial.rate_bytes if trial else None
    known = [rate for rate in (limit, measured) if rate is not None]
    rate = min(known, default=None)
    return Forecast(
        copy_bytes=copy_bytes,
        rate_bytes=rate,
        limited=limit is not None and rate == limit,
        wal_rate_bytes=wal_rate_bytes,
        keeps_bytes=keeps_bytes,
        link_bytes=measured,
    )
