"""Where the servers of a cluster live: by journals of attaches, and by what their hosts say."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.app.config import Config
from standbyctl.app.conninfo import connection_params
from standbyctl.app.hosts import Hosts
from standbyctl.app.known import Ran
from standbyctl.app.servers import PACKAGED_USER, primary_server, standby_server
from standbyctl.app.spot import ask
from standbyctl.app.state import State
from standbyctl.domain.conf import make_conninfo
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Server
from standbyctl.domain.message import msg
from standbyctl.domain.record import replace
from standbyctl.domain.roles import RoleChange, Seat
from standbyctl.domain.service import Service
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Journal
from standbyctl.nodes.ports import Host, Reached
from standbyctl.planner.plan import first_facts


def seat_of_standby(run: Ran, hosts: Hosts) -> Seat:
    """Of a standby that was attached from here. Its own host is asked, and nobody else: its primary may be gone."""
    target = run[0]
    there = hosts.beside(target.primary_ssh, target.standby_ssh, away=target.away)
    user = target.service.user or owner(there.standby(), target.data_directory)
    return Seat(
        name=target.name,
        data_directory=target.data_directory,
        bin_directory=_programs(target.name, there.standby(user), target.data_directory),
        port=target.port,
        os_user=user,
        conninfo=_conninfo_of(run),
        ssh=target.standby_ssh,
        service=replace(target.service, user=user),
    )


def seat_unasked(run: Ran) -> Seat:
    """The same of one whose host does not answer: as it was attached."""
    target = run[0]
    return Seat(
        name=target.name,
        data_directory=target.data_directory,
        bin_directory="",
        port=target.port,
        os_user=target.service.user,
        conninfo=_conninfo_of(run),
        ssh=target.standby_ssh,
        service=target.service,
        away=True,
    )


def seat_of_primary(run: Ran, hosts: Hosts, config: Config, server: Reached) -> Seat:
    """Of the primary of that standby, which is asked where it lives."""
    target, conninfo, _ = run
    node = config.node(target.primary)
    ssh = target.primary_ssh or (node.ssh if node else "")
    [(data, port, number)] = server.observe(
        "SELECT current_setting('data_directory'), current_setting('port')::int,"
        " current_setting('server_version_num')::int"
    )
    if target.away and not ssh:
        return Seat(target.primary, data, "", port, "", conninfo, away=True)
    host = hosts.beside(ssh, target.standby_ssh).primary
    here = dict(ask(host(), "where.sh", data, "", str(number // 10000), data, str(port), "", ""))
    user = here.get("owner", "") or PACKAGED_USER
    unit = here.get("unit", "")
    service = Service(unit, here.get("config", ""), bool(unit) and here["root"] == "yes", user, here.get("socket", ""))
    programs = _programs(target.primary, host(user), data)
    return Seat(target.primary, data, programs, port, user, conninfo, ssh, service)


def where_it_was(run: Ran, state: State, config: Config) -> Seat:
    """Of a primary that may be gone: as it was when its standby was attached, or roles changed. Nobody is asked."""
    target, conninfo, system = run
    journal = state.journal(target.name)
    # What was made for its standby may be older than its being the primary, and of the one before.
    if (seat := _last_seat(state, target.primary, system)) is not None:
        return replace(seat, away=True)
    node = config.node(target.primary)
    ssh = target.primary_ssh or (node.ssh if node else "")
    known = _first_seen(journal, target.primary)
    data = (known.setting("data_directory").value if known else "") or (node.data_directory if node else "")
    return Seat(target.primary, data, "", target.primary_port, "", conninfo, ssh, away=True)


def _last_seat(state: State, name: str, system: str) -> Seat | None:
    """Where a node was when roles were changed last: it was looked at then."""
    file = state.role_journal(name, system).path.name
    mine = [journal for journal in state.role_journals() if journal.path.name == file]
    seats: dict[str, Seat] = {}
    for journal in sorted(mine, key=lambda each: each.path.stat().st_mtime):
        if (change := journal.last(RoleChange)) is not None:
            seats |= {seat.name: seat for seat in change.seats}
    return seats.get(name)


def major_of(journal: Journal) -> int:
    """Of the primary that a standby was attached to, by its journal; 0 where that does not say it."""
    run = journal.run()
    known = _first_seen(journal, run[0].primary) if run else None
    return known.version_num // 10000 if known else 0


def _first_seen(journal: Journal, name: str) -> Server | None:
    facts = first_facts(journal.memory())
    return next((each.server for each in facts.nodes if each.name == name), None) if facts else None


def seat_again(seat: Seat, target: Target, number: int, hosts: Hosts) -> Seat:
    """The same as its host has it now; away where that does not answer. `number`: the major version."""
    if not seat.data_directory or (target.away and not seat.ssh):
        return seat
    host = hosts.beside(seat.ssh, target.standby_ssh).primary
    data = seat.data_directory
    try:
        here = dict(ask(host(), "where.sh", data, "", str(number or ""), data, "", "", ""))
    except CannotTellError:
        return replace(seat, away=True)
    user = here.get("owner", "") or PACKAGED_USER
    try:
        programs = _programs(seat.name, host(user), data)
    except CannotTellError:
        # A resync that was killed has put the directory aside.
        programs = seat.bin_directory or here.get("bin", "")
    unit = here.get("unit", "")
    service = Service(unit, here.get("config", ""), bool(unit) and here["root"] == "yes", user, here.get("socket", ""))
    return replace(seat, bin_directory=programs, os_user=user, service=service, away=False)


def server_of_primary(run: Ran, hosts: Hosts) -> Reached:
    """The way to it that its standby was attached by."""
    target, conninfo, _ = run
    there = hosts.beside(target.primary_ssh, target.standby_ssh, away=target.away)
    return primary_server(target.primary, connection_params(conninfo), there)


def server_of_standby(run: Ran, primary: Reached, hosts: Hosts) -> Reached:
    """The same of a standby."""
    target = run[0]
    return standby_server(target, primary, hosts.beside(target.primary_ssh, target.standby_ssh, away=target.away))


def _conninfo_of(run: Ran) -> str:
    """How a standby is reached as a primary later: as its primary is, or by the socket on its own host."""
    target, conninfo, _ = run
    if target.apart:
        return make_conninfo([("host", target.service.socket), ("port", str(target.port))])
    return make_conninfo({**_plain(connection_params(conninfo)), "port": str(target.port)}.items())


def _plain(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key not in {"hostaddr", "port"}}


def owner(host: Host, data_directory: str) -> str:
    """Whose a data directory is, on its host; whoever asks may not be able to see it."""
    done = host.script('stat -c %U -- "$1"', data_directory)
    return done.stdout.decode(errors="replace").strip() or PACKAGED_USER


def _programs(name: str, host: Host, data_directory: str) -> str:
    found = dict(ask(host, "seat.sh", data_directory)).get("bin", "")
    if not found or found == ".":
        raise CannotTellError(
            "A202",
            msg("cannot tell where the programs of {node} are", node=name),
            detail=msg("Neither its process nor {path}/postmaster.opts says it.", path=data_directory),
            hint=msg("Look whether {path} is its data directory, and who may read it.", path=data_directory),
        )
    return found
