"""From what the operator typed to a target: names, addresses and paths filled in, nothing decided."""

from __future__ import annotations

import os
import posixpath
import pwd
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, RefusedError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import (
    default_role,
    name_from_address,
    passfile_path,
    valid_node_name,
    valid_slot_name,
)
from standbyctl.domain.size import parse_size
from standbyctl.domain.target import HbaWay, Target
from standbyctl.nodes.libpq import LibpqServer, parse_conninfo


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target, and the doors' parameters that go with it."""

    target: Target
    conninfo: str
    server: LibpqServer
    os_user: str
    bin_directory: str


def connection_params(conninfo: str) -> dict[str, str]:
    """Parse a conninfo, URI or host name; a password in it is refused, for it would be kept in journals."""
    text = conninfo if "=" in conninfo or "://" in conninfo or not conninfo else f"host={conninfo}"
    try:
        params = parse_conninfo(text)
    except ValueError as error:
        raise UsageError("C103", msg("cannot read the conninfo of the primary"), detail=msg("{e}", e=error)) from error
    if "password" in params:
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
    # By its real path: one directory has one name, whatever links lead to it.
    data_directory = os.path.realpath(_absolute(request.data_directory))
    known = state.at(data_directory)
    journaled = state.journal(known).run() if known else None
    earlier = journaled[0] if journaled else None
    server = LibpqServer(request.primary_name or "the primary", params)
    route = _route(server)
    primary = request.primary_name or (earlier.primary if earlier else "") or route.name
    server = LibpqServer(primary, params)
    port = request.port or (earlier.port if earlier else 0) or _free_port(route.port)
    name = request.name or (earlier.name if earlier else "") or name_from_address(socket.gethostname(), port)
    _check_names(name, request.slot, primary)
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
        slot=request.slot or (earlier.slot if earlier else "") or name,
        own_role=not request.passfile,
        hba=HbaWay(request.hba or "auto"),
        max_rate=request.max_rate,
        checkpoint=request.checkpoint or "fast",
        wal_cap=_wal_cap(request.wal_cap),
    )
    if earlier and not request.passfile and not earlier.own_role:
        target = replace(target, passfile=earlier.passfile, own_role=False)
    _check_same(target, earlier, state)
    user = _os_user(data_directory, route.data_directory)
    return Resolved(target, request.conninfo, server, user, _bin_directory(route))


@dataclass(frozen=True, slots=True)
class _Route:
    """How the standby will reach the primary, and how the primary will see it."""

    name: str
    host: str
    port: int
    source: str
    data_directory: str
    bindir: str
    major: int


def _route(server: LibpqServer) -> _Route:
    with server.connect() as conn:
        superuser = conn.info.parameter_status("is_superuser") == "on"
        if not superuser:
            raise CannotTellError(
                "A202",
                msg("the role {user} may not look at what attach needs", user=conn.info.user),
                detail=msg(
                    "It is no superuser: it can neither see data_directory, pg_hba_file_rules and"
                    " pg_file_settings, nor make a replication role."
                ),
                hint=msg("Connect as a superuser."),
            )
        [(source, port, data, bindir)] = conn.execute(
            "SELECT host(inet_client_addr()), current_setting('port')::int, current_setting('data_directory'),"
            " (SELECT setting FROM pg_config WHERE name = 'BINDIR')"
        ).fetchall()
        host = conn.info.hostaddr if source else "127.0.0.1"
        # Behind a forwarded port or a proxy the server's own port is not the one that reached it.
        port = conn.info.port if source else port
        major = conn.info.server_version // 10000
    if not _is_here(host):
        raise RefusedError(
            "A208",
            msg("a primary on another host: not yet"),
            detail=msg("{host} is no address of this machine.", host=host),
            hint=msg("This release attaches standbys on the primary's own machine."),
        )
    local = not source or host in {"127.0.0.1", "::1"}
    name = name_from_address(socket.gethostname() if local else host, port)
    return _Route(name, host, port, source or "127.0.0.1", data, bindir, major)


def _bin_directory(route: _Route) -> str:
    """Programs of the server's own major: beside the server's, or where its packages put them."""
    for place in (route.bindir, f"/usr/lib/postgresql/{route.major}/bin", f"/usr/pgsql-{route.major}/bin"):
        if all(Path(place, program).exists() for program in ("pg_basebackup", "pg_ctl", "psql")):
            return place
    return route.bindir


def _is_here(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _free_port(after: int) -> int:
    for port in range(after + 1, after + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise UsageError("C105", msg("no free port was found above {port}", port=after), hint=msg("Give one with --port."))


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
    if not path.isprintable():
        raise UsageError("C116", msg("a path must not contain control characters"))
    if posixpath.isabs(path):
        return posixpath.normpath(path)
    try:
        return posixpath.normpath(posixpath.join(str(Path.cwd()), path))
    except FileNotFoundError as error:
        raise UsageError("C116", msg('"{path}" is relative, and the working directory is gone', path=path)) from error


def _wal_cap(text: str) -> str:
    if not text or text in {"auto", "keep"} or parse_size(text):
        return text or "auto"
    raise UsageError(
        "C107", msg('"{text}" is not a size', text=text), hint=msg("Write it as postgresql.conf does: 20GB, 512MB.")
    )


def _check_names(name: str, slot: str, primary: str) -> None:
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
    if name == primary:
        raise UsageError(
            "C108",
            msg('"{name}" is the name of the primary', name=name),
            hint=msg("Give the standby another with --name."),
        )


def _check_same(target: Target, earlier: Target | None, state: State) -> None:
    """One name is one standby: what an earlier attach has begun goes on as it was, or is detached first."""
    if earlier is None:
        run = state.journal(target.name).run()
        earlier = run[0] if run else None
    if earlier is None:
        return
    for field in ("name", "data_directory", "port", "slot", "role", "passfile"):
        was, is_ = getattr(earlier, field), getattr(target, field)
        if was != is_:
            raise UsageError(
                "C109",
                msg("{name} was attached, or begun, with another {field}", name=earlier.name, field=field),
                detail=msg("Then: {was}. Now: {now}.", was=was, now=is_),
                hint=msg("Go on with the same, or detach first: standbyctl detach {name}", name=earlier.name),
            )
