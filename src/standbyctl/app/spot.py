"""Where a standby is to go: its machine, its directory, its user, and how it gets to its primary from there."""

from __future__ import annotations

import os
import posixpath
import pwd
import socket
from pathlib import Path

from standbyctl.app.hosts import Hosts
from standbyctl.app.route import Route, bin_directory, running_port
from standbyctl.app.ways import Way
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import name_from_address
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.nodes.ports import Host
from standbyctl.observe.reading import parse_probe
from standbyctl.observe.texts import text


@dataclass(frozen=True, slots=True)
class Spot:
    """`port`: of the cluster that is there, 0 where there is none. `primary_user`: whom the primary runs as."""

    data_directory: str
    port: int
    free_port: int
    hostname: str
    os_user: str
    primary_user: str
    bin_directory: str
    service: Service = PG_CTL


def local_spot(route: Route, given: str, name: str) -> Spot:
    """On this machine, where the primary is too. By its real path: one directory has one name."""
    beside = posixpath.join(posixpath.dirname(route.data_directory), name or "standby")
    data_directory = os.path.realpath(given or beside)
    user = local_user(data_directory, route.data_directory)
    return Spot(
        data_directory=data_directory,
        port=running_port(data_directory),
        free_port=0,
        hostname=socket.gethostname(),
        os_user=user,
        primary_user=user,
        bin_directory=bin_directory(route),
    )


def local_user(data_directory: str, primary_directory: str) -> str:
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
    raise no_owner(posixpath.dirname(data_directory))


def no_owner(path: str) -> UsageError:
    """Nobody is known that PostgreSQL could run as."""
    return UsageError(
        "C106",
        msg("cannot tell which user the standby is to run as"),
        detail=msg("PostgreSQL does not run as root, and root owns {path}.", path=path),
        hint=msg("Give that directory to the server's user, usually postgres."),
    )


def distant_spot(
    hosts: Hosts, route: Route, given: str, cluster: str, ways: tuple[Way, ...] = (), *, only: bool = False
) -> tuple[Spot, Route]:
    """On another machine, or on this one with the primary on another; and the route from there.

    `ways`: to the primary, as the operator or ssh knows them; unless these are the `only` ones, its host is asked for
    the addresses that it has itself.
    """
    there = [] if hosts.away else ask(hosts.primary(), "addresses.sh", route.data_directory)
    words = dict(there)
    own = () if only else (Way(value, route.own_port) for key, value in there if key == "address")
    tried = tuple(dict.fromkeys([*ways, *own]))
    asked = (given, cluster, str(route.major), route.data_directory, str(route.own_port), "\n".join(map(str, tried)))
    here = dict(ask(hosts.standby(), "where.sh", *asked, words.get("machine", "")))
    _check_cluster(here, cluster)
    if not here.get("owner"):
        raise no_owner(here["data"])
    spot = Spot(
        data_directory=here["data"],
        port=_number(here.get("cluster_port", "") or here["running_port"]),
        free_port=_number(here["free_port"]),
        hostname=here["hostname"],
        os_user=here["owner"],
        primary_user=words.get("owner", ""),
        bin_directory=here["bin"] or route.bindir,
        service=_service(here),
    )
    address = here.get("address", "")
    first = next(iter(tried), Way(route.host, route.port))
    return spot, replace(
        route,
        name=name_from_address(words.get("hostname", "") or first.host, route.own_port),
        name_there=here.get("name", ""),
        host=address or first.host,
        port=_number(here.get("at", "")) or first.port,
        source=here.get("source") or route.source,
        # Without PostgreSQL there, nobody has tried.
        reachable=bool(address or not here["bin"]),
    )


def _service(here: dict[str, str]) -> Service:
    return Service(
        unit=here.get("unit", ""),
        config_file=here.get("config", ""),
        as_root=here["root"] == "yes" and bool(here.get("unit")),
        user=here["owner"],
        socket=here.get("socket", ""),
    )


def _check_cluster(here: dict[str, str], cluster: str) -> None:
    if missing := here.get("config_missing"):
        raise UsageError(
            "C120",
            msg("there is no cluster {cluster} on {host}", cluster=cluster, host=here["hostname"]),
            detail=msg("{path} is not there, or {user} may not read it.", path=missing, user=here["login"]),
            hint=msg("Make one (pg_createcluster), or name another with --cluster VERSION/NAME."),
        )
    if cluster and here["cluster_data"] != here["data"]:
        raise UsageError(
            "C120",
            msg("the cluster {cluster} has another data directory", cluster=cluster),
            detail=msg("Its own: {own}. Given: {given}.", own=here["cluster_data"], given=here["data"]),
            hint=msg("Leave one of -D and --cluster out."),
        )


def ask(host: Host, script: str, *args: str) -> list[tuple[str, str]]:
    """The lines of one script; raises CannotTellError where it did not come to its end."""
    done = host.script(text(script), *args)
    pairs = parse_probe(done.stdout.decode("utf-8", "surrogateescape"))
    if ("end", "yes") not in pairs:
        raise CannotTellError("A202", msg("cannot look at a host"), detail=msg("{e}", e=done.stderr))
    return pairs


def _number(word: str) -> int:
    return int(word) if word.isdigit() else 0
