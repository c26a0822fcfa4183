"""Take a standby's data directory out of its place."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import DeleteAside, Effect, SetAside
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import within_destination
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.volumes import Linked
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class SetDirectoryAside(Step):
    """Rename the directory of a stopped standby. `condemn`: it is to be deleted next."""

    name: str
    data_directory: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    leave_empty: bool
    condemn: bool
    label: ClassVar[Message] = msg("data directory")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        if within_destination(self.aside, self.data_directory):
            return msg(
                "empty the mount point {path}: move what is in it to {aside}",
                path=self.data_directory,
                aside=self.aside,
            )
        return msg("rename {path} to {aside}", path=self.data_directory, aside=self.aside)

    @property
    def undo_text(self) -> Message:
        return msg("move it back from {aside}", aside=self.aside)

    @property
    def gist(self) -> Step:
        return replace(self, aside="", identity="")

    def after(self, facts: Facts) -> Facts:
        place = facts.place(self.name)
        contents = Contents.EMPTY if self.leave_empty else Contents.ABSENT
        if place.contents is contents:
            return facts
        moves = place.contents is Contents.STANDBY
        condemned = place.condemned or (self.condemn and moves)
        return facts.with_place(self.name, contents=contents, follows=False, covered=True, condemned=condemned)

    def effects(self) -> tuple[Effect, ...]:
        return (
            SetAside(
                self.name,
                self.data_directory,
                self.aside,
                self.bin_directory,
                self.system_identifier,
                self.identity,
                self.leave_empty,
            ),
        )


@dataclass(frozen=True, slots=True)
class DeleteDirectory(Step):
    """Delete a directory that was set aside for it, and what of the cluster is outside of it (`linked`)."""

    name: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    linked: tuple[Linked, ...] = ()
    label: ClassVar[Message] = msg("delete")
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        if self.linked:
            paths = ", ".join(each.path for each in self.linked)
            return msg("delete {aside}, and what it has in {paths}", aside=self.aside, paths=paths)
        return msg("delete {aside}", aside=self.aside)

    @property
    def gist(self) -> Step:
        return replace(self, identity="", linked=())

    @property
    def undo_text(self) -> Message:
        return msg("none: it is gone for good")

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, condemned=False)

    def effects(self) -> tuple[Effect, ...]:
        who = (self.bin_directory, self.system_identifier, self.identity)
        return (DeleteAside(self.name, self.aside, *who, self.linked),)
