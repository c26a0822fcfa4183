"""The procedure's test database: made, and dropped again. Dropped is what carries our mark; and what has a name that
we give, no mark yet, and nothing in it.
"""

from __future__ import annotations

import secrets

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import RefusedError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.libpq import quote
from standbyctl.nodes.ports import Server, Session
from standbyctl.nodes.world import World

# CREATE DATABASE and COMMENT cannot be one transaction. So it is made under a name that nobody else would think of,
# marked, and only then given the name of the procedure: killed in between, it is still known as ours.
UNNAMED = "standbyctl_test_"
_TAKEN = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_OURS = """
SELECT datname, comment IS NOT NULL FROM pg_database AS d, shobj_description(oid, 'pg_database') AS comment
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
        # Whoever could connect could prepare a transaction there, and it could not be dropped again.
        session.rows(f"REVOKE ALL ON DATABASE {quote(unnamed)} FROM PUBLIC")
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
    server = world.doors[effect.node].server
    session = server.session()
    try:
        session.rows(_PATIENCE)
        for name in _ours(server, session, effect):
            try:
                session.rows(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)", timeout_seconds=_WAIT_SECONDS)
            except StoppedError as error:
                raise StoppedError(
                    "V810",
                    msg('the test database "{name}" may be left on {node}', name=name, node=effect.node),
                    detail=error.detail,
                    hint=msg('Drop it yourself (DROP DATABASE "{name}"), or verify --test-table again.', name=name),
                ) from error
    finally:
        session.close()


def _ours(server: Server, session: Session, effect: fx.DropTestDatabases) -> list[str]:
    pattern = f"^{UNNAMED}[0-9a-f]{{16}}$"
    found = session.rows(_OURS, effect.mark, effect.database, pattern, pattern)
    return [str(name) for name, marked in found if marked or _empty(server, str(name))]


def _empty(server: Server, database: str) -> bool:
    """Whether nobody has made anything in it: a run that was killed before it could mark it has not."""
    inside = server.session(database)
    try:
        return inside.rows("SELECT 1 FROM pg_class WHERE oid >= 16384 LIMIT 1") == []
    finally:
        inside.close()
