"""Who uses which slot, and how long what it holds has room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from standbyctl.diagnosis.rate import predict_full
from standbyctl.domain.picture import Expected, NodeView, Rate, SlotView
from standbyctl.domain.samples import SenderSample, SlotSample

_SURE_SECONDS = 10.0
# Of each node that somebody sends to: who, and the row of that one's pg_stat_replication.
Fed = Mapping[str, tuple[str, SenderSample]]


def view_slots(
    nodes: Sequence[NodeView], fed: Fed, expected: Iterable[Expected], growth: Mapping[tuple[str, str], Rate]
) -> Iterator[SlotView]:
    """The slots of every server that answered, in the order of the nodes."""
    wanted = {(each.upstream, each.slot): each.name for each in expected if each.slot}
    for node in nodes:
        for slot in node.sample.slots if node.sample else ():
            rate = _rate(node, slot, growth.get((node.name, slot.name)))
            yield _view(node, slot, fed, wanted.get((node.name, slot.name)), rate)


def _rate(node: NodeView, slot: SlotSample, growth: Rate | None) -> Rate | None:
    """How fast it takes room: as WAL is written, where nobody reads it; and as it grows, where its reader is slow."""
    # One that is synced from the primary is never active here, and goes on with that one's.
    if slot.wal_status == "lost" or slot.retained_bytes is None or slot.synced:
        return None
    if not slot.active:
        return node.rate
    return growth if growth and growth.over_seconds >= _SURE_SECONDS and growth.bytes_per_second > 0 else None


def _view(node: NodeView, slot: SlotSample, fed: Fed, needed_by: str | None, rate: Rate | None) -> SlotView:
    assert node.sample is not None
    used = next((sender for sender in node.sample.senders if sender.slot == slot.name), None)
    user = next((name for name, (upstream, row) in fed.items() if row is used and upstream == node.name), None)
    slower, left = node.sample.slower, _room(node)
    uncapped = slot.safe_bytes is None or (left is not None and slot.safe_bytes > left)
    return SlotView(
        node=node.name,
        sample=slot,
        used_by=user or (used.application_name if used else None),
        needed_by=needed_by,
        left_bytes=left,
        capped=None if slower is None else slower.cap_bytes is not None,
        lost_in=predict_full(slot.safe_bytes, rate) if slot.safe_bytes is not None else None,
        full_in=predict_full(left, rate) if uncapped and left is not None else None,
        idle_seconds=_idle(slot, node.sample.clock),
    )


def _room(node: NodeView) -> int | None:
    """What may still be written on the volume of pg_wal: what was free there, and the segments that waited in pg_wal,
    when that was asked; less what was written since.
    """
    slower = node.sample.slower if node.sample else None
    if node.sample is None or slower is None or slower.free_bytes is None:
        return None
    written = node.sample.written
    since = written - slower.lsn if written is not None and slower.lsn is not None else 0
    return max(slower.free_bytes + (slower.wal_ahead_bytes or 0) - max(since, 0), 0)


def _idle(slot: SlotSample, clock: float) -> float | None:
    if slot.active or slot.inactive_since is None:
        return None
    return max(clock - datetime.fromisoformat(slot.inactive_since).timestamp(), 0.0)
