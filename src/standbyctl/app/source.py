"""The standby that a copy is taken from: found from what the operator typed. Looked at later, where it is needed."""

from __future__ import annotations

import socket

from standbyctl.app.route import Route, is_here, listening, pooler
from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.errors import BlockedError, CannotTellError, RefusedError
from standbyctl.domain.message import msg
from standbyctl.domain.names import name_from_address
from standbyctl.domain.record import dataclass
from standbyctl.domain.target import Target
from standbyctl.domain.version import major
from standbyctl.nodes.libpq import LibpqServer, ask, parse_conninfo
from standbyctl.planner.blockers.source import other_major

_WHERE = """
SELECT inet_client_addr() IS NOT NULL, current_setting('port')::int, current_setting('listen_addresses'),
       pg_backend_pid()
"""
# Where a server is; the rest of a conninfo says who connects, and how.
_ADDRESS = {"host", "hostaddr", "port"}


@dataclass(frozen=True, slots=True)
class Source:
    """Its name, how the copy reaches it by TCP, how the operator does, and its door; all empty where there is none."""

    name: str = ""
    host: str = ""
    port: int = 0
    conninfo: str = ""
    server: LibpqServer | None = None


def find_source(
    params: dict[str, str], name: str, primary: LibpqServer, route: Route, earlier: Target | None
) -> Source:
    """Connect once, as the operator does to the primary where the conninfo says no other way: host, user, database.

    What was begun from a source goes on without it, as long as nothing more is to be copied from it: where it does
    not answer, it is what the journal has.
    """
    server = primary.elsewhere(name or "the source", _complete(params, route))
    try:
        return _reached(server, name, route)
    except CannotTellError as error:
        server.close()
        if earlier is None or not earlier.copy_from:
            raise CannotTellError(
                "P137",
                msg("the standby that was to be copied does not answer"),
                detail=error.detail,
                hint=msg("Mend that, or leave --copy-from out: then {primary} is copied.", primary=primary.name),
            ) from error
        known = (earlier.copy_from, earlier.copy_host, earlier.copy_port, earlier.copy_conninfo)
        return Source(*known, server=server.renamed(earlier.copy_from))
    except BaseException:
        server.close()
        raise


def _complete(params: dict[str, str], route: Route) -> dict[str, str]:
    if "service" in params:
        return params
    ours = {key: value for key, value in parse_conninfo(route.conninfo).items() if key not in {*_ADDRESS, "service"}}
    # A port alone is one of the primary's machine, by the address that its standbys reach it by.
    where = {} if _ADDRESS & set(params) - {"port"} else {"host": route.host}
    return {**ours, **where, **params}


def _reached(server: LibpqServer, name: str, route: Route) -> Source:
    conn = server.kept()
    if major(conn.info.server_version) != route.major:
        raise BlockedError((other_major(server.name, conn.info.server_version, route.major),))
    [(by_tcp, port, listens, pid)] = ask(conn, _WHERE, ())
    if pid != conn.info.backend_pid:
        raise pooler(server.name)
    host = conn.info.hostaddr if by_tcp else listening(listens, port)
    port = conn.info.port if by_tcp else port
    if host and not is_here(host):
        raise RefusedError(
            "A208",
            msg("a source on another host: not yet"),
            detail=msg("{host} is no address of this machine.", host=host),
            hint=msg("This release works on the primary's own machine; leave --copy-from out to copy the primary."),
        )
    if not host:
        raise CannotTellError(
            "P137",
            msg("the standby that was to be copied does not listen on TCP"),
            detail=msg("listen_addresses is '{value}' there.", value=listens),
        )
    local = not by_tcp or host in {"127.0.0.1", "::1"}
    name = name or name_from_address(socket.gethostname() if local else host, port)
    # In one order: a plan that is read back must come to the same.
    conninfo = make_conninfo(sorted(parse_conninfo(server.reached(conn)).items()))
    return Source(name, host, port, conninfo, server.renamed(name))
