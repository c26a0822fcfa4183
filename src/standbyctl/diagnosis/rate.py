"""How fast WAL is written, and when that uses something up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

from standbyctl.domain.picture import Full, Rate

# Into so many blocks what was measured is divided, to see how steady it is.
BLOCKS = 12
# So that 19 in 20 are inside, of what is known by a dozen blocks only.
_SIGMAS = 2.7
# WAL takes room by the segment: so much of what is left is not known better.
_GRAIN_BYTES = 16 << 20
_LEAST_SECONDS = 1e-3


def measure_rate(samples: Sequence[tuple[float, int]]) -> Rate | None:
    """Of what a primary had written when: seconds and bytes, the oldest first; None for less than two moments.

    >>> measure_rate([(0.0, 0), (2.0, 4000)])
    Rate(bytes_per_second=2000.0, over_seconds=2.0, spread=None, block_seconds=0.0)
    >>> measure_rate([(float(second), second * 100) for second in range(25)])
    Rate(bytes_per_second=100.0, over_seconds=24.0, spread=0.0, block_seconds=2.0)
    """
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < _LEAST_SECONDS:  # noqa: PLR2004
        return None
    (began, first), (ended, last) = samples[0], samples[-1]
    over = ended - began
    rate = max(last - first, 0) / over
    if len(samples) <= BLOCKS:
        return Rate(rate, over)
    block = over / BLOCKS
    edges = [_at(samples, began + number * block) for number in range(BLOCKS + 1)]
    each = [(after - before) / block for before, after in pairwise(edges)]
    return Rate(rate, over, stdev(each, fmean(each)), block)


def _at(samples: Sequence[tuple[float, int]], moment: float) -> float:
    """Where it was at a moment between two samples, in proportion."""
    low, high = 0, len(samples) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if samples[middle][0] <= moment else (low, middle)
    (before, at), (after, then) = samples[low], samples[high]
    return at + (then - at) * min(max((moment - before) / max(after - before, _LEAST_SECONDS), 0.0), 1.0)


def predict_full(left_bytes: int, rate: Rate | None) -> Full | None:
    """When what is left is used up at that rate; None where nothing is known, or nothing is written.

    What comes will differ from what was: from block to block as much as it did, on average less the longer it takes;
    and what was measured is itself an average of some blocks only.

    >>> predict_full(1000 << 20, Rate(1 << 20, 600, spread=0.0, block_seconds=75))
    Full(seconds=1000.0, soonest=984.0, latest=1016.0, over_seconds=600)
    """
    if rate is None:
        return None
    if left_bytes <= 0:
        return Full(0.0, 0.0, 0.0, rate.over_seconds)
    if rate.bytes_per_second <= 0:
        return None
    seconds = left_bytes / rate.bytes_per_second
    if rate.spread is None:
        return Full(seconds, over_seconds=rate.over_seconds)
    share = max(rate.block_seconds / seconds, rate.block_seconds / rate.over_seconds) + 1 / BLOCKS
    off = _SIGMAS * rate.spread * share**0.5
    slow = rate.bytes_per_second - off
    soonest = max(left_bytes - _GRAIN_BYTES, 0) / (rate.bytes_per_second + off)
    return Full(seconds, soonest, (left_bytes + _GRAIN_BYTES) / slow if slow > 0 else None, rate.over_seconds)
