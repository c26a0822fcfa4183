"""Why not, and what to do about it: every reason at once. The same predicates serve plan and attach."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.blockers.capacity import cap_blockers, capacity_blockers, slot_blockers
from standbyctl.planner.blockers.chain import chain_blockers
from standbyctl.planner.blockers.host import host_blockers
from standbyctl.planner.blockers.likeness import likeness_blockers
from standbyctl.planner.blockers.ownership import ownership_blockers
from standbyctl.planner.blockers.parameters import parameter_blockers
from standbyctl.planner.blockers.primary import (
    commit_blockers,
    hba_blockers,
    reload_blockers,
    server_blockers,
    tls_blockers,
)
from standbyctl.planner.blockers.restart import asked_blockers, due_blockers
from standbyctl.planner.blockers.restored import restored_blockers
from standbyctl.planner.blockers.rights import rights_blockers
from standbyctl.planner.blockers.source import source_blockers
from standbyctl.planner.blockers.standby import directory_blockers, role_blockers, room_blockers
from standbyctl.planner.blockers.tunnel import tunnel_blockers
from standbyctl.planner.blockers.unmounted import unmounted_blockers
from standbyctl.planner.blockers.volumes import disk_blockers, volume_blockers
from standbyctl.planner.plan import Memory
from standbyctl.steps.base import Step


def attach_blockers(
    facts: Facts, sample: Sample, target: Target, memory: Memory, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    """Everything that stands in the way of these steps."""
    yield from server_blockers(facts, sample, target)
    yield from asked_blockers(facts, target)
    if not steps:
        return
    yield from due_blockers(facts, sample, target)
    yield from ownership_blockers(facts, sample, target, steps)
    yield from rights_blockers(facts, target, steps)
    yield from commit_blockers(facts, sample, target)
    yield from tls_blockers(facts, target)
    yield from capacity_blockers(facts, sample, target, steps)
    yield from slot_blockers(facts, sample, target, memory)
    yield from cap_blockers(facts, sample, target, steps)
    yield from parameter_blockers(facts, sample, target, steps)
    yield from role_blockers(facts, sample, target, memory, steps)
    yield from tunnel_blockers(facts, sample, target, steps)
    yield from hba_blockers(facts, target, steps)
    yield from reload_blockers(facts, target, steps)
    yield from directory_blockers(facts, sample, target)
    yield from unmounted_blockers(facts, target, memory, "P201")
    if target.from_restored:
        yield from restored_blockers(facts, sample, target)
    yield from volume_blockers(facts, sample, target, steps)
    yield from room_blockers(facts, target, steps)
    yield from disk_blockers(sample, target, steps)
    yield from host_blockers(sample, target, steps)
    yield from likeness_blockers(sample, target, steps)
    yield from source_blockers(facts, sample, target, steps)
    yield from chain_blockers(sample, target, steps)
