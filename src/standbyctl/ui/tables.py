"""Tables for people: psql's rules, and a dash for what is not known."""

from __future__ import annotations

from rich.box import Box
from rich.console import Console
from rich.table import Table

from standbyctl.domain.message import Message
from standbyctl.domain.size import format_size
from standbyctl.ui.render import shown, text

# Only ASCII: box drawing is of ambiguous width in East Asian terminals.
_PSQL = Box("    \n  | \n -+ \n  | \n -+ \n -+ \n  | \n    \n", ascii=True)


def table(*columns: Message, right: set[int]) -> Table:
    """An empty one; `right`: the columns that are aligned there, by number."""
    made = Table(box=_PSQL, pad_edge=False, show_edge=False, header_style="none")
    for number, column in enumerate(columns):
        made.add_column(text(column), justify="right" if number in right else "left", no_wrap=True)
    return made


def lines(made: Table) -> list[str]:
    """Its lines. Wider than a narrow terminal rather than without names: that folds it."""
    console = Console(highlight=False, markup=False, width=1000, no_color=True)
    with console.capture() as captured:
        console.print(made)
    return [line.rstrip() for line in captured.get().splitlines()]


def or_dash(value: object) -> str:
    """A dash for what is not known."""
    return "-" if value is None else shown(str(value))


def size(value: int | None) -> str:
    """Bytes. The two positions of a difference may have been read one after the other."""
    return "-" if value is None else format_size(max(value, 0))
