"""What there is to say of a code, on a terminal and for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standbyctl.diagnosis.catalogue import FAMILIES
from standbyctl.diagnosis.catalogue.entry import Entry
from standbyctl.domain.message import msg
from standbyctl.ui.render import text, wrap
from standbyctl.ui.width import pad

_MARGIN = " " * 8


def render_entry(entry: Entry) -> str:
    """One code, whole. What is to be typed is never folded: it is copied from here."""
    lines = [
        f"{entry.code}  {text(entry.title)}",
        "",
        wrap(text(entry.means), pad(text(msg("MEANS:")), 8), _MARGIN),
        wrap(text(entry.why), pad(text(msg("WHY:")), 8), _MARGIN),
    ]
    label = pad(text(msg("DO:")), 8)
    for way in entry.do:
        prose, *typed = text(way).splitlines()
        lines.append(wrap(prose, f"{label}- ", f"{_MARGIN}  "))
        lines += [f"{_MARGIN}    {line}" for line in typed]
        label = _MARGIN
    return "\n".join(lines)


def render_list() -> str:
    """Every code with its title, family by family."""
    blocks = [
        "\n".join([text(family.title), *(f"  {entry.code}  {text(entry.title)}" for entry in family.entries)])
        for family in FAMILIES
    ]
    return "\n\n".join([*blocks, text(msg("All there is to say of one: standbyctl explain CODE"))])


def explain_record(entries: Iterable[Entry]) -> dict[str, Any]:
    """The same for machines, in English."""
    return {
        "schema": "standbyctl.explain/1",
        "codes": [
            {
                "code": entry.code,
                "title": str(entry.title),
                "means": str(entry.means),
                "why": str(entry.why),
                "do": [str(way) for way in entry.do],
            }
            for entry in entries
        ],
    }
