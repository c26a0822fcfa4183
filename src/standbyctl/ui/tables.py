"""Tables for people: psql's rules, words, and a dash for what is not known."""

from __future__ import annotations

from rich.box import Box
from rich.console import Console
from rich.table import Table

from standbyctl.app.status import Status
from standbyctl.domain.message import Message, msg
from standbyctl.domain.size import format_size
from standbyctl.ui.render import shown, text

# Only ASCII: box drawing is of ambiguous width in East Asian terminals.
_PSQL = Box("    \n  | \n -+ \n  | \n -+ \n -+ \n  | \n    \n", ascii=True)


# What a node or a slot is, or does; the words of JSON are the English ones.
_WORDS = {
    "primary": msg("primary"),
    "standby": msg("standby"),
    "running": msg("running"),
    "startup": msg("startup"),
    "catchup": msg("catchup"),
    "streaming": msg("streaming"),
    "backup": msg("backup"),
    "stopping": msg("stopping"),
    "replay paused": msg("replay paused"),
    "not connected": msg("not connected"),
    "attach unfinished": msg("attach unfinished"),
    "unreachable": msg("unreachable"),
    "physical": msg("physical"),
    "logical": msg("logical"),
}


def print_status(status: Status) -> None:
    """Nodes, then slots."""
    # Wider than a narrow terminal rather than without names: that folds it.
    console = Console(highlight=False, markup=False, width=1000)
    nodes = _table(msg("Node"), msg("Role"), msg("State"), msg("TL"), msg("Behind"), msg("Slot"), right={3, 4})
    for node in status.nodes:
        indent = "+ " if node.upstream or node.role == "standby" else ""
        if node.upstream not in {None, status.primary}:
            indent = "  + "  # of a standby
        nodes.add_row(
            indent + shown(node.name), _word(node.role), _word(node.state), _or_dash(node.timeline),
            "" if node.role == "primary" else _size(node.lag_bytes),
            text(msg("(none)")) if node.slot is None and (node.upstream or node.expected) else shown(node.slot or ""),
        )  # fmt: skip
    console.print(nodes)
    if status.slots:
        console.print()
        slots = _table(msg("Slot"), msg("Type"), msg("State"), msg("WAL held"), msg("Cap left"), right={3, 4})
        for slot in status.slots:
            uncapped = slot.safe_bytes is None and slot.wal_status != "lost"
            slots.add_row(
                shown(slot.name), _word(slot.slot_type), text(msg("active") if slot.active else msg("inactive")),
                _size(slot.retained_bytes), text(msg("no cap")) if uncapped else _size(slot.safe_bytes),
            )  # fmt: skip
        console.print(slots)


def _table(*columns: Message, right: set[int]) -> Table:
    table = Table(box=_PSQL, pad_edge=False, show_edge=False, header_style="none")
    for number, column in enumerate(columns):
        table.add_column(text(column), justify="right" if number in right else "left", no_wrap=True)
    return table


def _word(value: str | None) -> str:
    return _or_dash(value) if value not in _WORDS else text(_WORDS[value])


def _or_dash(value: object) -> str:
    return "-" if value is None else shown(str(value))


def _size(value: int | None) -> str:
    # The two positions of a difference are read one after the other.
    return "-" if value is None else format_size(max(value, 0))
