"""Bring a node back to its primary's history without copying all of it."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import Checkpoint, Effect, EnsureHbaLine, Reload, RemoveHbaLine, Rewind, SetConf, Sql
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.steps.base import Impact, Step
from standbyctl.steps.roles import CHECKPOINT_SECONDS
from standbyctl.steps.sql import sql

# What pg_rewind calls on its source (13 to 18).
FUNCTIONS = (
    "pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),"
    " pg_read_binary_file(text, bigint, bigint, boolean)"
)
# Rights to functions are those of one database.
DATABASE = "postgres"


@dataclass(frozen=True, slots=True)
class PointAtPrimary(Step):
    """Have a directory that starts as a standby follow its primary when it is started."""

    name: str
    primary: str
    data_directory: str
    settings: tuple[tuple[str, str], ...]
    label: ClassVar[Message] = msg("configuration")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("primary_conninfo and primary_slot_name: {primary}; nothing is copied", primary=self.primary)

    @property
    def undo_text(self) -> Message:
        return msg("it stays, unable to start as a primary")

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, contents=Contents.STANDBY, follows=True, covered=True)

    def effects(self) -> tuple[Effect, ...]:
        return (SetConf(self.name, f"{self.data_directory}/postgresql.auto.conf", self.settings),)


@dataclass(frozen=True, slots=True)
class RewindPlace(Step):
    """pg_rewind, with a role that may do just that and only meanwhile.

    `path`, `line`, `before_line`, `digest`: the record of the primary's pg_hba.conf that lets the role in, which goes
    again. `aside`: what would be overwritten and is the node's own is kept there.
    """

    name: str
    primary: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    role: str
    conninfo: str
    path: str
    line: str
    before_line: int | None
    digest: str
    aside: str
    timeline: int
    fork: str
    config_file: str = ""
    label: ClassVar[Message] = msg("rewind")
    impact: ClassVar[Impact] = Impact.DATA_LOSS_POSSIBLE
    irreversible: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg(
            "pg_rewind {path} to {fork}, where {primary} has left its timeline {n}; its WAL from there, and its own"
            " configuration, are kept in {aside}",
            path=self.data_directory,
            fork=self.fork,
            primary=self.primary,
            n=self.timeline,
            aside=self.aside,
        )

    @property
    def undo_text(self) -> Message:
        return msg("none: what {name} had more than {primary} is overwritten", name=self.name, primary=self.primary)

    @property
    def gist(self) -> Step:
        return replace(self, before_line=None, digest="", aside="")

    def after(self, facts: Facts) -> Facts:
        return facts.with_place(self.name, rewound=True)

    def effects(self) -> tuple[Effect, ...]:
        return (
            # The line comes first and goes last: where it is, the rights may be.
            EnsureHbaLine(self.primary, self.path, self.line, self.before_line, self.digest),
            Reload(self.primary),
            Sql(self.primary, self._grant, DATABASE),
            # Up to 15 a source that has had none since its promotion says that there is nothing to rewind.
            Checkpoint(self.primary, CHECKPOINT_SECONDS),
            Rewind(
                node=self.name,
                data_directory=self.data_directory,
                bin_directory=self.bin_directory,
                system_identifier=self.system_identifier,
                conninfo=self.conninfo,
                aside=self.aside,
                timeline=self.timeline,
                fork=self.fork,
                config_file=self.config_file,
            ),
            *self._end.effects(),
        )

    @property
    def _grant(self) -> str:
        return sql("GRANT EXECUTE ON FUNCTION " + FUNCTIONS + " TO {name}", name=self.role)

    @property
    def _end(self) -> EndRewinding:
        return EndRewinding(self.name, self.primary, self.role, self.path, self.line)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return self._end.effects()


@dataclass(frozen=True, slots=True)
class EndRewinding(Step):
    """Take back what lets a node rewind itself; one that did not come to its end has left it on the primary."""

    name: str
    primary: str
    role: str
    path: str
    line: str
    label: ClassVar[Message] = msg("rewind")
    tidies: ClassVar[bool] = True

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg("take back the rights and the line in pg_hba.conf of a rewind that was not ended")

    @property
    def undo_text(self) -> Message:
        return msg("none: it is left over")

    def after(self, facts: Facts) -> Facts:
        hba = facts.server(self.primary).hba
        left = {rule for rule in hba.rules if self.role in rule.users and DATABASE in rule.databases}
        rules = tuple(rule for rule in hba.rules if rule not in left)
        return facts.with_server(self.primary, hba=replace(hba, rules=rules))

    def effects(self) -> tuple[Effect, ...]:
        revoke = sql("REVOKE EXECUTE ON FUNCTION " + FUNCTIONS + " FROM {name}", name=self.role)
        return (
            Sql(self.primary, revoke, DATABASE),
            RemoveHbaLine(self.primary, self.path, self.line),
            Reload(self.primary),
        )
