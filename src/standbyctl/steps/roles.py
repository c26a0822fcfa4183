"""Change who is the primary, and have everybody follow."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import (
    AlterSystem,
    Checkpoint,
    Effect,
    HandOver,
    Prove,
    Reload,
    Sql,
    StartAgain,
    WaitUntil,
)
from standbyctl.domain.facts import Facts
from standbyctl.domain.handover import NO_HOOKS, Hooks
from standbyctl.domain.member import Power
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.server import PROOF_SECONDS, STREAMING_SECONDS
from standbyctl.steps.sql import sql

CHECKPOINT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class SwitchPrimary(Step):
    """Stop the primary and promote its standby, with nothing lost in between: one deed, the whole of the pause.

    `timeline`: that of both until then. `settings`: what has the old primary follow the new one. `running`: it still
    takes writes; an earlier run may have stopped it.
    """

    old: str
    new: str
    old_directory: str
    old_bin: str
    system_identifier: str
    timeline: int
    settings: tuple[tuple[str, str], ...]
    service: Service = PG_CTL
    stop_seconds: int = 60
    hooks: Hooks = field(default=NO_HOOKS)
    running: bool = True
    label: ClassVar[Message] = msg("switch")
    impact: ClassVar[Impact] = Impact.WRITES_BLOCKED
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.old

    @property
    def text(self) -> Message:
        return msg(
            "checkpoint; stop {old} (fast), which cannot start as a primary from then on; prove that {new} has all of"
            " its WAL; promote {new}",
            old=self.old,
            new=self.new,
        )

    @property
    def undo_text(self) -> Message:
        return msg(
            "until the promotion: start {old} again, which is done by itself where anything fails; after it: standbyctl"
            " switchover --to {old}",
            old=self.old,
        )

    @property
    def gist(self) -> Step:
        return replace(self, running=True)

    def after(self, facts: Facts) -> Facts:
        old, new = facts.member(self.old), facts.member(self.new)
        if new.writes and new.timeline > self.timeline and old.sealed:
            return facts  # and started as a standby since, maybe
        return facts.with_member(
            self.old, power=Power.SHUT_DOWN, in_recovery=None, sealed=True, follows=self.new, upstream=""
        ).with_member(self.new, in_recovery=False, timeline=self.timeline + 1, upstream="")

    def effects(self) -> tuple[Effect, ...]:
        # The second one writes what was dirtied while the first one ran.
        first = (Checkpoint(self.old, CHECKPOINT_SECONDS),) * 2 if self.running else ()
        return (
            *first,
            HandOver(
                node=self.new,
                old=self.old,
                old_directory=self.old_directory,
                old_bin=self.old_bin,
                system_identifier=self.system_identifier,
                timeline=self.timeline,
                settings=self.settings,
                service=self.service,
                stop_seconds=self.stop_seconds,
                hooks=self.hooks,
            ),
        )


class Streaming(Step):
    """A standby that is seen to stream from its new primary, by its slot."""

    name: str
    primary: str
    slot: str

    @property
    def place(self) -> str:
        return self.name

    @property
    def _streams(self) -> str:
        """The question to the primary."""
        if not self.slot:
            return sql(
                "EXISTS (SELECT FROM pg_stat_replication WHERE application_name = {app} AND state = 'streaming')",
                app=self.name,
            )
        return sql(
            "EXISTS (SELECT FROM pg_stat_replication AS r JOIN pg_replication_slots AS s ON s.active_pid = r.pid"
            " WHERE s.slot_name = {slot} AND r.application_name = {app} AND r.state = 'streaming')",
            slot=self.slot,
            app=self.name,
        )

    def after(self, facts: Facts) -> Facts:
        return facts.with_member(
            self.name,
            power=Power.RUNNING,
            in_recovery=True,
            timeline=facts.member(self.primary).timeline,
            follows=self.primary,
            upstream=self.primary,
        )


@dataclass(frozen=True, slots=True)
class StartAsStandby(Streaming):
    """Start the old primary as a standby of the new one, the way it was started before, and prove it."""

    name: str
    primary: str
    data_directory: str
    bin_directory: str
    slot: str
    service: Service = PG_CTL
    label: ClassVar[Message] = msg("old primary")

    @property
    def text(self) -> Message:
        return msg(
            "{start}; streaming from {primary} on its timeline; a marked commit replayed",
            start=self.service.command("start") if self.service.managed else "pg_ctl restart",
            primary=self.primary,
        )

    @property
    def undo_text(self) -> Message:
        return msg("with another change of roles: standbyctl switchover --to {name}", name=self.name)

    def effects(self) -> tuple[Effect, ...]:
        log = self.service.log_path(self.data_directory)
        return (
            StartAgain(self.name, self.data_directory, self.bin_directory, self.service),
            WaitUntil(self.primary, self._streams, STREAMING_SECONDS, self.name, log, self.data_directory),
            Prove(self.name, self.primary, PROOF_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class FollowPrimary(Streaming):
    """Have a running standby follow another primary: a reload, no restart (13+)."""

    name: str
    primary: str
    slot: str
    conninfo: str
    label: ClassVar[Message] = msg("follow")
    impact: ClassVar[Impact] = Impact.RELOAD

    @property
    def text(self) -> Message:
        return msg("primary_conninfo: {primary} (reload); streaming from it", primary=self.primary)

    @property
    def undo_text(self) -> Message:
        return msg("with another change of roles, which {name} follows too", name=self.name)

    def effects(self) -> tuple[Effect, ...]:
        return (
            AlterSystem(self.name, "primary_conninfo", self.conninfo, None),
            AlterSystem(self.name, "primary_slot_name", self.slot, None),
            Reload(self.name),
            WaitUntil(self.primary, self._streams, STREAMING_SECONDS),
            Prove(self.name, self.primary, PROOF_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class AwaitCascade(Streaming):
    """See a standby of a standby come along to the new timeline, by itself. `head`: the primary then."""

    name: str
    primary: str
    slot: str
    head: str
    label: ClassVar[Message] = msg("come along")

    @property
    def text(self) -> Message:
        return msg("see it stream from {primary} on the new timeline; nothing is changed", primary=self.primary)

    @property
    def undo_text(self) -> Message:
        return msg("none: nothing is changed")

    def after(self, facts: Facts) -> Facts:
        timeline = facts.member(self.primary).timeline
        return facts.with_member(self.name, timeline=timeline, upstream=self.primary)

    def effects(self) -> tuple[Effect, ...]:
        return (
            WaitUntil(self.primary, self._streams, STREAMING_SECONDS),
            Prove(self.name, self.head, PROOF_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class LetGoOfSlots(Step):
    """Drop slots that nobody streams from here any more: left alone they would keep WAL for ever."""

    name: str
    slots: tuple[str, ...]
    label: ClassVar[Message] = msg("old slots")
    tidies: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("drop {slots} on {name}", slots=", ".join(self.slots), name=self.name)

    @property
    def undo_text(self) -> Message:
        return msg("none: nobody streams from them any more")

    def after(self, facts: Facts) -> Facts:
        if any(node.name == self.name and node.place for node in facts.nodes):
            return facts.with_place(self.name, slots=self._kept(facts.place(self.name).slots))
        return facts.with_member(self.name, slots=self._kept(facts.member(self.name).slots))

    def _kept(self, there: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(slot for slot in there if slot not in self.slots)

    def effects(self) -> tuple[Effect, ...]:
        return tuple(self._drop(slot) for slot in self.slots)

    def _drop(self, slot: str) -> Effect:
        drop = sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {slot}"
            " AND slot_type = 'physical' AND NOT active AND pg_is_in_recovery()",
            slot=slot,
        )
        return Sql(self.name, drop)
