"""From what the operator typed to a target: names, addresses and paths filled in, nothing decided."""

from __future__ import annotations

import os
import posixpath
import pwd
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from standbyctl.app.route import Route, bin_directory, find_route, free_port, running_port
from standbyctl.app.source import Source, find_source
from standbyctl.app.state import State
from standbyctl.app.values import choice, max_rate, restore_command, wal_cap, wal_keep_size
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import (
    default_role,
    name_from_address,
    passfile_path,
    valid_node_name,
    valid_slot_name,
)
from standbyctl.domain.rights import LOOKING
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.nodes.libpq import LibpqServer, parse_conninfo
from standbyctl.planner.blockers.rights import rights_ahead, rights_blocker

_NAME_BYTES = 63
_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}


@dataclass(frozen=True, slots=True)
class Request:
    """The command line over the configuration file. Empty: not given."""

    conninfo: str
    data_directory: str
    primary_name: str = ""
    name: str = ""
    port: int = 0
    role: str = ""
    passfile: str = ""
    slot: str = ""
    hba: str = ""
    max_rate: str = ""
    checkpoint: str = ""
    wal_cap: str = ""
    despite: tuple[str, ...] = ()
    no_slot: bool = False
    wal_method: str = ""
    wal_keep_size: str = ""
    synchronous_commit: str = ""
    auth_method: str = ""
    restore_command: str = ""
    settings: str = ""
    verify_backup: bool = False
    wal_level: str = ""
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    copy_from: str = ""
    copy_name: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target, and the doors' parameters that go with it."""

    target: Target
    conninfo: str
    server: LibpqServer
    os_user: str
    bin_directory: str
    reachable: bool = True
    superuser: bool = True
    source: LibpqServer | None = None


def connection_params(conninfo: str, whose: str = "the primary") -> dict[str, str]:
    """Parse a conninfo, URI or host name; a password in it is refused, for it would be kept in journals."""
    text = conninfo if "=" in conninfo or "://" in conninfo or not conninfo else f"host={conninfo}"
    try:
        params = parse_conninfo(text)
    except ValueError as error:
        # libpq's own words are not shown: they may quote what was meant as a password.
        raise UsageError(
            "C103",
            msg("cannot read the conninfo of {whose}", whose=whose),
            hint=msg("Write it as libpq takes it: 'host=db1 user=postgres', a URI, or service=NAME."),
        ) from error
    if _SECRETS & set(params):
        raise UsageError(
            "C104",
            msg("the conninfo contains a password"),
            detail=msg("It would be seen in ps, and kept in plans and journals."),
            hint=msg("Put it into .pgpass, a service file or PGPASSWORD."),
        )
    return params


def resolve(request: Request, state: State) -> Resolved:
    """Fill in everything that was not given. Looks at the primary once; changes nothing."""
    params = connection_params(request.conninfo)
    given = _absolute(request.data_directory) if request.data_directory else ""
    server = LibpqServer(request.primary_name or "the primary", params)
    route = find_route(server, request.despite)
    # By its real path: one directory has one name, whatever links lead to it.
    data_directory = os.path.realpath(given or _beside(route, request.name))
    known = state.at(data_directory)
    journaled = state.journal(known).run() if known else None
    earlier = journaled[0] if journaled else None
    primary = request.primary_name or (earlier.primary if earlier else "") or route.name
    server = server.renamed(primary)
    port = request.port or (earlier.port if earlier else 0) or running_port(data_directory) or free_port(route.port)
    name = request.name or (earlier.name if earlier else "") or name_from_address(socket.gethostname(), port)
    _check_names(name, request.slot, primary, request.role)
    source = _source(request, server, route, earlier, state)
    _check_source(source, name, port)
    target = Target(
        primary=primary,
        name=name,
        data_directory=data_directory,
        port=port,
        primary_host=route.host,
        primary_port=route.port,
        source_address=route.source,
        role=request.role or (earlier.role if earlier else "") or default_role(name),
        passfile=_absolute(request.passfile) if request.passfile else passfile_path(data_directory),
        slot=_slot(request, earlier, name),
        own_role=not request.passfile,
        hba=HbaWay(choice("hba", request.hba, "auto")),
        max_rate=max_rate(request.max_rate),
        checkpoint=choice("checkpoint", request.checkpoint, "fast"),
        wal_cap=wal_cap(request.wal_cap),
        wal_method=choice("wal_method", request.wal_method, "stream"),
        wal_keep_size=wal_keep_size(request.wal_keep_size),
        synchronous_commit=choice("synchronous_commit", request.synchronous_commit),
        auth_method=choice("auth_method", request.auth_method, earlier.auth_method if earlier else "scram-sha-256"),
        restore_command=restore_command(request.restore_command) or (earlier.restore_command if earlier else ""),
        settings=SettingsWay(choice("settings", request.settings, "alter")),
        despite=tuple(sorted(set(request.despite))),
        verify_backup=request.verify_backup,
        wal_level=request.wal_level,
        max_wal_senders=request.max_wal_senders,
        max_replication_slots=request.max_replication_slots,
        copy_from=source.name,
        copy_host=source.host,
        copy_port=source.port,
        copy_conninfo=source.conninfo,
    )
    if earlier and not request.passfile and not earlier.own_role:
        target = replace(target, passfile=earlier.passfile, own_role=False)
    _check_same(target, earlier, state)
    _check_sight(target, route, server, attaching=True)
    return replace(_resolved(target, server, route), source=source.server)


