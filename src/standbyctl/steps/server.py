"""Start the standby and prove it; stop it again."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, Prove, SetUnit, StartServer, StopServer, WaitUntil
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.sql import sql

STREAMING_SECONDS = 600
PROOF_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StartStandby(Step):
    """Start it, wait until it streams, and see a marked commit of the primary replayed on it.

    `head`: the primary that commits it, where `primary` is a standby; empty for `primary`.
    """

    primary: str
    name: str
    data_directory: str
    bin_directory: str
    slot: str
    service: Service = PG_CTL
    head: str = ""
    label: ClassVar[Message] = msg("start, prove")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{start}; streaming from {primary} on the same timeline; a marked commit{of} replayed",
            start=self.service.command("start") if self.service.managed else "pg_ctl start",
            primary=self.primary,
            of=msg(" of {head}", head=self.head) if self.head else "",
        )

    @property
    def undo_text(self) -> Message:
        stop = self.service.command("stop") if self.service.managed else "pg_ctl stop -m fast"
        return msg("{stop}, while it is an unused standby of {primary}", stop=stop, primary=self.primary)

    def after(self, facts: Facts) -> Facts:
        place = facts.place(self.name)
        return facts.with_place(
            self.name,
            running=True,
            started_by=place.started_by if place.running else self.name,
            in_recovery=True,
            timeline=facts.server(self.primary).timeline,
            upstream=self.primary,
            admitted=True,
        )

    @property
    def _streaming(self) -> str:
        if not self.slot:
            return sql(
                "EXISTS (SELECT FROM pg_stat_replication WHERE application_name = {app} AND state = 'streaming')",
                app=self.name,
            )
        return sql(
            "EXISTS (SELECT FROM pg_stat_replication AS r JOIN pg_replication_slots AS s"
            " ON s.active_pid = r.pid WHERE s.slot_name = {slot}"
            " AND r.application_name = {app} AND r.state = 'streaming')",
            app=self.name,
            slot=self.slot,
        )

    def effects(self) -> tuple[Effect, ...]:
        return (
            StartServer(self.name, self.data_directory, self.bin_directory, self.name, self.service),
            WaitUntil(
                self.primary,
                self._streaming,
                STREAMING_SECONDS,
                self.name,
                self.service.log_path(self.data_directory),
                self.data_directory,
            ),
            Prove(self.name, self.head or self.primary, PROOF_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class StartAtBoot(Step):
    """Have the unit that runs the standby started at boot, as the packages of PGDG do not."""

    name: str
    unit: str
    label: ClassVar[Message] = msg("at boot")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("systemctl enable {unit}", unit=self.unit)

    @property
    def undo_text(self) -> Message:
        return msg("systemctl disable {unit}", unit=self.unit)

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, at_boot=True)

    def effects(self) -> tuple[Effect, ...]:
        return (SetUnit(self.name, self.unit, enabled=True),)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return () if before.place(self.name).at_boot else (SetUnit(self.name, self.unit, enabled=False),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        return facts if before.place(self.name).at_boot else facts.with_place(self.name, at_boot=False)


@dataclass(frozen=True, slots=True)
class StopStandby(Step):
    """Stop the standby that attach started. It must still be a standby, of this primary, and used by nobody.

    `system_identifier`: of a standby that somebody else has started, and that a resync makes anew.
    """

    name: str
    data_directory: str
    bin_directory: str
    service: Service = PG_CTL
    system_identifier: str = ""
    label: ClassVar[Message] = msg("stop")
    impact: ClassVar[Impact] = Impact.RESTART

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        if self.system_identifier:
            return msg("{stop} (it is a standby)", stop=self.effects()[0].said)
        if self.service.managed:
            return msg("{stop} (made by attach)", stop=self.service.command("stop"))
        return msg("pg_ctl stop -m fast -D {path} (started by attach)", path=self.data_directory)

    @property
    def undo_text(self) -> Message:
        start = self.service.command("start") if self.service.managed else f"pg_ctl start -D {self.data_directory}"
        return msg("{start}, as long as nothing else is given back", start=start)

    def after(self, facts: Facts) -> Facts:
        if not facts.place(self.name).running:
            return facts
        return facts.with_place(self.name, running=False, started_by="", in_recovery=True, timeline=0, upstream="")

    def effects(self) -> tuple[Effect, ...]:
        directory, programs = self.data_directory, self.bin_directory
        return (StopServer(self.name, directory, programs, self.name, self.service, self.system_identifier),)
