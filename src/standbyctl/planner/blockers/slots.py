"""Why a slot is not made, or not dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.rights import grants
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.slots import (
    CAP,
    NO_LIMIT,
    RECENT_SECONDS,
    SYNCHRONIZED,
    NewSlot,
    OldSlot,
    SlotSeen,
    SlotsSample,
)
from standbyctl.domain.staging import level
from standbyctl.domain.survey import MANAGED
from standbyctl.domain.version import major, version_text
from standbyctl.planner.blockers.ownership import managed_blockers
from standbyctl.planner.blockers.restart import need, restart_hint
from standbyctl.planner.blockers.rights import lacking_blockers

FAILOVER_SLOTS = 17


def ruler_blockers(sample: SlotsSample, node: str, despite: tuple[str, ...]) -> Iterator[Blocker]:
    """Somebody else keeps slots and settings there, and would take back what is done behind his back."""
    if MANAGED not in despite:
        yield from managed_blockers(node, sample.managed)
    for tool, evidence in sample.managers:
        if tool not in despite:
            yield Blocker(
                "P118",
                msg("{tool} seems to rule {node}", tool=tool, node=node),
                msg("Seen: {evidence}. It keeps the slots and settings of its servers itself.", evidence=evidence),
                msg("Let {tool} do it. To do it beside it all the same: --despite {tool}", tool=tool),
                refused=True,
            )


def create_blockers(facts: Facts, sample: SlotsSample, node: str, asked: NewSlot) -> Iterator[Blocker]:
    """Every reason at once. What is there by that name already is another's matter (`taken_blockers`)."""
    server = facts.server(node)
    yield from ruler_blockers(sample, node, asked.despite)
    yield from lacking_blockers(server, node, {"replication"})
    yield from _kind_blockers(server, node, asked)
    total = int(server.setting("max_replication_slots").value)
    if len(sample.slots) >= total:
        yield Blocker(
            "P104",
            msg('no replication slot is free for "{slot}" on {node}', slot=asked.name, node=node),
            msg(
                "{used} of {n} replication slots are in use (max_replication_slots = {n}).",
                used=len(sample.slots),
                n=total,
            )
            if total
            else msg("There are none: max_replication_slots is 0, read at server start only."),
            restart_hint(
                server,
                node,
                "max_replication_slots",
                first=msg("Drop one that nobody needs: standbyctl slots drop NAME.") if total else None,
            ),
            need=Need.WAY if total else need(server, "max_replication_slots"),
        )
    if server.setting(CAP).value == NO_LIMIT and not asked.no_cap:
        yield Blocker(
            "S315",
            msg('nothing would bound the WAL that the slot "{slot}" keeps on {node}', slot=asked.name, node=node),
            msg(
                "max_slot_wal_keep_size is -1: when its reader is away, the slot keeps all WAL until the disk is full,"
                " and {node} stops.",
                node=node,
            ),
            msg("Set a limit first (a reload): standbyctl slots cap SIZE. To make it without one: --no-cap"),
        )


def _kind_blockers(server: Server, node: str, asked: NewSlot) -> Iterator[Blocker]:
    """What the server is, and what it was started with."""
    wanted = "logical" if asked.plugin else "replica"
    if (level(server.setting("wal_level").value) or 0) < (level(wanted) or 0):
        yield Blocker(
            "P102",
            msg("{node} needs a restart before it can have this slot", node=node),
            msg(
                "wal_level is {now}, and a {kind} slot needs {wanted}. It is read at server start only: a reload"
                " changes nothing.",
                now=server.setting("wal_level").value,
                kind=asked.slot_type,
                wanted=wanted,
            ),
            restart_hint(server, node, "wal_level", f"--wal-level {wanted}"),
            need=need(server, "wal_level"),
        )
    if asked.plugin and server.in_recovery:
        yield Blocker(
            "S319",
            msg("{node} is a standby: a logical slot is not made there", node=node),
            msg("It begins where the primary next writes down its open transactions, and waits for that."),
            msg("Make it on the primary (-p). With --failover (17 and later) standbys get it by themselves."),
        )
    if asked.failover and major(server.version_num) < FAILOVER_SLOTS:
        yield Blocker(
            "S319",
            msg("PostgreSQL {major} has no failover slots", major=major(server.version_num)),
            msg("{node} runs PostgreSQL {v}; slots are synced to standbys in 17 and later.", node=node,
                v=version_text(server.version_num)),
            msg("Leave --failover out."),
            need=Need.IMPOSSIBLE,
        )  # fmt: skip


