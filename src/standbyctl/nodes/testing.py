"""The procedure's test database: made, and dropped again. Only what carries our mark is ever dropped."""

from __future__ import annotations

import secrets

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import RefusedError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.libpq import quote
from standbyctl.nodes.ports import Session
from standbyctl.nodes.world import World

# CREATE DATABASE and COMMENT cannot be one transaction. So it is made under a name that nobody else would think of,
# marked, and only then given the name of the procedure: killed in between, it is still known as ours.
UNNAMED = "standbyctl_test_"
_TAKEN = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_OURS = """
SELECT datname FROM pg_database AS d, shobj_description(oid, 'pg_database') AS comment
 WHERE (comment = %s AND (datname = %s OR datname ~ %s)) OR (comment IS NULL AND datname ~ %s)
"""
# A copy of template0 needs nobody to keep away from it. The drop ends with an immediate checkpoint (all versions).
PATIENCE_SECONDS = 900
_PATIENCE = f"SET statement_timeout = '{PATIENCE_SECONDS}s'"
_WAIT_SECONDS = PATIENCE_SECONDS + 30
_TABLE = """
CREATE TABLE public.test (id serial PRIMARY KEY, data text, created_at timestamp DEFAULT CURRENT_TIMESTAMP);
INSERT INTO public.test (data) VALUES ('test data 1');
INSERT INTO public.test (data) VALUES ('test data 2')
"""


def make_test_database(effect: fx.MakeTestDatabase, world: World) -> None:
    """Make, mark, name, fill."""
    server = world.doors[effect.node].server
    session = server.session()
    try:
        if session.rows(_TAKEN, effect.database):
            raise RefusedError(
                "V810",
                msg("{node} has a database {database}, and it is not ours", node=effect.node, database=effect.database),
                hint=msg("Verify without --test-table: a marked commit proves as much and makes nothing."),
            )
        unnamed = UNNAMED + secrets.token_hex(8)
        session.rows(_PATIENCE)
        session.rows(f"CREATE DATABASE {quote(unnamed)} TEMPLATE template0", timeout_seconds=_WAIT_SECONDS)
        session.rows(f"COMMENT ON DATABASE {quote(unnamed)} IS '{effect.mark}'")
        session.rows(f"ALTER DATABASE {quote(unnamed)} RENAME TO {quote(effect.database)}")
    finally:
        session.close()
    inside = server.session(effect.database)
    try:
        inside.rows(_TABLE)
    finally:
        inside.close()


def drop_test_databases(effect: fx.DropTestDatabases, world: World) -> None:
    """Drop what is ours; the mark is looked at in the session that drops."""
    session = world.doors[effect.node].server.session()
    try:
        session.rows(_PATIENCE)
        for name in _ours(session, effect):
            try:
                session.rows(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)", timeout_seconds=_WAIT_SECONDS)
            except StoppedError as error:
                raise StoppedError(
                    "V810",
                    msg('the test database "{name}" is left on {node}', name=name, node=effect.node),
                    detail=error.detail,
                    hint=msg('Drop it yourself (DROP DATABASE "{name}"), or verify --test-table again.', name=name),
                ) from error
    finally:
        session.close()


def _ours(session: Session, effect: fx.DropTestDatabases) -> list[str]:
    pattern = f"^{UNNAMED}[0-9a-f]{{16}}$"
    return [str(row[0]) for row in session.rows(_OURS, effect.mark, effect.database, pattern, pattern)]
