"""Have a standby take out of an archive what its primary has no more."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Effect, SetConf
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class ReadArchive(Step):
    """Set `restore_command` of a standby that is off. `first`: the WAL file that it needs next."""

    name: str
    data_directory: str
    command: str
    first: str
    label: ClassVar[Message] = msg("configuration")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("restore_command = '{command}': WAL from {first} on", command=self.command, first=self.first)

    @property
    def undo_text(self) -> Message:
        return msg("it stays in postgresql.auto.conf")

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, restores=True)

    def effects(self) -> tuple[Effect, ...]:
        settings = (("restore_command", self.command),)
        return (SetConf(self.name, f"{self.data_directory}/postgresql.auto.conf", settings),)
