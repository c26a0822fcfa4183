"""What a paper is made of, whatever it is written as. Texts are in the reader's language already."""

from __future__ import annotations

from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a level: 1 is the paper's own."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """One below the other."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """What is copied from the paper to the letter. `language`: what it is written in."""

    text: str
    language: str = "sh"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below their columns; an empty cell is for a pen, and one of code is copied from there."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | Code, ...], ...]


Block = Heading | Paragraph | Items | Code | Table
Paper = tuple[Block, ...]
