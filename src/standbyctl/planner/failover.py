"""Plan an unplanned change of roles: the primary is gone."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import valid_slot_name
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.switching import RoleSample
from standbyctl.planner.blockers.failover import failover_blockers
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import Step, left_to_do
from standbyctl.steps.failover import FenceOldPrimary, KeepWal, PromoteStandby
from standbyctl.steps.roles import AwaitCascade, FollowPrimary


def plan_takeover(facts: Facts, sample: RoleSample, change: RoleChange, max_loss_bytes: int | None = None) -> Plan:
    """Keep the old primary away, and promote; or everything that stands in the way."""
    if blockers := tuple(failover_blockers(facts, sample, change, max_loss_bytes)):
        return Plan(blockers=blockers)
    steps = tuple(left_to_do(_takeover(facts, change), facts))
    return Plan(steps=steps, notes=tuple(_notes(sample, change, steps)))


def plan_followers(facts: Facts, sample: RoleSample, change: RoleChange) -> Plan:
    """Everybody else follows the new primary."""
    return Plan(steps=tuple(left_to_do(_followers(sample, change), facts)))


def _takeover(facts: Facts, change: RoleChange) -> Iterator[Step]:
    new, seat = facts.member(change.new), change.seat(change.old)
    if not change.fenced and not new.writes:
        yield FenceOldPrimary(
            change.old, seat.data_directory, seat.bin_directory, new.system_identifier, seat.service, change.fence
        )
    yield PromoteStandby(change.new, new.system_identifier, new.timeline)


def _followers(sample: RoleSample, change: RoleChange) -> Iterator[Step]:
    for each in change.followers:
        yield FollowPrimary(each.name, change.new, each.slot, change.conninfo(each.name))
    for below in change.cascades:
        yield AwaitCascade(below.name, below.upstream, below.slot, change.new)
    # Last: whatever keeps it from being made keeps nobody from following.
    for name in (change.old, *(seat.name for seat in change.left_out)):
        if valid_slot_name(name) and _capped(sample, change):
            yield KeepWal(change.new, name, name)


def _capped(sample: RoleSample, change: RoleChange) -> bool:
    """Whether a slot of somebody who never comes back cannot fill the disk of the only primary."""
    around = sample.around.get(change.new)
    return around is not None and around.settings.get("max_slot_wal_keep_size", "-1") != "-1"


def _notes(sample: RoleSample, change: RoleChange, steps: tuple[Step, ...]) -> Iterator[Message]:
    if not steps:
        return
    bytes_lost = sample.loss(change.new)
    if bytes_lost is None or sample.last_seen is None:
        yield msg(
            "what is lost is not known: no watch was looking when {old} was last there. At most it is what {old} had"
            " committed, and {new} has not received",
            old=change.old,
            new=change.new,
        )
    else:
        yield msg(
            "lost: {n} of WAL that {old} was seen to have {ago} ago, and whatever it has written since",
            n=format_size(bytes_lost),
            old=change.old,
            ago=format_seconds(sample.last_seen.ago_seconds),
        )
    if change.fenced:
        yield msg("{old} is taken for fenced because you say so (--fenced): it is not looked at", old=change.old)
    for seat in change.left_out:
        yield msg(
            "{name} is left out (--without): what it may have more than {new} is lost, and it follows nobody. When it"
            " is back: standbyctl resync {name}",
            name=seat.name,
            new=change.new,
        )
    if not _capped(sample, change):
        yield msg(
            "no slot keeps WAL for {old}: max_slot_wal_keep_size is -1 on {new}, and the slot of who never comes back"
            " would fill its disk",
            old=change.old,
            new=change.new,
        )
    yield msg("{old} stays as it is: it must not be started before it is made a standby", old=change.old)
