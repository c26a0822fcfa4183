"""Set up a copy that something else has put in place. Nothing is copied, moved or deleted."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import AdoptCopy, CheckWal, Effect, SetConf
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.restored import KEPT
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class SetUpRestored(Step):
    """Make it a standby where it stands. `needs`: the WAL file that it needs first; empty where an archive has it.

    The slot is made before. It keeps WAL from then on only, so whether the rest is still there is asked right here.
    """

    primary: str
    name: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    identity: str
    control: str
    needs: str
    settings: tuple[tuple[str, str], ...]
    label: ClassVar[Message] = msg("set up the copy")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{path} as it is, nothing is copied: standby.signal, primary_conninfo (application_name={name}), {slot},"
            " hot_standby = on",
            path=self.data_directory,
            name=self.name,
            slot="primary_slot_name" if dict(self.settings).get("primary_slot_name") else msg("no primary_slot_name"),
        )

    @property
    def undo_text(self) -> Message:
        return msg(
            "it stays, unable to start as a primary; its configuration as it was is in {kept}-* there."
            " --remove-data-dir renames it aside",
            kept=KEPT,
        )

    @property
    def gist(self) -> Step:
        return replace(self, identity="", control="", needs="")

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, contents=Contents.STANDBY, follows=True)

    def effects(self) -> tuple[Effect, ...]:
        wal = (CheckWal(self.primary, self.needs),) if self.needs else ()
        adopt = AdoptCopy(
            node=self.name,
            data_directory=self.data_directory,
            bin_directory=self.bin_directory,
            system_identifier=self.system_identifier,
            identity=self.identity,
            control=self.control,
        )
        return (*wal, adopt, SetConf(self.name, f"{self.data_directory}/postgresql.auto.conf", self.settings))
