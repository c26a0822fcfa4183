"""Somebody for the standby to connect as, and the password it connects with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from standbyctl.domain.effects import Effect, MakeRole, RemovePassfile, Sql, WritePassfile
from standbyctl.domain.facts import Facts, Passfile, Role
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import marker
from standbyctl.steps.base import Step
from standbyctl.steps.sql import sql


@dataclass(frozen=True, slots=True)
class ProvidePassfile(Step):
    """Write the passfile before the role exists: a password that no file holds can never be in force."""

    name: str
    path: str
    host: str
    port: int
    role: str
    label: ClassVar[Message] = msg("passfile")

    @property
    def place(self) -> str:
        return self.name

    @property
    def text(self) -> Message:
        return msg("{path} (0600), with a new random password for {role}", path=self.path, role=self.role)

    def after(self, facts: Facts) -> Facts:
        if facts.place(self.name).passfile is Passfile.OURS:
            return facts
        return facts.with_place(self.name, passfile=Passfile.OURS, password_set=False)

    def effects(self) -> tuple[Effect, ...]:
        return (WritePassfile(self.name, self.path, self.host, self.port, self.role, marker(self.name)),)

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
    """A role of the standby's own: LOGIN REPLICATION and nothing else, so that it can be revoked alone."""

    primary: str
    name: str
    role: str
    passfile: str
    label: ClassVar[Message] = msg("role")

    @property
    def place(self) -> str:
        return self.primary

    @property
    def text(self) -> Message:
        return msg("CREATE ROLE {role} LOGIN REPLICATION PASSWORD '********' (scram-sha-256)", role=self.role)

    @property
    def _made(self) -> Role:
        return Role(self.role, login=True, replication=True, made_for=self.name, pristine=True)

    def after(self, facts: Facts) -> Facts:
        role = facts.server(self.primary).role(self.role)
        if role and role.login and role.replication and facts.place(self.name).password_set:
            return facts
        return _with_role(facts, self.primary, self.role, self._made).with_place(self.name, password_set=True)

    def effects(self) -> tuple[Effect, ...]:
        return (MakeRole(self.primary, self.role, marker(self.name), self.name, self.passfile),)

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
        return (Sql(self.primary, guarded),)

    def returned(self, facts: Facts, before: Facts) -> Facts:
        if facts.server(self.primary).role(self.role) != self._made:
            return facts
        return _with_role(facts, self.primary, self.role, None).with_place(
            self.name, password_set=False, admitted=False
        )


def _with_role(facts: Facts, node: str, name: str, role: Role | None) -> Facts:
    others = tuple(other for other in facts.server(node).roles if other.name != name)
    return facts.with_server(node, roles=(*others, role) if role else others)
