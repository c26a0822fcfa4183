"""PostgreSQL servers, by libpq (psycopg).

Every session of ours names its schema, has timeouts, and never waits for a synchronous standby: those that
observe commit nothing, and leave synchronous_commit alone so as to see what the server runs with.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from standbyctl.domain.errors import CannotTellError, NotLetInError, StandbyctlError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.driver import psycopg
from standbyctl.nodes.letting import cannot_connect, words
from standbyctl.nodes.majors import for_major
from standbyctl.nodes.ports import Greeting, Session

OUR_APPLICATION_NAME = "standbyctl"
PATIENCE_SECONDS = 90.0
# What an owner of a database may set for whoever connects to it does not reach us: a role to act as, the way times
# are written, an isolation that waits.
COMMON = (
    "-c search_path=pg_catalog -c lock_timeout=10s -c role=none -c DateStyle=ISO -c IntervalStyle=postgres"
    " -c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off"
)
OBSERVING = f"{COMMON} -c statement_timeout=60s -c default_transaction_read_only=on"
# Where we are cut off, locks are not held on for the two hours that a kernel takes to notice; we have given up by then.
HEARD_OF = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000"
ACTING = (
    f"{COMMON} -c synchronous_commit=local -c statement_timeout=60s -c default_transaction_read_only=off {HEARD_OF}"
)
_CONNECT = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class LibpqServer:
    """A server that is reached with the operator's own connection parameters."""

    def __init__(self, name: str, params: Mapping[str, str], original: LibpqServer | None = None) -> None:
        self._name, self._params, self._original = name, dict(params), original
        self._kept: psycopg.Connection[Any] | None = None

    @property
    def name(self) -> str:
        """The node's name."""
        return self._name

    def port(self) -> int:
        """The port that it is reached at."""
        return self._observing().info.port

    def observe(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> list[tuple[Any, ...]]:
        tries = 2 if timeout_seconds == PATIENCE_SECONDS else 1
        for left in reversed(range(tries)):
            try:
                return ask(self._observing(timeout_seconds), query, params, timeout_seconds)
            except psycopg.OperationalError as error:
                self.close()
                if left == 0:
                    raise _cannot_ask(self._name, error) from error
            except psycopg.errors.InsufficientPrivilege as error:
                raise NotLetInError(
                    "A202",
                    msg("no right to look at {node}", node=self._name),
                    detail=msg("{e}", e=words(error)),
                    hint=msg("Connect as a superuser of {node}.", node=self._name),
                ) from error
            except psycopg.Error as error:
                raise CannotTellError(
                    "A202", msg("{node} cannot answer a question", node=self._name), detail=msg("{e}", e=words(error))
                ) from error
        raise AssertionError(query)  # pragma: no cover

    def attempt(self, query: str, *params: object, timeout_seconds: float) -> tuple[str, str]:
        try:
            ask(self._observing(timeout_seconds), query, params, timeout_seconds)
        except psycopg.OperationalError as error:
            if error.sqlstate and self._kept is not None and not self._kept.broken:
                return error.sqlstate, words(error)
            self.close()
            raise _cannot_ask(self._name, error) from error
        except psycopg.Error as error:
            return error.sqlstate or "XX000", words(error)
        return "", ""

    def read_bytes(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> bytes:
        """One value as it is, in binary; CannotTellError where there is no answer."""
        conn = self._observing(timeout_seconds)
        try:
            with _watched(conn, timeout_seconds):
                [(value,)] = conn.execute(query.encode(), params, binary=True).fetchall()
        except psycopg.Error as error:
            self.close()
            raise _cannot_ask(self._name, error) from error
        return bytes(value or b"")

    def session(self, database: str = "") -> Session:
        return LibpqSession(self._name, self.connect(ACTING, **({"dbname": database} if database else {})))

    def close(self) -> None:
        """End the session that is kept for looking."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def encrypt_password(self, password: str, role: str) -> str:
        made = self._observing().pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        return made.decode()

    def greeting(self) -> Greeting:
        conn = self._observing()
        info = conn.info
        superuser = info.parameter_status("is_superuser") == "on"
        return Greeting(info.server_version, superuser, info.backend_pid, info.hostaddr, info.port, self.reached(conn))

    def kept(self) -> psycopg.Connection[Any]:
        """The connection that is kept for looking, made if need be; raises CannotTellError."""
        return self._observing()

    def renamed(self, name: str) -> LibpqServer:
        """The same server by the name that it is known by from now on; the kept connection goes along."""
        other = LibpqServer(name, self._params, self._original)
        other._kept, self._kept = self._kept, None
        return other

    def pooled(self) -> bool:
        """Whether something that is not PostgreSQL takes connections there, and hands them on.

        A pooler knows no `options`, or gives its own process id for the backend's.
        """
        params = {**_CONNECT, **self._params, "application_name": OUR_APPLICATION_NAME}
        try:
            with psycopg.connect(psycopg.conninfo.make_conninfo("", **params), autocommit=True) as conn:
                return ask(conn, "SELECT pg_catalog.pg_backend_pid()", ()) != [(conn.info.backend_pid,)]
        except psycopg.Error:
            return False

    def connect(self, options: str = OBSERVING, **changes: str) -> psycopg.Connection[Any]:
        """A new connection in autocommit; raises CannotTellError."""
        return self._connected(self._conninfo(options, **changes))

    def _conninfo(self, options: str, **changes: str) -> str:
        given = self._params.get("options", "")
        params = {**_CONNECT, **self._params, **changes, "options": f"{given} {options}".strip()}
        params["application_name"] = OUR_APPLICATION_NAME
        params["client_encoding"] = "utf8"  # what comes from a SQL_ASCII database would be bytes
        if self._original is not None and (secret := self._original.lend()):
            params["password"] = secret
        return psycopg.conninfo.make_conninfo("", **params)

    def _connected(self, conninfo: str, *, doubted: bool = False) -> psycopg.Connection[Any]:
        """`doubted`: where it fails, it is worth another attempt to know whether it was the login."""
        try:
            return psycopg.connect(conninfo, autocommit=True)
        except psycopg.Error as error:
            raise cannot_connect(self._name, self._params, error, conninfo if doubted else "") from error

    def reached(self, conn: psycopg.Connection[Any]) -> str:
        """A conninfo for what was reached, whatever the environment said; without a password."""
        info = conn.info
        found = {"host": info.host, "port": str(info.port), "user": info.user, "dbname": info.dbname}
        return psycopg.conninfo.make_conninfo(
            "", **{key: value for key, value in {**self._params, **found}.items() if key != "hostaddr"}
        )

    def at(self, name: str, **changes: str) -> LibpqServer:
        """Another server that takes the same credentials: a physical copy of this one."""
        return LibpqServer(name, {**self._params, **changes, "target_session_attrs": "any"}, self)

    def elsewhere(self, name: str, params: Mapping[str, str]) -> LibpqServer:
        """A server at another address; where the same user connects, what was a password here is one there."""
        same = params.get("user", "") == self.kept().info.user
        return LibpqServer(name, {**params, "target_session_attrs": "any"}, self if same else None)

    def lend(self) -> str:
        """The password for a copy of this server: libpq looks it up before it connects, so this one may be away."""
        kept = self._kept  # another thread may end it meanwhile
        try:
            if kept is not None and not kept.closed:
                return kept.info.password
            begun = psycopg.pq.PGconn.connect_start(psycopg.conninfo.make_conninfo("", **self._params).encode())
            try:
                return begun.password.decode()
            finally:
                begun.finish()
        except psycopg.Error:
            return ""

    def _observing(self, timeout_seconds: float = PATIENCE_SECONDS) -> psycopg.Connection[Any]:
        if self._kept is None or self._kept.closed:
            conninfo = self._conninfo(OBSERVING, connect_timeout=connect_seconds(self._params, timeout_seconds))
            self._kept = self._connected(conninfo, doubted=timeout_seconds < PATIENCE_SECONDS)
        return self._kept


class LibpqSession:
    """A session that may write."""

    def __init__(self, name: str, conn: psycopg.Connection[Any]) -> None:
        self._name, self._conn = name, conn

    def rows(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> list[tuple[Any, ...]]:
        try:
            return ask(self._conn, query, params, timeout_seconds)
        except psycopg.Error as error:
            raise StoppedError(
                "A204",
                msg("{node} refused a statement", node=self._name),
                detail=msg("{state}: {e}", state=error.sqlstate or "connection lost", e=words(error)),
                hint=msg("Mend the cause, then run the same command again."),
            ) from error

    def close(self) -> None:
        self._conn.close()


def connect_seconds(params: Mapping[str, str], timeout_seconds: float) -> str:
    """How long whoever looks waits for a connection: as long as for an answer, and no longer than was given.

    >>> connect_seconds({}, 90.0), connect_seconds({"connect_timeout": "5"}, 90.0), connect_seconds({}, 1.0)
    ('10', '5', '2')
    """
    given = params.get("connect_timeout", "")
    # For libpq 0 is for ever.
    most = int(given) if given.isdecimal() and int(given) else 10
    return str(max(2, min(10, most, int(timeout_seconds))))


def parse_conninfo(text: str) -> dict[str, str]:
    """The parameters of a connection string or URI; ValueError where it is neither."""
    try:
        return {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(text).items() if value is not None}
    except psycopg.ProgrammingError as error:
        raise ValueError(words(error)) from error


def ask(
    conn: psycopg.Connection[Any], query: str, params: tuple[object, ...], timeout_seconds: float = PATIENCE_SECONDS
) -> list[tuple[Any, ...]]:
    """Ask, but not for ever: a server that is frozen keeps its timeouts to itself, and its host still answers TCP."""
    named = params[0] if len(params) == 1 and isinstance(params[0], Mapping) else params
    with _watched(conn, timeout_seconds):
        cursor = conn.execute(for_major(query, conn.info.server_version).encode(), named or None)
        # Not by its description: a row may have no column (SELECT FROM ...).
        answered = cursor.pgresult is not None and cursor.pgresult.status == psycopg.pq.ExecStatus.TUPLES_OK
        return cursor.fetchall() if answered else []


@contextlib.contextmanager
def _watched(conn: psycopg.Connection[Any], timeout_seconds: float) -> Iterator[None]:
    """Hang up when it takes longer."""
    watch = threading.Timer(timeout_seconds, _hang_up, [conn])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _hang_up(conn: psycopg.Connection[Any]) -> None:
    """Wake whoever waits on the connection."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _cannot_ask(name: str, error: psycopg.Error) -> StandbyctlError:
    return CannotTellError(
        "A201", msg("the connection to {node} was lost", node=name), detail=msg("{e}", e=words(error))
    )


def quote(name: str) -> str:
    """An identifier for SQL."""
    return psycopg.sql.Identifier(name).as_string()


def literal(value: str) -> str:
    """A text for SQL, where a statement takes no parameters."""
    return psycopg.sql.Literal(value).as_string()
