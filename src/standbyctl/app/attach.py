"""Plan an attach, and carry it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.effects import Prove
from standbyctl.domain.errors import RefusedError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.target import Target
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Memory, Plan
from standbyctl.steps.base import Step
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.server import PROOF_SECONDS


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the facts it was made from."""

    plan: Plan
    facts: Facts
    memory: Memory


def plan(session: Session, state: State) -> Planned:
    """What attach would do now. Changes nothing."""
    facts = session.survey()
    journal = state.journal(session.target.name)
    check_system(journal, facts, session.target)
    session.see_source(facts)
    session.see_restored(facts)
    memory = journal.memory()
    return Planned(plan_attach(facts, session.sample, session.target, memory), facts, memory)


def _refusal(step: Step, session: Session) -> Message | None:
    """What the standby's host was told when the role did not get in although its line is in force."""
    if not isinstance(step, AdmitReplication) or not session.sample.refusal:
        return None
    return msg("A replication connection as {role} fails: {e}", role=session.target.role, e=session.sample.refusal)


def check_system(journal: Journal, facts: Facts, target: Target) -> None:
    """What was begun for one cluster is not gone on with for another that has taken its address."""
    run, now = journal.run(), facts.server(target.primary).system_identifier
    if run is not None and run[2] != now:
        raise RefusedError(
            "A257",
            msg("{node} is not the cluster that {name} was attached to", node=target.primary, name=target.name),
            detail=msg("System identifier then: {was}, now: {now}.", was=run[2], now=now),
            hint=msg("Give the conninfo of the right one with -p."),
        )


def attach(session: Session, state: State, report: Report, expected: Plan | None, begin: Callable[[Run], None]) -> Plan:
    """Do what is left to do, after `plan`; prove what an interrupted run left unproven. `begin` is told of the run."""
    target = session.target
    journal = state.journal(target.name)
    with session.locks() as locks:
        do = session.do(locks)
        run = Run(
            look=session.look,
            plan=lambda facts: plan_attach(facts, session.sample, target, journal.memory()),
            do=do,
            journal=journal,
            report=report,
            why=lambda step: _refusal(step, session),
        )
        begin(run)
        first = run.check(expected)
        unproven = journal.unproven()
        if first.steps:
            journal.open(target, session.resolved.conninfo, run.facts.server(target.primary).system_identifier)
        run.follow(first)
        if not first.steps and unproven:
            run.finish(lambda: do(Prove(target.name, target.writer, PROOF_SECONDS)))
            run.finish(journal.proven)
        return first
