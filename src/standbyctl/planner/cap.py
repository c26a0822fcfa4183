"""The cap on what slots may keep (max_slot_wal_keep_size, 13+; the default, -1, is no limit)."""

from __future__ import annotations

from standbyctl.domain.facts import Server
from standbyctl.domain.sample import Sample
from standbyctl.domain.size import parse_size
from standbyctl.domain.slots import safe_bytes
from standbyctl.domain.target import Target
from standbyctl.steps.slot import CAP

_MB = 1 << 20
_GB_IN_MB = 1024
MINIMUM_MB = 64


def choose_cap(server: Server, sample: Sample, target: Target) -> int | None:
    """The cap to set, in MB; None where the present one stays.

    "auto" leaves any cap that is there, and else takes half of what is free on the primary's pg_wal volume.
    """
    present = int(server.setting(CAP).value)
    if target.wal_cap == "keep" or not target.slot:
        return None
    if (asked := parse_size(target.wal_cap)) is not None:
        megabytes = max(asked // _MB, 1)
        return None if megabytes == present else megabytes
    slot = server.slot(target.slot)
    # A slot that lives is left as it is; a lost one is made anew, and a cap comes before that too.
    if present >= 0 or (slot is not None and not slot.lost):
        return None
    if (waiting := parse_size(server.setting(CAP).auto_conf or "")) is not None:
        return waiting // _MB  # a run has died between writing it and the reload
    if sample.wal_free_bytes is None:
        return None
    half = sample.wal_free_bytes // 2 // _MB
    return half // _GB_IN_MB * _GB_IN_MB if half >= 2 * _GB_IN_MB else half


def kills_a_slot(cap_mb: int, sample: Sample) -> bool:
    """Whether a slot that exists already keeps too much for the cap, and may be invalidated."""
    return sample.most_retained_bytes >= safe_bytes(cap_mb * _MB, sample.wal_segment_bytes)