def taken_blockers(found: SlotSeen, node: str, asked: NewSlot) -> Iterator[Blocker]:
    """A slot of that name that is not the one that was asked for."""
    is_it = (found.slot_type, found.plugin, found.database) == (asked.slot_type, asked.plugin, asked.database)
    lesser = asked.failover and not found.failover
    if is_it and not (found.lost or found.temporary or lesser):
        return
    kind = (
        msg("logical ({plugin}, database {database})", plugin=found.plugin, database=found.database)
        if found.plugin
        else msg("physical")
    )
    yield Blocker(
        "S310",
        msg('the name "{slot}" is taken on {node}', slot=found.name, node=node),
        msg("The slot of that name is lost: it never keeps WAL again.")
        if is_it and found.lost
        else msg("The slot of that name belongs to a session, and ends with it (pid {pid}).", pid=found.pid or "?")
        if found.temporary
        else msg("The slot of that name is no failover slot: standbys do not sync it.")
        if is_it
        else msg("The slot of that name is {kind}.", kind=kind),
        msg("Drop it first: standbyctl slots drop {slot}", slot=found.name)
        if is_it and found.lost
        else msg(
            "Choose another name; or, where a subscription reads it, while that is disabled: ALTER SUBSCRIPTION NAME"
            " SET (failover = true)"
        )
        if is_it and not found.temporary
        else msg("Choose another name."),
    )


def drop_blockers(facts: Facts, sample: SlotsSample, node: str, slot: SlotSeen, asked: OldSlot) -> Iterator[Blocker]:
    """On evidence: whoever reads it, needs it, or keeps it. Only who is away can be abandoned, by his name."""
    server = facts.server(node)
    yield from ruler_blockers(sample, node, asked.despite)
    yield from lacking_blockers(server, node, {"replication"})
    if slot.synced and server.in_recovery:
        yield Blocker(
            "S314",
            msg('the slot "{slot}" of {node} is synced from its primary', slot=slot.name, node=node),
            msg("While {node} is a standby, its primary's slot decides about it (synced, 17 and later).", node=node),
            msg("Drop it on the primary: it goes here too, then."),
        )
        return
    if slot.active or slot.temporary:  # a temporary one is its session's, and ends with it
        yield Blocker(
            "S311",
            msg('the slot "{slot}" of {node} is in use', slot=slot.name, node=node),
            msg("Read by: {who}.", who=slot.reader),
            _end_the_reader(server, sample, slot),
            refused=True,
        )
        return
    if slot.lost:
        return
    yield from _needed_blockers(sample, node, slot, asked)
    if is_listed(server, slot) and slot.name not in asked.abandon:
        yield Blocker(
            "S312",
            msg('the slot "{slot}" of {node} is named by {name}', slot=slot.name, node=node, name=SYNCHRONIZED),
            msg(
                "{name} = {value}: while a slot that it names is not there, {node}, as a primary, sends nothing more"
                " from any failover slot.",
                name=SYNCHRONIZED,
                value=server.setting(SYNCHRONIZED).value,
                node=node,
            ),
            msg(
                "Take it out there first (a reload). If all of that may stop: --abandon {slot}",
                slot=slot.name,
            ),
            refused=True,
        )
    if slot.name not in sample.unread and not abandoned(sample, slot, asked):
        yield from _idle_blockers(server, node, slot)


