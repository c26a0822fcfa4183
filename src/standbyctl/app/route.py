"""How a standby reaches its primary, and how the primary sees it."""

from __future__ import annotations

import socket
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standbyctl.domain.errors import BlockedError, Blocker, CannotTellError, Need, RefusedError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import name_from_address
from standbyctl.domain.record import dataclass
from standbyctl.domain.survey import MANAGED, RULERS
from standbyctl.domain.version import END_OF_LIFE, NEWEST_KNOWN, SUPPORTED_MAJORS, major, version_text
from standbyctl.nodes.ports import Greeting, Reached
from standbyctl.observe.look import rights_asked, rights_query
from standbyctl.observe.managers import TELLING_ROLES, find_managed
from standbyctl.planner.blockers.ownership import managed_blockers
from standbyctl.steps.setting import COMMIT, WAL_KEEP
from standbyctl.steps.slot import CAP

_WHERE = """
SELECT host(inet_client_addr()), current_setting('port')::int,
       coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), ''), ([bindir]),
       current_setting('listen_addresses'), pg_backend_pid(),
       quote_ident(current_user), quote_ident(current_database()), ([rights]),
       (SELECT coalesce(array_agg(rolname::text), '{}') FROM pg_roles WHERE rolname = ANY (%(telling_roles)s))
"""
# Only superusers may ask for the programs' place; for others it is found by the server's process.
_BINDIR = "SELECT setting FROM pg_config WHERE name = 'BINDIR'"


@dataclass(frozen=True, slots=True)
class Route:
    """How the standby will reach the primary, and how the primary will see it. `reachable`: it listens there.

    `name_there`: what the standby's host calls `host`; empty where nobody was asked.
    `own_port`: that of its configuration, whatever it was reached at. `by_tcp`: how we have reached it; `away`: at an
    address that is none of this machine's. `own_address`: of the standby's host, where the primary sees another.
    """

    name: str
    host: str
    port: int
    source: str
    data_directory: str
    bindir: str
    major: int
    conninfo: str
    reachable: bool = True
    superuser: bool = True
    user: str = ""
    database: str = ""
    lacks: tuple[str, ...] = ()
    name_there: str = ""
    own_port: int = 0
    by_tcp: bool = False
    away: bool = False
    own_address: str = ""


def find_route(server: Reached, despite: Collection[str] = RULERS, *, apart: bool = False) -> Route:
    """Ask the primary, once; raises CannotTellError, BlockedError or RefusedError. `apart`: it may be anywhere.

    A managed service lets nobody be a superuser, and is said before all that it does not let anybody see either.
    """
    try:
        return _route(server, despite, apart=apart)
    except BaseException:
        server.close()
        raise


def _route(server: Reached, despite: Collection[str], *, apart: bool) -> Route:
    who, row = _ask(server)
    if row[5] != who.backend_pid:
        # A session that was lost in between, and is another one now, looks like that once.
        who, row = _ask(server)
    source, port, data, bindir, listens, pid, user, database, lacks, roles = row
    if pid != who.backend_pid:
        raise pooler(server.name)
    superuser = who.superuser
    managed = tuple(find_managed({"roles": roles, "functions": ()}))
    if managed and not superuser and MANAGED not in despite:
        raise BlockedError(tuple(managed_blockers(server.name, managed)))
    host = who.hostaddr if source else "" if apart else listening(listens, port)
    # Behind a forwarded port or a proxy the server's own port is not the one that reached it.
    own_port, port = port, who.port if source else port
    local = not source or host in {"127.0.0.1", "::1"}
    return Route(
        name=name_from_address(socket.gethostname() if local else host, port),
        host=host or "127.0.0.1",
        port=port,
        source=source or host or "127.0.0.1",
        data_directory=data,
        bindir=bindir or _running_programs(data),
        major=who.version_num // 10000,
        conninfo=who.conninfo,
        reachable=bool(host),
        superuser=superuser,
        user=user,
        database=database,
        lacks=tuple(lacks),
        own_port=own_port,
        by_tcp=bool(source),
        away=bool(source) and not is_here(host),
    )


