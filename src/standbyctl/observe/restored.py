"""A look at a copy that was put where its standby is to run: its files, and what the primary still has of its WAL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.facts import Server as Primary
from standbyctl.domain.lsn import parse_lsn
from standbyctl.domain.record import replace
from standbyctl.domain.restored import Label, RestoredSeen, format_lsn
from standbyctl.nodes.ports import Door, Doors
from standbyctl.observe.hosts import Part, ask_hosts
from standbyctl.observe.question import Question

# What is compared at most: twice what a primary with its max_wal_size at the default writes between checkpoints.
_MOST_BYTES = 2 << 30
# One of them is one value of the primary's.
_MOST_FILE_BYTES = 64 << 20
WAL = """
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,
       (SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY substr(name, 9), name LIMIT 1),
       (SELECT pg_wal_lsn_diff(restart_lsn, '0/0')::bigint FROM pg_replication_slots
         WHERE slot_name = %s AND wal_status IS DISTINCT FROM 'lost')
"""
# Reading server files takes a superuser, or pg_read_server_files and a grant.
HISTORY = "SELECT pg_read_file('pg_wal/' || %s, 0, 1048576, true)"
DIGEST = "SELECT encode(sha256(pg_read_binary_file('pg_wal/' || %s, 0, %s, true)), 'hex')"


def look_at_restored(doors: Doors, question: Question, primary: Primary) -> RestoredSeen:
    """Look at its files, then ask the primary; raises CannotTellError."""
    door, server = doors[question.name], doors[question.primary].server
    home = primary.setting("data_directory").value
    args = (question.data_directory, question.bin_directory, home, question.config_file)
    pairs = ask_hosts({question.name: door}, Part(question.name, "restored.sh", args))
    seen = parse_restored(pairs)
    [(lsn, oldest, slot_lsn)] = server.observe(WAL, question.slot)
    seen = replace(
        seen, primary_lsn=int(lsn), oldest=oldest or "", slot_lsn=None if slot_lsn is None else int(slot_lsn)
    )
    if seen.system_identifier != primary.system_identifier or not question.superuser:
        return seen
    if primary.timeline > 1:
        [(history,)] = server.observe(HISTORY, f"{primary.timeline:08X}.history")
        seen = replace(seen, history=parse_history(history) if history else None)
    else:
        seen = replace(seen, history=())
    if seen.checkpoint > seen.primary_lsn or seen.segment_bytes > _MOST_FILE_BYTES:
        return seen
    return replace(seen, same_wal=_same_wal(doors, question, seen))


def _same_wal(doors: Doors, question: Question, seen: RestoredSeen) -> bool | None:
    """Whether all WAL that the copy has from its last checkpoint on is the primary's: who has written has other WAL."""
    most = str(_MOST_BYTES // seen.segment_bytes)
    where = (question.data_directory, question.bin_directory, str(seen.timeline), format_lsn(seen.checkpoint))
    part = Part(question.name, "restored_wal.sh", (*where, str(seen.segment_bytes), most))
    door: Door = doors[question.name]
    pairs = ask_hosts({question.name: door}, part)
    files = [value.split(" ") for key, value in pairs if key == "wal"]
    for name, size, digest in files:
        [(theirs,)] = doors[question.primary].server.observe(DIGEST, name, int(size))
        if theirs is None:
            return None
        if theirs != digest:
            return False
    return True if ("whole", "yes") in pairs else None


def parse_restored(pairs: list[tuple[str, str]]) -> RestoredSeen:
    """What the host says of the copy. Pure."""
    words = dict(pairs)
    label = None
    if words.get("label") == "yes":
        timeline = words.get("label_timeline") or words.get("timeline", "0")
        label = Label(int(timeline), _lsn(words, "label_lsn"), "incremental" in words)
    return RestoredSeen(
        system_identifier=words.get("system_identifier", ""),
        missing=_all(pairs, "missing"),
        foreign=_all(pairs, "foreign"),
        mode=words.get("mode", ""),
        shared=_all(pairs, "shared"),
        major=words.get("major", ""),
        control=words.get("control", ""),
        state=words.get("state", ""),
        timeline=int(words.get("timeline", "0")),
        checkpoint=_lsn(words, "checkpoint"),
        redo=_lsn(words, "redo"),
        minimum=_lsn(words, "minimum"),
        segment_bytes=int(words.get("segment_bytes", "0")) or 16 << 20,
        label=label,
        own_history=parse_history("\n".join(_all(pairs, "left"))),
        restore_command=words.get("restore_command", "").replace("''", "'"),
    )


def parse_history(said: str) -> tuple[tuple[int, int], ...]:
    r"""A timeline history file: each line a timeline, and where it was left.

    >>> parse_history("1\t0/3000148\tno recovery target specified\n\n# by hand\n2\t0/5000000\tx\n")
    ((1, 50331976), (2, 83886080))
    """
    lines = (line.split() for line in said.splitlines() if line.strip() and not line.startswith("#"))
    return tuple((int(words[0]), parse_lsn(words[1])) for words in lines)


def _all(pairs: list[tuple[str, str]], name: str) -> tuple[str, ...]:
    return tuple(value for key, value in pairs if key == name)


def _lsn(words: Mapping[str, Any], key: str) -> int:
    return parse_lsn(words[key]) if words.get(key) else 0
