"""Who replicates from whom, now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.request import connection_params
from standbyctl.app.servers import primary_server, standby_server
from standbyctl.app.state import State, now
from standbyctl.domain.errors import CannotTellError, RefusedError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.rights import grants
from standbyctl.domain.staging import StagedSetting, Staging
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Journal
from standbyctl.nodes.ports import Reached
from standbyctl.observe.staging import look_at_next_start, read_running
from standbyctl.observe.status import WHO, Expected, NodeStatus, SlotStatus, read_status
from standbyctl.steps.staging import StageSettings

# What an attach was of: its target, the conninfo of its primary, that one's system identifier.
Ran = tuple[Target, str, str]


@dataclass(frozen=True, slots=True)
class Status:
    """One table: nodes and slots. None is unknown.

    `staged` waits for a restart of the primary; `in_force` has come with one: name, value, since when.
    """

    at: str
    nodes: tuple[NodeStatus, ...]
    slots: tuple[SlotStatus, ...]
    primary: str = ""
    staged: tuple[StagedSetting, ...] = ()
    in_force: tuple[tuple[str, str, str], ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether every standby that was attached from here streams, and no slot is lost."""
        expected = (node for node in self.nodes if node.expected)
        return all(node.state == "streaming" for node in expected) and all(
            slot.wal_status != "lost" for slot in self.slots
        )


def status(asked: str, primary_name: str, state: State) -> Status:
    """Ask the primary, and every standby of it that was attached from here. `asked`: a conninfo, or a known name."""
    runs = {name: run for name in state.names() if (run := state.journal(name).run())}
    stagings = [(journal, staging) for journal in state.stagings() if (staging := journal.asked(Staging))]
    every = [*((run[0].primary, *run[1:]) for _, run in stagings), *map(_head_of, runs.values())]
    known = next((each for each in every[::-1] if each[0] == asked), None) if asked else _only(every, state)
    conninfo = known[1] if known else asked
    name = primary_name or (known[0] if known else "primary")
    hosts = _hosts_of(runs, known)
    server = primary_server(name, connection_params(conninfo), hosts)
    try:
        [(system, sees, user)] = server.observe(WHO)
        if not sees:
            raise CannotTellError(
                "P116",
                msg("the role {user} lacks rights on {node}", user=user, node=name),
                detail=msg("It is no superuser, and may not: see settings and statistics."),
                hint=msg("Connect as a superuser, or have one run:").followed_by(grants({"monitor"}, user)),
            )
        if known and known[2] != system:
            raise RefusedError(
                "A257",
                msg("what answers as {node} is another cluster", node=name),
                detail=msg("System identifier at the attach: {was}, now: {now}.", was=known[2], now=system),
                hint=msg("Give the conninfo of the right one with -p."),
            )
        if not known and not primary_name:  # one server has one name, however it is asked for
            name = next((each[0] for each in every[::-1] if each[2] == system), name)
        expected = [
            _expected(target, conninfo, server, hosts, unfinished=state.journal(each).unproven())
            for each, (target, conninfo, run_system) in runs.items()
            if run_system == system
        ]
        try:
            nodes, slots = read_status(server, tuple(expected), name)
        finally:
            for standby in expected:
                if standby.upstream is not None:
                    standby.upstream.close()
        staged, in_force = _staged(server, [journal for journal, run in stagings if run[2] == system], name)
    finally:
        server.close()
        hosts.close()
    return Status(now(), nodes, slots, name, staged, in_force)


def _hosts_of(runs: Mapping[str, Ran], known: tuple[str, str, str] | None) -> Hosts:
    """How the host of a primary is reached that some attach from here was to: by its system, for on their own hosts
    many have the same conninfo.
    """
    command = ssh_command(os.environ)
    found = (target for target, _, system in runs.values() if known and system == known[2])
    return next(
        (
            Hosts(each.head_ssh, each.standby_ssh, command)
            if each.head
            else Hosts(each.primary_ssh, each.standby_ssh, command, each.away)
            for each in found
        ),
        Hosts(command=command),
    )


def _head_of(run: Ran) -> tuple[str, str, str]:
    """The primary of an attach, whatever it streams from: its name, conninfo and system identifier."""
    target, conninfo, system = run
    return target.writer, target.head_conninfo or conninfo, system


def _expected(target: Target, conninfo: str, primary: Reached, hosts: Hosts, *, unfinished: bool) -> Expected:
    """How a standby is asked, and what it streams from where that is not the primary."""
    there = hosts.beside(target.primary_ssh, target.standby_ssh, away=target.away)
    if not target.head:
        return Expected(target.name, target.slot, standby_server(target, primary, there), unfinished)
    upstream = primary_server(target.primary, connection_params(conninfo), there)
    return Expected(target.name, target.slot, standby_server(target, upstream, there), unfinished, upstream)


def _staged(
    server: Reached, journals: list[Journal], name: str
) -> tuple[tuple[StagedSetting, ...], tuple[tuple[str, str, str], ...]]:
    """What was staged from here, and still stands as it was: what waits, and what is in force."""
    if not journals:
        return (), ()
    found = [entry.step for journal in journals for entry in journal.memory() if isinstance(entry.step, StageSettings)]
    running, started_at = read_running(server)
    try:
        facts, _ = look_at_next_start(server, name)
        standing = [each for step in found for each in replace(step, primary=name).standing(facts)]
    except CannotTellError:  # no right to read the files: what was written, then, whether or not it still stands
        standing = [each for step in found for each in step.settings]
    last = {each.name: replace(each, running=running[each.name]) for each in standing}
    return (
        tuple(each for each in last.values() if each.running != each.value),
        tuple((each.name, each.value, started_at) for each in last.values() if each.running == each.value),
    )


def _only(known: Sequence[tuple[str, str, str]], state: State) -> tuple[str, str, str]:
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
