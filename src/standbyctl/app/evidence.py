"""The journal of a standby, or of a change of roles, read back for people."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from standbyctl import steps
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import valid_node_name
from standbyctl.domain.record import dataclass
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.story import Told, tell

# The lines of a journal from one beginning to its end.
Life = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything done for one standby from an attach on, or in one change of roles.

    `digest`: sha256 of the whole journal. `more`: path and digest of what made others ready for that change.
    """

    name: str
    runs: tuple[Told, ...]
    path: str
    digest: str
    more: tuple[tuple[str, str], ...] = ()


def gather(name: str, state: State, earlier: int = 0) -> Evidence:
    """Read it; UsageError where there is none, CannotTellError where it cannot be read.

    `earlier`: so many times that it was attached and detached before the last.
    """
    journal = state.journal(name)
    if not valid_node_name(name) or not os.path.exists(journal.path):
        raise UsageError(
            "C110",
            msg("nothing is known here of an attach of {name}", name=name),
            detail=msg("There is no journal {path}.", path=journal.path),
            hint=msg("Use the state directory of the attach ($STANDBYCTL_STATE, and the same user)."),
        )
    lives = journal.histories()
    if earlier >= len(lives):
        raise UsageError(
            "C110",
            msg("{name} was attached {n} times from here", name=name, n=len(lives)),
            hint=msg("Give a smaller number with --earlier."),
        )
    return Evidence(name, _told(journal, lives[-1 - earlier]), str(journal.path), _digest(journal))


def gather_roles(name: str, state: State, earlier: int = 0) -> Evidence:
    """The last change of roles that a node had a part in, with what of it was tried and taken back just before, and
    what was made ready for it; errors as of `gather`.
    """
    found = [
        (journal, before, tried)
        for journal in state.role_journals()
        for before, tried in _attempts(journal)
        if any(name in run.change.names for life in tried for run in _told(journal, life) if run.change)
    ]
    if earlier >= len(found):
        raise UsageError(
            "C110",
            msg("{n} changes of the roles of {name} are known here", name=name, n=len(found)),
            hint=msg("Use the state directory of the change ($STANDBYCTL_STATE, and the same user)."),
        )
    found.sort(key=lambda each: _at(each[2][0][0]["at"]))
    journal, before, tried = found[-1 - earlier]
    runs = [run for life in tried for run in _told(journal, life)]
    for run in runs:
        run.verb = "failover" if run.change and run.change.unplanned else "switchover"
    more = []
    for each in state.ready_journals(journal):
        ready = [
            run for past in each.histories() for run in _told(each, past) if _within(run, before, tried[-1][-1]["at"])
        ]
        for run in ready:
            run.verb = "ready"
        runs += ready
        more += [(str(each.path), _digest(each))] if ready else []
    runs.sort(key=lambda run: _at(run.at))
    return Evidence(name, tuple(runs), str(journal.path), _digest(journal), tuple(more))


def _attempts(journal: Journal) -> Iterator[tuple[datetime | None, tuple[Life, ...]]]:
    """What was tried again until it was done, or something else was: one change; and when the one before ended."""
    before: datetime | None = None
    tried: list[Life] = []
    for life in journal.histories():
        if tried and (_done(journal, tried[-1]) or _asked(journal, tried[-1]) != _asked(journal, life)):
            yield before, tuple(tried)
            before, tried = _at(tried[-1][-1]["at"]), []
        tried.append(life)
    if tried:
        yield before, tuple(tried)


def _done(journal: Journal, life: Life) -> bool:
    return any(run.outcome is Outcome.DONE for run in _told(journal, life))


def _asked(journal: Journal, life: Life) -> set[tuple[str, str, bool]]:
    """Who was to take the place of whom."""
    changes = (run.change for run in _told(journal, life) if run.change)
    return {(each.old, each.new, each.unplanned) for each in changes}


def _within(run: Told, before: datetime | None, end: str) -> bool:
    """After the change before, and not after the end of this one."""
    return (before is None or _at(run.at) > before) and _at(run.at) <= _at(end)


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _told(journal: Journal, life: Life) -> tuple[Told, ...]:
    try:
        return tell(life, steps.ALL)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(journal, error) from error


def _digest(journal: Journal) -> str:
    try:
        return hashlib.sha256(journal.path.read_bytes()).hexdigest()
    except OSError as error:
        raise _unreadable(journal, error) from error


def _unreadable(journal: Journal, error: Exception) -> CannotTellError:
    return CannotTellError(
        "A210",
        msg("cannot read the journal {path}", path=journal.path),
        detail=msg("{e}", e=f"{type(error).__name__}: {error}"),
    )
