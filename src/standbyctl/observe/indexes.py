"""amcheck on a standby: every B-tree index of every database where the extension is, for as long as there is time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.replication import IndexesView
from standbyctl.nodes.ports import Clock, Server

# No unlogged ones (they are empty on a standby), no temporary ones; the small ones first, so that time serves many.
_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname), c.oid::int8,
       format('%I.bt_index_check', (SELECT nspname FROM pg_namespace WHERE oid = e.extnamespace))
  FROM pg_extension AS e
  JOIN pg_am AS a ON a.amname = 'btree'
  JOIN pg_class AS c ON c.relam = a.oid AND c.relkind = 'i' AND c.relpersistence = 'p'
  JOIN pg_index AS i ON i.indexrelid = c.oid AND i.indisvalid AND i.indisready
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE e.extname = 'amcheck'
 ORDER BY c.relpages
"""
# SQLSTATEs, all versions: XX001 data_corrupted, XX002 index_corrupted, 42501 insufficient_privilege.
_CORRUPT, _DENIED = frozenset({"XX001", "XX002"}), "42501"
CONNECT_SECONDS = 10


def check_indexes(
    names: Iterable[str], open_: Callable[[str], Server], clock: Clock, limit_seconds: float
) -> IndexesView:
    """`open_` reaches a database of the standby by its name."""
    began, deadline = clock.monotonic(), clock.monotonic() + limit_seconds
    checked, total = 0, 0
    lists: dict[str, list[str]] = {"broken": [], "with": [], "without": [], "denied": []}
    for name in names:
        server = open_(name)
        try:
            found = server.observe(_INDEXES, timeout_seconds=CONNECT_SECONDS)
            lists["with" if found else "without"].append(name)
            total += len(found)
            for index, oid, check in found:
                left = deadline - clock.monotonic()
                if left <= 0:
                    break
                server.observe(f"SET statement_timeout = {max(int(left * 1000), 1)}")
                state, said = server.attempt(f"SELECT {check}({oid}::regclass)", timeout_seconds=left + 5)
                if state == _DENIED:
                    lists["denied"].append(name)
                    break
                checked += state == "" or state in _CORRUPT
                if state in _CORRUPT:
                    lists["broken"].append(f"{name}: {index} ({said})")
        except CannotTellError:
            lists["denied"].append(name)
        finally:
            server.close()
    return IndexesView(
        checked,
        total,
        clock.monotonic() - began,
        *(tuple(lists[each]) for each in ("broken", "with", "without", "denied")),
    )
