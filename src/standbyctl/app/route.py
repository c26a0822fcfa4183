"""How a standby reaches its primary, and how the primary sees it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from standbyctl.domain.errors import BlockedError, Blocker, CannotTellError, RefusedError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import name_from_address
from standbyctl.nodes.libpq import LibpqServer, ask

_WHERE = """
SELECT host(inet_client_addr()), current_setting('port')::int, current_setting('data_directory'),
       (SELECT setting FROM pg_config WHERE name = 'BINDIR')
"""


@dataclass(frozen=True, slots=True)
class Route:
    """How the standby will reach the primary, and how the primary will see it."""

    name: str
    host: str
    port: int
    source: str
    data_directory: str
    bindir: str
    major: int
    conninfo: str


def find_route(server: LibpqServer) -> Route:
    """Ask the primary, once; raises CannotTellError, BlockedError or RefusedError."""
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
        [(source, port, data, bindir)] = ask(conn, _WHERE, ())
        host = conn.info.hostaddr if source else _loopback(port)
        # Behind a forwarded port or a proxy the server's own port is not the one that reached it.
        port = conn.info.port if source else port
        major = conn.info.server_version // 10000
        reached = server.reached(conn)
    if not _is_here(host):
        raise RefusedError(
            "A208",
            msg("a primary on another host: not yet"),
            detail=msg("{host} is no address of this machine.", host=host),
            hint=msg("This release attaches standbys on the primary's own machine."),
        )
    local = not source or host in {"127.0.0.1", "::1"}
    name = name_from_address(socket.gethostname() if local else host, port)
    return Route(name, host, port, source or host, data, bindir, major, reached)


def _loopback(port: int) -> str:
    """Where a primary that was reached by its Unix socket listens for its standby."""
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), timeout=3):
                return address
        except OSError:
            continue
    raise BlockedError(
        (
            Blocker(
                "P105",
                msg("the primary does not listen on this machine's loopback address"),
                msg(
                    "It was reached by its Unix socket; a standby connects by TCP, and port {port} refuses.", port=port
                ),
                msg("Give -p the address that listen_addresses names."),
            ),
        )
    )


def bin_directory(route: Route) -> str:
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


def running_port(data_directory: str) -> int:
    """The port of whatever runs there: line 4 of postmaster.pid."""
    try:
        return int(Path(data_directory, "postmaster.pid").read_text(encoding="utf-8").splitlines()[3])
    except (OSError, ValueError, IndexError):
        return 0


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
