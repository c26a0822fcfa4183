"""One run at a time: an advisory lock on the primary, and a lock on the directory that the run works in."""

from __future__ import annotations

import fcntl
import os
from types import TracebackType

import psycopg

from standbyctl.domain.errors import CannotTellError, RefusedError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.libpq import OBSERVING, LibpqServer, ask

# Advisory locks belong to a database: everybody takes this one, in the same database, whatever they connect to.
LOCK_DATABASE = "postgres"
LOCK_KEY = 0x7374616E646279
TEST_LOCK_KEY = LOCK_KEY + 1
_OPTIONS = f"{OBSERVING} -c idle_session_timeout=0"


class Locks:
    """Held while the block runs; `check` says whether they still are. With no directory, that on the primary alone."""

    def __init__(self, primary: LibpqServer, directory: str = "", key: int = LOCK_KEY) -> None:
        self._primary, self._directory, self._key = primary, directory, key
        self._conn: psycopg.Connection[tuple[object, ...]] | None = None
        self._descriptor = -1

    def __enter__(self) -> Locks:
        if self._directory:
            self._lock_directory()
        try:
            self._conn = self._primary.connect(_OPTIONS, dbname=LOCK_DATABASE)
            held = ask(self._conn, f"SELECT pg_try_advisory_lock({self._key})", ())
        except psycopg.Error as error:
            self.__exit__(None, None, None)
            raise CannotTellError(
                "A201", msg("the connection to {node} was lost", node=self._primary.name), detail=msg("{e}", e=error)
            ) from error
        except CannotTellError:
            self.__exit__(None, None, None)
            raise
        if held != [(True,)]:
            self.__exit__(None, None, None)
            raise _busy(f"on {self._primary.name}")
        return self

    def _lock_directory(self) -> None:
        self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise _busy(f"in {self._directory}") from error

    def check(self) -> None:
        """Raise StoppedError where the lock on the primary is lost."""
        assert self._conn is not None
        try:
            ask(self._conn, "SELECT 1", (), timeout_seconds=15)
        except psycopg.Error as error:
            raise StoppedError(
                "A203",
                msg("the lock on {node} is lost", node=self._primary.name),
                detail=msg("The session that held it has ended: {e}", e=" ".join(str(error).split())),
                hint=msg("Run the same command again."),
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._conn is not None:
            self._conn.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _busy(where: str) -> RefusedError:
    return RefusedError(
        "A203",
        msg("another standbyctl run is at work {where}", where=where),
        hint=msg("Wait until it ends, then run this again."),
    )
