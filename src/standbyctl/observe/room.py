"""Room and load on the primary, read once for a plan: it may take a moment on a big cluster."""

from __future__ import annotations

from standbyctl.domain.errors import StandbyctlError
from standbyctl.domain.record import replace
from standbyctl.domain.sample import Sample
from standbyctl.nodes.ports import Host, Server
from standbyctl.observe.texts import text

SIZE_SECONDS = 900
_SIZES = "SELECT jsonb_object_agg(oid, coalesce(pg_tablespace_size(oid), 0)) FROM pg_tablespace"
_IN_USE = """
SELECT (SELECT count(*) FROM pg_stat_replication),
       (SELECT count(*) FROM pg_replication_slots),
       coalesce((SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                        ELSE pg_current_wal_lsn() END, restart_lsn)::bigint
                   FROM pg_replication_slots WHERE restart_lsn IS NOT NULL AND wal_status <> 'lost'
                  ORDER BY restart_lsn LIMIT 1), 0),
       coalesce((SELECT slot_name::text FROM pg_replication_slots
                  WHERE restart_lsn IS NOT NULL AND wal_status <> 'lost' ORDER BY restart_lsn LIMIT 1), ''),
       (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
"""


def sample_room(server: Server, seen: Sample) -> Sample:
    """What a look saw, and how big and busy the primary is."""
    # Every file of the cluster is looked at: with a million of them that takes a while.
    server.observe(f"SET statement_timeout = '{SIZE_SECONDS}s'")
    [(sizes,)] = server.observe(_SIZES, timeout_seconds=SIZE_SECONDS + 30)
    server.observe("RESET statement_timeout")
    return replace(
        count_in_use(server, seen),
        cluster_bytes=sum(sizes.values()),
        tablespace_bytes=tuple((int(oid), size) for oid, size in sizes.items()),
    )


def count_in_use(server: Server, seen: Sample) -> Sample:
    """What was seen, with the walsenders and slots that are in use now."""
    [(senders, slots, retained, slot, segment)] = server.observe(_IN_USE)
    return replace(
        seen,
        wal_senders_in_use=senders,
        slots_in_use=slots,
        most_retained_bytes=retained,
        most_retained_slot=slot,
        wal_segment_bytes=segment,
    )


def free_for_wal(host: Host, data_directory: str, port: str, started: str, timeout_seconds: float = 60.0) -> int | None:
    """Bytes on the volume of a server's pg_wal; None where this is not its host, or it cannot be seen there.

    `started`: when the server was started, seconds since the epoch: with its port that is what its postmaster.pid says.
    """
    try:
        done = host.script(text("wal_room.sh"), data_directory, port, started, timeout_seconds=timeout_seconds)
    except StandbyctlError:  # no way to run a command as its user
        return None
    said = done.stdout.strip()
    return int(said) << 10 if done.status == 0 and said.isdigit() else None
