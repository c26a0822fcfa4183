"""A planned change of roles that cannot go on as it was asked for: another one was begun, or its primary is gone."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.app.known import Ran
from standbyctl.app.state import State
from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.message import msg
from standbyctl.domain.roles import RoleChange


def begun_switchover(to: str, runs: Mapping[str, Ran], state: State) -> RoleChange | None:
    """What an earlier run has begun and nobody has ended; RefusedError where that is another change."""
    for journal in state.role_journals():
        found = journal.asked(RoleChange)  # of a failover it is seen later whether it has come to anything
        if found is None or found[0].unplanned or (to in runs and runs[to][2] != found[2]):
            continue
        change = found[0]
        if change.new == to:
            return change
        if to in {seat.name for seat in change.seats} or to in runs:
            raise RefusedError(
                "R431",
                msg("another change of roles was begun, and not ended: to {name}", name=change.new),
                detail=msg("Journal: {path}", path=journal.path),
                hint=msg("End it first: standbyctl switchover --to {name}", name=change.new),
            )
    return None


def or_failover(error: CannotTellError, old: str, new: str) -> CannotTellError:
    """The same, with what is to be done where that primary is gone for good."""
    hint = msg(
        "{hint} If {old} does not come back: standbyctl failover --to {new}", hint=error.hint or "", old=old, new=new
    )
    return CannotTellError(error.code, error.what, detail=error.detail, hint=hint)
