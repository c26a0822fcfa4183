"""A sample for `status`: one question to each server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.nodes.ports import Server

ANSWER_SECONDS = 3
_PRIMARY = """
SELECT jsonb_build_object(
  'in_recovery', pg_is_in_recovery(),
  'timeline', CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  'senders', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', r.application_name, 'state', r.state, 'slot', s.slot_name,
      'behind', CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint END)
      ORDER BY r.application_name), '[]')
    FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  'slots', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', slot_name, 'slot_type', slot_type, 'active', active, 'wal_status', wal_status,
      'held', CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END,
      'safe', safe_wal_size) ORDER BY slot_name), '[]')
    FROM pg_replication_slots WHERE NOT temporary))
"""
_STANDBY = """
SELECT jsonb_build_object(
  'in_recovery', pg_is_in_recovery(),
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'timeline', coalesce((SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'),
                       (SELECT timeline_id FROM pg_control_checkpoint())))
"""


# Who is there, and whether the role that asks sees the others' rows of pg_stat_replication whole.
WHO = """
SELECT system_identifier::text, pg_has_role('pg_read_all_stats', 'USAGE'), quote_ident(current_user)
  FROM pg_control_system()
"""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One line of the table. `lag_bytes`: WAL that the primary has and the standby has not replayed.

    `slot`: None where it uses none.
    """

    name: str
    role: str | None
    state: str | None
    timeline: int | None
    lag_bytes: int | None
    upstream: str | None
    slot: str | None
    expected: bool = False


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A slot of the primary. `safe_bytes`: until the cap loses it; None without a cap."""

    name: str
    slot_type: str
    active: bool
    wal_status: str | None
    retained_bytes: int | None
    safe_bytes: int | None


def read_status(
    primary: Server, expected: tuple[tuple[str, str, Server, bool], ...], primary_name: str
) -> tuple[tuple[NodeStatus, ...], tuple[SlotStatus, ...]]:
    """Everything the primary shows, and what each expected standby says itself.

    Expected: name, slot, server, and whether its attach is unfinished.
    """
    [(raw,)] = primary.observe(_PRIMARY, timeout_seconds=ANSWER_SECONDS)
    role = "standby" if raw["in_recovery"] else "primary"
    nodes = [NodeStatus(primary_name, role, "running", raw["timeline"], None, None, None)]
    senders = list(raw["senders"])
    for name, slot, server, unfinished in expected:
        own = next((sender for sender in senders if (sender["name"], sender["slot"] or "") == (name, slot)), None)
        if own is not None:
            senders.remove(own)
        nodes.append(_standby(name, slot, server, own, primary_name, unfinished=unfinished))
    for sender in senders:
        nodes.append(
            NodeStatus(sender["name"], None, sender["state"], None, sender["behind"], primary_name, sender["slot"])
        )
    return tuple(nodes), tuple(_slot(slot) for slot in raw["slots"])


def _standby(
    name: str, slot: str, server: Server, sender: Mapping[str, Any] | None, primary_name: str, *, unfinished: bool
) -> NodeStatus:
    try:
        [(own,)] = server.observe(_STANDBY, timeout_seconds=ANSWER_SECONDS)
    except CannotTellError:
        own = None
    role = None if own is None else "standby" if own["in_recovery"] else "primary"
    if sender is not None:
        state = "replay paused" if own is not None and own["paused"] else sender["state"]
    elif own is not None:
        state = "not connected"
    else:
        state = "attach unfinished" if unfinished else "unreachable"
    return NodeStatus(
        name=name,
        role=role,
        state=state,
        timeline=None if own is None else own["timeline"],
        lag_bytes=sender["behind"] if sender else None,
        upstream=primary_name if sender else None,
        slot=slot or None,
        expected=True,
    )


def _slot(raw: Mapping[str, Any]) -> SlotStatus:
    return SlotStatus(raw["name"], raw["slot_type"], raw["active"], raw["wal_status"], raw["held"], raw["safe"])
