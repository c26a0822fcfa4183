"""Text in columns of a terminal, where a Japanese letter takes two: padded, and folded at the right places."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# What must not begin a line (JIS X 4051), small kana and the prolonged sound mark among it; and what must not end one.
_CLOSING = "、。，．・：；？！ー々〜」』）］｝】〉》ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;?!)]}%"
_OPENING = "「『（［｛【〈《([{"
# Blanks; a run of narrow letters; one wide letter.
_UNIT = re.compile(r"\s+|[\u0020-\u1100]+?(?=\s|[^\u0000-\u1100]|$)|.", re.DOTALL)


def cells(text: str) -> int:
    """Columns that it takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """Fill up with blanks.

    >>> pad("役割", 6) + "|", pad("role", 6) + "|"
    ('役割  |', 'role  |')
    """
    return text + " " * (columns - cells(text))


def fold(text: str, columns: int, first: str = "", rest: str = "") -> str:
    """Break a text into lines, the first indented by `first` and the others by `rest`. What is too long stays.

    >>> print(fold("役割は、すでにあります。", 10, "- ", "  "))
    - 役割は、
      すでにあ
      ります。
    """
    if text.isascii():
        return textwrap.fill(
            text, columns, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )
    lines, line, used = [], first, cells(first)
    empty = True
    for chunk in _chunks(text):
        blank = chunk.isspace()
        if blank and empty:
            continue
        if not empty and not blank and used + cells(chunk) > columns:
            lines.append(line.rstrip())
            line, used = rest, cells(rest)
        line += chunk
        used += cells(chunk)
        empty = False
    return "\n".join([*lines, line.rstrip()])


def _chunks(text: str) -> Iterator[str]:
    """What stays together: words, and letters with the punctuation that belongs to them."""
    held = ""
    for unit in _UNIT.findall(text):
        if unit.isspace():
            if held:
                yield held
            held = ""
            yield " " * len(unit)
        elif held and (unit[0] in _CLOSING or held[-1] in _OPENING):
            held += unit
        else:
            if held:
                yield held
            held = unit
    if held:
        yield held
