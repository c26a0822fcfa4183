"""Copy with pg_basebackup into a draft beside the destination, set it up there, then rename.

Half a copy never stands where a whole one should, and a copy is set up to follow before it can be started.
"""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.effects import (
    AwaitReplay,
    CopyCluster,
    DiscardDraft,
    Effect,
    PutInPlace,
    SealDraft,
    SetConf,
)
from standbyctl.domain.facts import Contents, Draft, Facts
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.names import within_destination
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.volumes import Volume
from standbyctl.steps.base import Step
from standbyctl.steps.slot import until_idle, until_left

# A standby may lag on purpose (recovery_min_apply_delay), or while somebody reads from it.
REPLAY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RemoveDraft(Step):
    """Remove an unfinished copy of ours whose writer is gone: a plain-format copy cannot be continued."""

    name: str
    draft: str
    label: ClassVar[Message] = msg("old draft")
    tidies: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("remove the unfinished copy {draft}", draft=self.draft)

    @property
    def undo_text(self) -> Message:
        return msg("none: it was of no use")

    def after(self, facts: Facts) -> Facts:
        kept = tuple(each for each in facts.place(self.name).drafts if each.path != self.draft)
        return facts.with_place(self.name, drafts=kept)

    def effects(self) -> tuple[Effect, ...]:
        return (DiscardDraft(self.name, self.draft),)


@dataclass(frozen=True, slots=True)
class CopyByBasebackup(Step):
    """pg_basebackup of the server's own major, streaming the WAL through the slot; never -R.

    `slot`: empty for none. `wal_method` fetch: one walsender, which sends the WAL last; a slot only keeps it then.
    `source`: the standby that is copied, empty for the primary. The slot is the primary's all the same, and the copy
    has a temporary one at the source, where one is free. The password is found by `lent_entry` there.
    `volumes`: where parts of the copy go that are not to be in the data directory.
    """

    primary: str
    name: str
    draft: str
    destination: str
    bin_directory: str
    conninfo: str
    slot: str
    checkpoint: str
    max_rate: str
    settings: tuple[tuple[str, str], ...]
    wal_method: str = "stream"
    source: str = ""
    system_identifier: str = ""
    temporary_slot: bool = False
    passfile: str = ""
    entry: str = ""
    lent_entry: str = ""
    volumes: tuple[Volume, ...] = ()
    label: ClassVar[Message] = msg("base backup")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "pg_basebackup{source} into {destination} ({how}), {rate}{wal}{slot}{parts}",
            how=msg("a mount point: built within it, moved up when whole")
            if within_destination(self.draft, self.destination)
            else msg("built beside it, renamed when whole"),
            source=msg(" from {source}", source=self.source) if self.source else "",
            destination=self.destination,
            rate=msg("at most {rate}/s", rate=self.max_rate) if self.max_rate else msg("no rate limit"),
            wal=msg(", its WAL last, by the same walsender (-X fetch)") if self.wal_method == "fetch" else "",
            slot="" if self.slot else msg(", no slot (--no-slot)"),
            parts=msg(", {parts}", parts=listed(volume.said for volume in self.volumes)) if self.volumes else "",
        )

    @property
    def gist(self) -> Step:
        # Whether a slot is free at the source moves.
        return replace(self, draft="", temporary_slot=False)

    def after(self, facts: Facts) -> Facts:
        drafts = facts.place(self.name).drafts
        if any(draft.path == self.draft and draft.whole for draft in drafts):
            return facts
        return facts.with_place(self.name, drafts=(*drafts, Draft(self.draft, whole=True)))

    def effects(self) -> tuple[Effect, ...]:
        # An earlier copy that was killed may still hold the slot, or the only walsender.
        left = until_left(self.source or self.primary, f"{self.name}_copy")
        through_slot = bool(self.slot) and self.wal_method == "stream" and not self.source
        return (
            until_idle(self.primary, self.slot) if through_slot else left,
            *self._replayed(),
            CopyCluster(
                node=self.name,
                source=self.source or self.primary,
                draft=self.draft,
                bin_directory=self.bin_directory,
                conninfo=self._conninfo,
                slot=self.slot,
                name=self.name,
                checkpoint=self.checkpoint,
                max_rate=self.max_rate,
                wal_method=self.wal_method,
                keeper=self.primary if self.source else "",
                temporary_slot=self.temporary_slot,
                passfile=self.passfile,
                entry=self.entry,
                lent_entry=self.lent_entry,
                volumes=self.volumes,
            ),
            SetConf(self.name, f"{self.draft}/data/postgresql.auto.conf", self.settings),
            SealDraft(self.name, self.draft),
            # Whoever connects next may need the walsender that this copy had.
            *((left,) if self.wal_method == "fetch" and not self.source else ()),
        )

    @property
    def _conninfo(self) -> str:
        if not self.source:
            return self.conninfo
        return f"{self.conninfo} {make_conninfo([('passfile', f'{self.draft}/pgpass')])}"

    def _replayed(self) -> tuple[Effect, ...]:
        """A copy of a standby ends where that was written out last; the primary keeps WAL from where its slot begins.

        That is the REDO of a checkpoint. A standby that has replayed it begins the copy with a restartpoint there, so
        nothing is missing between the two. By then it knows the role, too.
        """
        if not self.source:
            return ()
        return (AwaitReplay(self.source, self.primary, self.slot, self.system_identifier, REPLAY_SECONDS),)

    @property
    def undo_text(self) -> Message:
        # RemoveDraft does that, and last: while a copy is there, it shows that the slot is ours.
        return msg("remove the unfinished copy")


@dataclass(frozen=True, slots=True)
class InstallCopy(Step):
    """Put the whole copy where it belongs, by one rename; on a mount point by one a name, global last."""

    name: str
    draft: str
    destination: str
    slotless: bool = False
    label: ClassVar[Message] = msg("put in place")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "{move} to {destination}: standby.signal, primary_conninfo (application_name={name}), {slot},"
            " hot_standby = on",
            move=msg("move up") if within_destination(self.draft, self.destination) else msg("rename"),
            destination=self.destination,
            name=self.name,
            slot=msg("no primary_slot_name") if self.slotless else "primary_slot_name",
        )

    @property
    def undo_text(self) -> Message:
        if within_destination(self.draft, self.destination):
            return msg("it stays, unable to start as a primary; --remove-data-dir --delete empties the mount point")
        return msg("it stays, unable to start as a primary; --remove-data-dir renames it aside")

    @property
    def gist(self) -> Step:
        return replace(self, draft="")

    def after(self, facts: Facts) -> Facts:
        kept = tuple(each for each in facts.place(self.name).drafts if each.path != self.draft)
        return facts.with_place(self.name, contents=Contents.STANDBY, follows=True, covered=True, drafts=kept)

    def effects(self) -> tuple[Effect, ...]:
        return (PutInPlace(self.name, self.draft, self.destination),)
