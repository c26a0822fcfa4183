"""Several standbys by one command: planned one after the other, each with what those before it will need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from standbyctl.app import attach as app
from standbyctl.app.planfile import SavedPlan
from standbyctl.app.request import Request, resolve
from standbyctl.app.session import Session, Wrap, silent
from standbyctl.app.state import State
from standbyctl.domain.errors import BlockedError, Blocker
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """One of them: what the operator typed, or the plan that was saved."""

    request: Request
    saved: SavedPlan | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One of them, and what is to be done for it."""

    asked: Asked
    target: Target
    plan: Plan


def plan_all(every: Sequence[Asked], state: State, wrap: Wrap) -> tuple[Member, ...]:
    """Plan them all, or raise BlockedError with everything that stands in the way of any. Changes nothing."""
    members: list[Member] = []
    planned: list[app.Planned] = []
    for asked in every:
        session = Session(resolve(asked.request, state, tuple(each.target for each in members)), silent, wrap)
        try:
            if asked.saved:
                asked.saved.check(session)
            planned.append(app.plan(session, state, planned))
        finally:
            session.close()
        target, plan = session.target, asked.saved.plan if asked.saved else planned[-1].plan
        # What was chosen stays chosen: alone, each would take the first port that is free.
        chosen = Asked(replace(asked.request, name=target.name, port=target.port), asked.saved)
        members.append(Member(chosen, target, plan))
    if blockers := tuple(_blockers(planned)):
        raise BlockedError(blockers)
    return tuple(members)


def _blockers(planned: list[app.Planned]) -> Iterator[Blocker]:
    """Each once, and whose they are: what is wrong with the primary is found for all of them."""
    names: dict[Blocker, list[str]] = {}
    for each in planned:
        for blocker in each.plan.blockers:
            names.setdefault(blocker, []).append(each.target.name)
    for blocker, whose in names.items():
        yield replace(blocker, what=msg("{names}: {what}", names=", ".join(whose), what=blocker.what))
