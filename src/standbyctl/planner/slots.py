"""Plan to make a slot, or to drop one."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, msg
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.slots import CAP, NO_LIMIT, SYNCHRONIZED, WAL_KEEP, NewSlot, OldSlot, SlotSeen, SlotsSample
from standbyctl.planner.blockers.slots import (
    abandoned,
    create_blockers,
    drop_blockers,
    is_listed,
    needing,
    taken_blockers,
)
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import Step
from standbyctl.steps.slot import CreateSlot
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot

_IDLE_TIMEOUT = "idle_replication_slot_timeout"  # 18 and later


def plan_create(facts: Facts, sample: SlotsSample, node: str, asked: NewSlot) -> Plan:
    """The slot that was asked for, unless it is there; or what stands in the way."""
    if (found := sample.slot(asked.name)) is not None:
        if taken := tuple(taken_blockers(found, node, asked)):
            return Plan(blockers=taken)
        return Plan(notes=tuple(_notes_of_found(found)))
    if blockers := tuple(create_blockers(facts, sample, node, asked)):
        return Plan(blockers=blockers)
    return Plan(steps=(_new(node, asked),), notes=tuple(_create_notes(facts.server(node), asked)))


def _new(node: str, asked: NewSlot) -> Step:
    if asked.plugin:
        return CreateLogicalSlot(node, asked.name, asked.plugin, asked.database, asked.failover)
    return CreateSlot(node, asked.name, asked.name)


def _notes_of_found(found: SlotSeen) -> Iterator[Message]:
    if found.held_bytes is None:
        yield msg("the slot reserves no WAL until it is first used: it was made without")
    if found.active:
        yield msg("read by: {who}", who=found.reader)


def _create_notes(server: Server, asked: NewSlot) -> Iterator[Message]:
    cap = server.setting(CAP).value
    if cap == NO_LIMIT:
        yield msg(
            "no limit, as was asked (--no-cap): until its reader comes, and whenever it is away, the slot keeps all WAL"
            " until the disk is full"
        )
    else:
        yield msg(
            "it keeps WAL from now on, up to max_slot_wal_keep_size = {cap}; beyond that it is lost",
            cap=format_size(int(cap) << 20),
        )
    if asked.plugin:
        yield msg("it begins where no transaction is open: it waits for those that have written something")
        yield msg("it holds back the vacuum of catalogs until its reader has confirmed what it has read")
    if server.has(_IDLE_TIMEOUT) and (idle := int(server.setting(_IDLE_TIMEOUT).value)):
        yield msg(
            "{name} = {time}: a slot that nobody reads for so long is lost",
            name=_IDLE_TIMEOUT,
            time=format_seconds(idle),
        )


def plan_drop(facts: Facts, sample: SlotsSample, node: str, asked: OldSlot) -> Plan:
    """The slot goes, unless it is gone; or who needs it."""
    if (slot := sample.slot(asked.name)) is None:
        there = ", ".join(each.name for each in sample.slots)
        return Plan(notes=(msg("slots of {node}: {names}", node=node, names=there or msg("none")),))
    if blockers := tuple(drop_blockers(facts, sample, node, slot, asked)):
        return Plan(blockers=blockers)
    server = facts.server(node)
    step = DropSlot(
        node,
        slot.name,
        slot.slot_type,
        slot.database,
        anyway=abandoned(sample, slot, asked),
        unread=slot.name in sample.unread,
        lost=slot.lost,
        listed=is_listed(server, slot),
    )
    return Plan(steps=(step,), notes=tuple(_drop_notes(server, sample, node, slot)))


def _drop_notes(server: Server, sample: SlotsSample, node: str, slot: SlotSeen) -> Iterator[Message]:
    """What is freed, who loses what, and what is not known."""
    yield _freed(server, sample, slot)
    if slot.lost:
        yield msg("it is lost already: whoever has read it cannot go on from it in any case")
    else:
        for name in needing(sample, slot):
            yield msg(
                "{name} is abandoned: if it comes back it must be made anew, or catch up from an archive"
                " (restore_command)",
                name=name,
            )
        yield (
            msg(
                "whatever subscribes to it does not go on: what it has not received by now is not sent to it again, and"
                " it has to be copied anew"
            )
            if slot.slot_type == "logical"
            else msg(
                "a standby that has it as primary_slot_name does not stream without it; what it has not received by"
                " then comes from an archive (restore_command), or it must be made anew"
            )
        )
        if is_listed(server, slot):
            yield msg(
                "{name} names it: until it is taken out there, {node}, as a primary, sends nothing more from any"
                " failover slot",
                name=SYNCHRONIZED,
                node=node,
            )
    if slot.xmin_age is not None:
        yield msg(
            "it holds back vacuum, by {n} transactions: what they have left dead can be cleaned up then",
            n=slot.xmin_age,
        )
    if slot.name in sample.unread:
        yield msg("nobody has read it since it was made from here")
    elif slot.idle_seconds is not None:
        yield msg("nobody has read it for {time}", time=format_seconds(slot.idle_seconds))
    elif not slot.lost:
        yield msg("since when nobody has read it is not known: servers tell in 17 and later")


def _freed(server: Server, sample: SlotsSample, slot: SlotSeen) -> Message:
    if slot.held_bytes is None:
        return msg("it keeps no WAL: nothing is freed")
    others = [each for each in sample.slots if each.name != slot.name and each.held_bytes is not None]
    most = max(others, key=lambda each: each.held_bytes or 0, default=None)
    kept = int(server.setting(WAL_KEEP).value) << 20
    if most is not None and (most.held_bytes or 0) >= max(slot.held_bytes, kept):
        return msg(
            'it keeps {n} of WAL, and nothing is freed: the slot "{other}" keeps as much',
            n=format_size(slot.held_bytes),
            other=most.name,
        )
    stays = max(most.held_bytes or 0 if most is not None else 0, kept)
    return msg(
        "it keeps {n} of WAL: up to {freed} are freed at the next checkpoint",
        n=format_size(slot.held_bytes),
        freed=format_size(max(slot.held_bytes - stays, 0)),
    )
