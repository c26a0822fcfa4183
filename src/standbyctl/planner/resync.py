"""Plan to make a standby of a node again that has lost its primary's history, or is not on it."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Memory, Plan
from standbyctl.steps.base import Step, predict
from standbyctl.steps.clone.basebackup import InstallCopy
from standbyctl.steps.directory import SetDirectoryAside
from standbyctl.steps.failover import SealPlace
from standbyctl.steps.server import StopStandby


def plan_resync(facts: Facts, sample: Sample, target: Target, memory: Memory, *, former: bool) -> Plan:
    """Whatever can go on as it is goes on; else what is there is set aside, and copied anew.

    `former`: it was a primary, and was not copied since: whatever it holds, it may hold more than its new primary.
    """
    place = facts.place(target.name)
    if place.upstream:
        return Plan()
    if blockers := tuple(_blockers(facts, target)):
        return Plan(blockers=blockers)
    copied = any(isinstance(entry.step, InstallCopy) for entry in memory)
    steps = tuple(_make_room(facts, sample, target, anew=former and not copied))
    rest = plan_attach(predict(steps, facts), sample, target, memory)
    if rest.blockers:
        return rest
    return Plan(steps=(*steps, *rest.steps), notes=(*_notes(steps, sample, target), *rest.notes))


def _blockers(facts: Facts, target: Target) -> Iterator[Blocker]:
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


def _make_room(facts: Facts, sample: Sample, target: Target, *, anew: bool) -> Iterator[Step]:
    server, place = facts.server(target.primary), facts.place(target.name)
    if place.contents in {Contents.ABSENT, Contents.EMPTY} or not (anew or _behind(place)):
        return
    if place.running:
        # A primary that was sealed and started again since, by its unit or after a switchover, is no attach's.
        system = "" if place.started_by == target.name else server.system_identifier
        yield StopStandby(target.name, target.data_directory, place.bin_directory, target.service, system)
    if not place.in_recovery:
        yield SealPlace(target.name, target.data_directory, place.bin_directory, server.system_identifier)
    yield SetDirectoryAside(
        name=target.name,
        data_directory=target.data_directory,
        aside=sample.free_aside,
        bin_directory=place.bin_directory,
        system_identifier=server.system_identifier,
        identity=sample.directory_identity,
        leave_empty=False,
        condemn=False,
    )


def _behind(place: Place) -> bool:
    """A standby that cannot go on: nobody keeps the WAL that it needs, or it is on another history."""
    return place.contents is Contents.STANDBY and (not place.covered or not place.same_timeline)


def _notes(steps: tuple[Step, ...], sample: Sample, target: Target) -> Iterator[Message]:
    if not any(isinstance(step, SetDirectoryAside) for step in steps):
        return
    yield msg(
        "what {name} holds now is kept in {aside}: commits that are nowhere else are there. Delete it when nobody needs"
        " them any more",
        name=target.name,
        aside=sample.free_aside,
    )
    yield msg("rewinding it in place (pg_rewind), which copies less: not yet")
