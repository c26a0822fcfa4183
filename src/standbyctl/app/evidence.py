"""The journal of a standby, read back for people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from standbyctl import steps
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.engine.story import Told, tell


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything done for one standby since it was first attached. `digest`: sha256 of the journal as it was read."""

    name: str
    runs: tuple[Told, ...]
    path: str
    digest: str


def gather(name: str, state: State) -> Evidence:
    """Read it; UsageError where there is none, CannotTellError where it cannot be read."""
    journal = state.journal(name)
    if not journal.path.exists():
        raise UsageError(
            "C110",
            msg("nothing is known here of an attach of {name}", name=name),
            detail=msg("There is no journal {path}.", path=journal.path),
            hint=msg("Use the state directory of the attach ($STANDBYCTL_STATE, and the same user)."),
        )
    digest = hashlib.sha256(journal.path.read_bytes()).hexdigest()
    try:
        runs = tell(journal.history(), steps.ALL)
    except (KeyError, TypeError, ValueError) as error:
        raise CannotTellError(
            "A210",
            msg("cannot read the journal {path}", path=journal.path),
            detail=msg("{e}", e=f"{type(error).__name__}: {error}"),
        ) from error
    return Evidence(name, runs, str(journal.path), digest)
