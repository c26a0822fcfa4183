"""What moves on the servers of a change of roles, as it was at one moment."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.domain.record import dataclass, field

# Both ways: a standby needs at least what its primary has, and each becomes the other's.
FIVE = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)


@dataclass(frozen=True, slots=True)
class Sender:
    """A row of pg_stat_replication. `silent_seconds`: since its receiver has last said something."""

    name: str
    state: str
    slot: str
    logical: bool = False
    silent_seconds: float | None = None
    behind_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SlotUse:
    """A permanent slot."""

    name: str
    slot_type: str
    active: bool
    failover: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a server that answers says of itself beyond what stands still. `lsn`: written, or replayed; bytes.

    `received`: bytes, with what a standby has not replayed. `heard_seconds`: since its receiver has got something.
    `unreceived`: it has received nothing since it was started, so what it has beyond what it has replayed is not known.
    `unlogged`: tables of the database that was connected to.
    """

    lsn: int = 0
    received: int = 0
    heard_seconds: float | None = None
    paused: bool = False
    unreceived: bool = False
    version_num: int = 0
    superuser: bool = True
    user: str = ""
    senders: tuple[Sender, ...] = ()
    slots: tuple[SlotUse, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    sessions: int = 0
    in_transaction: int = 0
    prepared: int = 0
    unlogged: int = 0
    backups: int = 0
    archiver_failing: bool = False
    archive_ready: int = 0
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What a watch remembers of a primary that is gone: how far its WAL went (bytes), and how long ago that was."""

    lsn: int
    ago_seconds: float


@dataclass(frozen=True, slots=True)
class RoleSample:
    """Every server that answers, by name. `strangers`: standbys of the old primary that nobody here knows, by name.
    `last_seen`: None where no watch remembers.
    """

    around: Mapping[str, Around] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()
    last_seen: LastSeen | None = None

    def loss(self, new: str) -> int | None:
        """Bytes of WAL that the old primary was seen to have, and that standby has not; None where nobody knows."""
        if self.last_seen is None or new not in self.around:
            return None
        return max(self.last_seen.lsn - self.around[new].received, 0)
