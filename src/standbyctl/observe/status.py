"""A sample for `status`: one question to each server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.nodes.ports import Reached, Server

ANSWER_SECONDS = 3
# %(at)s: how far the primary has written, where a standby in between is asked; empty for the primary itself.
_PRIMARY = """
WITH written AS (
  SELECT coalesce(nullif(%(at)s::text, '')::pg_lsn,
                  CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END) AS lsn)
SELECT jsonb_build_object(
  'lsn', coalesce((SELECT lsn::text FROM written), ''),
  'in_recovery', pg_is_in_recovery(),
  'timeline', CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  'senders', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', r.application_name, 'state', r.state, 'slot', s.slot_name,
      'behind', pg_wal_lsn_diff((SELECT lsn FROM written), r.replay_lsn)::bigint)
      ORDER BY r.application_name), '[]')
    FROM pg_stat_replication AS r LEFT JOIN pg_replication_slots AS s ON s.active_pid = r.pid),
  'slots', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', slot_name, 'slot_type', slot_type, 'active', active, 'wal_status', wal_status,
      'held', pg_wal_lsn_diff((SELECT lsn FROM written), restart_lsn)::bigint,
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


@dataclass(frozen=True, slots=True)
class Expected:
    """A standby that was attached from here. `upstream`: the standby that it streams from; None for the primary."""

    name: str
    slot: str
    server: Server
    unfinished: bool
    upstream: Reached | None = None


def read_status(
    primary: Server, expected: tuple[Expected, ...], primary_name: str
) -> tuple[tuple[NodeStatus, ...], tuple[SlotStatus, ...]]:
    """Everything the primary shows, and what each expected standby says itself; and what is shown of it upstream."""
    [(raw,)] = primary.observe(_PRIMARY, {"at": ""}, timeout_seconds=ANSWER_SECONDS)
    role = "standby" if raw["in_recovery"] else "primary"
    nodes = [NodeStatus(primary_name, role, "running", raw["timeline"], None, None, None)]
    senders = list(raw["senders"])
    slots = list(raw["slots"])
    for each in expected:
        shown = senders if each.upstream is None else _upstream(each, raw["lsn"], slots)
        own = next(
            (sender for sender in shown if (sender["name"], sender["slot"] or "") == (each.name, each.slot)), None
        )
        if own is not None:
            shown.remove(own)
        nodes.append(_standby(each, own, each.upstream.name if each.upstream else primary_name))
    for sender in senders:
        nodes.append(
            NodeStatus(sender["name"], None, sender["state"], None, sender["behind"], primary_name, sender["slot"])
        )
    return tuple(nodes), tuple(_slot(slot) for slot in slots)


def _upstream(of: Expected, lsn: str, slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The walsenders of a standby in between; its slot of that one is added. Nothing where it does not answer."""
    assert of.upstream is not None
    try:
        [(raw,)] = of.upstream.observe(_PRIMARY, {"at": lsn}, timeout_seconds=ANSWER_SECONDS)
    except CannotTellError:
        return []
    slots += (slot for slot in raw["slots"] if slot["name"] == of.slot)
    return list(raw["senders"])


def _standby(of: Expected, sender: Mapping[str, Any] | None, primary_name: str) -> NodeStatus:
    try:
        [(own,)] = of.server.observe(_STANDBY, timeout_seconds=ANSWER_SECONDS)
    except CannotTellError:
        own = None
    role = None if own is None else "standby" if own["in_recovery"] else "primary"
    if sender is not None:
        state = "replay paused" if own is not None and own["paused"] else sender["state"]
    elif own is not None:
        state = "not connected"
    else:
        state = "attach unfinished" if of.unfinished else "unreachable"
    return NodeStatus(
        name=of.name,
        role=role,
        state=state,
        timeline=None if own is None else own["timeline"],
        lag_bytes=sender["behind"] if sender else None,
        upstream=primary_name if sender else None,
        slot=of.slot or None,
        expected=True,
    )


def _slot(raw: Mapping[str, Any]) -> SlotStatus:
    return SlotStatus(raw["name"], raw["slot_type"], raw["active"], raw["wal_status"], raw["held"], raw["safe"])
