"""Walsenders, slots, and the cap on what slots keep."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size, parse_size
from standbyctl.domain.target import Target
from standbyctl.planner.blockers.restart import need, restart_hint
from standbyctl.planner.cap import MINIMUM_MB, choose_cap, kills_a_slot
from standbyctl.planner.plan import Memory, has
from standbyctl.planner.restored import slot_made_before
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.slot import CAP, CreateSlot

# Streaming, the WAL has a walsender of its own beside that of the files.
SENDERS_FOR_A_COPY = {"stream": 2, "fetch": 1}


def needed_senders(target: Target) -> int:
    """Walsenders that an attach needs at the primary at most; a copy of a standby leaves one for the stream."""
    return 1 if target.copy_from or target.from_restored else SENDERS_FOR_A_COPY[target.wal_method]


def capacity_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """Walsenders and slots that are not free; both numbers are read at server start only."""
    server, node = facts.server(target.primary), target.primary
    senders = int(server.setting("max_wal_senders").value)
    used, needs, reserved = sample.wal_senders_in_use, needed_senders(target), sample.reserved
    free = senders - used - reserved.wal_senders
    if senders and free < needs and has(steps, CopyByBasebackup, SetUpRestored):
        yield Blocker(
            "P103",
            msg("not enough free walsenders on {node}", node=node),
            msg(
                "{needs}; {used} of {total} are in use{beside} (max_wal_senders = {total}, read at server start only).",
                needs=msg("The standby needs 1")
                if target.copy_from or target.from_restored
                else msg("The copy needs {needs}, afterwards the standby 1", needs=needs),
                used=used,
                beside=_beside(reserved.wal_senders),
                total=senders,
            ),
            restart_hint(
                server,
                node,
                "max_wal_senders",
                first=msg(
                    "Use --wal-method fetch: it needs the one that is free. Or end a backup or receiver that is not"
                    " needed (SELECT * FROM pg_stat_replication)."
                )
                if free == SENDERS_FOR_A_COPY["fetch"]
                else msg("End a backup or receiver that is not needed (SELECT * FROM pg_stat_replication)."),
            ),
            need=Need.WAY if free == SENDERS_FOR_A_COPY["fetch"] else need(server, "max_wal_senders"),
        )
    slots = int(server.setting("max_replication_slots").value)
    if target.slot and sample.slots_in_use + reserved.slots >= slots and server.slot(target.slot) is None:
        yield Blocker(
            "P104",
            msg('no replication slot is free for "{slot}" on {node}', slot=target.slot, node=node),
            msg(
                "{used} of {n} replication slots are in use{beside} (max_replication_slots = {n}).",
                used=sample.slots_in_use,
                n=slots,
                beside=_beside(reserved.slots),
            )
            if slots
            else msg("There are none: max_replication_slots is 0, read at server start only."),
            restart_hint(
                server,
                node,
                "max_replication_slots",
                first=msg(
                    "Use --no-slot with --wal-keep-size SIZE: {node} then keeps that much WAL for everybody. Or drop a"
                    " slot that nobody needs (SELECT * FROM pg_replication_slots).",
                    node=node,
                )
                if slots
                else msg(
                    "Use --no-slot with --wal-keep-size SIZE: {node} then keeps that much WAL for everybody.",
                    node=node,
                ),
            ),
        )


def _beside(number: int) -> Message:
    return msg(", and {n} more are for those attached with it", n=number) if number else msg("")


def slot_blockers(facts: Facts, sample: Sample, target: Target, memory: Memory) -> Iterator[Blocker]:
    """A slot of that name that is not ours, or is ours and lost."""
    place = facts.place(target.name)
    idle = place.contents is Contents.STANDBY and place.follows and not place.upstream
    # What is gone from the primary may still be in the archive: only replaying shows it.
    if idle and not place.covered and not place.never_started and not target.restore_command:
        yield Blocker(
            "P203",
            msg("{name} has fallen behind what {node} keeps", name=target.name, node=target.primary),
            msg("No slot keeps the WAL that the standby on {path} needs next.", path=target.data_directory)
            if target.slot
            else msg(
                "It has no slot, and the WAL that the standby on {path} needs next is gone from {node}.",
                path=target.data_directory,
                node=target.primary,
            ),
            msg(
                "Bring it back: standbyctl resync {name}. It takes the WAL out of an archive (--restore-command), or"
                " makes a new copy beside {path}.",
                name=target.name,
                path=target.data_directory,
            ),
        )
        return
    yield from taken_slot_blockers(facts, sample, target, memory)


def taken_slot_blockers(facts: Facts, sample: Sample, target: Target, memory: Memory) -> Iterator[Blocker]:
    """A slot of that name that is not ours."""
    server, place = facts.server(target.primary), facts.place(target.name)
    if (slot := server.slot(target.slot)) is None:
        return
    made = any(isinstance(entry.step, CreateSlot) and entry.step.slot == target.slot for entry in memory)
    used = place.contents is Contents.STANDBY and place.follows
    read_now = any(use.active for use in sample.survey.slots if use.name == slot.name)
    before = slot_made_before(facts, target) and not read_now
    if slot.slot_type != "physical" or not (made or used or before):
        yield Blocker(
            "P104",
            msg(
                'the replication slot "{slot}" on {node} belongs to somebody else', slot=slot.name, node=target.primary
            ),
            msg(
                "It is a {kind} slot that no attach of {name} has made{now}.",
                kind=slot.slot_type,
                name=target.name,
                now=msg(", and somebody reads it now") if read_now else "",
            ),
            msg("Choose another name (--name).")
            if read_now
            else msg(
                "Choose another name (--name), or, if nobody needs it any more:"
                " SELECT pg_drop_replication_slot('{slot}')",
                slot=slot.name,
            ),
        )


def cap_blockers(facts: Facts, sample: Sample, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """A cap that cannot be chosen, would kill a slot that exists, or is no protection."""
    server = facts.server(target.primary)
    present = int(server.setting(CAP).value)
    cap = choose_cap(server, sample, target)
    if cap is None:
        if target.wal_cap == "auto" and present < 0 and has(steps, CreateSlot):
            yield Blocker(
                "P108",
                msg("cannot choose a cap for the WAL that slots keep on {node}", node=target.primary),
                msg(
                    "max_slot_wal_keep_size is -1: a dead standby would fill the disk. How much room pg_wal"
                    " has cannot be seen from here."
                ),
                msg("Give one, such as --wal-cap 20GB, or --wal-cap keep to accept no limit."),
            )
        return
    if server.setting(CAP).source in {"command line", "environment variable"}:
        yield Blocker(
            "P108",
            msg("max_slot_wal_keep_size is given on the command line of {node}", node=target.primary),
            msg("That overrides every file, so a cap set now would not come into force."),
            msg("Use --wal-cap keep, or change how {node} is started.", node=target.primary),
        )
    elif kills_a_slot(cap, sample):
        yield Blocker(
            "P108",
            msg('a cap of {cap}MB would invalidate the slot "{slot}"', cap=cap, slot=sample.most_retained_slot),
            msg(
                "It keeps {held} already; max_slot_wal_keep_size counts for every slot of {node}.",
                held=format_size(sample.most_retained_bytes),
                node=target.primary,
            ),
            msg("Let its consumer catch up or drop it, or choose: --wal-cap SIZE above that, --wal-cap keep."),
        )
    elif cap < MINIMUM_MB:
        yield Blocker(
            "P108",
            msg("a cap of {cap}MB is too little for a copy", cap=cap),
            msg("The slot would be invalidated while the copy runs. At least {least}MB.", least=MINIMUM_MB),
            msg("Make room on the volume of pg_wal, or give --wal-cap SIZE or --wal-cap keep."),
        )
    elif parse_size(target.wal_cap) and sample.wal_free_bytes is not None and cap << 20 > sample.wal_free_bytes:
        yield Blocker(
            "P108",
            msg("a cap of {cap}MB is more than the volume of pg_wal has free", cap=cap),
            msg("{free} are free: the disk would be full first.", free=format_size(sample.wal_free_bytes)),
            msg("Give a smaller --wal-cap, or --wal-cap keep to leave the setting alone."),
        )
