"""What a door is. Adapters live next door: local, libpq, clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended: its exit status (negative: the signal that ended it) and what it wrote."""

    status: int
    stdout: bytes
    stderr: str


class Child(Protocol):
    """A command that runs."""

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""

    def end(self) -> None:
        """End it and everything it started, and wait for that."""

    def errors(self) -> str:
        """What it had written to standard error when it was ended."""

    def feed(self, data: bytes) -> None:
        """Write to its standard input; BrokenPipeError where it reads no more."""

    def finish(self, timeout_seconds: float = ...) -> int | None:
        """Close its standard input and wait for its exit status; None where it does not end."""


class Talk(Protocol):
    """A command that is talked with."""

    def send(self, data: bytes) -> None:
        """Write to its standard input."""

    def read(self, timeout_seconds: float) -> bytes:
        """What it has written to standard output since, waiting for some; empty where it has ended."""

    def errors(self) -> str:
        """What it has written to standard error."""

    def end(self) -> None:
        """End it."""


class Host(Protocol):
    """A machine, as the operating system user that the server there runs as."""

    user: str

    def script(self, text: str, *args: str, data: bytes = b"", timeout_seconds: float = 60) -> Completed:
        """Run a POSIX shell script, with data on its standard input."""

    def start(self, text: str, *args: str, fed: bool = False) -> Child:
        """Start a script and leave it running under our eyes: it ends when we do. `fed`: we write its input."""

    def talk(self, text: str, *args: str) -> Talk:
        """Start a script that answers what we write; it ends when we do."""


class Session(Protocol):
    """A session of its own on a server."""

    def rows(self, query: str, *params: object, timeout_seconds: float = ...) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows, if it has any."""

    def close(self) -> None:
        """End the session."""


class Server(Protocol):
    """A PostgreSQL server, by libpq."""

    def observe(self, query: str, *params: object, timeout_seconds: float = ...) -> list[tuple[Any, ...]]:
        """Ask in a read-only session that is kept; it is opened again where it was lost.

        With a shorter timeout than the usual one it is asked once. CannotTellError where there is no answer.
        """

    def session(self, database: str = "") -> Session:
        """A new session that may write, in autocommit; in another database, where one is named."""

    def attempt(self, query: str, *params: object, timeout_seconds: float) -> tuple[str, str]:
        """A check that answers by raising: SQLSTATE and message, both empty where it passes.

        CannotTellError where the connection is lost meanwhile.
        """

    def close(self) -> None:
        """End the session that is kept."""

    def read_bytes(self, query: str, *params: object, timeout_seconds: float = ...) -> bytes:
        """One value as it is, in binary, by the session that is kept."""

    def encrypt_password(self, password: str, role: str) -> str:
        """The SCRAM verifier of a password, computed here."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a new session shows of the server. `hostaddr` and `port`: where it was reached by TCP."""

    version_num: int
    superuser: bool
    backend_pid: int
    hostaddr: str
    port: int
    conninfo: str


class Reached(Server, Protocol):
    """A server together with the way to it, from which other ways can be made."""

    @property
    def name(self) -> str:
        """The node's name."""

    def greeting(self) -> Greeting:
        """Who answers there; raises CannotTellError."""

    def pooled(self) -> bool:
        """Whether something that is not PostgreSQL takes connections there, and hands them on."""

    def port(self) -> int:
        """The port that it is reached at."""

    def renamed(self, name: str) -> Reached:
        """The same server by the name that it is known by from now on."""

    def at(self, name: str, **changes: str) -> Reached:
        """Another server on the same machine that takes the same credentials, or the same one in another database."""


class Clock(Protocol):
    """Time, as something tests can own."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Door:
    """How one node is reached. A standby's server answers only once it runs.

    `root`: the same machine as root, where a service manager has to be asked. `login`: as whom a tunnel logs in there.
    `away`: nobody is asked there but the server.
    """

    host: Host
    server: Server
    root: Host | None = None
    login: Host | None = None
    away: bool = False


Doors = Mapping[str, Door]
