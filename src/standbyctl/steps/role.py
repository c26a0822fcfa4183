"""Somebody for the standby to connect as, and the password it connects with."""

from __future__ import annotations

from typing import ClassVar

from standbyctl.domain.effects import AwaitReplay, Effect, MakeRole, RemovePassfile, Sql, WritePassfile
from standbyctl.domain.facts import Facts, Passfile, Role
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import marker
from standbyctl.domain.record import dataclass, replace
from standbyctl.steps.base import Step
from standbyctl.steps.sql import sql

# A standby in between may lag on purpose (recovery_min_apply_delay), or while somebody reads from it.
REPLAY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class ProvidePassfile(Step):
    """Write the passfile before the role exists: a password that no file holds can never be in force.

    `host` and `port`: what earlier journals have it for; nobody needs them.
    """

    name: str
    path: str
    role: str
    host: str = "*"
    port: int = 0
    label: ClassVar[Message] = msg("passfile")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("{path} (0600), with a new random password for {role}", path=self.path, role=self.role)

    @property
    def gist(self) -> Step:
        return replace(self, host="*", port=0)

    def after(self, facts: Facts) -> Facts:
        if facts.place(self.name).passfile is Passfile.OURS:
            return facts
        return facts.with_place(self.name, passfile=Passfile.OURS, password_set=False)

    def effects(self) -> tuple[Effect, ...]:
        return (WritePassfile(self.name, self.path, self.role, marker(self.name)),)

    @property
    def undo_text(self) -> Message:
        return msg("remove {path}", path=self.path)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        return (RemovePassfile(self.name, self.path, marker(self.name)),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        if facts.place(self.name).passfile is not Passfile.OURS:
            return facts
        return facts.with_place(self.name, passfile=Passfile.ABSENT, password_set=False, admitted=False)


@dataclass(frozen=True, slots=True)
class CreateRole(Step):
    """A role of the standby's own: LOGIN REPLICATION and nothing else, so that it can be revoked alone.

    `head`: where it is made if `primary` is a standby, which has it once it has replayed that; empty for `primary`.
    """

    primary: str
    name: str
    role: str
    passfile: str
    head: str = ""
    label: ClassVar[Message] = msg("role")

    @property
    def place(self) -> str:
        return self.head or self.primary

    @property
    def text(self) -> Message:
        return msg(
            "CREATE ROLE {role} LOGIN REPLICATION PASSWORD '********' (scram-sha-256){then}",
            role=self.role,
            then=msg("; replayed on {primary}", primary=self.primary) if self.head else "",
        )

    @property
    def _made(self) -> Role:
        return Role(self.role, login=True, replication=True, made_for=self.name, pristine=True)

    def after(self, facts: Facts) -> Facts:
        found = [facts.server(node).role(self.role) for node in self._nodes]
        made = all(role and role.login and role.replication for role in found)
        if made and facts.place(self.name).password_set:
            return facts
        return self._everywhere(facts, self._made).with_place(self.name, password_set=True)

    def effects(self) -> tuple[Effect, ...]:
        return (MakeRole(self.place, self.role, marker(self.name), self.name, self.passfile), *self._replayed)

    @property
    def _nodes(self) -> tuple[str, ...]:
        return (self.head, self.primary) if self.head else (self.primary,)

    @property
    def _replayed(self) -> tuple[Effect, ...]:
        """Nobody connects to the standby in between with a role that it has not yet."""
        if not self.head:
            return ()
        return (AwaitReplay(self.primary, self.head, "", "", REPLAY_SECONDS, for_copy=False),)

    def _everywhere(self, facts: Facts, role: Role | None) -> Facts:
        for node in self._nodes:
            facts = _with_role(facts, node, self.role, role)
        return facts

    @property
    def undo_text(self) -> Message:
        return msg("DROP ROLE {role}", role=self.role)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        # The guard and the drop are one statement: our mark, and the password whose digest the mark ends with.
        guarded = sql(
            "DO $standbyctl$ BEGIN IF EXISTS (SELECT FROM pg_authid AS a WHERE rolname = {role}"
            " AND starts_with(shobj_description(oid, 'pg_authid'), {mark})"
            " AND shobj_description(oid, 'pg_authid') LIKE"
            " '%, ' || left(encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), 16))"
            " THEN EXECUTE format('DROP ROLE %I', {role}); END IF; END $standbyctl$",
            role=self.role,
            mark=f"{marker(self.name)},",
        )
        return (Sql(self.place, guarded), *self._replayed)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        if facts.server(self.place).role(self.role) != self._made:
            return facts
        return self._everywhere(facts, None).with_place(self.name, password_set=False, admitted=False)


def _with_role(facts: Facts, node: str, name: str, role: Role | None) -> Facts:
    others = tuple(other for other in facts.server(node).roles if other.name != name)
    return facts.with_server(node, roles=(*others, role) if role else others)
