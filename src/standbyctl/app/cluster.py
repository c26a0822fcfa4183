"""The servers of one cluster, as they are known here: by journals of attaches, by configuration, or by conninfo."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping, Sequence

from standbyctl.app.config import Config
from standbyctl.app.hosts import Hosts
from standbyctl.app.known import (
    Head,
    Ran,
    credentials,
    formers_of,
    head_of,
    heads_of,
    hosts_of,
    only_one,
    runs_of,
    same_door,
)
from standbyctl.app.request import connection_params
from standbyctl.app.servers import PACKAGED_USER, primary_server, standby_server
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.picture import Expected
from standbyctl.domain.record import dataclass
from standbyctl.domain.roles import RoleChange
from standbyctl.monitor.rounds import ANSWER_SECONDS
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.ports import Clock, Host, Reached
from standbyctl.observe.samples import Sampler


@dataclass(slots=True)
class Cluster:
    """Every server of one system identifier, and the way to each. `head`: its primary's name, met by `conninfo`."""

    head: str
    conninfo: str
    system_identifier: str
    server: Reached
    samplers: tuple[Sampler, ...]
    expected: tuple[Expected, ...]
    hosts: Hosts

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.hosts.close()


def open_cluster(
    asked: str, primary_name: str, config: Config, state: State, clock: Clock, earlier: Cluster | None = None
) -> Cluster:
    """`asked`: a conninfo or a known name; empty for the only cluster that is known here.

    `earlier`: that one again, whatever else was asked for, as it is known now: of its runs there may be none left.
    """
    runs = runs_of(state)
    every = heads_of(runs, state)
    known: Head | None
    if earlier:
        # By the same conninfo: another primary of its has another. Its name may be known better now.
        met = (earlier.conninfo, earlier.system_identifier)
        known = next((each for each in every[::-1] if each[1:] == met), (earlier.head, *met))
        primary_name = earlier.head if config.node(earlier.head) else ""
    else:
        if not asked and not every and (node := next((each for each in config.nodes if each.conninfo), None)):
            asked, primary_name = node.conninfo, node.name
        known = _known(asked, every, runs) if asked else only_one(every, state)
    name = primary_name or (known[0] if known else "primary")
    hosts = hosts_of(runs, known, formers := formers_of(state))
    if earlier and all(run[2] != earlier.system_identifier for run in runs.values()):
        # How its host is reached no run says any more.
        hosts = Hosts(earlier.hosts.primary_ssh, "", hosts.command, earlier.hosts.away)
    conninfo = known[1] if known else asked
    # Who is asked for as another role than attached is looked at by that one, and so are those that belong to it.
    given = {} if any(conninfo == each[1] for each in every) else credentials(conninfo)
    server = primary_server(name, connection_params(conninfo), hosts)
    doors = _Doors(clock)
    if known and not earlier and known not in every and _system(server, known[2]) != known[2]:
        known, name = None, primary_name or "primary"  # another was made at that address
        server = server.renamed(name)
    if known:
        system = known[2]
        doors.add(name, server, hosts.primary(_user_there(hosts)), by_ssh=bool(hosts.primary_ssh))
    else:
        system = _system(server)
    called = {each: name for each, door, its in every if its == system and same_door(door, conninfo)}
    ours = {each: run for each, run in runs.items() if run[2] == system}
    for run in ours.values():
        _add_run(doors, run, hosts, given, called)
    _add_formers(doors, (change for change, _, its in formers if its == system), hosts)
    # One server has one name, however it is asked for: the first that it is met by.
    doors.add(name, server, _this_host())
    for node in config.nodes:
        if node.conninfo:
            doors.add(node.name, LibpqServer(node.name, connection_params(node.conninfo)), _this_host())
    return Cluster(name, conninfo, system, server, doors.all(), _expected(ours, state, called), hosts)


