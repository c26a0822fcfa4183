"""Who may be at work: one run a standby, and one at a time that changes the primary.

Advisory locks on the primary, and a lock on the place where the standby is or goes.
"""

from __future__ import annotations

import zlib
from types import TracebackType

from standbyctl.domain.errors import CannotTellError, RefusedError, StoppedError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Note, Tell
from standbyctl.domain.record import dataclass
from standbyctl.nodes.ports import Clock, Host, Reached, Session, Talk
from standbyctl.nodes.world import script_text

# Advisory locks belong to a database: everybody takes this one, in the same database, whatever they connect to.
LOCK_DATABASE = "postgres"
LOCK_KEY = 0x7374616E646279
TEST_LOCK_KEY = LOCK_KEY + 1
# Keys of two numbers are another space than those of one: this number, and one that stands for a name.
_STANDBYS = 0x73746279
# Of 14 and later; our own must not be ended while it holds the lock.
_STAY = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'"
_ANSWER_SECONDS = 30
_CHECK_SECONDS = 15
_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run waits for one that changes the primary, and whom it tells."""

    clock: Clock
    tell: Tell
    seconds: float = PATIENCE_SECONDS


class Locks:
    """Held while the block runs; `check` says whether they still are.

    `place`: where the standby is or goes; with none, nothing but the primary is locked. With a name, the primary may
    be left to others before the end (`leave_primary`), while that standby still is nobody else's. A primary that
    somebody changes is waited for as `patience` has it; without, and everything else that is taken, is an error.
    `left`: the primary is anybody's by now. `waited`: somebody else may have changed it before it was ours.
    """

    def __init__(
        self,
        primary: Reached,
        host: Host | None = None,
        place: str = "",
        name: str = "",
        patience: Patience | None = None,
        key: int = LOCK_KEY,
    ) -> None:
        self._primary, self._host, self._place, self._name, self._key = primary, host, place, name, key
        self._patience = patience
        self._session: Session | None = None
        self._talk: Talk | None = None
        self.left = False
        self.waited = False

    def __enter__(self) -> Locks:
        try:
            if self._host is not None:
                self._lock_place(self._host)
            self._lock_primary()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def leave_primary(self) -> None:
        """Nothing more is to be changed there: others may. StoppedError where the session was lost."""
        assert self._name
        self._ask(f"SELECT pg_advisory_unlock({self._key})")
        self.left = True

    def leave_place(self) -> None:
        """Whoever works in the place now takes a lock there of its own: on the directory itself, as ours may be."""
        if self._talk is not None:
            self._talk.end()
            self._talk = None

    def _lock_primary(self) -> None:
        self._session = session = self._primary.session(LOCK_DATABASE)
        try:
            session.rows(_STAY)
            if self._name and not _got(session, f"{_STANDBYS}, {_number(self._name)}"):
                raise _busy(msg("on {node}", node=self._name))
            self._wait_for_primary(session)
        except StoppedError as error:
            raise CannotTellError(
                "A201", msg("the connection to {node} was lost", node=self._primary.name), detail=error.detail
            ) from error

    def _wait_for_primary(self, session: Session) -> None:
        patience, deadline = self._patience, 0.0
        while not _got(session, str(self._key)):
            now = patience.clock.monotonic() if patience else 0.0
            if patience is None or (deadline and now > deadline):
                raise _busy(msg("on {node}", node=self._primary.name))
            if not deadline:
                patience.tell(
                    Note(
                        msg(
                            "waiting for its turn: {node} is being changed for another standby", node=self._primary.name
                        )
                    )
                )
                deadline = now + patience.seconds
                self.waited = True
            patience.clock.sleep(_AGAIN_SECONDS)

    def _lock_place(self, host: Host) -> None:
        self._talk = host.talk(script_text("lock_place.sh"), self._place)
        try:
            said = self._talk.read(_ANSWER_SECONDS).decode(errors="replace").strip()
        except TimeoutError:
            said = ""
        if said.startswith("busy "):
            raise _busy(msg("in {path}", path=said.removeprefix("busy ")))
        if said != "held":
            self._talk.end()
            raise CannotTellError(
                "A202", msg("cannot lock {path}", path=self._place), detail=msg("{e}", e=self._talk.errors())
            )

    def check(self) -> None:
        """Raise StoppedError where the session that holds them on the primary is lost."""
        self._ask("SELECT 1")

    def _ask(self, query: str) -> None:
        assert self._session is not None
        try:
            self._session.rows(query, timeout_seconds=_CHECK_SECONDS)
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


def _got(session: Session, key: str) -> bool:
    return session.rows(f"SELECT pg_try_advisory_lock({key})") == [(True,)]


def _number(name: str) -> int:
    """A name as a key: 32 bits with a sign. Two names that share one exclude each other, which does no harm."""
    return int.from_bytes(zlib.crc32(name.encode()).to_bytes(4), signed=True)


def _busy(where: Message) -> RefusedError:
    return RefusedError(
        "A203",
        msg("another standbyctl run is at work {where}", where=where),
        hint=msg("Wait until it ends, then run this again."),
    )