def _check_version(node: str, version_num: int) -> None:
    """A server whose catalogs we do not know is not asked anything else."""
    number = major(version_num)
    if number in SUPPORTED_MAJORS:
        return
    unknown = number > NEWEST_KNOWN
    supported = ", ".join(map(str, SUPPORTED_MAJORS))
    detail = msg("{node} runs PostgreSQL {v}.", node=node, v=version_text(version_num))
    if number in END_OF_LIFE:
        day = END_OF_LIFE[number]
        past = datetime.now(UTC).date().isoformat() > day
        detail = msg(
            "{detail} That is past its end of life since {day}."
            if past
            else "{detail} The project mends that major until {day}.",
            detail=detail,
            day=day,
        )
    raise BlockedError(
        (
            Blocker(
                "P101",
                msg("PostgreSQL {major} is not known to this release", major=number)
                if unknown
                else msg("PostgreSQL {major}: not yet", major=number),
                detail,
                msg("This release works with PostgreSQL {majors}.", majors=supported),
                refused=unknown,
                need=Need.IMPOSSIBLE,
            ),
        )
    )


def _ask(server: Reached) -> tuple[Greeting, tuple[Any, ...]]:
    """Who we are there, and where it is."""
    try:
        who = server.greeting()
    except CannotTellError as error:
        if server.pooled():
            raise pooler(server.name) from error
        raise
    _check_version(server.name, who.version_num)
    query = _WHERE.replace("[bindir]", _BINDIR if who.superuser else "SELECT ''").replace("[rights]", rights_query())
    [row] = server.observe(query, {**rights_asked(CAP, COMMIT, WAL_KEEP), "telling_roles": list(TELLING_ROLES)})
    return who, row


def pooler(node: str) -> RefusedError:
    """What answers is no server."""
    return RefusedError(
        "P135",
        msg("a connection pooler answers as {node}", node=node),
        detail=msg(
            "The session is not the server's own (another process id, or no startup options): replication does not"
            " go through a pooler, and its settings would be those of other sessions."
        ),
        hint=msg("Give -p the host and port of PostgreSQL itself."),
    )


def listening(listens: str, port: int) -> str:
    """Where a primary that was reached by its Unix socket listens for its standby; empty where it does not."""
    literal = [word.strip() for word in listens.split(",")]
    for address in ("127.0.0.1", "::1", *(word for word in literal if word not in {"", "*", "localhost"})):
        try:
            with socket.create_connection((address, port), timeout=3) as line:
                return str(line.getpeername()[0])
        except OSError:
            continue
    return ""


def bin_directory(route: Route) -> str:
    """Programs of the server's own major: beside the server's, or where its packages put them."""
    for place in (route.bindir, f"/usr/lib/postgresql/{route.major}/bin", f"/usr/pgsql-{route.major}/bin"):
        if all(Path(place, program).exists() for program in ("pg_basebackup", "pg_ctl", "psql")):
            return place
    return route.bindir


def is_here(address: str) -> bool:
    """Whether it is an address of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def running_port(data_directory: str) -> int:
    """The port of whatever runs there: line 4 of postmaster.pid."""
    try:
        return int(Path(data_directory, "postmaster.pid").read_text(encoding="utf-8").splitlines()[3])
    except (OSError, ValueError, IndexError):
        return 0


def _running_programs(data_directory: str) -> str:
    """Where the program is that runs there, where this user may see that: line 1 of postmaster.pid."""
    try:
        pid = int(Path(data_directory, "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        return str(Path(f"/proc/{pid}/exe").readlink().parent)
    except (OSError, ValueError, IndexError):
        return ""


def free_port(after: int) -> int:
    """The next port that nobody has."""
    for port in range(after + 1, after + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise UsageError("C105", msg("no free port was found above {port}", port=after), hint=msg("Give one with --port."))
