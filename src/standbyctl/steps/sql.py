"""Compose statements with their names and values quoted."""

from __future__ import annotations

from typing import LiteralString


def sql(template: LiteralString, *, name: str = "-", **values: str) -> str:
    """Fill in an identifier {name} and any literals.

    >>> sql("ALTER ROLE {name} PASSWORD {value}", name='o"k', value="it's")
    'ALTER ROLE "o""k" PASSWORD \\'it\\'\\'s\\''
    """
    # Not before it is needed: steps are known to verbs that meet no server, and those start without psycopg.
    from psycopg.sql import SQL, Identifier, Literal

    literals = {key: Literal(value) for key, value in values.items()}
    return SQL(template).format(name=Identifier(name), **literals).as_string()
