"""A paper in Markdown, as GitHub and everybody else reads it."""

from __future__ import annotations

import re

from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


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


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_plain(cell).replace("\n", "<br>") for cell in cells) + " |"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
