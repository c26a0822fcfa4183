"""The servers that are known here: by what was attached, staged, or done about slots, and by what names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from standbyctl.app.conninfo import connection_params
from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.servers import primary_server, standby_server
from standbyctl.app.state import State
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.staging import Staging
from standbyctl.domain.target import Target
from standbyctl.nodes.ports import Reached

# What an attach was of: its target, the conninfo of its primary, that one's system identifier.
Ran = tuple[Target, str, str]
# A primary: its name, conninfo and system identifier.
Head = tuple[str, str, str]
# A failover: what it was, the conninfo of the new primary, its system identifier.
Replaced = tuple[RoleChange, str, str]
_ADDRESS = {"host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts"}


@dataclass(frozen=True, slots=True)
class Way:
    """A server, and the machines behind it. `system_identifier`: as it was known; empty where nothing was.

    `name`: empty where it has none yet. `ssh`: how its own host is reached, where that is another.
    """

    name: str
    conninfo: str
    system_identifier: str
    server: Reached
    hosts: Hosts
    ssh: str = ""


def find_server(asked: str, name: str, state: State) -> Way:
    """By a conninfo, or the name of a primary or a standby; with neither, the only primary that is known.

    `name`: by which the configuration knows it.
    """
    runs = runs_of(state)
    if asked in runs:
        return _standby_of(asked, runs[asked])
    heads = heads_of(runs, state)
    others = [(of.primary, conninfo, system) for of, conninfo, system in state.slot_journals()]
    known = (
        next((each for each in [*heads[::-1], *others] if each[0] == asked), None)
        if asked
        else only_one(heads or others, state)
    )
    conninfo = known[1] if known else asked
    hosts = hosts_of(runs, known, formers_of(state))
    server = primary_server(name or (known[0] if known else "the primary"), connection_params(conninfo), hosts)
    return Way(
        name or (known[0] if known else ""), conninfo, known[2] if known else "", server, hosts, hosts.primary_ssh
    )


def _standby_of(name: str, run: Ran) -> Way:
    target, conninfo, system = run
    hosts = Hosts(target.primary_ssh, target.standby_ssh, ssh_command(os.environ), target.away)
    upstream = primary_server(target.primary, connection_params(conninfo), hosts)
    return Way(name, conninfo, system, standby_server(target, upstream, hosts), hosts, target.standby_ssh)


def runs_of(state: State) -> dict[str, Ran]:
    """What was attached from here, by name."""
    return {name: run for name in state.names() if (run := state.journal(name).run())}


def heads_of(runs: Mapping[str, Ran], state: State) -> list[Head]:
    """The primaries that something was staged for, or attached to, or that took the place of a lost one, from here; the
    latest last.
    """
    after = [(change.new, conninfo, system) for change, conninfo, system in formers_of(state)]
    return [*_staged(state), *after, *map(head_of, runs.values())]


def formers_of(state: State) -> tuple[Replaced, ...]:
    """The primaries that a failover from here has replaced, and that are nothing again yet."""
    return tuple(found for journal in state.formers() if (found := journal.asked(RoleChange)))


def known_heads(state: State) -> tuple[tuple[str, str], ...]:
    """The primaries that were attached to, or staged for, from here: name and system identifier, the latest first."""
    return tuple((name, system) for name, _, system in heads_of(runs_of(state), state)[::-1])


def named_alone(state: State) -> str:
    """How -p names the only cluster that is known here, also when nothing is attached to it any more: by its conninfo,
    or by its name where that leads there from its own host only. Empty where there is none, or more than one.
    """
    runs = runs_of(state)
    heads = heads_of(runs, state)
    if len({system for _, _, system in heads}) != 1:
        return ""
    name, conninfo, _ = heads[-1]
    return name if not conninfo or hosts_of(runs, heads[-1], formers_of(state)).primary_ssh else conninfo


def _staged(state: State) -> list[Head]:
    runs = [journal.asked(Staging) for journal in state.stagings()]
    return [(run[0].primary, run[1], run[2]) for run in runs if run]


def hosts_of(runs: Mapping[str, Ran], known: Head | None, formers: Sequence[Replaced] = ()) -> Hosts:
    """How the host of a primary is reached that some attach from here was to: by its system, for on their own hosts
    many have the same conninfo. `formers`: those that it may have taken the place of.
    """
    command = ssh_command(os.environ)
    after = (change.seat(change.new) for change, _, system in formers if known and (change.new, system) == known[::2])
    found = (target for target, _, system in runs.values() if known and system == known[2])
    return next(
        (
            Hosts(each.head_ssh, each.standby_ssh, command)
            if each.head
            else Hosts(each.primary_ssh, each.standby_ssh, command, each.away)
            for each in found
        ),
        next((Hosts(seat.ssh, "", command, seat.away) for seat in after), Hosts(command=command)),
    )


def same_door(conninfo: str, other: str) -> bool:
    """Whether both lead to the same address, whoever logs in there. Of a socket nobody knows on which host it is."""
    one, two = connection_params(conninfo), connection_params(other)
    by_tcp = "service" not in one and (one.get("hostaddr") or one.get("host", "/")[:1] != "/")
    return conninfo == other or bool(by_tcp and _address(one) == _address(two) and "service" not in two)


def credentials(conninfo: str) -> dict[str, str]:
    """Of a conninfo everything but the address: who logs in, to which database, and how. Nothing of a service."""
    params = connection_params(conninfo)
    return {} if "service" in params else {key: value for key, value in params.items() if key not in _ADDRESS}


def _address(params: Mapping[str, str]) -> tuple[str, ...]:
    return params.get("host", ""), params.get("hostaddr", ""), params.get("port") or os.environ.get("PGPORT", "5432")


def head_of(run: Ran) -> Head:
    """The primary of an attach, whatever it streams from: its name, conninfo and system identifier."""
    target, conninfo, system = run
    return target.writer, target.head_conninfo or conninfo, system


def only_one(known: Sequence[Head], state: State) -> Head:
    """The only primary that is known here: its name, conninfo and system identifier."""
    if not known:
        raise UsageError(
            "C113",
            msg("nothing is attached from here"),
            detail=msg("State: {path}", path=state.root),
            hint=msg("Give the conninfo of a primary with -p."),
        )
    if len({system for _, _, system in known}) > 1:
        named = sorted({f"{name} ({conninfo})" for name, conninfo, _ in known})
        raise UsageError(
            "C113",
            msg("which primary?"),
            detail=msg("Attached to from here: {names}.", names="; ".join(named)),
            hint=msg("Give one with -p, by its name or conninfo."),
        )
    return known[-1]