def reach(target: Target, conninfo: str) -> Resolved:
    """A target that the journal has, to the letter; only the primary is reached anew."""
    server = LibpqServer(target.primary, connection_params(conninfo))
    route = find_route(server)
    _check_sight(target, route, server, attaching=False)
    return _resolved(target, server, route)


def _source(request: Request, server: LibpqServer, route: Route, earlier: Target | None, state: State) -> Source:
    """The standby to be copied, where one was asked for: by conninfo, or by the name it was attached by from here."""
    if not request.copy_from:
        return Source()
    known = state.journal(request.copy_from).run() if request.copy_from in state.names() else None
    given, name = (f"port={known[0].port}", request.copy_from) if known else (request.copy_from, request.copy_name)
    try:
        params = connection_params(given, "the standby to be copied (--copy-from)")
        return find_source(params, name, server, route, earlier)
    except BaseException:
        server.close()
        raise


def _resolved(target: Target, server: LibpqServer, route: Route) -> Resolved:
    user = _os_user(target.data_directory, route.data_directory)
    return Resolved(
        target, route.conninfo, server, user, bin_directory(route), route.reachable, superuser=route.superuser
    )


def _beside(route: Route, name: str) -> str:
    """Where a standby would go that nobody has said a place for: beside the primary."""
    return posixpath.join(posixpath.dirname(route.data_directory), name or "standby")


def _check_sight(target: Target, route: Route, server: LibpqServer, *, attaching: bool) -> None:
    """Raise CannotTellError where the role may not even look; it says everything at once that is missing."""
    if not set(route.lacks) & set(LOOKING):
        return
    lacks = rights_ahead(target, route.lacks)
    exists = server.observe("SELECT 1 FROM pg_roles WHERE rolname = %s", target.role)
    server.close()
    role = attaching and target.own_role
    why = rights_blocker(target, route.user, route.database, lacks, role=role, role_exists=bool(exists))
    raise CannotTellError(why.code, why.what, detail=why.detail, hint=why.hint)


def _os_user(data_directory: str, primary_directory: str) -> str:
    """Whom the standby runs as: us, or where we are root, whoever owns its place or the primary's."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for path in (data_directory, posixpath.dirname(data_directory), primary_directory):
        try:
            owner = Path(path).stat().st_uid
        except OSError:
            continue
        if owner != 0:
            return pwd.getpwuid(owner).pw_name
    raise UsageError(
        "C106",
        msg("cannot tell which user the standby is to run as"),
        detail=msg("PostgreSQL does not run as root, and root owns {path}.", path=posixpath.dirname(data_directory)),
        hint=msg("Give that directory to the server's user, usually postgres."),
    )


def _absolute(path: str) -> str:
    if not path.isprintable() or set(path) & set('"$`\\'):
        # pg_ctl hands the path to a shell, within double quotes.
        raise UsageError("C116", msg('a path must not contain control characters, nor any of " $ ` \\'))
    if posixpath.isabs(path):
        return posixpath.normpath(path)
    try:
        return posixpath.normpath(posixpath.join(str(Path.cwd()), path))
    except FileNotFoundError as error:
        raise UsageError("C116", msg('"{path}" is relative, and the working directory is gone', path=path)) from error


def _slot(request: Request, earlier: Target | None, name: str) -> str:
    """What was asked for; else as it was begun, with a slot or without; else one of the standby's own name."""
    if request.no_slot:
        return ""
    return request.slot or (name if earlier is None else earlier.slot)


def _check_names(name: str, slot: str, primary: str, role: str) -> None:
    if not valid_node_name(name):
        raise UsageError(
            "C108",
            msg('"{name}" cannot be the name of a standby', name=name),
            detail=msg("It names the replication slot too: lower-case letters, digits and underscores, at most 58."),
            hint=msg("Give another with --name."),
        )
    if slot and not valid_slot_name(slot):
        raise UsageError(
            "C108",
            msg('"{slot}" cannot be the name of a replication slot', slot=slot),
            detail=msg("PostgreSQL allows lower-case letters, digits and underscores, at most 63."),
        )
    if len(role.encode()) > _NAME_BYTES or not role.isprintable():
        raise UsageError(
            "C108",
            msg('"{role}" cannot be the name of a role', role=role),
            detail=msg("PostgreSQL cuts names off after {n} bytes.", n=_NAME_BYTES),
        )
    if name == primary:
        raise UsageError(
            "C108",
            msg('"{name}" is the name of the primary', name=name),
            hint=msg("Give the standby another with --name."),
        )


def _check_source(source: Source, name: str, port: int) -> None:
    if source.name and (source.name == name or source.port == port):
        raise UsageError(
            "C108",
            msg("{name} cannot be a copy of itself", name=name),
            detail=msg("--copy-from leads to {host}:{port}.", host=source.host, port=source.port),
            hint=msg("Give another standby with --copy-from, or the new one another name and --port."),
        )


def _check_same(target: Target, earlier: Target | None, state: State) -> None:
    """One name is one standby: what an earlier attach has begun goes on as it was, or is detached first."""
    if earlier is None:
        run = state.journal(target.name).run()
        earlier = run[0] if run else None
    if earlier is None:
        return
    for field in ("name", "data_directory", "port", "slot", "role", "passfile", "auth_method", "restore_command"):
        was, is_ = (getattr(each, field) or "(none)" for each in (earlier, target))
        if was != is_:
            raise UsageError(
                "C109",
                msg("{name} was attached, or begun, with another {field}", name=earlier.name, field=field),
                detail=msg("Then: {was}. Now: {now}.", was=was, now=is_),
                hint=msg("Go on with the same, or detach first: standbyctl detach {name}", name=earlier.name),
            )
