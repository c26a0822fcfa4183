"""Rights that a role which is no superuser still lacks: what it may not do, and the statements that grant it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from standbyctl.domain.effects import AlterSystem, EnsureHbaLineBySql, MakeRole, Reload, RemoveHbaLineBySql
from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.names import quoted
from standbyctl.domain.record import replace
from standbyctl.domain.rights import LOOKING, ON_PARAMETERS_SINCE, by_sql, grants
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.domain.version import major
from standbyctl.planner.plan import Memory
from standbyctl.steps.base import GiveBack, Step
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.role import CreateRole
from standbyctl.steps.setting import COMMIT, WAL_KEEP
from standbyctl.steps.slot import CAP, CreateSlot

_WORDS = {
    "replication": msg("make and drop replication slots"),
    "monitor": msg("see settings and statistics"),
    "hba rules": msg("see the rules of pg_hba.conf"),
    "file settings": msg("see what the configuration files set"),
    "reload": msg("reload"),
    "program": msg("run a program on the server's host"),
    "read file": msg("read pg_hba.conf"),
}


def rights_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """What these steps need, and the role that was connected as may not do."""
    for node in dict.fromkeys([target.writer, target.primary]):
        yield from _node_blockers(facts, replace(target, primary=node), tuple(s for s in steps if s.place == node))


def _node_blockers(facts: Facts, target: Target, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    server = facts.server(target.primary)
    if server.superuser:
        return
    needed = set(_needs(steps))
    lacks = {*server.lacks, *(f"alter {each.name}" for each in server.settings if not each.alterable)} & needed
    editing = set(by_sql(server.lacks)) if "by sql" in needed else set()
    own_role = any(isinstance(effect, MakeRole) for step in steps for effect in step.effects())
    if lacks or own_role:
        exists = server.role(target.role) is not None
        yield rights_blocker(
            target,
            server.user,
            server.database,
            lacks | editing,
            major(server.version_num),
            role=own_role,
            role_exists=exists,
        )
    elif editing:
        yield hba_rights_blocker(target, server, editing)


def _needs(steps: tuple[Step, ...]) -> Iterator[str]:
    """The names (domain.rights) of what effects need; whatever is not named here everybody may do."""
    for step in steps:
        if isinstance(step.step if isinstance(step, GiveBack) else step, CreateSlot):
            yield "replication"
        for effect in step.effects():
            match effect:
                case Reload():
                    yield "reload"
                case AlterSystem():
                    yield f"alter {effect.name}"
                case EnsureHbaLineBySql() | RemoveHbaLineBySql():
                    yield "by sql"


def rights_ahead(target: Target, lacks: Collection[str]) -> set[str]:
    """What a plan will need of what is lacking, as far as the options tell, where nothing can be looked at yet."""
    by_hand = target.settings is SettingsWay.PRINT
    needed = {*LOOKING, *([] if by_hand and target.hba is HbaWay.WAIT else ["reload"])}
    needed |= {"replication"} if target.slot else set()
    if not by_hand:
        needed |= {f"alter {CAP}"} if target.slot and target.wal_cap != "keep" else set()
        needed |= {f"alter {WAL_KEEP}"} if target.wal_keep_size else set()
        needed |= {f"alter {COMMIT}"} if target.synchronous_commit else set()
    return {right for right in lacks if right in needed} | set(by_sql(lacks) if target.hba is HbaWay.SQL else ())


def lacking_blockers(server: Server, node: str, needed: Collection[str]) -> Iterator[Blocker]:
    """What of these the role that was connected as may not do, where no standby's role is concerned."""
    if server.superuser or not (lacks := set(server.lacks) & set(needed)):
        return
    yield Blocker(
        "P116",
        msg("the role {user} lacks rights on {node}", user=server.user, node=node),
        msg("It is no superuser, and may not: {missing}.", missing=listed(_word(right) for right in _in_order(lacks))),
        msg("Connect as a superuser, or have one run these lines in the database {name}:", name=server.database)
        .followed_by(grants(lacks, server.user, major(server.version_num))),
    )  # fmt: skip


