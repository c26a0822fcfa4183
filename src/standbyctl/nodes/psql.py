"""PostgreSQL servers, by a psql on their own host: through their Unix socket, as a user that peer lets in.

Statements go by its standard input, never as arguments. Values come as JSON has them: numbers, texts, truth, lists and
objects; whatever else (times, LSNs, addresses) as text.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import pbkdf2_hmac, sha256
from hmac import digest
from typing import Any

from standbyctl.domain.errors import CannotTellError, NotLetInError, StandbyctlError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.driver import psycopg
from standbyctl.nodes.libpq import ACTING, OBSERVING, OUR_APPLICATION_NAME, PATIENCE_SECONDS
from standbyctl.nodes.majors import for_major
from standbyctl.nodes.ports import Greeting, Host, Session, Talk

_CONNECT_SECONDS = 15
_NO_RIGHT, _LOST = "42501", "connection lost"
_RECORD = "\x1e"
# Debian's psql is a script that finds the right one.
_START = """
PGOPTIONS=$1 PGAPPNAME=$2 PGCONNECT_TIMEOUT=10 PGCLIENTENCODING=UTF8
export PGOPTIONS PGAPPNAME PGCONNECT_TIMEOUT PGCLIENTENCODING
exec "$3" -XqAt --no-password -R "$(printf '\\036')" -d "$4"
"""
# Beside that psql. 0: PostgreSQL is there and takes connections, be it not ours; 1: it starts or stops.
_TAKES = """
case $1 in */*) ready=${1%/*}/pg_isready ;; *) ready=pg_isready ;; esac
"$ready" -q -t 2 -d "$2"
"""
_VERSION = "SELECT current_setting('server_version_num')::int"
_WHO = """
SELECT current_setting('server_version_num')::int, current_setting('is_superuser') = 'on', pg_backend_pid(),
       current_setting('port')::int
"""
_ROWS = re.compile(r"(?:\s|--[^\n]*\n)*(SELECT|WITH|TABLE|VALUES)\b", re.IGNORECASE)
_PARAMETER = re.compile(r"%(?:(%)|s|\((\w+)\)s)")
_ITERATIONS = 4096


class _SqlError(Exception):
    """A statement that was refused, or, where there is no SQLSTATE, a connection that was lost."""

    def __init__(self, words: str, sqlstate: str = "") -> None:
        super().__init__(words)
        self.sqlstate, self.words = sqlstate, words


class PsqlServer:
    """A server that is asked by psql on its host. `params`: a conninfo's, as that host understands it.

    `program`: psql, found by the PATH there, or by its own.
    """

    def __init__(self, name: str, host: Host, params: Mapping[str, str], program: str = "psql") -> None:
        self._name, self._host, self._params, self._program = name, host, dict(params), program
        self._kept: _Psql | None = None

    @property
    def name(self) -> str:
        return self._name

    def port(self) -> int:
        return self.greeting().port

    def greeting(self) -> Greeting:
        [(version, superuser, pid, port)] = self.observe(_WHO)
        return Greeting(version, superuser, pid, "", port, psycopg.conninfo.make_conninfo("", **self._params))

    def pooled(self) -> bool:
        return False

    def renamed(self, name: str) -> PsqlServer:
        other = PsqlServer(name, self._host, self._params, self._program)
        other._kept, self._kept = self._kept, None
        return other

    def at(self, name: str, **changes: str) -> PsqlServer:
        return PsqlServer(name, self._host, {**self._params, **changes}, self._program)

    def observe(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> list[tuple[Any, ...]]:
        tries = 2 if timeout_seconds == PATIENCE_SECONDS else 1
        for left in reversed(range(tries)):
            try:
                return self._observing().ask(query, params, timeout_seconds)
            except _SqlError as error:
                if error.sqlstate:
                    raise self._refused(error) from error
                self.close()
                if left == 0:
                    raise self._lost(error) from error
        raise AssertionError(query)  # pragma: no cover

    def attempt(self, query: str, *params: object, timeout_seconds: float) -> tuple[str, str]:
        try:
            self._observing().ask(query, params, timeout_seconds)
        except _SqlError as error:
            if error.sqlstate:
                return error.sqlstate, error.words
            self.close()
            raise self._lost(error) from error
        return "", ""

    def read_bytes(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> bytes:
        [(value,)] = self.observe(query, *params, timeout_seconds=timeout_seconds)
        return bytes.fromhex(str(value or "").removeprefix("\\x"))

    def session(self, database: str = "") -> Session:
        changes = {"dbname": database} if database else {}
        return PsqlSession(self._name, self._open(ACTING, **changes))

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def encrypt_password(self, password: str, role: str) -> str:
        return scram_verifier(password, secrets.token_bytes(16))

    def _observing(self) -> _Psql:
        if self._kept is None:
            self._kept = self._open(OBSERVING)
        return self._kept

    def _open(self, options: str, **changes: str) -> _Psql:
        conninfo = psycopg.conninfo.make_conninfo("", **{**self._params, **changes})
        talk = self._host.talk(_START, options, OUR_APPLICATION_NAME, self._program, conninfo)
        psql = _Psql(talk)
        try:
            [(psql.version_num,)] = psql.ask(_VERSION, (), _CONNECT_SECONDS)
        except _SqlError as error:
            psql.close()
            raise self._unreached(error, psql, conninfo) from error
        return psql

    def _unreached(self, error: _SqlError, psql: _Psql, conninfo: str) -> StandbyctlError:
        refused = self._host.script(_TAKES, self._program, conninfo).status == 0
        return (NotLetInError if refused else CannotTellError)(
            "A201",
            msg("cannot connect to {node}", node=self._name),
            detail=msg("{e}", e=" ".join((psql.said or error.words).split())),
            hint=msg(
                "psql was started on its host as {user}. Say where the server is with -p: the directory of its socket"
                " as host, its port, a user that pg_hba.conf lets in there.",
                user=self._host.user,
            ),
        )

    def _refused(self, error: _SqlError) -> StandbyctlError:
        if error.sqlstate == _NO_RIGHT:
            return NotLetInError(
                "A202",
                msg("no right to look at {node}", node=self._name),
                detail=msg("{e}", e=error.words),
                hint=msg("Connect as a superuser of {node}.", node=self._name),
            )
        return CannotTellError(
            "A202", msg("{node} cannot answer a question", node=self._name), detail=msg("{e}", e=error.words)
        )

    def _lost(self, error: _SqlError) -> StandbyctlError:
        return CannotTellError(
            "A201", msg("the connection to {node} was lost", node=self._name), detail=msg("{e}", e=error.words)
        )


class PsqlSession:
    """A session that may write."""

    def __init__(self, name: str, psql: _Psql) -> None:
        self._name, self._psql = name, psql

    def rows(self, query: str, *params: object, timeout_seconds: float = PATIENCE_SECONDS) -> list[tuple[Any, ...]]:
        try:
            return self._psql.ask(query, params, timeout_seconds)
        except _SqlError as error:
            raise StoppedError(
                "A204",
                msg("{node} refused a statement", node=self._name),
                detail=msg("{state}: {e}", state=error.sqlstate or _LOST, e=error.words),
                hint=msg("Mend the cause, then run the same command again."),
            ) from error

    def close(self) -> None:
        self._psql.close()


class _Psql:
    """One psql, and so one session."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self._rest, self.said = talk, b"", ""
        self.version_num = 0

    def ask(self, query: str, params: tuple[object, ...], timeout_seconds: float) -> list[tuple[Any, ...]]:
        statement = bind(for_major(query, self.version_num), params)
        rows = _ROWS.match(statement) is not None
        if rows:
            statement = f"SELECT pg_catalog.row_to_json(t) FROM (\n{statement}\n) AS t"
        token = secrets.token_hex(8)
        # The state is psql's own (11 and later): no message is read to know whether there was an error.
        ends = f"\\echo {token} :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo {token}.\n"
        try:
            self._talk.send(f"{statement}\n;\n{ends}".encode())
            answer = self._until(f"{token}.\n".encode(), timeout_seconds).decode(errors="replace")
        except (OSError, TimeoutError) as error:
            self.close()
            raise _SqlError(self.said or str(error) or f"no answer in {timeout_seconds:.0f} s") from error
        found, _, after = answer.partition(f"{token} ")
        sqlstate, _, words = after.partition("\n")
        if sqlstate != "00000":
            raise _SqlError(" ".join(words.split()), sqlstate)
        return [_row(line) for line in found.strip("\n").split(_RECORD) if line] if rows else []

    def _until(self, mark: bytes, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        while mark not in self._rest:
            got = self._talk.read(max(0.0, deadline - time.monotonic()))
            if not got:
                raise ConnectionError("psql has ended")
            self._rest += got
        answer, _, self._rest = self._rest.partition(mark)
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._talk.end()
        self.said = self._talk.errors()


def bind(query: str, params: tuple[object, ...]) -> str:
    """The values in their places, quoted for SQL; a query without any is as it is, per cent signs and all.

    >>> bind("SELECT %(n)s, 5 %% 2", ({"n": "it's"},))
    "SELECT 'it''s', 5 % 2"
    """
    if not params or params == ((),):
        return query
    named = params[0] if len(params) == 1 and isinstance(params[0], Mapping) else None
    if named == {}:
        return query
    values = iter(params)

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return "%"
        return psycopg.sql.Literal(named[match[2]] if named is not None else next(values)).as_string()

    return _PARAMETER.sub(value, query)


def _row(line: str) -> tuple[Any, ...]:
    pairs = json.loads(line, object_pairs_hook=_Pairs)
    return tuple(_plain(value) for _, value in pairs)


class _Pairs(list[tuple[str, Any]]):
    """An object's members in their order: two columns may have one name."""


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _plain(each) for key, each in value}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5802, 7677). Ours are ASCII, which SASLprep leaves alone."""
    salted = pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = sha256(digest(salted, b"Client Key", "sha256")).digest()
    keys = ":".join(b64encode(key).decode() for key in (stored, digest(salted, b"Server Key", "sha256")))
    return f"SCRAM-SHA-256${_ITERATIONS}:{b64encode(salt).decode()}${keys}"
