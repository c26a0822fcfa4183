"""What has changed of slots, as events."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.event import SLOT, Event
from standbyctl.domain.finding import Severity
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Picture
from standbyctl.monitor.memory import HOLE_SECONDS, Memory, Moment, SeenSlot

_ALARMING = frozenset({"unreserved", "lost"})


def slot_changes(
    before: Memory, picture: Picture, answering: set[str], now: Moment, *, first: bool
) -> tuple[list[SeenSlot], list[Event]]:
    """Made, dropped, read, read no more, lost."""
    old = {(slot.node, slot.name): slot for slot in before.slots}
    kept = [slot for slot in before.slots if slot.node not in answering]
    events: list[Event] = []
    told = {node.name for node in before.nodes if node.started_at}
    for view in picture.slots:
        own, was = view.sample, old.pop((view.node, view.sample.name), None)
        node = before.node(view.node)
        unseen = node is not None and node.silent_since is not None and now.steady - node.silent_since > HOLE_SECONDS
        same = was is not None and was.active == own.active and not unseen
        since = was.since if was is not None and same else now.steady
        kept.append(SeenSlot(view.node, own.name, own.active, own.wal_status, since))
        if not first and (was is not None or view.node in told):
            events += _slot_events(was, kept[-1], now)
    for (node_name, name), _ in old.items():
        if node_name in answering:
            what = msg("slot {slot} on {node} was dropped", slot=name, node=node_name)
            events.append(Event(now.wall, SLOT, f"slot:{name}", what))
    return kept, events


def _slot_events(was: SeenSlot | None, seen: SeenSlot, now: Moment) -> Iterator[Event]:
    names, subject = {"slot": seen.name, "node": seen.node}, f"slot:{seen.name}"
    if was is None:
        yield Event(now.wall, SLOT, subject, msg("slot {slot} on {node} was created", **names))
        return
    if seen.active and not was.active:
        yield Event(now.wall, SLOT, subject, msg("slot {slot} on {node} is read", **names))
    if was.active and not seen.active:
        yield Event(now.wall, SLOT, subject, msg("nobody reads slot {slot} on {node}", **names), Severity.WARNING)
    # reserved and extended follow each other with every checkpoint of a busy server.
    if was.wal_status != seen.wal_status and _ALARMING & {was.wal_status, seen.wal_status} and seen.wal_status:
        severity = {"lost": Severity.CRITICAL, "unreserved": Severity.WARNING}.get(seen.wal_status)
        what = msg("wal_status of slot {slot} on {node} is {status}", status=seen.wal_status, **names)
        yield Event(now.wall, SLOT, subject, what, severity)
