"""What moves on a server, as it was at one moment. None is unknown, never zero."""

from __future__ import annotations

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class SenderSample:
    """A row of pg_stat_replication: what a primary, or a standby in between, sends to whom. LSNs in bytes.

    `slot`: the one that this walsender holds. `logical`: it decodes for a subscriber, who is no standby.
    """

    application_name: str | None
    state: str | None
    client: str | None
    slot: str | None
    sync_state: str | None
    sent_lsn: int | None
    write_lsn: int | None
    flush_lsn: int | None
    replay_lsn: int | None
    logical: bool = False


@dataclass(frozen=True, slots=True)
class SlotSample:
    """A row of pg_replication_slots. `retained_bytes`: from its restart_lsn to where the server has written.

    `safe_bytes`: safe_wal_size, what may still be written before the cap loses it; None without a cap, and below 13.
    `inactive_since`: RFC 3339, 17 and later. `xmin_age`: transactions that it keeps vacuum from, of both xmins the
    older. `invalidation_reason`: 17 and later.
    """

    name: str
    slot_type: str
    active: bool
    wal_status: str | None = None
    retained_bytes: int | None = None
    safe_bytes: int | None = None
    database: str | None = None
    xmin_age: int | None = None
    inactive_since: str | None = None
    invalidation_reason: str | None = None
    synced: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverSample:
    """pg_stat_wal_receiver. `application_name`: how it shows itself upstream, where the role may see that."""

    status: str | None
    slot: str | None
    host: str | None
    port: int | None
    application_name: str | None


@dataclass(frozen=True, slots=True)
class Slower:
    """What moves slowly, or costs more to ask: asked now and then. Bytes, and settings as the server has them.

    `lsn`: how far its WAL went when this was asked.
    `wal_ahead_bytes`: of segments in pg_wal that are prepared and not written yet. `free_bytes`: on the volume of
    pg_wal, where its host may be asked. `archiver_failing`: the last attempt to archive has failed. `cap_bytes`:
    max_slot_wal_keep_size; None for no cap, and below 13.
    `settings`: name and value of what is told as an event when it changes.
    """

    lsn: int | None = None
    wal_bytes: int | None = None
    wal_ahead_bytes: int | None = None
    free_bytes: int | None = None
    archiver_failing: bool | None = None
    archiver_failing_since: str | None = None
    cap_bytes: int | None = None
    data_directory: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NodeSample:
    """One server at one moment.

    `started_at`: UTC, to the microsecond: no two servers have the same.
    `at`: seconds of the sampler's own clock, in the middle of the question. `clock`: the server's, seconds since 1970.
    `lsn`: where a primary has written to. `receive_lsn` and `replay_lsn`: of a standby. `committed`: when, by the
    clock of the primary, the last transaction was committed that a standby has replayed. `lacks`: predefined roles
    without which some of it is unknown.
    """

    name: str
    at: float
    clock: float
    system_identifier: str
    started_at: str
    version_num: int
    in_recovery: bool
    timeline: int | None
    lsn: int | None = None
    receive_lsn: int | None = None
    replay_lsn: int | None = None
    committed: float | None = None
    paused: bool | None = None
    receiver: ReceiverSample | None = None
    senders: tuple[SenderSample, ...] = ()
    slots: tuple[SlotSample, ...] = ()
    cluster_name: str = ""
    port: int = 0
    slower: Slower | None = None
    lacks: tuple[str, ...] = ()

    @property
    def written(self) -> int | None:
        """How far its WAL goes: what a primary has written, what a standby has received or replayed."""
        if not self.in_recovery:
            return self.lsn
        # After a start pg_last_wal_receive_lsn() is the beginning of the segment that streaming began with.
        return max((lsn for lsn in (self.receive_lsn, self.replay_lsn) if lsn is not None), default=None)


@dataclass(frozen=True, slots=True)
class Silence:
    """A server that could not be asked, and why: the parts of the error that asking raised.

    `hung`: there was no answer in time, rather than a refusal. `refused`: it answers, and lets us not in, or not look.
    """

    name: str
    at: float
    code: str
    what: Message
    reason: Message
    hint: Message | None = None
    hung: bool = False
    refused: bool = False


# What one round brings of one node.
Answer = NodeSample | Silence
