"""What two servers say of one replication, read for a verification. It moves, so it is never compared.

None is unknown: not shown to our role, or not known to that build.
"""

from __future__ import annotations

from standbyctl.domain.record import dataclass

# A standby must not have less of these than its primary; max_wal_senders is in the list since 12.
MINIMUM_PARAMETERS = (
    "max_connections",
    "max_prepared_transactions",
    "max_locks_per_transaction",
    "max_worker_processes",
    "max_wal_senders",
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of pg_settings. `boot`: what it is where no file sets it."""

    name: str
    value: str
    boot: str | None
    pending: bool


@dataclass(frozen=True, slots=True)
class SenderView:
    """A row of pg_stat_replication, and the slot that its walsender holds."""

    application_name: str | None
    state: str | None
    slot_name: str | None


@dataclass(frozen=True, slots=True)
class ReceiverView:
    """The row of pg_stat_wal_receiver; a role without pg_read_all_stats sees no more than that there is one."""

    status: str | None
    slot_name: str | None
    sender_host: str | None
    sender_port: int | None


@dataclass(frozen=True, slots=True)
class SlotView:
    """A replication slot. `safe_bytes`: WAL until the cap loses it; None without a cap."""

    name: str
    slot_type: str
    active: bool
    wal_status: str | None
    retained_bytes: int | None
    safe_bytes: int | None


@dataclass(frozen=True, slots=True)
class Damage:
    """Checksum failures that a server has counted in a database (None: in the shared catalogs)."""

    database: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """A database. `comment` is that on the database."""

    name: str
    comment: str | None
    connectable: bool


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server, in its own words. What only a primary or only a standby has is empty on the other.

    `history`: where each timeline before its own was left; None where it has none, or this role may not read it.
    """

    version_num: int
    system_identifier: str
    in_recovery: bool
    timeline: int
    started_at: str
    started_epoch: int
    port: int
    data_directory: str | None
    may_create_databases: bool
    parameters: tuple[Parameter, ...]
    pending: tuple[str, ...]
    senders: tuple[SenderView, ...]
    slots: tuple[SlotView, ...]
    receiver: ReceiverView | None
    replay_state: str | None
    primary_conninfo: str | None
    primary_slot_name: str | None
    cluster_name: str | None
    damage: tuple[Damage, ...]
    databases: tuple[DatabaseView, ...]
    history: str | None = None

    def value(self, name: str) -> str | None:
        """The value in force of one of the parameters that are read."""
        return next((each.value for each in self.parameters if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a primary_conninfo says, but for the password; `password`: whether it holds one."""

    host: str
    port: str
    user: str
    passfile: str
    application_name: str
    password: bool


@dataclass(frozen=True, slots=True)
class PassfileView:
    """A passfile, as the server's user finds it. `entries`: its lines up to the password."""

    path: str
    user: str
    present: bool
    mode: str
    readable: bool
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collation:
    """The collation of a database: the version it was made with, and that of the server's library."""

    name: str
    collate: str
    recorded: str | None
    actual: str | None


@dataclass(frozen=True, slots=True)
class Collations:
    """Of every database; and, of the one we are connected to, objects whose version differs from the library's."""

    databases: tuple[Collation, ...]
    connected: str
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplaySample:
    """One moment of a standby's replay."""

    lsn: int | None
    state: str | None
    received: bool


@dataclass(frozen=True, slots=True)
class LagView:
    """The worst of a span in which a standby was watched. `at_least`: it may be more. `wrote`: WAL of the primary."""

    seconds: float
    worst_seconds: float
    at_least: bool
    behind_bytes: int
    wrote_bytes: int
    paused: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class IndexesView:
    """What amcheck found. `without`: databases where it is not installed; `denied`: where we may not use it.

    `skipped`: indexes that could not be checked, with the SQLSTATE; `unreached`: databases, with what was said.
    """

    checked: int
    total: int
    seconds: float
    broken: tuple[str, ...]
    with_amcheck: tuple[str, ...]
    without: tuple[str, ...]
    denied: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    out_of_time: bool = False
