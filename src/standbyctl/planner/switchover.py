"""Plan a planned change of roles: nothing is lost, and everybody follows."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.switching import RoleSample
from standbyctl.domain.target import Target
from standbyctl.planner.attach import way_in
from standbyctl.planner.blockers.capacity import cap_blockers, taken_slot_blockers
from standbyctl.planner.blockers.parameters import parameter_blockers
from standbyctl.planner.blockers.primary import hba_blockers, reload_blockers, tls_blockers
from standbyctl.planner.blockers.rights import rights_blockers
from standbyctl.planner.blockers.roles import ready_blockers, switch_blockers
from standbyctl.planner.blockers.standby import passfile_blockers, role_blockers
from standbyctl.planner.plan import Memory, Plan
from standbyctl.steps.base import Step, left_to_do
from standbyctl.steps.roles import AwaitCascade, FollowPrimary, LetGoOfSlots, StartAsStandby, SwitchPrimary


def plan_ready(facts: Facts, sample: Sample, target: Target, memory: Memory = ()) -> Plan:
    """What a node needs to follow the new primary, while it does not yet: role, passfile, pg_hba.conf, cap, slot."""
    steps = tuple(left_to_do(way_in(facts, sample, target), facts))
    if blockers := tuple(_ready_blockers(facts, sample, target, memory, steps)):
        return Plan(blockers=blockers)
    return Plan(steps=steps)


def _ready_blockers(
    facts: Facts, sample: Sample, target: Target, memory: Memory, steps: tuple[Step, ...]
) -> Iterator[Blocker]:
    yield from ready_blockers(sample, target)
    if not steps:
        return
    yield from rights_blockers(facts, target, steps)
    yield from tls_blockers(facts, target)
    yield from taken_slot_blockers(facts, sample, target, memory)
    yield from cap_blockers(facts, sample, target, steps)
    yield from parameter_blockers(facts, sample, target, steps)
    yield from role_blockers(facts, sample, target, memory, steps)
    yield from passfile_blockers(facts, target, steps)
    yield from hba_blockers(facts, target, steps)
    yield from reload_blockers(facts, target, steps)


def plan_switchover(facts: Facts, sample: RoleSample, change: RoleChange) -> Plan:
    """The steps still to take, or everything that stands in the way."""
    if blockers := tuple(switch_blockers(facts, sample, change)):
        return Plan(blockers=blockers)
    steps = tuple(left_to_do(_all_steps(facts, change), facts))
    return Plan(steps=steps, notes=tuple(_notes(sample, change, steps)))


def _all_steps(facts: Facts, change: RoleChange) -> Iterator[Step]:
    old, new = facts.member(change.old), facts.member(change.new)
    seat, target = change.seat(change.old), change.follower(change.old)
    yield SwitchPrimary(
        old=change.old,
        new=change.new,
        old_directory=seat.data_directory,
        old_bin=seat.bin_directory,
        system_identifier=new.system_identifier,
        # Once it has happened, the new one is further: then this is done, and says nothing.
        timeline=new.timeline - 1 if new.writes and old.sealed else new.timeline,
        settings=(("primary_conninfo", change.conninfo(change.old)), ("primary_slot_name", target.slot)),
        service=seat.service,
        stop_seconds=change.max_wait_seconds,
        hooks=change.hooks,
        running=old.writes,
    )
    yield StartAsStandby(
        name=change.old,
        primary=change.new,
        data_directory=seat.data_directory,
        bin_directory=seat.bin_directory,
        slot=target.slot,
        service=seat.service,
    )
    for other in change.followers[1:]:
        yield FollowPrimary(other.name, change.new, other.slot, change.conninfo(other.name))
    for each in change.cascades:
        yield AwaitCascade(each.name, each.upstream, each.slot, change.new)
    yield LetGoOfSlots(change.old, tuple(slot for slot in change.left_slots if slot in old.slots))


def _notes(sample: RoleSample, change: RoleChange, steps: tuple[Step, ...]) -> Iterator[Message]:
    around = sample.around.get(change.old)
    if around is None or not any(isinstance(step, SwitchPrimary) for step in steps):
        return
    yield msg(
        "sessions on {old} that will be cut: {n}, of them in a transaction: {open}",
        old=change.old,
        n=around.sessions,
        open=around.in_transaction,
    )
    new = sample.around.get(change.new)
    if new and (behind := around.lsn - new.lsn) > 0:
        yield msg("{new} is {n} behind now", new=change.new, n=format_size(behind))
    if new and new.settings.get("restore_command"):
        yield msg(
            "WARNING: {new} has a restore_command, which its promotion asks for some five files that are in no archive:"
            " the pause is as much longer as that takes. Time it first: {command}",
            new=change.new,
            command=new.settings["restore_command"],
        )
    yield msg(
        "the pause is the stop of {old} and the promotion of {new}: 0.1 to 0.5 s as a rule, more where the disk of"
        " {old} is slow or writes are many; it is not waited for longer than {n} s",
        old=change.old,
        new=change.new,
        n=change.max_wait_seconds,
    )
