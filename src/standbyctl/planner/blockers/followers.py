"""Why roles are not changed: one of those that are to follow is not what it should be."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.member import Power
from standbyctl.domain.message import msg
from standbyctl.domain.roles import RoleChange


def follower_blockers(facts: Facts, change: RoleChange) -> Iterator[Blocker]:
    """Whoever is to follow is there, and is a standby: after the promotion it would be too late to say so."""
    for target in change.followers:
        member = facts.member(target.name)
        if target.name == change.old:
            continue
        if member.writes:
            yield Blocker(
                "R419",
                msg("{name} is a primary already", name=target.name),
                msg("It takes writes, and what it takes {old} never has.", old=change.old),
                msg("Look at standbyctl status. Stop {name}, and make it a standby again: standbyctl resync {name}",
                    name=target.name),
                refused=True,
            )  # fmt: skip
        elif member.power is not Power.RUNNING or member.in_recovery is None:
            yield Blocker(
                "R402",
                msg("{new} does not answer", new=target.name),
                msg("It is to follow {new}, and it is down or does not let us in.", new=change.new),
                msg("Start it; or take it out of the cluster first: standbyctl detach {name}", name=target.name),
            )
