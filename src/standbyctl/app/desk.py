"""Where a person sits down to do by hand what a plan does: hosts, users, and a psql for each server."""

from __future__ import annotations

import posixpath
import shlex
import socket
from dataclasses import dataclass

from standbyctl.app.request import Resolved
from standbyctl.domain.conf import make_conninfo
from standbyctl.nodes.libpq import parse_conninfo


@dataclass(frozen=True, slots=True)
class Desk:
    """One node. `host`: as ssh takes it, or the name of the machine that the plan was made on; `user`: its server's.

    `psql`: what opens a session there. No secret is in it.
    """

    node: str
    host: str
    user: str
    psql: str


def desks(resolved: Resolved) -> tuple[Desk, ...]:
    """One for every node that something is done on."""
    target = resolved.target
    here = socket.gethostname()
    primary_host = target.primary_ssh or (target.primary_host if target.away else here)
    found = [
        Desk(
            target.primary,
            primary_host,
            resolved.primary_user or resolved.os_user,
            _psql(resolved.primary_bin, resolved.conninfo),
        ),
        Desk(
            target.name, target.standby_ssh or here, resolved.os_user, _psql(resolved.bin_directory, _standby(resolved))
        ),
    ]
    if target.head:
        found.append(
            Desk(
                target.head,
                target.head_ssh or here,
                resolved.primary_user,
                _psql(resolved.primary_bin, target.head_conninfo),
            )
        )
    if target.copy_from:
        found.append(
            Desk(
                target.copy_from,
                target.standby_ssh,
                resolved.os_user,
                _psql(resolved.bin_directory, target.copy_conninfo),
            )
        )
    return tuple(found)


def _standby(resolved: Resolved) -> str:
    """By its Unix socket, on its own host; where both are on this machine, as the primary is reached."""
    target = resolved.target
    if not target.apart:
        params = parse_conninfo(resolved.conninfo) | {"port": str(target.port)}
        return make_conninfo(params.items())
    where = [("host", target.service.socket), ("port", str(target.port)), ("dbname", "postgres")]
    return make_conninfo(where)


def _psql(bin_directory: str, conninfo: str) -> str:
    return shlex.join([posixpath.join(bin_directory, "psql"), "-X", "-d", conninfo])
