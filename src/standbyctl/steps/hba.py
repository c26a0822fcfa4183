"""Let the role in through pg_hba.conf."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from standbyctl.domain.effects import AwaitAdmission, Effect, EnsureHbaLine, Reload, RemoveHbaLine
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.steps.base import Impact, Step

WAIT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class AdmitReplication(Step):
    """One line, placed where it is reached; checked by the server before the reload, proven by connecting.

    `by_hand`: the file is not at hand, so a person edits and reloads, and we wait for the outcome.
    """

    primary: str
    name: str
    path: str
    line: str
    before_line: int | None
    digest: str
    by_hand: bool
    bin_directory: str
    conninfo: str
    impact: ClassVar[Impact] = Impact.RELOAD
    label: ClassVar[Message] = msg("pg_hba.conf")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        if self.by_hand:
            return msg("wait for a person to add, and reload: {line}", line=self.line)
        if self.before_line is None:
            return msg("at the end: {line}; then reload", line=self.line)
        return msg("line {n}: {line}; then reload", n=self.before_line, line=self.line)

    @property
    def gist(self) -> Step:
        return replace(self, before_line=None, digest="")

    def after(self, facts: Facts) -> Facts:
        admitted = facts.with_place(self.name, admitted=True)
        return admitted if self.by_hand else _with_line(admitted, self.primary, present=True)

    def effects(self) -> tuple[Effect, ...]:
        if self.by_hand:
            return (
                AwaitAdmission(
                    node=self.primary,
                    path=self.path,
                    line=self.line,
                    standby=self.name,
                    bin_directory=self.bin_directory,
                    conninfo=self.conninfo,
                    timeout_seconds=WAIT_SECONDS,
                ),
            )
        return (
            EnsureHbaLine(self.primary, self.path, self.line, self.before_line, self.digest),
            Reload(self.primary),
        )

    @property
    def undo_text(self) -> Message:
        return msg("remove: {line}; then reload", line=self.line)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return (RemoveHbaLine(self.primary, self.path, self.line), Reload(self.primary))

    def returned(self, facts: Facts, before: Facts) -> Facts:
        hba = facts.server(self.primary).hba
        if hba.path != self.path:
            return facts  # the node's name has moved to another server
        # A run that died between the two effects has left a file without the line, and not loaded.
        if self.by_hand or (not hba.has_line and hba.loaded):
            return facts
        return _with_line(facts, self.primary, present=False)


def _with_line(facts: Facts, node: str, *, present: bool) -> Facts:
    return facts.with_server(node, hba=replace(facts.server(node).hba, has_line=present, loaded=True))
