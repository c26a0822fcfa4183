"""Which standby takes the place of a primary that is gone, where nobody has named one."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.app.known import Ran
from standbyctl.app.roles import Reachable
from standbyctl.app.state import State
from standbyctl.domain.errors import RefusedError, UsageError
from standbyctl.domain.lsn import format_lsn
from standbyctl.domain.message import Message, msg
from standbyctl.domain.roles import RoleChange
from standbyctl.observe.members import look_at_members


def any_of(runs: Mapping[str, Ran]) -> str:
    """A standby of the primary that is gone, to begin with; UsageError where nobody can know which one that is."""
    if len({(run[0].primary, run[2]) for run in runs.values()}) == 1:
        return next(iter(runs))
    raise _which(msg("Attached from here: {known}.", known=", ".join(runs) or msg("none")))


def begun_failover(runs: Mapping[str, Ran], to: str, state: State) -> RoleChange | None:
    """A failover that is not ended, of that cluster where one of its nodes was named.

    RefusedError where a switchover to another node is not: it may be about to promote that.
    """
    found = (journal.asked(RoleChange) for journal in state.role_journals())
    systems = {runs[to][2]} if to in runs else {run[2] for run in runs.values()}
    mine = [each[0] for each in found if each and each[2] in systems]
    for change in mine:
        if not change.unplanned and to in runs and change.new != to and change.new in runs:
            raise RefusedError(
                "R431",
                msg("another change of roles was begun, and not ended: to {name}", name=change.new),
                hint=msg("End it first: standbyctl failover --to {name}", name=change.new),
            )
    return next((change for change in mine if change.new in runs and change.unplanned), None)


def who_has_most(reached: Reachable) -> str:
    """Of those that answer, the one with the most WAL; UsageError where two have as much.

    Where that is not who `reached` would promote, what it keeps open is closed.
    """
    try:
        best = _best(reached)
    except BaseException:
        reached.close()
        raise
    if best != reached.change.new:
        reached.close()
    return best


def _best(reached: Reachable) -> str:
    change = reached.change
    facts, sample = look_at_members(reached.doors, change, frozenset({change.old}))
    direct = [change.new, *(target.name for target in change.followers)]
    has = {
        name: (facts.member(name).timeline, sample.around[name].received) for name in direct if name in sample.around
    }
    most = max(has.values(), default=None)
    first = [name for name in direct if has.get(name) == most]
    if most is None or len(first) == 1:
        return first[0] if most else change.new
    raise _which(msg("As much WAL as any have {known}, up to {lsn}.", known=", ".join(first), lsn=format_lsn(most[1])))


def _which(detail: Message) -> UsageError:
    return UsageError(
        "C110",
        msg("which standby is to be the primary?"),
        detail=detail,
        hint=msg("Name one with --to: where another has more of the WAL, that is said, and nobody is promoted."),
    )
