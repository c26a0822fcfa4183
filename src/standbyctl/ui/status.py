"""A cluster for people, as a tree and tables; and as a record for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from standbyctl.app.status import Status
from standbyctl.diagnosis.health import lag_text
from standbyctl.domain.finding import Finding
from standbyctl.domain.lsn import format_lsn
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import Full, Lag, NodeView, SlotView
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.ui.render import shown, text, width, wrap
from standbyctl.ui.spark import spark
from standbyctl.ui.tables import lines, or_dash, size, table

_HOUR, _WIDE = 3500.0, 100
# A lag below a second is a bar of its own part of one.
_LEAST_LAG = 1.0
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


def render_status(status: Status, *, ascii_only: bool = False) -> str:
    """Nodes, slots, what a loss of the primary would cost, and what is wrong."""
    picture = status.picture
    parts = [_nodes(status, ascii_only=ascii_only)]
    if picture.slots:
        parts.append(_slots(picture.slots, several=len({slot.node for slot in picture.slots}) > 1))
    parts.append(_loss(status))
    if told := _told(status.findings):
        parts.append([line for finding in told for line in render_finding(finding).splitlines()])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _nodes(status: Status, *, ascii_only: bool) -> list[str]:
    columns = [msg("Node"), msg("Role"), msg("State"), msg("TL"), msg("Lag"), msg("Behind"), msg("Slot")]
    if status.lately:
        columns.append(_span(status.lately_seconds))
    made = table(*columns, right={3, 4, 5})
    for node in status.picture.nodes:
        indent = "  " * (node.depth - 1) + "+ " if node.depth else "+ " if node.role == "standby" else ""
        primary = node.role == "primary"
        slot = text(msg("(none)")) if node.slot is None and (node.upstream or node.expected) else shown(node.slot or "")
        row = [
            indent + shown(node.name), _word(node.role), _word(node.state), or_dash(node.timeline),
            "" if primary else short_lag(node.lag), "" if primary else size(node.behind.get("replay")), slot,
        ]  # fmt: skip
        made.add_row(*row, *([_line(node, status, ascii_only=ascii_only)] if status.lately else []))
    return lines(made)


def _span(seconds: float) -> Message:
    return msg("Last hour") if seconds >= _HOUR else msg("Last {time}", time=format_seconds(seconds))


def _line(node: NodeView, status: Status, *, ascii_only: bool) -> str:
    """The past of a node, and the most that it came to."""
    values = status.lately.get(node.name, ())
    known = [value for value in values if value is not None]
    if not known:
        return ""
    short = (
        values if width() >= _WIDE else [_most(pair) for pair in zip(values[::2], (*values[1::2], None), strict=False)]
    )
    if node.role == "primary":
        return f"{spark(short, ascii_only=ascii_only)} {text(msg('{size}/s', size=format_size(max(known))))}"
    return f"{spark(short, _LEAST_LAG, ascii_only=ascii_only)} {format_seconds(max(known))}"


def _most(pair: tuple[float | None, float | None]) -> float | None:
    return max((value for value in pair if value is not None), default=None)


def _slots(slots: tuple[SlotView, ...], *, several: bool, every: bool = False) -> list[str]:
    """`several`: of more than one server. `every`: what is rarely asked, too."""
    columns: list[tuple[Message, bool, Callable[[SlotView], str], bool]] = [
        (msg("On"), False, lambda slot: shown(slot.node), several),
        (msg("Slot"), False, lambda slot: shown(slot.sample.name), True),
        (msg("Type"), False, lambda slot: _word(slot.sample.slot_type), True),
        (msg("Database"), False, lambda slot: or_dash(slot.sample.database), every),
        (msg("Used by"), False, _user, True),
        (msg("Status"), False, lambda slot: or_dash(slot.sample.wal_status), every),
        (msg("WAL held"), True, lambda slot: size(slot.sample.retained_bytes), True),
        (msg("Cap left"), True, _cap, True),
        (msg("Xmin age"), True, lambda slot: or_dash(slot.sample.xmin_age), every),
        (msg("Full in"), True, short_full, every or any(short_full(slot) for slot in slots)),
    ]
    shown_ones = [(title, right, cell) for title, right, cell, wanted in columns if wanted]
    right = {number for number, (_, each, _) in enumerate(shown_ones) if each}
    made = table(*(title for title, _, _ in shown_ones), right=right)
    for slot in slots:
        made.add_row(*(cell(slot) for _, _, cell in shown_ones))
    return lines(made)


def render_slots(status: Status, slots: tuple[SlotView, ...]) -> str:
    """Slots, whatever is known of them, and what is wrong with them."""
    if not slots:
        return text(msg("No slots."))
    names = {f"slot:{slot.sample.name}" for slot in slots}
    told = [finding for finding in status.findings if finding.subject in names]
    several = len({slot.node for slot in status.picture.slots}) > 1
    parts = ["\n".join(_slots(slots, several=several, every=True)), "\n".join(map(render_finding, told))]
    return "\n\n".join(part for part in parts if part)


def slots_record(status: Status, slots: tuple[SlotView, ...]) -> dict[str, Any]:
    """The same for machines."""
    return {
        "schema": "standbyctl.slots-list/1",
        "at": status.at,
        "slots": [_slot_record(slot) for slot in slots],
        "findings": [finding_record(each) for each in status.findings if each.subject.startswith("slot:")],
    }


def _user(slot: SlotView) -> str:
    if slot.sample.wal_status == "lost":
        return text(msg("lost"))
    if slot.sample.active:
        return shown(slot.used_by or "") or text(msg("active"))
    if slot.idle_seconds is not None:
        return text(msg("nobody for {time}", time=format_seconds(slot.idle_seconds)))
    return text(msg("nobody"))


def _cap(slot: SlotView) -> str:
    if slot.sample.wal_status == "lost":
        return "-"
    if slot.sample.safe_bytes is not None:
        return size(slot.sample.safe_bytes)
    # Below 13, or without a cap. A slot that holds nothing has no safe_wal_size either.
    return text(msg("no cap")) if slot.capped is False else "-"


def short_full(slot: SlotView) -> str:
    """The sooner of the two ends of a slot that nobody reads, as short as a column needs it."""
    ends = [each.seconds for each in (slot.lost_in, slot.full_in) if each]
    return format_seconds(min(ends)) if ends else ""


def short_lag(lag: Lag | None) -> str:
    """A lag as short as a column needs it: >= at least, <= at most."""
    if lag is None:
        return "-"
    sign = ">= " if lag.at_least else "<= " if lag.at_most else ""
    return f"{sign}{format_seconds(lag.seconds)}"


def _word(value: str | None) -> str:
    return or_dash(value) if value not in _WORDS else text(_WORDS[value])


def _loss(status: Status) -> list[str]:
    loss = status.picture.loss
    if loss is None:
        return []
    told = msg(
        "If {primary} were lost now: {standby} has all but {size} of its WAL, {lag} of commits",
        primary=loss.primary, standby=loss.standby, size=format_size(loss.lag.behind_bytes), lag=lag_text(loss.lag),
    )  # fmt: skip
    none = msg(
        "If {primary} were lost now: {standby} has all of its WAL, but for what was written since this look",
        primary=loss.primary, standby=loss.standby,
    )  # fmt: skip
    return wrap(text(told if loss.lag.behind_bytes else none), "", "  ").splitlines()


def _told(findings: tuple[Finding, ...]) -> list[Finding]:
    """That a lag cannot be known is said where nothing else says why."""
    why = {each.subject for each in findings if each.code != "L407"}
    return [each for each in findings if each.code != "L407" or not why & {each.subject, "cluster"}]


def render_finding(finding: Finding) -> str:
    """Its severity and code, what was seen, and what follows."""
    first = f"{finding.severity.value:<8} {finding.code}  "
    told = [wrap(text(finding.what), first, " " * len(first))]
    if finding.then is not None:
        told.append(wrap(text(finding.then), " " * len(first), " " * len(first)))
    return "\n".join(told)


def status_record(status: Status) -> dict[str, Any]:
    """The same for machines; null is unknown, LSNs are text, units are in the names."""
    picture = status.picture
    return {
        "schema": "standbyctl.status/1",
        "at": status.at,
        "system_identifier": picture.system_identifier,
        "primaries": list(picture.primaries),
        "nodes": [_node_record(node) for node in picture.nodes],
        "slots": [_slot_record(slot) for slot in picture.slots],
        "if_primary_were_lost": picture.loss
        and {
            "primary": picture.loss.primary,
            "standby": picture.loss.standby,
            "bytes": picture.loss.lag.behind_bytes,
            "seconds": picture.loss.lag.seconds,
        },
        "findings": [finding_record(finding) for finding in status.findings],
    }


def _node_record(node: NodeView) -> dict[str, Any]:
    lag, own = node.lag, node.sample
    return {
        "name": node.name,
        "role": node.role,
        "state": node.state,
        "timeline": node.timeline,
        "lag_seconds": lag and lag.seconds,
        "lag_bound": lag and ("at least" if lag.at_least else "at most" if lag.at_most else "exact"),
        "lag_bytes": node.behind.get("replay"),
        "behind_bytes": dict(node.behind),
        "upstream": node.upstream,
        "slot": node.slot,
        "client_addr": node.client,
        "expected": node.expected,
        "lsn": own and _lsn(own.lsn),
        "receive_lsn": own and _lsn(own.receive_lsn),
        "replay_lsn": own and _lsn(own.replay_lsn),
        "wal_bytes_per_second": node.rate and node.rate.bytes_per_second,
        "pg_wal_bytes": own and own.slower and own.slower.wal_bytes,
        "pg_wal_free_bytes": own and own.slower and own.slower.free_bytes,
        "lacks": list(own.lacks) if own else [],
        "silence": str(node.silence) if node.silence else None,
    }


def _slot_record(slot: SlotView) -> dict[str, Any]:
    own = slot.sample
    return {
        "name": own.name,
        "node": slot.node,
        "slot_type": own.slot_type,
        "active": own.active,
        "used_by": slot.used_by,
        "needed_by": slot.needed_by,
        "wal_status": own.wal_status,
        "retained_bytes": own.retained_bytes,
        "safe_bytes": own.safe_bytes,
        "database": own.database,
        "xmin_age": own.xmin_age,
        "inactive_since": own.inactive_since,
        "lost_in_seconds": _full_record(slot.lost_in),
        "full_in_seconds": _full_record(slot.full_in),
    }


def _full_record(full: Full | None) -> dict[str, Any] | None:
    if full is None:
        return None
    return {"expected": full.seconds, "soonest": full.soonest, "latest": full.latest}


def finding_record(finding: Finding) -> dict[str, Any]:
    """In English."""
    return {
        "code": finding.code,
        "severity": finding.severity.value.lower(),
        "subject": finding.subject,
        "what": str(finding.what),
        "then": str(finding.then) if finding.then else None,
    }


def _lsn(value: int | None) -> str | None:
    return None if value is None else format_lsn(value)
