"""A volume that was there when a standby was begun, and is not."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Memory, first_facts


def unmounted_blockers(facts: Facts, target: Target, memory: Memory, code: str) -> Iterator[Blocker]:
    """What is seen below a mount point is neither the standby nor its absence; a copy would fill another disk."""
    before = first_facts(memory)
    if before and before.place(target.name).mount_point and not facts.place(target.name).mount_point:
        yield Blocker(
            code,
            msg("{path} was a mount point, and nothing is mounted there now", path=target.data_directory),
            msg("{name} was begun on that volume: what is to be seen now is what lies below.", name=target.name),
            msg("Mount it (mount {path}), then run this again.", path=target.data_directory),
            refused=True,
        )
