"""What servers answer to statements that people know, as psql shows it; and where that misleads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standbyctl.domain.message import msg
from standbyctl.observe.procedure import Replies
from standbyctl.ui.render import shown, text, wrap
from standbyctl.ui.tables import lines, or_dash, table


def render_replies(replies: Iterable[Replies]) -> str:
    """Each statement, its rows, and what to beware of."""
    parts = []
    for each in replies:
        made = table(*(msg("{e}", e=column) for column in each.question.columns), right=set())
        for row in each.rows:
            made.add_row(*map(or_dash, row))
        parts.append(f"\n{shown(each.node)}> {each.question.sql};")
        parts += lines(made)
        parts.append(wrap(text(each.question.beware), "  ! ", "    "))
    return "\n".join(parts)


def replies_record(replies: Iterable[Replies]) -> list[dict[str, Any]]:
    """For machines: values are text, as PostgreSQL writes them."""
    return [
        {
            "node": each.node,
            "sql": each.question.sql,
            "rows": [dict(zip(each.question.columns, row, strict=True)) for row in each.rows],
        }
        for each in replies
    ]
