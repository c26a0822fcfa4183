"""By which addresses a standby may reach its primary, and as whom the primary then sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from standbyctl.app.hosts import Hosts
from standbyctl.app.route import Route
from standbyctl.app.servers import addresses_of
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.target import Target
from standbyctl.nodes.ports import Server
from standbyctl.observe.translation import seen_from

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9_.%-]+|\[[0-9A-Fa-f:.%]+\])(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Way:
    """An address to try from the standby's host. `sure`: that it is the primary's is known, whatever it looks like."""

    host: str
    port: int
    sure: bool = False

    def __str__(self) -> str:
        return f"{self.host} {self.port} {'sure' if self.sure else 'maybe'}"


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of --primary-address; 0 for a port that was not given.

    >>> parse_address("db1"), parse_address("10.0.0.1:6432"), parse_address("fd00::1"), parse_address("[fd00::1]:6432")
    (('db1', 0), ('10.0.0.1', 6432), ('fd00::1', 0), ('fd00::1', 6432))
    """
    if text.count(":") > 1 and _is_address(text):
        return text, 0
    found = _ADDRESS.fullmatch(text)
    if found is None or found["host"].startswith("-") or int(found["port"] or 1) not in range(1, 65536):
        raise UsageError(
            "C107",
            msg('"{text}" is no value of {name}', text=text, name="primary_address"),
            hint=msg("Write it as HOST, HOST:PORT or [IPV6]:PORT, as the standby's host knows it."),
        )
    return found["host"].strip("[]"), int(found["port"] or 0)


def written(host: str, port: int) -> str:
    """The same the other way round."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ways_to(
    params: Mapping[str, str], hosts: Hosts, route: Route, given: str, earlier: Target | None
) -> tuple[Way, ...]:
    """What to try: where it was said, only that; else as before, and by what the operator and ssh call it."""
    if given:
        host, port = parse_address(given)
        return (Way(host, port or route.own_port, sure=True),)
    return tuple(dict.fromkeys(_ways(params, hosts, route, earlier)))


def _ways(params: Mapping[str, str], hosts: Hosts, route: Route, earlier: Target | None) -> Iterator[Way]:
    if earlier and not earlier.tunnel.used:
        yield Way(earlier.primary_host, earlier.primary_port, sure=True)
    # What leads there from this machine does so for a standby that is on it.
    here = not hosts.standby_ssh
    asked = [*addresses_of(params, hosts)]
    if route.by_tcp:
        named = asked[: len(asked) - bool(hosts.primary_ssh)]
        # But not a forwarded port: it may be there only as long as the operator is.
        yield from (Way(host, route.port, sure=here and not _loopback(host)) for host in (*named, route.host))
        asked = asked[len(named) :]
    yield from (Way(host, route.own_port) for host in asked)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_unasked(given: str, *, tunnel: bool = False) -> None:
    """UsageError where an address was given for a standby beside its primary, or at the end of a tunnel."""
    if given and tunnel:
        raise UsageError(
            "C107",
            msg("--primary-address and --via ssh-tunnel exclude each other"),
            detail=msg("A standby connects to the near end of its tunnel."),
            hint=msg("Say where the sshd of the primary's host is with --tunnel-login @HOST:PORT."),
        )
    if given:
        raise UsageError(
            "C107",
            msg("--primary-address is for a standby on another host than its primary"),
            detail=msg("Both are on this one, and the standby connects where -p does."),
            hint=msg("Leave it out, or say where the hosts are: --primary-ssh, --standby-ssh."),
        )


def translated(route: Route, server: Server, hosts: Hosts, earlier: Target | None) -> Route:
    """The route as the primary sees it: where something on the way translates addresses, it sees another one.

    What cannot be found out now is as it was.
    """
    if not route.reachable or not route.superuser:
        seen = ""
    else:
        seen = seen_from(server, hosts.standby(), route.host, route.port, route.source)
    if not seen and earlier and earlier.own_address == route.source:
        seen = earlier.source_address
    if seen in {"", route.source}:
        return route
    return replace(route, source=seen, own_address=route.source)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
