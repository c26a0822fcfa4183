"""What is wrong with a slot: lost, about to be, or read by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.finding import SLOTS, Finding, Limits, Severity, above, finding
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import Full, SlotView
from standbyctl.domain.size import format_seconds, format_size

# A rate that was measured for less is a guess.
SURE_SECONDS = 10.0
_STOPS = msg("When the volume is full, the primary stops with PANIC.")


def diagnose_slot(slot: SlotView, limits: Limits) -> Iterator[Finding]:
    """What is wrong with one slot."""
    own, subject = slot.sample, f"slot:{slot.node}/{slot.sample.name}"
    if own.wal_status == "lost" or own.invalidation_reason:
        yield finding(
            "S331",
            Severity.CRITICAL,
            subject,
            msg("slot {slot} on {node} is lost{who}", slot=own.name, node=slot.node, who=_who(slot)),
            _lost(slot),
            of=SLOTS,
        )
        return
    yield from _near_cap(slot, limits)
    yield from _unread(slot, limits)
    if own.xmin_age is not None and (level := above(own.xmin_age, limits.xmin_warning, limits.xmin_critical)):
        yield finding(
            "S334",
            level,
            subject,
            msg(
                "slot {slot} on {node} holds an xmin that is {n} transactions old",
                slot=own.name,
                node=slot.node,
                n=own.xmin_age,
            ),
            msg("Vacuum removes no row that died since."),
            of=SLOTS,
        )


def _lost(slot: SlotView) -> Message:
    reason = slot.sample.invalidation_reason
    if slot.sample.slot_type == "logical" or reason not in {None, "wal_removed", "idle_timeout"}:
        told = reason or "wal_status = lost"
        return msg("It never comes back to life ({reason}): its subscriber must be set up anew.", reason=told)
    return msg(
        "The WAL that it was to keep is gone, and it never comes back to life. Its standby must be made anew,"
        " or take what is missing from an archive."
    )


def _who(slot: SlotView) -> Message:
    return msg(", and {name} needs it", name=slot.needed_by) if slot.needed_by else msg("{e}", e="")


def _near_cap(slot: SlotView, limits: Limits) -> Iterator[Finding]:
    own = slot.sample
    if own.safe_bytes is None or own.retained_bytes is None:
        return
    cap = own.safe_bytes + own.retained_bytes
    severity = Severity.CRITICAL if own.wal_status == "unreserved" or own.safe_bytes <= 0 else Severity.WARNING
    if severity is Severity.WARNING and own.safe_bytes >= limits.cap_left_warning * cap:
        return
    yield finding(
        "S332",
        severity,
        f"slot:{slot.node}/{own.name}",
        msg(
            "slot {slot} on {node} holds {held}; {left} more, and its cap loses it{who}",
            slot=own.name,
            node=slot.node,
            held=format_size(own.retained_bytes),
            left=format_size(max(own.safe_bytes, 0)),
            who=_who(slot),
        ),
        msg("A checkpoint then invalidates it: the primary lives, its standby must be made anew."),
        of=SLOTS,
    )


def _unread(slot: SlotView, limits: Limits) -> Iterator[Finding]:
    """Nobody reads it, or slower than is written: it grows."""
    own, full, lost = slot.sample, slot.full_in, slot.lost_in
    if own.retained_bytes is None or own.synced or (own.active and full is None and lost is None):
        return
    ends = min((each for each in (full, lost) if each), key=lambda each: each.seconds, default=None)
    severity = above(-ends.seconds, -limits.full_warning, -limits.full_critical) if ends else None
    if severity and ends and ends.over_seconds < SURE_SECONDS:
        severity = Severity.WARNING  # a burst of a moment is no forecast
    if severity is None and not own.active and own.retained_bytes >= limits.held_warning_bytes:
        severity = Severity.WARNING
    if severity is None:
        return
    held = format_size(own.retained_bytes)
    told = msg("nobody reads slot {slot} on {node}{who}", slot=own.name, node=slot.node, who=_who(slot))
    if own.active:
        told = msg("slot {slot} on {node} is read more slowly than is written", slot=own.name, node=slot.node)
    end, then = _end(slot)
    what = msg("{told}: it holds {held}, and {ends}", told=told, held=held, ends=end)
    yield finding("S330", severity, f"slot:{slot.node}/{own.name}", what, then, of=SLOTS)


def _end(slot: SlotView) -> tuple[Message, Message]:
    """What comes first, and what follows from it."""
    full, lost = slot.full_in, slot.lost_in
    if full is not None and (lost is None or full.seconds < lost.seconds):
        return msg("the volume of pg_wal is full in {time}", time=full_text(full)), _STOPS
    if lost is not None:
        then = msg("A checkpoint then invalidates it: the primary lives, its standby must be made anew.")
        return msg("its cap loses it in {time}", time=full_text(lost)), then
    if slot.capped:
        return msg("its cap will lose it"), msg("Nothing is written now, or too little was measured.")
    uncapped = msg("It has no cap. {stops}", stops=_STOPS) if slot.capped is False else _STOPS
    if slot.left_bytes is not None:
        left = format_size(slot.left_bytes)
        return msg("nothing is written now; the volume of pg_wal has room for {size}", size=left), uncapped
    return msg("when the volume of pg_wal is full cannot be seen from here"), uncapped


def full_text(full: Full) -> Message:
    """A forecast in words, with how sure it is."""
    about = format_seconds(full.seconds)
    if full.over_seconds < SURE_SECONDS:
        return msg("about {time}, by {seconds} of WAL only", time=about, seconds=format_seconds(full.over_seconds))
    if full.soonest is None:
        return msg("about {time}", time=about)
    if full.latest is None:
        return msg("about {time} ({soonest} at the soonest)", time=about, soonest=format_seconds(full.soonest))
    return msg(
        "about {time} ({soonest} to {latest})",
        time=about,
        soonest=format_seconds(full.soonest),
        latest=format_seconds(full.latest),
    )
