"""Who replicates from whom, now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from standbyctl.app.request import connection_params
from standbyctl.app.state import State, now
from standbyctl.domain.errors import CannotTellError, RefusedError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.rights import grants
from standbyctl.domain.target import Target
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.observe.status import WHO, NodeStatus, SlotStatus, read_status


@dataclass(frozen=True, slots=True)
class Status:
    """One table: nodes and slots. None is unknown."""

    at: str
    nodes: tuple[NodeStatus, ...]
    slots: tuple[SlotStatus, ...]

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
    known = next((run for run in runs.values() if run[0].primary == asked), None) if asked else _only(runs, state)
    conninfo = known[1] if known else asked
    name = primary_name or (known[0].primary if known else "primary")
    server = LibpqServer(name, connection_params(conninfo))
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
        expected = [
            (target.name, target.slot, server.at(target.name, port=str(target.port)), state.journal(each).unproven())
            for each, (target, _, run_system) in runs.items()
            if run_system == system
        ]
        nodes, slots = read_status(server, tuple(expected), name)
    finally:
        server.close()
    return Status(now(), nodes, slots)


def _only(runs: Mapping[str, tuple[Target, str, str]], state: State) -> tuple[Target, str, str]:
    """The attach that speaks of the only primary known here."""
    if not runs:
        raise UsageError(
            "C113",
            msg("nothing is attached from here"),
            detail=msg("State: {path}", path=state.root),
            hint=msg("Give the conninfo of a primary with -p."),
        )
    if len({run[2] for run in runs.values()}) > 1:
        named = sorted({f"{run[0].primary} ({run[1]})" for run in runs.values()})
        raise UsageError(
            "C113",
            msg("which primary?"),
            detail=msg("Attached to from here: {names}.", names="; ".join(named)),
            hint=msg("Give one with -p, by its name or conninfo."),
        )
    return list(runs.values())[-1]
