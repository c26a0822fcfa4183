"""Reports of checks: a line each, side by side for the nodes; the same record for machines."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from standbyctl.domain.check import Check
from standbyctl.domain.message import Message
from standbyctl.ui.render import text, wrap
from standbyctl.ui.width import cells, pad

_STATUS_WIDTH = 7
_INDENT = 2


def render_checks(checks: Iterable[Check], headings: dict[str, Message]) -> str:
    """Every check below the heading of its node, in the order given."""
    every = list(checks)
    titles = max((cells(text(check.title)) for check in every), default=0)
    blocks = [
        "\n".join([text(headings[node]), *(_line(check, titles) for check in group)])
        for node, group in groupby(every, key=lambda check: check.node)
    ]
    return "\n\n".join(blocks)


def _line(check: Check, titles: int) -> str:
    title = text(check.title)
    head = f"{' ' * _INDENT}{check.status:<{_STATUS_WIDTH}} {check.code} {pad(title, titles)}  "
    body = text(check.seen) + (f"  [{text(check.remedy)}]" if check.remedy else "")
    return wrap(body, head, " " * cells(head))


def check_record(check: Check) -> dict[str, Any]:
    """One check for machines, in English."""
    return {
        "code": check.code,
        "node": check.node,
        "title": str(check.title),
        "status": check.status.value,
        "seen": str(check.seen),
        "remedy": str(check.remedy) if check.remedy else None,
    }
