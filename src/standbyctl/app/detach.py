"""Give everything back that attach took."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.app.attach import Planned, check_system, leaving
from standbyctl.app.known import runs_of
from standbyctl.app.marks import as_it_stands
from standbyctl.app.request import Request, Resolved, reach, resolve
from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.errors import RefusedError, UsageError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.names import marker
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.target import Target
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.planner.detach import DetachOptions, plan_detach, recall
from standbyctl.planner.plan import Memory, Plan, Remembered
from standbyctl.steps.setting import SetParameter
from standbyctl.steps.slot import CapSlots


@dataclass(frozen=True, slots=True)
class Attached:
    """A standby to detach. `journaled`: what was before is known; otherwise only our marks are."""

    resolved: Resolved
    system_identifier: str
    journaled: bool


def find_attached(name: str, given: Request, state: State) -> Attached:
    """The target of an earlier attach as the journal has it; without one, what the operator says it was."""
    run = state.journal(name).run()
    if run is None:
        if given.conninfo and given.data_directory:
            resolved = resolve(replace(given, name=name), state)
            target = as_it_stands(resolved.target, resolved.server)
            return Attached(replace(resolved, target=target), "", journaled=False)
        known = ", ".join(state.names()) or msg("none")
        raise UsageError(
            "C110",
            msg("nothing is known here of an attach of {name}", name=name),
            detail=msg("Attached from here: {known}. State: {path}", known=known, path=state.root),
            hint=msg(
                "Use the state directory of the attach ($STANDBYCTL_STATE, and the same user). Where it is lost, say"
                " where things are: standbyctl detach {name} -p CONNINFO -D DIR [--port N]",
                name=name,
            ),
        )
    target, conninfo, system_identifier = run
    return Attached(reach(target, conninfo, given.conninfo), system_identifier, journaled=True)


def is_detached(name: str, state: State) -> bool:
    """Whether nothing is left to do; RefusedError where others stream from it by now: a change of roles has made it
    a primary.
    """
    runs = runs_of(state)
    below = [each for each, run in runs.items() if name in {run[0].primary, run[0].head}]
    if name in runs or not below:
        return state.journal(name).closed()
    first = next((each for each in below if not runs[each][0].head), below[0])
    raise RefusedError(
        "A251",
        msg("{name} is a primary, as far as is known here", name=name),
        detail=msg("Its standbys: {names}.", names=", ".join(below)),
        hint=msg(
            "To take a standby from it: standbyctl detach {first}. To take {name} out: standbyctl switchover --to"
            " {first}, then run this again.",
            name=name,
            first=first,
        ),
    )


def plan(session: Session, state: State, attached: Attached, options: DetachOptions) -> Planned:
    """What detach would do now. Changes nothing."""
    facts = session.survey()
    target = session.target
    if attached.journaled:
        check_system(state.journal(target.name), facts, target)
    memory = _memory(facts, target, state.journal(target.name))
    planned = _with_left(plan_detach(facts, session.sample, target, memory, options), facts, target, state)
    return Planned(planned, facts, memory, target, session.sample)


def _with_left(plan: Plan, facts: Facts, target: Target, state: State) -> Plan:
    """With the last standby goes who knows what its primary has from when it was a standby itself: that is said."""
    was = state.journal(target.writer).last(Target)
    others = set(state.attached_to(facts.server(target.primary).system_identifier)) - {target.name}
    if was is None or others or not plan.steps or not state.journal(target.writer).closed():
        return plan
    left = msg(
        "{node} was a standby once: its role {role}, its line in pg_hba.conf, {passfile} and the cap that was set stay,"
        " for a change of roles. Where there is to be none: DROP ROLE {role}, and remove the line (# {mark}) and the"
        " file",
        node=target.writer,
        role=was.role,
        passfile=was.passfile,
        mark=marker(target.writer),
    )
    return replace(plan, notes=(*plan.notes, left))


def _memory(facts: Facts, target: Target, journal: Journal) -> Memory:
    """What the journal has; and what carries our mark although no journal (or only part of one) speaks of it."""
    known = journal.memory()
    gists = {entry.step.gist for entry in known}
    return (*known, *(entry for entry in recall(facts, target) if entry.step.gist not in gists))


def detach(
    session: Session,
    state: State,
    report: Report,
    options: DetachOptions,
    planned: Planned,
    begin: Callable[[Run], None],
) -> Plan:
    """Follow the plan; then there is nothing left to remember."""
    journal = state.journal(session.target.name)
    with session.locks() as locks:
        target = session.target

        def plan(facts: Facts) -> Plan:
            """Once the primary was left to others, what they do there is not ours, whatever it looks like."""
            found = plan_detach(facts, session.sample, target, _memory(facts, target, journal), options)
            left = _with_left(found, facts, target, state)
            if not locks.left:
                return left
            return replace(left, steps=tuple(step for step in left.steps if step.place != target.primary))

        def hand_down() -> None:
            _hand_down(run.facts, target, _memory(run.facts, target, journal), state)

        run = Run(
            look=session.look,
            plan=plan,
            do=session.do(locks),
            journal=journal,
            report=report,
            ahead=leaving(locks, target.primary, hand_down),
        )
        begin(run)
        first = run.check(planned.plan)
        journal.undo(first.steps, first.notes)
        session.heard = journal.heard
        run.follow(first)
        if not locks.left:
            run.finish(hand_down)
        run.finish(lambda: journal.ended(Outcome.DONE, run.facts))
        run.finish(journal.close)
        return first


def _hand_down(facts: Facts, target: Target, memory: Memory, state: State) -> None:
    """A setting that stays for others is given back with the last of them; while they cannot come in between."""
    kept = [
        entry for entry in memory if isinstance(entry.step, CapSlots | SetParameter) and entry.step.satisfied(facts)
    ]
    others = state.attached_to(facts.server(target.primary).system_identifier) if kept else ()
    for name in set(others) - {target.name}:
        journal = state.journal(name)
        if run := journal.run():
            for entry in kept:
                journal.inherit(_called(run[0].primary, entry, target.primary))


def _called(name: str, entry: Remembered, was: str) -> Remembered:
    """The same of a primary that the heir calls otherwise."""
    assert isinstance(entry.step, CapSlots | SetParameter)
    nodes = tuple(replace(node, name=name) if node.name == was else node for node in entry.before.nodes)
    return Remembered(replace(entry.step, primary=name), Facts(tuple(sorted(nodes, key=lambda node: node.name))))
