"""A primary that was lost before, and is one again: nobody else is promoted beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from standbyctl.app.conninfo import connection_params
from standbyctl.app.known import formers_of
from standbyctl.app.roles import Reachable
from standbyctl.app.servers import primary_server
from standbyctl.app.state import State
from standbyctl.domain.errors import Blocker, CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.ports import Server

SECONDS = 2.0
# By its start one knows a server, whatever address leads to it: clients follow one that moves.
_ASKED = """
SELECT NOT pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_control_system()),
       extract(epoch FROM pg_postmaster_start_time())::text
"""


def awake(reached: Reachable, state: State) -> Iterator[Blocker]:
    """Everybody who was lost, is none of those that the change is about, and takes writes."""
    change, system = reached.change, reached.system_identifier
    ours: set[str] | None = None
    for former, _, its in formers_of(state):
        if its != system or former.old in change.names:
            continue
        seat = former.seat(former.old)
        there = reached.hosts.beside(seat.ssh, "", away=seat.away and not seat.ssh)
        server = primary_server(seat.name, connection_params(seat.conninfo), there)
        try:
            writes, found, started = _ask(server)
        except CannotTellError:
            continue
        finally:
            server.close()
        if ours is None:
            ours = {*_starts(reached)}
        if writes and found == system and started not in ours:
            yield Blocker(
                "R419",
                msg("there are two primaries: {one} and {other}", one=change.old, other=seat.name),
                msg("{name} was lost in a failover, and takes writes again.", name=seat.name),
                msg("Save what only {name} has, then stop it and make it a standby: standbyctl resync {name}",
                    name=seat.name),
                refused=True,
            )  # fmt: skip


def _ask(server: Server) -> tuple[bool, str, str]:
    [(writes, system, started)] = server.observe(_ASKED, timeout_seconds=SECONDS)
    return writes, system, started


def _starts(reached: Reachable) -> Iterator[str]:
    for door in reached.doors.values():
        with suppress(CannotTellError):
            yield _ask(door.server)[2]
