"""Whether the WAL that a copy needs next is still kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.lsn import parse_lsn, parse_walfile


def standby_covered(raw: Mapping[str, Any], probe: Mapping[str, str], slot: str) -> bool:
    """Whether the WAL that the standby in its place needs next is kept."""
    if slot or probe.get("label") == "yes":
        of_standby = ".standby" if probe.get("label_of_standby") == "yes" else ""
        return copy_covered(raw, slot, probe["last_wal"] + of_standby, probe.get("segment_bytes", ""))
    # What has run goes on within the last file that it has written; names further on are of files made in advance.
    return _covers(raw, slot, probe.get("written_wal", ""), probe.get("segment_bytes", ""), next_file=0)


def copy_covered(raw: Mapping[str, Any], slot: str, last_wal: str, segment_bytes: str) -> bool:
    """Whether the WAL is kept that a copy needs next which has not been started yet.

    The primary begins a new file when a copy of it ends. A standby does not: the last file of its copy is not full,
    and is streamed again from its beginning; and where it was promoted meanwhile, the copy is of another timeline.
    """
    last, _, of_standby = last_wal.partition(".")
    if not of_standby or not last:
        return _covers(raw, slot, last, segment_bytes)
    return int(last[:8], 16) == raw["timeline"] and _covers(raw, slot, last, segment_bytes, next_file=0)


def _covers(raw: Mapping[str, Any], slot: str, last_wal: str, segment_bytes: str, next_file: int = 1) -> bool:
    """Whether everything after the last WAL file of a copy is kept: files are kept whole.

    By the slot; without one, it is still there as long as the primary's oldest file is no newer.
    """
    if not segment_bytes.isdigit() or last_wal in {"", "-"}:
        return False
    size = int(segment_bytes)
    _, last = parse_walfile(last_wal, size)
    if not slot:
        oldest = raw.get("oldest_wal")
        return oldest is not None and parse_walfile(oldest, size)[1] <= last + next_file
    kept = next((s for s in raw["slots"] if s["slot_name"] == slot), None)
    if kept is None or kept["wal_status"] == "lost" or kept["restart_lsn"] is None:
        return False
    restart = parse_lsn(kept["restart_lsn"])
    return restart <= (last + 1) * size if next_file else restart // size <= last
