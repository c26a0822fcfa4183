"""A paper in Markdown, as GitHub and everybody else reads it."""

from __future__ import annotations

import re

from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph, Table

# Only where it would mean something, so that a name or a command in a sentence can be copied: a backslash before a
# letter and an underscore within a word are themselves.
_SPECIAL = re.compile(r"(\\(?=[!-/:-@\[-`{-~\n]|$)|[`*\[\]<>|]|(?<!\w)_|_(?!\w)|#)")


def render_markdown(paper: Paper) -> str:
    """The whole of it."""
    return "\n\n".join(map(_block, paper)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_plain(text)}"
        case Paragraph(text):
            return _plain(text)
        case Items(texts):
            return "\n".join(f"- {_plain(text)}" for text in texts)
        case Code(text, language):
            # A fence that is longer than any in the text.
            fence = "`" * max(3, *(len(found) + 1 for found in re.findall(r"`+", text) or [""]))
            return f"{fence}{language}\n{text}\n{fence}"
        case Table(columns, rows):
            head = [_row(columns), "|" + " --- |" * len(columns)]
            return "\n".join([*head, *map(_row, rows)])


def _row(cells: tuple[str | Code, ...]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(cell: str | Code) -> str:
    """Between its backticks code is as it is typed; only a bar would end the cell, there too."""
    if isinstance(cell, str):
        return _plain(cell).replace("\n", "<br>")
    fence = "`" * (1 + max((len(found) for found in re.findall(r"`+", cell.text)), default=0))
    apart = " " if "`" in cell.text else ""
    return f"{fence}{apart}{cell.text.replace('|', chr(92) + '|')}{apart}{fence}"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
