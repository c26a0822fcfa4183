"""A plan as a procedure for people: every step by hand, what is to be seen, the way back, when to stop."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.effects import DiscardDraft
from standbyctl.domain.facts import Facts
from standbyctl.domain.hand import Hand, psql
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import quoted
from standbyctl.domain.record import dataclass
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import format_size
from standbyctl.domain.target import Target
from standbyctl.planner.byhand import by_hand
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Memory, Plan, Remembered, has
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.directory import SetDirectoryAside
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.roles import SwitchPrimary
from standbyctl.steps.setting import COMMIT, SetByHand, SetParameter
from standbyctl.steps.slot import CAP, CapSlots, CreateSlot

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
    """What is to be done; what gives it back, the last step first, with what is to be known then; when to do that.

    `look`: before the first step. `given_up`: for what was begun and not finished: a copy, or a change of roles.
    """

    look: tuple[Hand, ...]
    rows: tuple[Row, ...]
    back: tuple[Row, ...]
    given_up: tuple[Hand, ...]
    back_notes: tuple[Message, ...]
    stops: tuple[Message, ...]
    notes: tuple[Message, ...]


def way_back(plan: Plan, facts: Facts, sample: Sample, target: Target, memory: Memory) -> Plan:
    """What a detach would do once this attach is done: its own plan, on the facts that will hold then.

    The data directory is renamed aside, where that can be; nothing is deleted. `memory`: what was begun before. What a
    person had put into files stands in its notes. Where something is in the way, the reasons are its notes.
    """
    known = list(memory)
    seen = facts
    for step in plan.steps:
        known.append(Remembered(step, seen))
        seen = step.after(seen)
    renamed = not target.from_restored and not facts.place(target.name).mount_point
    found = plan_detach(seen, sample, target, tuple(known), DetachOptions(remove_data_directory=renamed))
    whys = tuple(msg("{what}: {hint}", what=each.what, hint=each.hint) for each in found.blockers)
    return Plan(found.steps, notes=(*whys, *found.notes, *_of_people(plan)))


def aside(back: Plan) -> bool:
    """Whether the way back renames the data directory."""
    return any(isinstance(step, SetDirectoryAside) for step in back.steps)


def _of_people(plan: Plan) -> Iterator[Message]:
    """What the steps by hand have somebody put into files: it is taken out again by hand, too."""
    for step in plan.steps:
        if isinstance(step, AdmitReplication) and step.by_hand:
            yield msg("take this line out of {path} again, and reload: {line}", path=step.path, line=step.line)
        if isinstance(step, SetByHand):
            for each in step.wanted:
                yield msg("take this line out of {path} again, and reload: {line}", path=each.file, line=each)


def make_runbook(plan: Plan, back: Plan, target: Target, facts: Facts) -> Runbook:
    """Put it together."""
    drafts = (step for step in plan.steps if isinstance(step, CopyByBasebackup))
    return Runbook(
        look=_look(target, facts),
        rows=rows_of(plan.steps),
        back=rows_of(back.steps),
        given_up=by_hand(DiscardDraft(step.name, step.draft) for step in drafts),
        back_notes=back.notes,
        stops=tuple(_stops(plan, target, facts)),
        notes=plan.notes,
    )


def _look(target: Target, facts: Facts) -> tuple[Hand, ...]:
    """Whether it is the server that the plan was made for, and as it was then."""
    server = facts.server(target.primary)
    names = ("wal_level", "max_wal_senders", "max_replication_slots", "synchronous_standby_names")
    values = ", ".join(f"{name} = {server.setting(name).value or quoted('')}" for name in names if server.has(name))
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        psql(
            target.primary,
            "SELECT system_identifier, pg_postmaster_start_time() FROM pg_control_system();",
            expected=msg("{id}, {at}: otherwise stop", id=server.system_identifier, at=server.started_at),
        ),
        psql(
            target.primary,
            f"SELECT name, setting FROM pg_settings WHERE name IN ({listed});",
            expected=msg("{values}: otherwise make a new plan", values=values),
        ),
        psql(
            target.primary,
            "SELECT application_name, state FROM pg_stat_replication;",
            "SELECT slot_name, active, wal_status FROM pg_replication_slots;",
            expected=msg("fewer rows than max_wal_senders and max_replication_slots allow; what is there is known"),
        ),
    )


def impact(step: Step) -> Message | None:
    """What is felt of a step beyond its kind; None where nothing is."""
    match step:
        case CopyByBasebackup():
            rate = msg("at most {rate}/s", rate=step.max_rate) if step.max_rate else msg("no rate limit")
            return msg("a checkpoint; all data is read and sent ({rate})", rate=rate)
        case CapSlots():
            return msg("it counts for every slot there")
        case SwitchPrimary():
            return msg(
                "nobody takes writes from the stop to the promotion: by hand for minutes, by standbyctl 0.1 to 0.5 s"
            )
        case SetParameter() if step.parameter == COMMIT and step.value == "off":
            return msg("a crash loses the last commits from here on")
    return None


def rows_of(steps: tuple[Step, ...]) -> tuple[Row, ...]:
    """Numbered, each with what is typed for it."""
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
        now = "pg_last_wal_replay_lsn()" if target.head else "pg_current_wal_lsn()"
        held = (
            f"SELECT pg_size_pretty(pg_wal_lsn_diff({now}, restart_lsn)) FROM pg_replication_slots"
            f" WHERE slot_name = '{target.slot}'"
        )
        if cap is None:
            yield msg("the volume of pg_wal on {node} is nearly full: df, and {query}", node=target.primary, query=held)
        else:
            size = format_size(int(cap * _GIVE_UP) << 20)
            yield msg(
                "the slot on {node} keeps more than {size} (80 % of its cap): {query}",
                node=target.primary,
                size=size,
                query=held,
            )
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
