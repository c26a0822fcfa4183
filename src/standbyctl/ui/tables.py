"""Tables for people: psql's rules, words, and a dash for what is not known."""

from __future__ import annotations

from rich.box import Box
from rich.console import Console
from rich.table import Table

from standbyctl.app.status import Status
from standbyctl.domain.size import format_size

# Only ASCII: box drawing is of ambiguous width in East Asian terminals.
_PSQL = Box("    \n  | \n -+ \n  | \n -+ \n -+ \n  | \n    \n", ascii=True)


def print_status(status: Status) -> None:
    """Nodes, then slots."""
    console = Console(highlight=False)
    nodes = _table("Node", "Role", "State", ">TL", ">Behind", "Slot")
    for node in status.nodes:
        indent = "+ " if node.upstream or node.role == "standby" else ""
        if node.upstream not in {None, status.primary}:
            indent = "  + "  # of a standby
        nodes.add_row(
            indent + node.name, _or_dash(node.role), _or_dash(node.state), _or_dash(node.timeline),
            "" if node.role == "primary" else _size(node.lag_bytes),
            "(none)" if node.slot is None and (node.upstream or node.expected) else node.slot or "",
        )  # fmt: skip
    console.print(nodes)
    if status.slots:
        console.print()
        slots = _table("Slot", "Type", "State", ">WAL held", ">Cap left")
        for slot in status.slots:
            slots.add_row(
                slot.name, slot.slot_type, "active" if slot.active else "inactive", _size(slot.retained_bytes),
                "no cap" if slot.safe_bytes is None and slot.wal_status != "lost" else _size(slot.safe_bytes),
            )  # fmt: skip
        console.print(slots)


def _table(*columns: str) -> Table:
    table = Table(box=_PSQL, pad_edge=False, show_edge=False, header_style="none")
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column[0] == ">" else "left", no_wrap=True)
    return table


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _size(value: int | None) -> str:
    return "-" if value is None else format_size(value)
