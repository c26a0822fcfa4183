"""Who replicates from whom, now."""

from __future__ import annotations

from dataclasses import dataclass

from standbyctl.app.request import connection_params
from standbyctl.app.state import State, now
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.observe.status import NodeStatus, SlotStatus, read_status


@dataclass(frozen=True, slots=True)
class Status:
    """One table: nodes and slots. None is unknown."""

    at: str
    nodes: tuple[NodeStatus, ...]
    slots: tuple[SlotStatus, ...]


def status(conninfo: str, primary_name: str, state: State) -> Status:
    """Ask the primary, and every standby attached from here."""
    runs = [run for name in state.names() if (run := state.journal(name).run())]
    if not conninfo and not runs:
        raise UsageError(
            "C113",
            msg("nothing is attached from here"),
            detail=msg("State: {path}", path=state.root),
            hint=msg("Give the conninfo of a primary with -p."),
        )
    if not conninfo:
        if len({run[2] for run in runs}) != 1:
            raise UsageError(
                "C113",
                msg("which primary?"),
                detail=msg("{n} primaries are known here.", n=len({run[2] for run in runs})),
                hint=msg("Give its conninfo with -p."),
            )
        conninfo = runs[-1][1]
    systems = {run[2] for run in runs if run[1] == conninfo}
    runs = [run for run in runs if run[2] in systems]
    name = primary_name or (runs[0][0].primary if runs else "primary")
    server = LibpqServer(name, connection_params(conninfo))
    try:
        expected = []
        for target, _, _ in runs:
            standby = server.at(target.name, port=str(target.port))
            expected.append((target.name, target.slot, standby))
        nodes, slots = read_status(server, tuple(expected), name)
    finally:
        server.close()
    return Status(now(), nodes, slots)
