"""Look at a primary and a place, and say whether the one can have a standby in the other. Changes nothing."""

from __future__ import annotations

from standbyctl.app.attach import check_system
from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Trial
from standbyctl.domain.record import dataclass
from standbyctl.planner.preflight import Preflight, preflight


@dataclass(frozen=True, slots=True)
class Report:
    """The answer, and what it was found from. `untried`: why a trial that was asked for was not to be had."""

    found: Preflight
    facts: Facts
    trial: Trial | None
    untried: Message | None = None


def look_ahead(session: Session, state: State, *, trial: bool) -> Report:
    """Every check at once. `trial`: a short copy is measured too, where nothing is in the way of a whole one."""
    facts = session.survey(rate=True)
    journal = state.journal(session.target.name)
    check_system(journal, facts, session.target)
    session.see_source(facts)
    session.see_restored(facts)
    found = preflight(facts, session.sample, session.target, journal.memory())
    if not trial or found.forecast.copy_bytes is None:
        return Report(found, facts, None)
    if found.blockers:
        return Report(found, facts, None, msg("it is blocked"))
    if session.resolved.hosts.apart:
        return Report(found, facts, None, msg("its bytes would come by way of this machine"))
    try:
        measured = session.trial()
    except CannotTellError as error:
        return Report(found, facts, None, error.what)
    return Report(preflight(facts, session.sample, session.target, journal.memory(), measured), facts, measured)
