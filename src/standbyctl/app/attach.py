"""Plan an attach, and carry it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.effects import Prove
from standbyctl.domain.errors import RefusedError
from standbyctl.domain.facts import Facts, Server
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.sample import Reserved, Sample
from standbyctl.domain.target import Target
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.nodes.locks import Locks
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.blockers.capacity import needed_senders
from standbyctl.planner.plan import Memory, Plan, has
from standbyctl.planner.volumes import disks
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.server import PROOF_SECONDS
from standbyctl.steps.slot import CreateSlot


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the facts it was made from."""

    plan: Plan
    facts: Facts
    memory: Memory
    target: Target
    sample: Sample


def plan(session: Session, state: State, beside: Sequence[Planned] = ()) -> Planned:
    """What attach would do now, while what was planned before is done too. Changes nothing."""
    facts = session.survey()
    session.sample = replace(session.sample, reserved=_reserved(facts, session.target, beside))
    journal = state.journal(session.target.name)
    check_system(journal, facts, session.target)
    session.see_source(facts)
    session.see_restored(facts)
    memory = journal.memory()
    return Planned(
        plan_attach(facts, session.sample, session.target, memory), facts, memory, session.target, session.sample
    )


def _reserved(facts: Facts, target: Target, beside: Sequence[Planned]) -> Reserved:
    """What others need at the same time, of that primary and on that host."""
    server = facts.server(target.primary)
    there = [each for each in beside if _same(each.facts.server(each.target.primary), server)]
    copying = [each for each in there if has(each.plan.steps, CopyByBasebackup, SetUpRestored)]
    slots = [each for each in there if has(each.plan.steps, CreateSlot)]
    here = [each for each in beside if each.target.standby_ssh == target.standby_ssh]
    copies = [each for each in here if has(each.plan.steps, CopyByBasebackup)]
    room = tuple((disk.device, disk.needed_bytes) for each in copies for disk in disks(each.sample, each.target))
    return Reserved(sum(needed_senders(each.target) for each in copying), len(slots), room)


def _same(one: Server, other: Server) -> bool:
    return (one.system_identifier, one.started_at) == (other.system_identifier, other.started_at)


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


def leaving(locks: Locks, primary: str, last: Callable[[], None] = lambda: None) -> Callable[[Plan], None]:
    """Leave the primary to other runs as soon as nothing of a plan is left to be done there. `last`: before that."""

    def ahead(rest: Plan) -> None:
        if not locks.left and not any(step.place == primary for step in rest.steps):
            last()
            locks.leave_primary()

    return ahead


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
            ahead=leaving(locks, target.primary),
        )
        begin(run)
        if locks.waited:
            session.count()
        first = run.check(expected)
        unproven = journal.unproven()
        # A run that was killed after its last step has no end: this one tells that all is there.
        tells = bool(first.steps) or unproven or journal.unended()
        if tells:
            system = run.facts.server(target.primary).system_identifier
            journal.open(target, session.resolved.conninfo, system, first.steps, session.plan_digest)
            session.heard = journal.heard
        run.follow(first)
        if not first.steps and unproven:
            run.finish(lambda: do(Prove(target.name, target.writer, PROOF_SECONDS)))
            run.finish(journal.proven)
        if tells:
            run.finish(lambda: journal.ended(Outcome.DONE, run.facts))
        return first
