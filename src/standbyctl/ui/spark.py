"""A row of values as a line of small bars: braille, of neutral width in every terminal, or ASCII."""

from __future__ import annotations

from collections.abc import Sequence

# Dots of a braille letter from the bottom up: its left column, and its right one.
_LEFT, _RIGHT = (0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)
_ASCII = "_.-=#"


def spark(values: Sequence[float | None], top: float = 0.0, *, ascii_only: bool = False) -> str:
    """Two values a letter, or one in ASCII; what is not known is left blank. `top`: the least that fills a bar.

    >>> spark([0, 1, 2, 3, 4, None]), spark([0, 1, 2, 4, None], ascii_only=True)
    ('\u28c0\u28f4\u2847', '_.-# ')
    """
    most = max([top, *(value for value in values if value is not None)], default=0.0)
    bars = [None if value is None else _height(value, most) for value in values]
    if ascii_only:
        return "".join(" " if bar is None else _ASCII[bar] for bar in bars)
    bars += [None] * (len(bars) % 2)
    return "".join(_letter(left, right) for left, right in zip(bars[::2], bars[1::2], strict=True))


def _height(value: float, most: float) -> int:
    return round(4 * value / most) if most > 0 else 0


def _letter(left: int | None, right: int | None) -> str:
    if left is None and right is None:
        return " "
    dots = 0
    for bar, column in ((left, _LEFT), (right, _RIGHT)):
        if bar is not None:  # nothing is a dot at the bottom: it was seen
            dots |= sum(column[: max(bar, 1)])
    return chr(0x2800 + dots)
