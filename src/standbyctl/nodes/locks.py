"""One run at a time: an advisory lock on the primary, and a lock on the directory that the run works in."""

from __future__ import annotations

from types import TracebackType

from standbyctl.domain.errors import CannotTellError, RefusedError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.ports import Host, Reached, Session, Talk
from standbyctl.nodes.world import script_text

# Advisory locks belong to a database: everybody takes this one, in the same database, whatever they connect to.
LOCK_DATABASE = "postgres"
LOCK_KEY = 0x7374616E646279
TEST_LOCK_KEY = LOCK_KEY + 1
# Of 14 and later; our own must not be ended while it holds the lock.
_STAY = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'"
_ANSWER_SECONDS = 30


class Locks:
    """Held while the block runs; `check` says whether they still are. With no directory, that on the primary alone."""

    def __init__(self, primary: Reached, host: Host | None = None, directory: str = "", key: int = LOCK_KEY) -> None:
        self._primary, self._host, self._directory, self._key = primary, host, directory, key
        self._session: Session | None = None
        self._talk: Talk | None = None

    def __enter__(self) -> Locks:
        try:
            if self._host is not None:
                self._lock_directory(self._host)
            self._lock_primary()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _lock_primary(self) -> None:
        self._session = self._primary.session(LOCK_DATABASE)
        try:
            self._session.rows(_STAY)
            held = self._session.rows(f"SELECT pg_try_advisory_lock({self._key})")
        except StoppedError as error:
            raise CannotTellError(
                "A201", msg("the connection to {node} was lost", node=self._primary.name), detail=error.detail
            ) from error
        if held != [(True,)]:
            raise _busy(f"on {self._primary.name}")

    def _lock_directory(self, host: Host) -> None:
        self._talk = host.talk(script_text("lock_directory.sh"), self._directory)
        try:
            said = self._talk.read(_ANSWER_SECONDS).decode(errors="replace").strip()
        except TimeoutError:
            said = ""
        if said.startswith("busy "):
            raise _busy(f"in {said.removeprefix('busy ')}")
        if said != "held":
            self._talk.end()
            raise CannotTellError(
                "A202", msg("cannot lock {path}", path=self._directory), detail=msg("{e}", e=self._talk.errors())
            )

    def check(self) -> None:
        """Raise StoppedError where the lock on the primary is lost."""
        assert self._session is not None
        try:
            self._session.rows("SELECT 1", timeout_seconds=15)
        except StoppedError as error:
            raise StoppedError(
                "A203",
                msg("the lock on {node} is lost", node=self._primary.name),
                detail=msg("The session that held it has ended: {e}", e=error.detail or error.what),
                hint=msg("Run the same command again."),
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            self._session.close()
        if self._talk is not None:
            self._talk.end()


def _busy(where: str) -> RefusedError:
    return RefusedError(
        "A203",
        msg("another standbyctl run is at work {where}", where=where),
        hint=msg("Wait until it ends, then run this again."),
    )