def rights_blocker(
    target: Target,
    user: str,
    database: str,
    lacks: Collection[str],
    number: int,
    *,
    role: bool,
    role_exists: bool = False,
) -> Blocker:
    """Everything that is missing in one place. `role`: the standby's role is one of them. `number`: the major."""
    statements = list(grants(lacks, user, number))
    if role and not role_exists:
        statements.append(f"CREATE ROLE {quoted(target.role)} LOGIN REPLICATION;")
    missing = [_word(right) for right in _in_order(lacks)]
    if role:
        missing.append(msg("make a role for the standby"))
    return Blocker(
        "P116",
        msg("the role {user} lacks rights on {node}", user=user, node=target.primary),
        msg(
            "It is no superuser, and may not: {missing}. With --settings print parameters are left to somebody else.",
            missing=listed(missing),
        )
        if number < ON_PARAMETERS_SINCE and any(right.startswith("alter ") for right in lacks)
        else msg("It is no superuser, and may not: {missing}.", missing=listed(missing)),
        _hint(target, database, statements, role=role),
    )


def _in_order(lacks: Collection[str]) -> list[str]:
    known = [right for right in _WORDS if right in lacks]
    return [*known, *sorted(right for right in lacks if right not in _WORDS)]


def _word(right: str) -> Message:
    verb, _, name = right.partition(" ")
    return _WORDS.get(right) or (msg("alter {name}", name=name) if verb == "alter" else msg("set {name}", name=name))


def _hint(target: Target, database: str, statements: list[str], *, role: bool) -> Message:
    passfile = msg(
        "--role {role} --passfile FILE, where FILE (0600, the server user's) has the line"
        " {host}:{port}:*:{role}:PASSWORD",
        role=target.role,
        host=target.primary_host,
        port=target.primary_port,
    )
    if not statements:
        return msg("Connect as a superuser, or give the password of that role: {passfile}.", passfile=passfile)
    if not role:
        run = msg("Connect as a superuser, or have one run these lines in the database {name}:", name=database)
        return run.followed_by(statements)
    return msg(
        "Connect as a superuser. Or have one run the lines below in the database {name} and set the password of"
        ' "{role}" (\\password); then use {passfile}.',
        name=database,
        role=target.role,
        passfile=passfile,
    ).followed_by(statements)


def hba_rights_blocker(target: Target, server: Server, lacks: Collection[str]) -> Blocker:
    """What --hba sql needs beyond the rest."""
    return Blocker(
        "P106",
        msg("{path} cannot be edited by SQL as {user}", path=server.hba.path, user=server.user),
        msg(
            "--hba sql needs a superuser, or the right to: {missing}. Who may run programs there can do whatever the"
            " server's user can.",
            missing=listed(_word(right) for right in _in_order(lacks)),
        ),
        msg(
            "Use --hba wait; or connect as a superuser; or have one run these lines in the database {name}:",
            name=server.database,
        ).followed_by(grants(lacks, server.user, major(server.version_num))),
    )


def unseen_blockers(facts: Facts, target: Target, memory: Memory, steps: tuple[Step, ...]) -> Iterator[Blocker]:
    """What attach has made, and the role that was connected as cannot tell from what was changed since."""
    server = facts.server(target.primary)
    edited = any(isinstance(entry.step, AdmitReplication) and entry.step.by_sql for entry in memory)
    if edited and (editing := by_sql(server.lacks)) and "by sql" not in set(_needs(steps)):
        yield hba_rights_blocker(target, server, editing)
    made = any(isinstance(entry.step, CreateRole) for entry in memory)
    server = facts.server(target.writer)
    if server.superuser or not made or server.role(target.role) is None:
        return
    yield Blocker(
        "P116",
        msg("the role {user} may not take back what attach has made", user=server.user),
        msg(
            'attach made the role "{role}". Whether it still is as it was made is read from pg_authid, which only'
            " superusers may read.",
            role=target.role,
        ),
        msg("Detach as a superuser (-p)."),
    )
