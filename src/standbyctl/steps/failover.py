"""The primary is gone: keep it from coming back, and promote a standby."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, Fence, Promote, Sql
from standbyctl.domain.facts import Facts
from standbyctl.domain.member import Power
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.sql import sql


@dataclass(frozen=True, slots=True)
class FenceOldPrimary(Step):
    """Nobody can promote before this is done: nothing in PostgreSQL prevents two primaries."""

    name: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    service: Service = PG_CTL
    command: tuple[str, ...] = ()
    label: ClassVar[Message] = msg("fence")
    impact: ClassVar[Impact] = Impact.DATA_LOSS_POSSIBLE
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        if self.command:
            return msg("run the fence; its exit status 0 says that {name} takes no writes any more", name=self.name)
        return msg("end {name} at once, and make it unable to start as a primary", name=self.name)

    @property
    def undo_text(self) -> Message:
        return msg("none: as long as nobody was promoted, remove standby.signal and start it")

    def after(self, facts: Facts) -> Facts:
        old = facts.member(self.name)
        if old.fenced:
            return facts
        if self.command:
            return facts.with_member(self.name, fenced=True)
        power = Power.ENDED if old.power is Power.RUNNING else old.power
        return facts.with_member(self.name, fenced=True, sealed=True, power=power, in_recovery=None, upstream="")

    def effects(self) -> tuple[Effect, ...]:
        directory, programs = self.data_directory, self.bin_directory
        return (Fence(self.name, directory, programs, self.system_identifier, self.service, self.command),)


@dataclass(frozen=True, slots=True)
class PromoteStandby(Step):
    """Make a standby the primary, with what it has. `timeline`: that it is on until then."""

    name: str
    system_identifier: str
    timeline: int
    label: ClassVar[Message] = msg("promote")
    impact: ClassVar[Impact] = Impact.DATA_LOSS_POSSIBLE
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("replay what {name} has received, and promote it", name=self.name)

    @property
    def undo_text(self) -> Message:
        return msg("none: what the old primary had committed and not sent is on another timeline from then on")

    def after(self, facts: Facts) -> Facts:
        if facts.member(self.name).writes:
            return facts
        return facts.with_member(self.name, in_recovery=False, timeline=self.timeline + 1, upstream="")

    def effects(self) -> tuple[Effect, ...]:
        return (Promote(self.name, self.system_identifier),)


@dataclass(frozen=True, slots=True)
class KeepWal(Step):
    """Keep the WAL since the failover for the old primary: what it needs when it comes back, and is rewound."""

    name: str
    old: str
    slot: str
    label: ClassVar[Message] = msg("slot")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("{slot} (physical, reserves WAL at once), for when {old} comes back", slot=self.slot, old=self.old)

    @property
    def undo_text(self) -> Message:
        return msg("where {old} does not come back: standbyctl slots drop {slot}", old=self.old, slot=self.slot)

    def after(self, facts: Facts) -> Facts:
        slots = facts.member(self.name).slots
        return facts if self.slot in slots else facts.with_member(self.name, slots=(*slots, self.slot))

    def effects(self) -> tuple[Effect, ...]:
        make = sql(
            "SELECT pg_create_physical_replication_slot({slot}, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot})",
            slot=self.slot,
        )
        return (Sql(self.name, make),)


@dataclass(frozen=True, slots=True)
class SealPlace(Step):
    """Make what was a primary unable to start as one: nothing else of it is changed."""

    name: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    label: ClassVar[Message] = msg("seal")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("{path}/standby.signal: it cannot start as a primary", path=self.data_directory)

    @property
    def undo_text(self) -> Message:
        return msg("none: take it out only where nobody else was promoted")

    def after(self, facts: Facts) -> Facts:
        if facts.place(self.name).in_recovery:
            return facts
        return facts.with_place(self.name, in_recovery=True)

    def effects(self) -> tuple[Effect, ...]:
        return (Fence(self.name, self.data_directory, self.bin_directory, self.system_identifier),)
