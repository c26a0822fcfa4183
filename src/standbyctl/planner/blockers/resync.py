"""Why a node is not made a standby again now."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.target import Target


def resync_blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
    """Everything that stands in the way, whichever way it is to come back."""
    server, place = facts.server(target.primary), facts.place(target.name)
    if server.in_recovery:
        yield Blocker(
            "R451",
            msg("{node} is not a primary", node=target.primary),
            msg("It is in recovery: nobody can be a standby of it before it is known who the primary is."),
            msg("Look at standbyctl status."),
            refused=True,
        )
    if place.running and not place.in_recovery:
        yield Blocker(
            "R419",
            msg("there are two primaries: {one} and {other}", one=target.primary, other=target.name),
            msg("{name} takes writes, which {node} never has.", name=target.name, node=target.primary),
            msg(
                "Have clients write to {node} only. Save what only {name} has, then stop {name}, and run this again.",
                node=target.primary,
                name=target.name,
            ),
            refused=True,
        )
    if place.resident is not None and place.resident.system_identifier != server.system_identifier:
        yield Blocker(
            "R452",
            msg("{path} is of another system", path=target.data_directory),
            msg("It is no copy of {node}.", node=target.primary),
            msg("Look whose it is. A standby elsewhere: standbyctl attach."),
            refused=True,
        )
