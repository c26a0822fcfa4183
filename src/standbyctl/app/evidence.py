"""The journal of a standby, read back for people."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from standbyctl import steps
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import valid_node_name
from standbyctl.engine.story import Told, tell


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything done for one standby from an attach on. `digest`: sha256 of the whole journal."""

    name: str
    runs: tuple[Told, ...]
    path: str
    digest: str


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
    try:
        digest = hashlib.sha256(journal.path.read_bytes()).hexdigest()
        runs = tell(lives[-1 - earlier], steps.ALL)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise CannotTellError(
            "A210",
            msg("cannot read the journal {path}", path=journal.path),
            detail=msg("{e}", e=f"{type(error).__name__}: {error}"),
        ) from error
    return Evidence(name, runs, str(journal.path), digest)
