"""A change of roles as a procedure for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from standbyctl.domain.effects import Fence, HandOver
from standbyctl.domain.facts import Facts
from standbyctl.domain.hand import Hand, psql
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.planner.byhand.roles import take_back, take_back_fence
from standbyctl.planner.plan import Plan, has
from standbyctl.planner.runbook import Runbook, rows_of
from standbyctl.steps.base import GiveBack, Step
from standbyctl.steps.failover import FenceOldPrimary
from standbyctl.steps.roles import SwitchPrimary


def change_back(ready: Iterable[tuple[Plan, Facts]]) -> Plan:
    """What gives back all that was made for the followers, the last step first: while nobody was promoted.

    `ready`: the plan of each, and the facts that it was made from.
    """
    found: list[Step] = []
    for plan, facts in ready:
        seen = facts
        for step in plan.steps:
            if step.undo(seen):
                found.append(GiveBack(step, seen))
            seen = step.after(seen)
    return Plan(tuple(reversed(found)))


def make_change_runbook(plan: Plan, back: Plan, change: RoleChange, facts: Facts) -> Runbook:
    """Put it together."""
    look = _look_at_lost(change) if change.unplanned else _look(change, facts)
    return Runbook(
        look=look,
        rows=rows_of(plan.steps),
        back=rows_of(back.steps),
        given_up=tuple(_given_up(plan, change)),
        back_notes=back.notes,
        stops=tuple(_stops(plan, change)),
        notes=(*plan.notes, *_notes(plan, change)),
    )


def _notes(plan: Plan, change: RoleChange) -> Iterator[Message]:
    if has(plan.steps, SwitchPrimary):
        yield msg(
            "who stops {old} by hand goes on by hand until it runs again, as the one or the other: standbyctl has to"
            " ask it who is who",
            old=change.old,
        )


def _given_up(plan: Plan, change: RoleChange) -> Iterator[Hand]:
    """As long as nobody was promoted, the old primary can be one again."""
    for effect in (effect for step in plan.steps for effect in step.effects()):
        if isinstance(effect, HandOver):
            yield from take_back(effect)
        elif isinstance(effect, Fence):
            yield from take_back_fence(effect, change.new)


def _look(change: RoleChange, facts: Facts) -> tuple[Hand, ...]:
    """Whether the roles are as they were when the plan was made, and who is going to notice."""
    old = facts.member(change.old)
    others = ", ".join((change.new, *(target.name for target in change.followers[1:])))
    return (
        psql(
            change.old,
            "SELECT pg_is_in_recovery(), system_identifier, timeline_id"
            " FROM pg_control_system(), pg_control_checkpoint();",
            expected=msg("f, {system}, {n}: otherwise make a new plan", system=old.system_identifier, n=old.timeline),
        ),
        psql(
            change.old,
            "SELECT application_name, state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bytes_behind"
            " FROM pg_stat_replication;",
            expected=msg("streaming, and a few bytes behind: {names}. Otherwise not now", names=others),
        ),
        psql(
            change.old,
            "SELECT usename, application_name, state, count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' GROUP BY 1, 2, 3;",
            expected=msg("whose sessions will be cut is known, and has been told to them"),
        ),
    )


def _look_at_lost(change: RoleChange) -> tuple[Hand, ...]:
    """Whether it is gone for everybody, and who has most of its WAL."""
    standbys = (change.new, *(target.name for target in change.followers))
    received = "SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), pg_last_wal_replay_lsn();"
    return (
        psql(
            change.new,
            "SELECT pg_is_in_recovery(), pg_is_wal_replay_paused();",
            expected=msg("t, f: otherwise make a new plan"),
        ),
        *(
            psql(
                name,
                received,
                "SELECT status, last_msg_receipt_time FROM pg_stat_wal_receiver;",
                expected=msg(
                    "an LSN: write it down, {new} is to have the largest; and no row, or one that has been silent for"
                    " longer than a few seconds: otherwise {old} lives",
                    new=change.new,
                    old=change.old,
                ),
            )
            for name in standbys
        ),
    )


def _stops(plan: Plan, change: RoleChange) -> Iterator[Message]:
    """When whoever does it by hand gives up."""
    names = {"old": change.old, "new": change.new}
    if change.unplanned:
        yield msg("{old} answers, or a standby still hears from it: it is no failover, but a switchover", **names)
        if has(plan.steps, FenceOldPrimary):
            yield msg("nothing says that {old} takes no writes any more: nobody is promoted then", **names)
        yield msg("another standby has received more of the WAL than {new}: make a new plan for that one", **names)
        yield msg("after the promotion: never start {old} as it is; go on, or ask for help", **names)
        return
    yield msg("before the promotion, a result is not the expected one, and why is not known")
    yield msg("before the stop, {new} does not stream from {old}, or is far behind", **names)
    if has(plan.steps, SwitchPrimary):
        yield msg("the stop of {old} takes longer than {n} s", n=change.max_wait_seconds, old=change.old)
        yield msg("{old} was not shut down cleanly, or {new} has not got all of its WAL", **names)
    yield msg("after the promotion: do not go back in a hurry; finish, then change the roles again if need be")
