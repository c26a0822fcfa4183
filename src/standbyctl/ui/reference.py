"""docs/reference/codes.md, from the catalogue. `make golden` writes it; a test compares it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standbyctl.diagnosis.catalogue import FAMILIES
from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import Message
from standbyctl.ui.render import text

_HEAD = """\
# Codes

Every error, refusal and line of a report has a code, and keeps it from release to release. `standbyctl explain CODE`
says the same as this page, offline. In what is to be typed, words in capitals stand for your own.

This page is generated from the catalogue in `src/standbyctl/diagnosis`: `make golden` writes it anew.
"""


def render_reference() -> str:
    """The whole page."""
    return "\n".join(
        [_HEAD, *_index(), *(line for family in FAMILIES for line in _family(family.title, family.entries))]
    )


def _index() -> Iterator[str]:
    for family in FAMILIES:
        codes = " ".join(f"[{entry.code}](#{entry.code.lower()})" for entry in family.entries)
        yield f"- {text(family.title)}: {codes}"
    yield ""


def _family(title: Message, entries: tuple[Entry, ...]) -> Iterator[str]:
    yield f"## {text(title)}\n"
    for entry in entries:
        yield f"### {entry.code}\n"
        yield f"**{_prose(entry.title)}**\n"
        yield f"{_prose(entry.means)}\n"
        yield f"{_prose(entry.why)}\n"
        for way in entry.do:
            prose, *typed = text(way).splitlines()
            yield f"- {_escaped(prose)}"
            if typed:
                yield "\n".join(["", "  ```", *(f"  {line}" for line in typed), "  ```", ""])
        if len(text(entry.do[-1]).splitlines()) == 1:
            yield ""


def _prose(message: Message) -> str:
    return _escaped(text(message))


def _escaped(prose: str) -> str:
    """What Markdown would take for its own."""
    return re.sub(r"([\\`*<\[$])", r"\\\1", prose)
