"""Whether the WAL is kept that a copy, or a standby, needs next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.facts import Contents
from standbyctl.domain.lsn import parse_lsn, parse_walfile
from standbyctl.domain.restored import FOLLOWED


def restored_contents(raw: Mapping[str, Any], probe: Mapping[str, str], *, follows: bool) -> Contents:
    """What stands where a copy was restored to: a standby once it is set up, by the last of what is written then.

    A backup of that very standby names us too, and has no standby.signal before it is set up.
    """
    ours = probe.get("system_identifier") == raw["system_identifier"]
    signal = "yes" in {probe.get("signal"), probe.get("recovery_signal")}
    as_standby = probe.get("signal") == "yes" and probe.get("recovery_signal") != "yes"
    # A standby that was promoted has no signal file; a backup that was not started has a label.
    promoted = not signal and probe.get("label") != "yes"
    if ours and follows and (as_standby or promoted or probe.get("running") == "yes"):
        return Contents.STANDBY
    return Contents.RESTORED


def unstarted_copy(probe: Mapping[str, str]) -> bool:
    """Whether nobody has started a restored copy as a standby yet."""
    stopped = probe.get("running") != "yes"
    return stopped and (probe.get("label") == "yes" or probe.get("control_state", "") not in {"", *FOLLOWED})


def standby_covered(raw: Mapping[str, Any], probe: Mapping[str, str], slot: str, *, restored: bool) -> bool:
    """Whether the WAL that the standby in its place needs next is kept."""
    if not restored:
        return _attached_covered(raw, probe, slot)
    segment = probe.get("segment_bytes", "")
    if not unstarted_copy(probe):
        # Its pg_wal may have come with files that were made in advance.
        return _covers(raw, slot, probe.get("written_wal", ""), segment, next_file=0)
    first = probe.get("label_lsn") or probe.get("control_redo", "")
    if not segment.isdigit() or not first:
        return False
    number = parse_lsn(first) // int(segment)
    kept = next((s for s in raw["slots"] if s["slot_name"] == slot), None)
    by_slot = kept is not None and kept["wal_status"] != "lost" and kept["restart_lsn"]
    if by_slot and parse_lsn(by_slot) // int(segment) <= number:
        return True
    oldest: str = raw.get("oldest_of_all") or ""
    return bool(oldest) and parse_walfile(oldest, int(segment))[1] <= number


def _attached_covered(raw: Mapping[str, Any], probe: Mapping[str, str], slot: str) -> bool:
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
