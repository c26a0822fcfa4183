"""The primary at the head of a chain, and the standby in between that another is to stream from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from standbyctl.app.conninfo import connection_params
from standbyctl.app.hosts import Hosts
from standbyctl.app.route import Route, find_route
from standbyctl.app.servers import PACKAGED_USER, primary_server
from standbyctl.app.spot import ask
from standbyctl.app.state import State
from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.message import msg
from standbyctl.domain.names import name_from_address
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.target import Target
from standbyctl.nodes.libpq import parse_conninfo
from standbyctl.nodes.ports import Reached

_ADDRESS = {"host", "hostaddr"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The head and how it is reached; and how the upstream is. All empty where the standby streams from the primary.

    `given`: whether the operator has named the head.
    """

    head: str = ""
    head_ssh: str = ""
    head_conninfo: str = ""
    server: Reached | None = None
    superuser: bool = True
    given: bool = False
    name: str = ""
    conninfo: str = ""
    ssh: str = ""

    def called(self, earlier: str) -> Chain:
        """With the name that the head had at first, unless another was given."""
        if self.server is None or self.given or not earlier:
            return self
        return replace(self, head=earlier, server=self.server.renamed(earlier))

    def close(self) -> None:
        """End the session to the head."""
        if self.server is not None:
            self.server.close()


NO_CHAIN = Chain()


def find_chain(
    upstream: tuple[str, str, str],
    conninfo: str,
    name: str,
    hosts: Hosts,
    despite: Collection[str],
    state: State,
) -> Chain:
    """Ask the head once; raises what `find_route` does. `upstream`: what was asked for, its name and its ssh."""
    asked, called, ssh = upstream
    run = state.journal(asked).run() if asked in state.names() else None
    server = primary_server(name or "the primary", connection_params(conninfo), hosts)
    route = find_route(server, despite, apart=hosts.apart)
    away = route.away and not hosts.primary_ssh
    try:
        head = name or (run[0].writer if run else "") or _name(route, hosts, away=away)
        if run is not None and run[0].apart:
            params, ssh, same = _by_its_socket(run[0]), ssh or run[0].standby_ssh, False
        else:
            text = f"port={run[0].port}" if run else asked
            params = connection_params(text, msg("the standby to stream from (--upstream)"))
            same = not ssh or ssh == hosts.primary_ssh
        if same and not away:
            ssh = ssh or hosts.primary_ssh
        return Chain(
            head=head,
            head_ssh=hosts.primary_ssh,
            head_conninfo=route.conninfo,
            server=server.renamed(head),
            superuser=route.superuser,
            given=bool(name),
            name=asked if run else called,
            conninfo=make_conninfo(sorted(_complete(params, route, same=same).items())),
            ssh=ssh,
        )
    except BaseException:
        server.close()
        raise


def reach_head(target: Target, given: str, hosts: Hosts) -> Chain:
    """The head that the journal has; `given`: where it is by now."""
    there = hosts.beside(target.head_ssh, target.standby_ssh)
    server = primary_server(target.head, connection_params(given or target.head_conninfo), there)
    route = find_route(server, apart=there.apart)
    return Chain(head=target.head, head_conninfo=route.conninfo, server=server, superuser=route.superuser)


def _name(route: Route, hosts: Hosts, *, away: bool) -> str:
    """As a primary is named that something is attached to from here."""
    if not hosts.apart or away:
        return route.name
    words = dict(ask(hosts.primary(), "addresses.sh", route.data_directory))
    return name_from_address(words.get("hostname", "") or route.host, route.own_port)


def _by_its_socket(target: Target) -> dict[str, str]:
    """A standby that was attached from here on another host: as its attach has reached it."""
    where = {"host": target.service.socket} if target.service.socket else {}
    return {**where, "port": str(target.port), "user": target.service.user or PACKAGED_USER, "dbname": "postgres"}


def _complete(params: Mapping[str, str], route: Route, *, same: bool) -> dict[str, str]:
    """Who connects, and how, is as to the head where it does not say otherwise; `same`: and so is the host."""
    if "service" in params or not (same or _ADDRESS & set(params)):
        return dict(params)
    head = parse_conninfo(route.conninfo)
    ours = {key: value for key, value in head.items() if key not in {*_ADDRESS, "port", "service"}}
    where = {} if _ADDRESS & set(params) else {key: head[key] for key in _ADDRESS & set(head)}
    return {**ours, **where, **params}
