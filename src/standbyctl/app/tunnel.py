"""How the tunnel of a standby would go: asked of both hosts, and tried; nothing decided."""

from __future__ import annotations

import re

from standbyctl.app.hosts import Hosts
from standbyctl.app.route import Route
from standbyctl.app.spot import Spot, ask
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import tunnel_path
from standbyctl.domain.record import replace
from standbyctl.domain.tunnel import Approach, Tunnel, Via

_FIRST_PORT = 15432
_LOGIN = re.compile(
    r"(?P<user>[A-Za-z_][A-Za-z0-9_.-]*\$?)?(?:@(?P<host>[A-Za-z0-9_.%-]+|\[[0-9A-Fa-f:.%]+\])(?::(?P<port>\d{1,5}))?)?"
)


def via_of(asked: str, earlier: Tunnel | None, hosts: Hosts) -> Via:
    """As asked; else as it was begun; UsageError for a tunnel to nowhere else."""
    via = Via(asked) if asked else Via.SSH_TUNNEL if earlier and earlier.used else Via.DIRECT
    if via is Via.SSH_TUNNEL and not hosts.apart:
        raise UsageError(
            "C122",
            msg("a tunnel goes from one host to another, and both servers are on this one"),
            hint=msg("Say where they are (--primary-ssh, --standby-ssh), or leave --via out."),
        )
    if via is Via.SSH_TUNNEL and hosts.away:
        raise UsageError(
            "C122",
            msg("a tunnel takes a shell on the primary's host"),
            detail=msg("It ends there, and nothing says how that host is reached."),
            hint=msg("Say how: --primary-ssh HOST."),
        )
    return via


def parse_login(text: str) -> tuple[str, str, int]:
    """Account, host and port of --tunnel-login; what was not given is empty.

    >>> parse_login("tunnel"), parse_login("@10.0.0.1"), parse_login("a@[fd00::1]:2222"), parse_login("")
    (('tunnel', '', 0), ('', '10.0.0.1', 0), ('a', 'fd00::1', 2222), ('', '', 0))
    """
    found = _LOGIN.fullmatch(text)
    if found is None or (found["host"] or "").startswith("-"):
        raise UsageError(
            "C107",
            msg('"{text}" is no value of {name}', text=text, name="tunnel_login"),
            hint=msg("Write it as USER, @HOST or USER@HOST:PORT, as the standby's host knows it."),
        )
    return found["user"] or "", (found["host"] or "").strip("[]"), int(found["port"] or 0)


def find_tunnel(
    hosts: Hosts, route: Route, spot: Spot, name: str, asked: str, earlier: Tunnel | None, tried: list[str]
) -> tuple[Tunnel, Approach]:
    """Where it would begin and end, and what there is for it. `earlier`: what was begun goes on as it was."""
    user, host, ssh_port = parse_login(asked)
    earlier = earlier if earlier and earlier.used else None
    if earlier:
        user, host, ssh_port = user or earlier.login, host or earlier.host, ssh_port or earlier.ssh_port
    pairs = ask(hosts.primary(), "tunnel_end.sh", route.data_directory, str(route.own_port), user)
    there = dict(pairs)
    if there["login"] and not there.get("account"):
        raise UsageError(
            "C122",
            msg("there is no account {login} on the primary's host", login=there["login"]),
            hint=msg("Name another with --tunnel-login USER."),
        )
    keys = [value for key, value in pairs if key == "host_key"]
    own = [value for key, value in ask(hosts.primary(), "addresses.sh", route.data_directory) if key == "address"]
    addresses = [host] if host else list(dict.fromkeys([*tried, *own]))
    tunnel = Tunnel(
        name=name,
        directory=tunnel_path(spot.data_directory),
        user=spot.os_user,
        login=there["login"],
        ssh_port=ssh_port or int(there["ssh_port"]),
        end=there.get("end_address", ""),
        end_port=route.own_port,
        before=spot.service.unit,
    )
    asked_there = (tunnel.unit, str(_FIRST_PORT), str(tunnel.ssh_port), "\n".join(keys), "\n".join(addresses))
    said = ask(hosts.standby(), "approach.sh", *asked_there)
    here = dict(said)
    approach = Approach(
        client=bool(here.get("program")),
        os=here.get("os", "").strip(),
        service=here.get("systemd") == "yes",
        root=here.get("root") == "yes",
        files=there.get("files") == "yes",
        host_keys=bool(keys),
        reached=bool(here.get("host")),
        tried=tuple(addresses),
        others=tuple(value for key, value in said if key == "other"),
    )
    found = here.get("host") or host or next(iter(addresses), "")
    tunnel = replace(tunnel, host=found, port=int(here["port"]), program=here.get("program", "ssh"))
    if earlier:
        kept = replace(earlier, login=tunnel.login, host=tunnel.host, ssh_port=tunnel.ssh_port)
        return replace(kept, end=earlier.end or tunnel.end), approach
    return tunnel, approach


def by_tunnel(route: Route, tunnel: Tunnel) -> Route:
    """The same primary by way of the tunnel: both its server and the standby see their own host's address."""
    return replace(route, host="127.0.0.1", port=tunnel.port, source=tunnel.end, reachable=bool(tunnel.end))
