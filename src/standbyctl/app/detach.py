"""Give everything back that attach took."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.app.attach import Planned
from standbyctl.app.request import Request, Resolved, resolve
from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.engine.events import Report
from standbyctl.engine.run import Run
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan


def resolve_attached(name: str, state: State) -> Resolved:
    """The target of an earlier attach, as the journal has it, reached again."""
    run = state.journal(name).run()
    if run is None:
        known = ", ".join(state.names()) or "none"
        raise UsageError(
            "C110",
            msg("nothing is known here of an attach of {name}", name=name),
            detail=msg("Attached from here: {known}. State: {path}", known=known, path=state.root),
            hint=msg("Use the state directory that attach was run with ($STANDBYCTL_STATE, and the same user)."),
        )
    target, conninfo, _ = run
    request = Request(
        conninfo=conninfo,
        data_directory=target.data_directory,
        primary_name=target.primary,
        name=target.name,
        port=target.port,
        role=target.role,
        passfile="" if target.own_role else target.passfile,
        slot=target.slot,
        hba=target.hba.value,
    )
    return resolve(request, state)


def plan(session: Session, state: State, options: DetachOptions) -> Planned:
    """What detach would do now. Changes nothing."""
    session.take_sample()
    facts = session.look()
    memory = state.journal(session.target.name).memory()
    return Planned(plan_detach(facts, session.sample, session.target, memory, options), facts)


def detach(
    session: Session,
    state: State,
    report: Report,
    options: DetachOptions,
    expected: Plan | None,
    begin: Callable[[Run], None],
) -> Plan:
    """Follow the plan; then there is nothing left to remember."""
    journal = state.journal(session.target.name)
    session.take_sample()
    with session.locks() as locks:
        memory = journal.memory()
        run = Run(
            look=session.look,
            plan=lambda facts: plan_detach(facts, session.sample, session.target, memory, options),
            do=session.do(locks),
            journal=journal,
            report=report,
        )
        begin(run)
        first = run.check(expected)
        run.follow(first)
        journal.close()
        return first
