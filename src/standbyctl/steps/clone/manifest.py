"""Verify a copy before it is put in place: the manifest says what every file must be."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import CheckManifest, Effect
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class VerifyCopy(Step):
    """pg_verifybackup: sizes and checksums of all files, and that the WAL it needs is there and can be read."""

    name: str
    draft: str
    bin_directory: str
    label: ClassVar[Message] = msg("verify backup")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("pg_verifybackup: every file of the copy against its manifest, before the first start")

    @property
    def undo_text(self) -> Message:
        return msg("nothing: it only reads")

    @property
    def gist(self) -> Step:
        return replace(self, draft="")

    def after(self, facts: Facts) -> Facts:
        drafts = facts.place(self.name).drafts
        return facts.with_place(
            self.name,
            drafts=tuple(replace(each, verified=True) if each.path == self.draft else each for each in drafts),
        )

    def effects(self) -> tuple[Effect, ...]:
        return (CheckManifest(self.name, self.draft, self.bin_directory),)
