"""The journal of a standby, or of a change of roles, read back for people."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from typing import Any

from standbyctl import steps
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import valid_node_name
from standbyctl.domain.record import dataclass
from standbyctl.engine.journal import Journal
from standbyctl.engine.story import Told, tell


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
    """The last change of roles that a node had a part in, and what was made ready for it; errors as of `gather`."""
    found = [
        (journal, number, life)
        for journal in state.role_journals()
        for number, life in enumerate(journal.histories())
        if any(name in run.change.names for run in _told(journal, life) if run.change)
    ]
    if earlier >= len(found):
        raise UsageError(
            "C110",
            msg("{n} changes of the roles of {name} are known here", name=name, n=len(found)),
            hint=msg("Use the state directory of the change ($STANDBYCTL_STATE, and the same user)."),
        )
    found.sort(key=lambda each: _at(each[2][0]["at"]))
    journal, number, life = found[-1 - earlier]
    before = _at(journal.histories()[number - 1][-1]["at"]) if number else None
    runs = list(_told(journal, life))
    for run in runs:
        run.verb = "failover" if run.change and run.change.unplanned else "switchover"
    more = []
    for each in state.ready_journals(journal):
        ready = [run for past in each.histories() for run in _told(each, past) if _within(run, before, life[-1]["at"])]
        for run in ready:
            run.verb = "ready"
        runs += ready
        more += [(str(each.path), _digest(each))] if ready else []
    runs.sort(key=lambda run: _at(run.at))
    return Evidence(name, tuple(runs), str(journal.path), _digest(journal), tuple(more))


def _within(run: Told, before: datetime | None, end: str) -> bool:
    """After the change before, and not after the end of this one."""
    return (before is None or _at(run.at) > before) and _at(run.at) <= _at(end)


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _told(journal: Journal, life: tuple[dict[str, Any], ...]) -> tuple[Told, ...]:
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
