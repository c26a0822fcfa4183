"""Let the role in through pg_hba.conf."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import (
    AwaitAdmission,
    Effect,
    EnsureHbaLine,
    EnsureHbaLineBySql,
    Reload,
    RemoveHbaLine,
    RemoveHbaLineBySql,
    WaitUntil,
)
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.sql import sql

WAIT_SECONDS = 3600
SETTLE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class AdmitReplication(Step):
    """One line, placed where it is reached; checked by the server before the reload, proven by connecting.

    `by_hand`: the file is not at hand, so a person edits and reloads, and we wait for the outcome. `by_sql`: a
    program of the server's user edits it.
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
    by_sql: bool = False
    impact: ClassVar[Impact] = Impact.RELOAD
    label: ClassVar[Message] = msg("pg_hba.conf")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        if self.by_hand:
            return msg("wait for a person to add, and reload: {line}", line=self.line)
        how = msg(" (by COPY TO PROGRAM)") if self.by_sql else msg("")
        if self.before_line is None:
            return msg("at the end{how}: {line}; then reload", how=how, line=self.line)
        return msg("line {n}{how}: {line}; then reload", n=self.before_line, how=how, line=self.line)

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
        if self.by_sql:
            insert = EnsureHbaLineBySql(self.primary, self.path, self.line, self.before_line, self.digest)
            return (insert, self._settled, Reload(self.primary))
        return (
            EnsureHbaLine(self.primary, self.path, self.line, self.before_line, self.digest),
            Reload(self.primary),
        )

    @property
    def _settled(self) -> Effect:
        """By SQL a file's time is known to the second: a reload in a later one has surely seen what was written."""
        later = sql(
            "(SELECT modification < date_trunc('second', clock_timestamp()) FROM pg_stat_file({path}))", path=self.path
        )
        return WaitUntil(self.primary, later, SETTLE_SECONDS)

    @property
    def undo_text(self) -> Message:
        return msg("remove: {line}; then reload", line=self.line)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        if self.by_sql:
            remove = RemoveHbaLineBySql(self.primary, self.path, self.line)
            return (remove, self._settled, Reload(self.primary))
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
