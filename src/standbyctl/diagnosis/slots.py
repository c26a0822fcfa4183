"""What is wrong with a slot: lost, about to be, or read by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.finding import SLOTS, Finding, Limits, Severity, above, finding
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import Full, SlotView
from standbyctl.domain.size import format_seconds, format_size

_STOPS = msg("When the volume is full, the primary stops with PANIC.")


def diagnose_slot(slot: SlotView, limits: Limits) -> Iterator[Finding]:
    """What is wrong with one slot."""
    own, subject = slot.sample, f"slot:{slot.sample.name}"
    if own.wal_status == "lost" or own.invalidation_reason:
        yield finding(
            "S331",
            Severity.CRITICAL,
            subject,
            msg("slot {slot} on {node} is lost{who}", slot=own.name, node=slot.node, who=_who(slot)),
            msg(
                "The WAL that it was to keep is gone, and it never comes back to life. Its standby must be made anew,"
                " or take what is missing from an archive."
            ),
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
        f"slot:{own.name}",
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
    """Nobody reads it: it grows with every byte that is written."""
    own = slot.sample
    if own.active or own.retained_bytes is None:
        return
    full, lost = slot.full_in, slot.lost_in
    soonest = min((each.seconds for each in (full, lost) if each), default=None)
    severity = above(-soonest, -limits.full_warning, -limits.full_critical) if soonest is not None else None
    if severity is None and own.retained_bytes >= limits.held_warning_bytes:
        severity = Severity.WARNING
    if severity is None:
        return
    if full is not None and (lost is None or full.seconds < lost.seconds):
        ends, then = msg("the volume of pg_wal is full in {time}", time=full_text(full)), _STOPS
    elif lost is not None:
        ends = msg("its cap loses it in {time}", time=full_text(lost))
        then = msg("A checkpoint then invalidates it: the primary lives, its standby must be made anew.")
    elif slot.capped:
        ends, then = msg("its cap will lose it"), msg("Nothing is written now, or too little was measured.")
    else:
        ends = msg("when the volume of pg_wal is full cannot be seen from here")
        then = msg("It has no cap. {stops}", stops=_STOPS)
    yield finding(
        "S330",
        severity,
        f"slot:{own.name}",
        msg(
            "nobody reads slot {slot} on {node}{who}: it holds {held}, and {ends}",
            slot=own.name,
            node=slot.node,
            who=_who(slot),
            held=format_size(own.retained_bytes),
            ends=ends,
        ),
        then,
        of=SLOTS,
    )


def full_text(full: Full) -> Message:
    """A forecast in words, with how sure it is."""
    about = format_seconds(full.seconds)
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
