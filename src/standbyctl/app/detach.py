"""Give everything back that attach took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from standbyctl.app.attach import Planned
from standbyctl.app.request import Request, Resolved, resolve
from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.errors import RefusedError, UsageError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.engine.events import Report
from standbyctl.engine.run import Run
from standbyctl.planner.detach import DetachOptions, plan_detach, recall
from standbyctl.planner.plan import Memory, Plan


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
            return Attached(resolve(replace(given, name=name), state), "", journaled=False)
        known = ", ".join(state.names()) or "none"
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
    request = Request(
        conninfo=given.conninfo or conninfo,
        data_directory=target.data_directory,
        primary_name=target.primary,
        name=target.name,
        port=target.port,
        role=target.role,
        passfile="" if target.own_role else target.passfile,
        slot=target.slot,
        hba=target.hba.value,
    )
    return Attached(resolve(request, state), system_identifier, journaled=True)


def plan(session: Session, state: State, attached: Attached, options: DetachOptions) -> Planned:
    """What detach would do now. Changes nothing."""
    facts = session.survey()
    target = session.target
    server = facts.server(target.primary)
    was, now = attached.system_identifier, server.system_identifier
    if attached.journaled and was != now:
        raise RefusedError(
            "A257",
            msg("{node} is another cluster than the one that was attached to", node=target.primary),
            detail=msg(
                "System identifier then: {was}, now: {now}.",
                was=attached.system_identifier,
                now=server.system_identifier,
            ),
            hint=msg("Give the conninfo of the right one with -p."),
        )
    memory = _memory(facts, session, state, attached)
    return Planned(plan_detach(facts, session.sample, target, memory, options), facts, memory)


def _memory(facts: Facts, session: Session, state: State, attached: Attached) -> Memory:
    return state.journal(session.target.name).memory() if attached.journaled else recall(facts, session.target)


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
        run = Run(
            look=session.look,
            plan=lambda facts: plan_detach(facts, session.sample, session.target, planned.memory, options),
            do=session.do(locks),
            journal=journal,
            report=report,
        )
        begin(run)
        first = run.check(planned.plan)
        run.follow(first)
        journal.close()
        return first
