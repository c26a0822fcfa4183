"""The slot that keeps WAL for the standby, and the cap that keeps the slot from filling the disk."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, Sql, WaitUntil
from standbyctl.domain.facts import Facts, Slot
from standbyctl.domain.message import Message, msg
from standbyctl.domain.parameter import size_text
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.slots import CAP as CAP
from standbyctl.steps.base import Step
from standbyctl.steps.setting import Alteration, Change
from standbyctl.steps.sql import sql

IDLE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class CapSlots(Alteration):
    """Bound what any slot may keep. It must stand before a slot does: a dead standby fills a disk."""

    primary: str
    megabytes: int
    previous: str

    @property
    def change(self) -> Change:
        return Change(CAP, size_text(self.megabytes))

    @property
    def text(self) -> Message:
        return msg(
            "{name}: {previous} -> {value} (reload)",
            name=CAP,
            previous=msg("-1 (no limit)") if self.previous == "-1" else f"{self.previous}MB",
            value=size_text(self.megabytes),
        )

    @property
    def gist(self) -> Step:
        # The proposal follows the free space, which moves.
        return replace(self, megabytes=0, previous="")


@dataclass(frozen=True, slots=True)
class CreateSlot(Step):
    """Make the primary keep the WAL that the standby has not received, from before the copy begins."""

    primary: str
    name: str
    slot: str
    replace_lost: bool = False
    label: ClassVar[Message] = msg("slot")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg("{slot} (physical, reserves WAL at once)", slot=self.slot)

    @property
    def gist(self) -> Step:
        return replace(self, replace_lost=False)

    def after(self, facts: Facts) -> Facts:
        return with_slot(facts, self.primary, self.slot, Slot(self.slot))

    def effects(self) -> tuple[Effect, ...]:
        # Without immediately_reserve a slot keeps nothing until it is first used (all versions).
        create = sql(
            "SELECT pg_create_physical_replication_slot({slot}, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot})",
            slot=self.slot,
        )
        if not self.replace_lost:
            return (Sql(self.primary, create),)
        # An invalidated slot never comes back to life (all versions): ours is made anew.
        drop = sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = {slot} AND wal_status = 'lost' AND NOT active",
            slot=self.slot,
        )
        return (Sql(self.primary, drop), Sql(self.primary, create))

    @property
    def undo_text(self) -> Message:
        return msg("drop {slot}", slot=self.slot)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        drop = sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = {slot} AND slot_type = 'physical' AND NOT active",
            slot=self.slot,
        )
        return (until_idle(self.primary, self.slot), Sql(self.primary, drop))

    def returned(self, facts: Facts, before: Facts) -> Facts:
        slot = facts.server(self.primary).slot(self.slot)
        if slot is None or slot.slot_type != "physical":
            return facts
        return with_slot(facts, self.primary, self.slot, None)


def until_idle(node: str, slot: str) -> Effect:
    """A walsender lives on for a moment after its standby, or its copy, has been ended."""
    idle = sql("NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot} AND active)", slot=slot)
    return WaitUntil(node, idle, IDLE_SECONDS)


def until_left(node: str, application: str) -> Effect:
    """The same where no slot shows it: by the name that the copy connects with."""
    gone = sql("NOT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = {app})", app=application)
    return WaitUntil(node, gone, IDLE_SECONDS)


def with_slot(facts: Facts, node: str, name: str, slot: Slot | None) -> Facts:
    """The same facts with that slot; with none, without it."""
    others = tuple(other for other in facts.server(node).slots if other.name != name)
    return facts.with_server(node, slots=tuple(sorted((*others, slot) if slot else others, key=lambda each: each.name)))
