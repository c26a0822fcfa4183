"""A cluster for machines: null is unknown, LSNs are text, units are in the names."""

from __future__ import annotations

from typing import Any

from standbyctl.app.status import Status
from standbyctl.domain.finding import Finding
from standbyctl.domain.lsn import format_lsn
from standbyctl.domain.picture import Full, Lag, NodeView, SlotView


def slots_record(status: Status, slots: tuple[SlotView, ...]) -> dict[str, Any]:
    """What slots list shows."""
    return {
        "schema": "standbyctl.slots-list/1",
        "at": status.at,
        "slots": [_slot_record(slot) for slot in slots],
        "findings": [finding_record(each) for each in status.findings if each.subject.startswith("slot:")],
    }


def status_record(status: Status) -> dict[str, Any]:
    """What status shows."""
    picture = status.picture
    return {
        "schema": "standbyctl.status/1",
        "at": status.at,
        "system_identifier": picture.system_identifier,
        "primaries": list(picture.primaries),
        "nodes": [_node_record(node) for node in picture.nodes],
        "slots": [_slot_record(slot) for slot in picture.slots],
        "if_primary_were_lost": picture.loss
        and {
            "primary": picture.loss.primary,
            "standby": picture.loss.standby,
            "bytes": picture.loss.lag.behind_bytes,
            "seconds": picture.loss.lag.seconds,
            "bound": _bound(picture.loss.lag),
        },
        "findings": [finding_record(finding) for finding in status.findings],
    }


def _node_record(node: NodeView) -> dict[str, Any]:
    lag, own = node.lag, node.sample
    return {
        "name": node.name,
        "role": node.role,
        "state": node.state,
        "timeline": node.timeline,
        "lag_seconds": lag and lag.seconds,
        "lag_bound": lag and _bound(lag),
        "lag_seconds_least": lag and lag.surely,
        "lag_bytes": node.behind.get("replay"),
        "behind_bytes": dict(node.behind),
        "upstream": node.upstream,
        "slot": node.slot,
        "client_addr": node.client,
        "sync_state": node.sync_state,
        "expected": node.expected,
        "lsn": own and _lsn(own.lsn),
        "receive_lsn": own and _lsn(own.receive_lsn),
        "replay_lsn": own and _lsn(own.replay_lsn),
        "wal_bytes_per_second": node.rate and node.rate.bytes_per_second,
        "pg_wal_bytes": own and own.slower and own.slower.wal_bytes,
        "pg_wal_free_bytes": own and own.slower and own.slower.free_bytes,
        "lacks": list(own.lacks) if own else [],
        "silence": str(node.silence) if node.silence else None,
    }


def _bound(lag: Lag) -> str:
    return "at least" if lag.at_least else "at most" if lag.at_most else "exact"


def _slot_record(slot: SlotView) -> dict[str, Any]:
    own = slot.sample
    return {
        "name": own.name,
        "node": slot.node,
        "slot_type": own.slot_type,
        "active": own.active,
        "used_by": slot.used_by,
        "needed_by": slot.needed_by,
        "wal_status": own.wal_status,
        "retained_bytes": own.retained_bytes,
        "safe_bytes": own.safe_bytes,
        "database": own.database,
        "xmin_age": own.xmin_age,
        "inactive_since": own.inactive_since,
        "lost_in_seconds": _full_record(slot.lost_in),
        "full_in_seconds": _full_record(slot.full_in),
    }


def _full_record(full: Full | None) -> dict[str, Any] | None:
    if full is None:
        return None
    return {"expected": full.seconds, "soonest": full.soonest, "latest": full.latest}


def finding_record(finding: Finding) -> dict[str, Any]:
    """In English."""
    return {
        "code": finding.code,
        "severity": finding.severity.value.lower(),
        "subject": finding.subject,
        "what": str(finding.what),
        "then": str(finding.then) if finding.then else None,
    }


def _lsn(value: int | None) -> str | None:
    return None if value is None else format_lsn(value)
