"""A plan as a procedure for people: every step by hand, what is to be seen, the way back, when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from standbyctl.domain.facts import Facts
from standbyctl.domain.hand import Hand
from standbyctl.domain.message import Message, msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.target import Target
from standbyctl.planner.byhand import by_hand
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan, Remembered, has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.slot import CAP, CreateSlot

# Of the cap on the WAL that slots keep: there the copy is given up while the slot is still whole.
_GIVE_UP = 0.8


@dataclass(frozen=True, slots=True)
class Row:
    """A step, and what a person types for it."""

    number: int
    step: Step
    hands: tuple[Hand, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    """What is to be done, what gives it back (the last step first), and when to give it back."""

    rows: tuple[Row, ...]
    back: tuple[Row, ...]
    stops: tuple[Message, ...]
    notes: tuple[Message, ...]


def way_back(plan: Plan, facts: Facts, sample: Sample, target: Target) -> tuple[Step, ...]:
    """What a detach would do once this attach is done: its own plan, on the facts that will hold then.

    The data directory is renamed aside; nothing is deleted.
    """
    memory: list[Remembered] = []
    seen = facts
    for step in plan.steps:
        memory.append(Remembered(step, seen))
        seen = step.after(seen)
    options = DetachOptions(remove_data_directory=not target.from_restored)
    return plan_detach(seen, sample, target, (*memory,), options).steps


def make_runbook(plan: Plan, back: tuple[Step, ...], target: Target, facts: Facts) -> Runbook:
    """Put it together."""
    return Runbook(_rows(plan.steps), _rows(back), tuple(_stops(plan, target, facts)), plan.notes)


def _rows(steps: tuple[Step, ...]) -> tuple[Row, ...]:
    return tuple(Row(number, step, by_hand(step.effects())) for number, step in enumerate(steps, 1))


def _stops(plan: Plan, target: Target, facts: Facts) -> Iterator[Message]:
    """When whoever does it by hand gives up and goes back."""
    yield msg("a result is not the expected one, and why is not known")
    yield msg(
        "{node} was restarted: SELECT pg_postmaster_start_time() is no longer {at}",
        node=target.writer,
        at=facts.server(target.writer).started_at,
    )
    yield msg("the applications on {node} report errors, or commits take noticeably longer", node=target.writer)
    if has(plan.steps, CreateSlot):
        cap = _cap_megabytes(plan, target, facts)
        held = (
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots"
            f" WHERE slot_name = '{target.slot}'"
        )
        if cap is None:
            yield msg("the volume of pg_wal on {node} is nearly full: df, and {query}", node=target.primary, query=held)
        else:
            size = format_size(int(cap * _GIVE_UP) << 20)
            yield msg("the slot keeps more than {size} (80 % of its cap): {query}", size=size, query=held)
    if has(plan.steps, CopyByBasebackup):
        yield msg(
            "the copy will not be done within the window: SELECT backup_streamed, backup_total FROM"
            " pg_stat_progress_basebackup"
        )


def _cap_megabytes(plan: Plan, target: Target, facts: Facts) -> int | None:
    """Once the plan is done; None for no limit."""
    for step in plan.steps:
        facts = step.after(facts)
    server = facts.server(target.primary)
    value = int(server.setting(CAP).value) if server.has(CAP) else -1
    return value if value >= 0 else None