def _idle_blockers(server: Server, node: str, slot: SlotSeen) -> Iterator[Blocker]:
    """Its reader may be on its way back. Where nothing is known of that, too."""
    if slot.idle_seconds is None:
        yield Blocker(
            "S313",
            msg('since when the slot "{slot}" of {node} is idle is not known', slot=slot.name, node=node),
            msg(
                "Since when nobody reads it cannot be known on PostgreSQL {major} (servers tell in 17 and later): its"
                " reader may be on its way back, and could not go on.",
                major=major(server.version_num),
            ),
            msg("Make sure that its reader is gone for good. If it is to lose it: --abandon {slot}", slot=slot.name),
            refused=True,
        )
    elif slot.idle_seconds < RECENT_SECONDS:
        yield Blocker(
            "S313",
            msg('the slot "{slot}" of {node} has not been idle for long', slot=slot.name, node=node),
            msg(
                "Nobody has read it for {time}: its reader may be on its way back, and could not go on.",
                time=format_seconds(slot.idle_seconds),
            ),
            msg(
                "Wait until {least} have passed. If its reader is to lose it: --abandon {slot}",
                least=format_seconds(RECENT_SECONDS),
                slot=slot.name,
            ),
            refused=True,
        )


def _end_the_reader(server: Server, sample: SlotsSample, slot: SlotSeen) -> Message:
    known = next((each.name for each in sample.known if each.slot == slot.name), "")
    if known:
        return msg("To take its standby away, with all that attach made: standbyctl detach {name}", name=known)
    hint = msg("End its reader first (stop that standby, or disable the subscription), then run this again.")
    if sample.monitor:
        return hint
    lines = grants({"monitor"}, server.user, major(server.version_num))
    return msg("{hint} Who that is, this role may see only with:", hint=hint).followed_by(lines)


def needing(sample: SlotsSample, slot: SlotSeen) -> tuple[str, ...]:
    """The standbys that a slot is kept for, as far as can be told: attached from here, or streaming by its name."""
    known = [each.name for each in sample.known if each.slot == slot.name]
    streams = [each.application for each in sample.streams if each.application == slot.name and each.slot != slot.name]
    return tuple(dict.fromkeys([*known, *streams]))


def is_listed(server: Server, slot: SlotSeen) -> bool:
    """Whether walsenders of failover slots wait for it (17+)."""
    names = server.setting(SYNCHRONIZED).value if server.has(SYNCHRONIZED) else ""
    return slot.name in re.split(r'[\s,"]+', names.lower())


def abandoned(sample: SlotsSample, slot: SlotSeen, asked: OldSlot) -> bool:
    """Whether the operator has named whom the slot is for; where nobody is known, the slot itself."""
    return bool({slot.name, *needing(sample, slot)} & set(asked.abandon))


def _needed_blockers(sample: SlotsSample, node: str, slot: SlotSeen, asked: OldSlot) -> Iterator[Blocker]:
    for name in needing(sample, slot):
        if name in asked.abandon:
            continue
        known = any(each.name == name for each in sample.known)
        streams = [each for each in sample.streams if each.application == name]
        held = msg("{n} of WAL", n=format_size(slot.held_bytes)) if slot.held_bytes is not None else msg("WAL")
        why = [
            msg("{name} was attached from here with this slot", name=name)
            if known
            else msg("a standby streams by the name {name}, without it", name=name)
        ]
        if known:
            why.append(msg("it streams now, but not from this slot") if streams else msg("it is away for the moment"))
        yield Blocker(
            "S312",
            msg('the slot "{slot}" of {node} is needed by {name}', slot=slot.name, node=node, name=name),
            msg("The slot keeps {held}; {why}.", held=held, why=clauses(why)),
            msg(
                "To take that standby away, with all that attach made: standbyctl detach {name}. If it is to lose its"
                " slot all the same: --abandon {name}",
                name=name,
            )
            if known
            else msg("If it needs it no more: --abandon {name}", name=name),
            refused=True,
        )
