"""Why a server lets nobody in."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.domain.errors import CannotTellError, NotLetInError
from standbyctl.domain.message import Message, msg
from standbyctl.nodes.driver import psycopg


def cannot_connect(name: str, params: Mapping[str, str], error: psycopg.Error, conninfo: str = "") -> CannotTellError:
    """Why there is no connection, from what libpq knows (never from the text of a message).

    `conninfo`: the one that failed, where it is worth another attempt to know whether it was the login.
    """
    where = {"node": name, "user": params.get("user", "")}
    pgconn = getattr(error, "pgconn", None)
    hint: Message
    asked = pgconn is not None and (pgconn.used_password or pgconn.needs_password)
    refused = not isinstance(error, psycopg.errors.ConnectionTimeout) and (asked or (conninfo and _takes(conninfo)))
    kind = NotLetInError if refused else CannotTellError
    if pgconn is not None and pgconn.used_password:
        hint = msg(
            "Check the password of that user (.pgpass, PGPASSWORD, or passfile= in the conninfo), and the database.",
            **where,
        )
    elif pgconn is not None and pgconn.needs_password:
        hint = msg("Give the password in .pgpass, PGPASSWORD, or passfile= in the conninfo; none was found.")
    else:
        hint = msg("Check host, port and user, and that pg_hba.conf lets you in from here.")
    return kind("A201", msg("cannot connect to {node}", **where), detail=msg("{e}", e=words(error)), hint=hint)


def _takes(conninfo: str) -> bool:
    """Whether PostgreSQL is there and takes connections, be it not this one: its SQLSTATE, which libpq keeps to itself,
    is there and is not cannot_connect_now (a start, a stop). What pg_isready asks.
    """
    return bool(psycopg.pq.PGconn.ping(conninfo.encode()) == psycopg.pq.Ping.OK)


def words(error: psycopg.Error) -> str:
    """What PostgreSQL says, on one line."""
    primary = error.diag.message_primary or str(error)
    return "; ".join(" ".join(line.split()) for line in primary.splitlines() if line.strip())
