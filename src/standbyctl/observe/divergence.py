"""What a node that does not run holds after its primary's history has left its own (pg_controldata, pg_waldump)."""

from __future__ import annotations

from standbyctl.domain.divergence import Commit, Divergence
from standbyctl.domain.errors import CannotTellError
from standbyctl.nodes.ports import Host, Server
from standbyctl.observe.texts import text

# Every file of a history says all of it: timeline, tab, where it was left, tab, why. The first timeline has none.
_HISTORY = """
SELECT ('x' || id)::bit(32)::int, coalesce(pg_read_file('pg_wal/' || id || '.history', 0, 1000000, true), '')
  FROM left(pg_walfile_name(pg_current_wal_lsn()), 8) AS id
"""
SECONDS = 600.0


def look_at_divergence(
    server: Server,
    host: Host,
    data_directory: str,
    bin_directory: str,
    seconds: float = SECONDS,
    *,
    rewinds: bool = True,
) -> Divergence | None:
    """Ask the primary for its history, and the node's host for the rest; None where either cannot say it.

    `rewinds`: whether it can be rewound counts, too.
    """
    try:
        [(timeline, history)] = server.observe(_HISTORY)
    except CannotTellError:
        return None
    left = (line.split() for line in history.splitlines() if line.strip() and not line.startswith("#"))
    lines = "\n".join([*(f"{words[0]} {words[1]}" for words in left), f"{timeline} -"])
    args = (data_directory, bin_directory, lines, "yes" if rewinds else "")
    try:
        done = host.script(text("divergence.sh"), *args, timeout_seconds=seconds)
    except (CannotTellError, TimeoutError):
        return None
    said = [line.partition("=")[::2] for line in done.stdout.decode(errors="replace").splitlines()]
    words = dict(said)
    if words.get("end") != "yes" or not words.get("timeline", "").isdigit():
        return None
    fork = words.get("fork", "")
    return Divergence(
        timeline=int(words["timeline"]),
        fork=fork,
        ahead=words.get("ahead") == "yes",
        commits=tuple(_commit(value) for key, value in said if key == "commit"),
        hints="yes" in {words.get("checksums"), words.get("hints")},
        full_page_writes=words.get("full_page_writes") == "yes",
        checkpointed=words.get("checkpointed") == "yes",
        at_fork=not fork or words.get("at_fork") == "yes",
        common=words.get("common") != "no",
        split=words.get("split") == "yes",
        known=not fork or all(words.get(each) == "yes" for each in ("programs", "at_fork", "history")),
    )


def _commit(words: str) -> Commit:
    xid, lsn, at = words.split(" ", 2)
    return Commit(int(xid), lsn, at)