def _expected(ours: Mapping[str, Ran], state: State, called: Mapping[str, str]) -> tuple[Expected, ...]:
    unfinished = {each for each in ours if state.journal(each).unproven()}
    return tuple(
        Expected(run[0].name, run[0].slot, called.get(run[0].primary, run[0].primary), each in unfinished)
        for each, run in ours.items()
    )


def _known(asked: str, every: Sequence[Head], runs: Mapping[str, Ran]) -> Head | None:
    """By its name or conninfo, or the name of a standby of it; by another conninfo of the same address it is the same
    one, met by that.
    """
    for each in every[::-1]:
        if asked in each[:2]:
            return each
    if asked in runs:
        return head_of(runs[asked])
    found = {(name, system) for name, door, system in every if same_door(door, asked)} if asked else set()
    return next(((name, asked, system) for name, system in found), None) if len(found) == 1 else None


def _system(server: Reached, unless_told: str = "") -> str:
    """Of whom it answers as; raises CannotTellError where there is nothing to go by."""
    query = "SELECT system_identifier::text FROM pg_control_system()"
    try:
        [(system,)] = server.observe(query, timeout_seconds=ANSWER_SECONDS)
    except CannotTellError:
        if unless_told:
            return unless_told
        raise
    return str(system)


@dataclass(slots=True)
class _Doors:
    """One sampler for each name: the first way to it that is known."""

    clock: Clock
    samplers: dict[str, Sampler]

    def __init__(self, clock: Clock) -> None:
        self.clock, self.samplers = clock, {}

    def add(self, name: str, server: Reached, host: Host, *, by_ssh: bool = False) -> None:
        if name not in self.samplers:
            self.samplers[name] = Sampler(name, server, self.clock, host, by_ssh=by_ssh)

    def all(self) -> tuple[Sampler, ...]:
        return tuple(self.samplers.values())


def _add_run(doors: _Doors, run: Ran, hosts: Hosts, given: Mapping[str, str], called: Mapping[str, str]) -> None:
    """What an attach from here was of: the primary at the head, what is in between, and the standby.

    `given`: who logs in, where that is another than was attached by. `called`: names by which others are known.
    """
    target, conninfo, _ = run
    there = hosts.beside(target.primary_ssh, target.standby_ssh, away=target.away)
    head, head_conninfo, _ = head_of(run)
    above = hosts.beside(target.head_ssh, target.standby_ssh) if target.head else there
    server = _server(called.get(head, head), head_conninfo, above, given)
    doors.add(called.get(head, head), server, above.primary(_user_there(above)), by_ssh=bool(above.primary_ssh))
    upstream = _server(target.primary, conninfo, there, given)
    if target.head:
        doors.add(target.primary, upstream, there.primary(_user_there(there)), by_ssh=bool(there.primary_ssh))
    doors.add(
        target.name,
        standby_server(target, upstream, there),
        there.standby(target.service.user or PACKAGED_USER) if there.apart else _this_host(),
        by_ssh=bool(there.standby_ssh),
    )


def _add_formers(doors: _Doors, changes: Iterable[RoleChange], hosts: Hosts) -> None:
    """Primaries that were lost: each may be one again."""
    for change in changes:
        seat = change.seat(change.old)
        there = hosts.beside(seat.ssh, "", away=seat.away and not seat.ssh)
        server = primary_server(seat.name, connection_params(seat.conninfo), there)
        doors.add(seat.name, server, there.primary(_user_there(there)), by_ssh=bool(seat.ssh))


def _server(name: str, conninfo: str, hosts: Hosts, given: Mapping[str, str]) -> Reached:
    params = connection_params(conninfo)
    server = primary_server(name, params, hosts)
    # A psql on its own host logs in as whom peer lets in there.
    return primary_server(name, {**params, **given}, hosts) if given and isinstance(server, LibpqServer) else server


def _user_there(hosts: Hosts) -> str:
    return PACKAGED_USER if hosts.apart else pwd.getpwuid(os.geteuid()).pw_name


def _this_host() -> Host:
    return LocalHost(pwd.getpwuid(os.geteuid()).pw_name)
