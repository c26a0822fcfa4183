"""Look at a primary and a place, and say whether the one can have a standby in the other. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from standbyctl.app.attach import check_system
from standbyctl.app.session import Session
from standbyctl.app.state import State
from standbyctl.domain.facts import Facts
from standbyctl.domain.progress import Trial
from standbyctl.planner.preflight import Preflight, preflight


@dataclass(frozen=True, slots=True)
class Report:
    """The answer, and what it was found from."""

    found: Preflight
    facts: Facts
    trial: Trial | None


def look_ahead(session: Session, state: State, *, trial: bool) -> Report:
    """Every check at once. `trial`: a short copy is measured too (it reads the primary, and writes beside -D)."""
    facts = session.survey(rate=True)
    journal = state.journal(session.target.name)
    check_system(journal, facts, session.target)
    session.see_source(facts)
    measured = session.trial() if trial else None
    found = preflight(facts, session.sample, session.target, journal.memory(), measured)
    return Report(found, facts, measured)
