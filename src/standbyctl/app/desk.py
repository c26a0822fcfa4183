"""Where a person sits down to do by hand what a plan does: hosts, users, and a psql for each server."""

from __future__ import annotations

import posixpath
import shlex
import socket

from standbyctl.app.request import Resolved
from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.record import dataclass
from standbyctl.domain.roles import RoleChange
from standbyctl.nodes.libpq import parse_conninfo


@dataclass(frozen=True, slots=True)
class Desk:
    """One node. `host`: as ssh takes it, or the name of the machine that the plan was made on; `user`: its server's.

    `psql`: what opens a session there; `conninfo`: the same for standbyctl. No secret is in either.
    """

    node: str
    host: str
    user: str
    psql: str
    conninfo: str


def desks(resolved: Resolved) -> tuple[Desk, ...]:
    """One for every node that something is done on."""
    target = resolved.target
    here = socket.gethostname()
    primary_host = target.primary_ssh or (target.primary_host if target.away else here)
    ways = [
        (
            target.primary,
            primary_host,
            resolved.primary_user or resolved.os_user,
            resolved.primary_bin,
            resolved.conninfo,
        ),
        (target.name, target.standby_ssh or here, resolved.os_user, resolved.bin_directory, _standby(resolved)),
    ]
    if target.head:
        head = (target.head_ssh or here, resolved.primary_user, resolved.primary_bin, target.head_conninfo)
        ways.append((target.head, *head))
    if target.copy_from:
        source = (target.standby_ssh or here, resolved.os_user, resolved.bin_directory, target.copy_conninfo)
        ways.append((target.copy_from, *source))
    return tuple(
        Desk(node, host, user, _psql(programs, conninfo), shlex.quote(conninfo))
        for node, host, user, programs, conninfo in ways
    )


def desks_of_seats(change: RoleChange) -> tuple[Desk, ...]:
    """One for every server whose role changes, or who follows. Of a host that cannot be reached nothing is known."""
    here = socket.gethostname()
    return tuple(
        Desk(
            seat.name,
            seat.ssh or ("-" if seat.away else here),
            seat.os_user or "-",
            _psql(seat.bin_directory, seat.conninfo),
            shlex.quote(seat.conninfo),
        )
        for seat in change.seats
    )


def _standby(resolved: Resolved) -> str:
    """By its Unix socket, on its own host; where both are on this machine, as the primary is reached."""
    target = resolved.target
    if not target.apart:
        params = parse_conninfo(resolved.conninfo) | {"port": str(target.port)}
        return make_conninfo(params.items())
    where = [("host", target.service.socket), ("port", str(target.port)), ("dbname", "postgres")]
    return make_conninfo(where)


def _psql(bin_directory: str, conninfo: str) -> str:
    """As all our own sessions: no commit in it waits for a synchronous standby."""
    params = parse_conninfo(conninfo)
    params["options"] = f"{params.get('options', '')} -c synchronous_commit=local".strip()
    command = [posixpath.join(bin_directory, "psql"), "-X", "-d", make_conninfo(params.items())]
    return shlex.join(command)
