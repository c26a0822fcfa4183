"""Move an empty cluster out of the standby's place, and put it back."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, MoveCluster, ResumeCluster, VacateCluster
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.steps.base import Impact, Step


@dataclass(frozen=True, slots=True)
class ReplaceCluster(Step):
    """Stop a cluster that holds nothing of anybody, and rename its directory. What starts it will start the standby."""

    name: str
    data_directory: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    service: Service = PG_CTL
    label: ClassVar[Message] = msg("make room")
    impact: ClassVar[Impact] = Impact.RESTART

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{stop}, if the cluster still holds nothing of anybody; rename {path} to {aside}",
            stop=self.service.command("stop"),
            path=self.data_directory,
            aside=self.aside,
        )

    @property
    def undo_text(self) -> Message:
        # PutClusterBack does that, and last: the standby has to be out of the way.
        return msg("put it back and start it")

    @property
    def gist(self) -> Step:
        return replace(self, identity="")

    def after(self, facts: Facts) -> Facts:
        if facts.place(self.name).contents is not Contents.CLUSTER:
            return facts
        return facts.with_place(
            self.name,
            contents=Contents.ABSENT,
            running=False,
            started_by="",
            in_recovery=True,
            asked=True,
            timeline=0,
            downstreams=(),
            foreign_sessions=0,
            resident=None,
            replaced=Replaced(self.system_identifier, self.identity, ours=True),
        )

    def effects(self) -> tuple[Effect, ...]:
        return (
            VacateCluster(
                self.name,
                self.data_directory,
                self.aside,
                self.bin_directory,
                self.system_identifier,
                self.identity,
                self.service,
            ),
            MoveCluster(
                self.name,
                self.data_directory,
                self.aside,
                self.bin_directory,
                self.system_identifier,
                self.identity,
            ),
        )


@dataclass(frozen=True, slots=True)
class PutClusterBack(Step):
    """Rename a replaced cluster back to where it stood, and start it: it ran before."""

    name: str
    data_directory: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    service: Service = PG_CTL
    label: ClassVar[Message] = msg("put back")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "rename {aside} back to {path}; {start}",
            aside=self.aside,
            path=self.data_directory,
            start=self.service.command("start"),
        )

    @property
    def gist(self) -> Step:
        return replace(self, identity="")

    def after(self, facts: Facts) -> Facts:
        place = facts.place(self.name)
        stands = place.contents is Contents.CLUSTER and place.running
        if stands and place.resident and not place.resident.marked:
            # What somebody does with it from now on is not our affair.
            return facts
        return facts.with_place(
            self.name,
            contents=Contents.CLUSTER,
            running=True,
            started_by="",
            in_recovery=False,
            timeline=0,
            resident=Resident(self.system_identifier, holds=()),
            replaced=None,
        )

    def effects(self) -> tuple[Effect, ...]:
        who = (self.bin_directory, self.system_identifier, self.identity)
        return (
            MoveCluster(self.name, self.aside, self.data_directory, *who),
            ResumeCluster(self.name, self.data_directory, *who, self.service),
        )
