"""psycopg, imported where it is first used: that takes as long as all of ours, and hosts can be asked meanwhile."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg as psycopg
    import psycopg.conninfo
    import psycopg.errors
    import psycopg.pq
    import psycopg.sql
else:

    class _Later:
        def __getattr__(self, name: str) -> Any:
            found = getattr(importlib.import_module("psycopg"), name)
            setattr(self, name, found)
            return found

    psycopg = _Later()
