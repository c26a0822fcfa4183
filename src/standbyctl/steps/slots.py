"""Slots that are made and dropped for themselves, without an attach. What was made is given back by dropping it."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, Sql
from standbyctl.domain.facts import Facts, Slot
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.slots import RECENT_SECONDS, SYNCHRONIZED
from standbyctl.steps.base import Step
from standbyctl.steps.slot import with_slot
from standbyctl.steps.sql import sql


@dataclass(frozen=True, slots=True)
class CreateLogicalSlot(Step):
    """Make a server keep what a decoder of one database has not received. `failover`: standbys sync it (17+)."""

    primary: str
    slot: str
    plugin: str
    database: str
    failover: bool
    label: ClassVar[Message] = msg("slot")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg(
            "{slot} (logical, {plugin}, database {database}{more})",
            slot=self.slot,
            plugin=self.plugin,
            database=self.database,
            more=msg(", failover") if self.failover else "",
        )

    @property
    def undo_text(self) -> Message:
        return msg("drop {slot}", slot=self.slot)

    def after(self, facts: Facts) -> Facts:
        return with_slot(facts, self.primary, self.slot, Slot(self.slot, "logical"))

    def effects(self) -> tuple[Effect, ...]:
        # It begins where no transaction is open: the statement waits for those that have written something.
        made = sql("pg_create_logical_replication_slot({slot}, {plugin}", slot=self.slot, plugin=self.plugin)
        more = ", failover => true" if self.failover else ""
        unless = sql("WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot})", slot=self.slot)
        return (Sql(self.primary, f"SELECT {made}{more}) {unless}", self.database),)


@dataclass(frozen=True, slots=True)
class DropSlot(Step):
    """Let go of the WAL that a slot keeps. Its position is gone then: nobody can go on from where it was.

    `anyway`: although somebody of its name streams, or has read it a short while ago. `unread`: it was made a short
    while ago, and nobody has read it. `lost`: its WAL was gone when that was planned, and one that is made anew
    meanwhile is another. `listed`: although synchronized_standby_slots names it (17+). Never while it is read.
    """

    primary: str
    slot: str
    slot_type: str
    database: str
    anyway: bool
    unread: bool
    lost: bool = False
    listed: bool = False
    label: ClassVar[Message] = msg("drop slot")
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg("{slot} ({kind}): its position in the WAL is gone then", slot=self.slot, kind=self.slot_type)

    @property
    def undo_text(self) -> Message:
        return msg("none: a slot that is made anew begins where the WAL is by then")

    def after(self, facts: Facts) -> Facts:
        slot = facts.server(self.primary).slot(self.slot)
        if slot is None or slot.slot_type != self.slot_type:
            return facts
        return with_slot(facts, self.primary, self.slot, None)

    def effects(self) -> tuple[Effect, ...]:
        # The row as JSON: synced and inactive_since are columns of 17 and later. The plan is for one that is lost, or
        # it is careful: never both, so that neither widens the other.
        drop = sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots AS s"
            " WHERE slot_name = {slot} AND slot_type = {kind} AND NOT active"
            " AND NOT coalesce((to_jsonb(s) ->> 'synced')::bool, false)",
            slot=self.slot,
            kind=self.slot_type,
        )
        if self.lost:
            drop += " AND wal_status = 'lost'"
            return (Sql(self.primary, drop, self.database),)
        if not self.anyway:
            drop += sql(
                " AND NOT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = {slot})", slot=self.slot
            )
        if not (self.anyway or self.unread):
            drop += sql(
                " AND coalesce((to_jsonb(s) ->> 'inactive_since')::timestamptz"
                " <= clock_timestamp() - {recent}::interval, false)",
                recent=f"{RECENT_SECONDS}s",
            )
        if not self.listed:
            drop += sql(
                " AND NOT coalesce({slot} = ANY (regexp_split_to_array(lower(current_setting({setting}, true)),"
                " '[[:space:],\"]+')), false)",
                slot=self.slot,
                setting=SYNCHRONIZED,
            )
        return (Sql(self.primary, drop, self.database),)
