"""amcheck on a standby: every B-tree index of every database where the extension is, for as long as there is time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.record import dataclass, field
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
# SQLSTATEs, all versions: XX001 data_corrupted, XX002 index_corrupted, 42501 insufficient_privilege, 57014
# query_canceled (by statement_timeout, but by an administrator too). 55P03, lock_not_available, is of one index alone.
_CORRUPT, _DENIED, _CANCELED = frozenset({"XX001", "XX002"}), "42501", "57014"
CONNECT_SECONDS = 10


@dataclass(slots=True)
class _Found:
    """What has been found so far."""

    checked: int = 0
    total: int = 0
    broken: list[str] = field(default_factory=list)
    with_amcheck: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    out_of_time: bool = False


def check_indexes(
    names: Iterable[str], open_: Callable[[str], Server], clock: Clock, limit_seconds: float
) -> IndexesView:
    """`open_` reaches a database of the standby by its name."""
    began, found = clock.monotonic(), _Found()
    for name in names:
        server = open_(name)
        try:
            _check(name, server, found, clock, began + limit_seconds)
        except CannotTellError as error:
            found.unreached.append(f"{name} ({error.detail or error.what})")
        finally:
            server.close()
    return IndexesView(
        checked=found.checked,
        total=found.total,
        seconds=clock.monotonic() - began,
        broken=tuple(found.broken),
        with_amcheck=tuple(found.with_amcheck),
        without=tuple(found.without),
        denied=tuple(found.denied),
        skipped=tuple(found.skipped),
        unreached=tuple(found.unreached),
        out_of_time=found.out_of_time,
    )


def _check(name: str, server: Server, found: _Found, clock: Clock, deadline: float) -> None:
    indexes = server.observe(_INDEXES, timeout_seconds=CONNECT_SECONDS)
    (found.with_amcheck if indexes else found.without).append(name)
    found.total += len(indexes)
    for index, oid, check in indexes:
        left = deadline - clock.monotonic()
        if left <= 0:
            found.out_of_time = True
            return
        server.observe(f"SET statement_timeout = {max(int(left * 1000), 1)}")
        state, said = server.attempt(f"SELECT {check}({oid}::regclass)", timeout_seconds=left + 5)
        if state == _DENIED:
            found.denied.append(name)
            return
        if state == _CANCELED and clock.monotonic() >= deadline - 0.001:
            found.out_of_time = True
            return
        if state and state not in _CORRUPT:
            found.skipped.append(f"{name}: {index} ({state})")
            continue
        found.checked += 1
        if state:
            found.broken.append(f"{name}: {index} ({said})")
