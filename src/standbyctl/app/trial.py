"""The procedure's own test: a database and a table written on the primary, read on the standby, dropped again."""

from __future__ import annotations

from standbyctl.diagnosis.sight import Trial
from standbyctl.domain.effects import DropTestDatabases, MakeTestDatabase
from standbyctl.domain.errors import CannotTellError, RefusedError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.replication import ServerView
from standbyctl.engine.run import Do
from standbyctl.nodes.locks import TEST_LOCK_KEY, Locks
from standbyctl.nodes.ports import Clock, Reached
from standbyctl.observe import verify as observe

DATABASE = "replication_test"
MARK = "standbyctl: test database of verify"
LEFT_BEHIND = "V810"
SEEN_SECONDS = 30.0


def refuse_foreign(node: str, primary: ServerView) -> None:
    """A database of that name that carries no mark of ours is not ours to use, and less so to drop."""
    if any(each.name == DATABASE and each.comment != MARK for each in primary.databases):
        raise RefusedError(
            "V810",
            msg("{node} has a database {database}, and it is not ours", node=node, database=DATABASE),
            detail=msg("Its comment is not that of a test database of standbyctl."),
            hint=msg("Verify without --test-table: a marked commit proves as much and makes nothing."),
        )


def leftovers(primary: ServerView | None) -> tuple[str, ...]:
    """What carries our mark, and no run is known to work on."""
    return tuple(each.name for each in primary.databases if each.comment == MARK) if primary else ()


def run(primary: Reached, standby: Reached, do: Do, clock: Clock) -> Trial:
    """Drop what a killed run left; make; read; drop, whatever happens. The lock tells a killed run from a busy one.

    Where the lock is lost nothing more is made; what was made is dropped all the same.
    """
    make, drop = MakeTestDatabase(primary.name, DATABASE, MARK), DropTestDatabases(primary.name, DATABASE, MARK)
    with Locks(primary, key=TEST_LOCK_KEY) as locks:
        locks.check()
        do(drop)
        locks.check()
        try:
            do(make)
            return _read(primary, standby, clock)
        finally:
            _give_back(do, drop)


def _give_back(do: Do, drop: DropTestDatabases) -> None:
    """Whatever goes wrong here, something of ours may be left, and that is said."""
    try:
        do(drop)
    except (CannotTellError, StoppedError) as error:
        if error.code == LEFT_BEHIND:
            raise
        raise StoppedError(
            LEFT_BEHIND,
            msg('the test database "{name}" may be left on {node}', name=DATABASE, node=drop.node),
            detail=msg("{what}: {detail}", what=error.what, detail=error.detail or ""),
            hint=msg("verify --test-table again removes it."),
        ) from error


def _read(primary: Reached, standby: Reached, clock: Clock) -> Trial:
    began = clock.monotonic()
    written = _rows(primary)
    while True:
        late = clock.monotonic() - began > SEEN_SECONDS
        try:
            # Nobody connects to a database that is not there: that would be a FATAL in the standby's log.
            if observe.has_database(standby, DATABASE) and _rows(standby) == written:
                took = clock.monotonic() - began
                return Trial(len(written), took, took * 1000)
        except CannotTellError:
            if late:
                raise
        if late:
            return Trial(0, SEEN_SECONDS, None)
        clock.sleep(0.02)


def _rows(server: Reached) -> list[tuple[int, str, str]]:
    """With a session of its own, closed at once: one that stays would be in the way of the drop."""
    inside = server.at(server.name, dbname=DATABASE)
    try:
        return observe.test_rows(inside)
    finally:
        inside.close()
