"""Which primary and which standby a verification is about: by the attach from here, or by hand."""

from __future__ import annotations

import os

from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.request import connection_params
from standbyctl.app.servers import primary_server, standby_server
from standbyctl.app.state import State
from standbyctl.diagnosis.sight import Ends
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, field
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.ports import Reached


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers, and what is expected of them; `by_hand`: what is expected is what the standby says of itself.

    `head`: the primary of both, where `primary` is a standby itself.
    `os_user`: whom the standby runs as on its host; empty where that is this machine.
    """

    ends: Ends
    primary: Reached
    standby: Reached
    by_hand: bool
    hosts: Hosts = field(default_factory=Hosts)
    os_user: str = ""
    head: Reached | None = None


def find(name: str, primary: tuple[str, str], standby: tuple[str, str], state: State) -> Pair:
    """By its attach from here, or by hand. `primary`, `standby`: name and conninfo of each, empty where not given."""
    if not name and standby[1] and not primary[1]:
        raise UsageError(
            "C113",
            msg("which primary?"),
            detail=msg("-s says where the standby is, and neither NAME nor -p whose standby it is."),
            hint=msg("Say where both are: standbyctl verify -p CONNINFO -s CONNINFO; or name one attached from here."),
        )
    if not name and not standby[1]:
        name = _only(state)
    run = state.journal(name).run() if name else None
    if run is None:
        if not (primary[1] and standby[1]):
            raise UsageError(
                "C110",
                msg("nothing is known here of an attach of {name}", name=name or msg("it")),
                detail=msg("Attached from here: {known}.", known=", ".join(state.names()) or msg("none")),
                hint=msg("Say where both are: standbyctl verify -p CONNINFO -s CONNINFO"),
            )
        called = primary[0] or "the primary", name or standby[0] or "the standby"
        servers = _server(called[0], primary[1], "the primary"), _server(called[1], standby[1], "the standby")
        return Pair(Ends(*called, None, None), *servers, by_hand=True)
    target, conninfo, system_identifier = run
    hosts = Hosts(target.primary_ssh, target.standby_ssh, ssh_command(os.environ), target.away)
    head = None
    if target.head:
        above = hosts.beside(target.head_ssh, target.standby_ssh)
        head = primary_server(target.head, connection_params(primary[1] or target.head_conninfo, "the primary"), above)
    reached = conninfo if target.head else primary[1] or conninfo
    server = primary_server(target.primary, connection_params(reached, "the primary"), hosts)
    other = _server(name, standby[1], "the standby") if standby[1] else standby_server(target, server, hosts)
    ends = Ends(target.primary, name, name, target.slot, system_identifier, target.primary_port, target.head)
    return Pair(ends, server, other, by_hand=False, hosts=hosts, os_user=target.service.user, head=head)


def _server(name: str, conninfo: str, whose: str) -> LibpqServer:
    return LibpqServer(name, connection_params(conninfo, whose))


def _only(state: State) -> str:
    names = state.names()
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "C113",
        msg("which standby?") if names else msg("nothing is attached from here"),
        detail=msg("Attached from here: {names}.", names=", ".join(names))
        if names
        else msg("State: {path}", path=state.root),
        hint=msg("Name one of them.") if names else msg("Say where both are: -p CONNINFO -s CONNINFO"),
    )
