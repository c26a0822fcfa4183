"""What is asked of a server's replication slots, and what is seen of them."""

from __future__ import annotations

from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.record import dataclass

CAP = "max_slot_wal_keep_size"
WAL_KEEP = "wal_keep_size"
NO_LIMIT = "-1"
# The slots that logical walsenders of failover slots wait for (17+).
SYNCHRONIZED = "synchronized_standby_slots"
# Who has read a slot so short a while ago may be on its way back: a restart of a host takes minutes.
RECENT_SECONDS = 600


def safe_bytes(bound_bytes: int, segment_bytes: int) -> int:
    """What a slot may hold and not be lost by a bound on what slots keep; at least a byte.

    Whole segments count (ConvertToXSegs), rounded down; and WAL that is no longer than n segments lies in n + 1.

    >>> safe_bytes(100 << 20, 16 << 20) >> 20, safe_bytes(1900 << 20, 1 << 30)
    (80, 1)
    """
    return max(bound_bytes - bound_bytes % segment_bytes - segment_bytes, 1)


@dataclass(frozen=True, slots=True)
class SlotsOf:
    """Whose slots: a server by its node's name. A clone of it has its system identifier, and not the rest."""

    primary: str
    data_directory: str = ""
    address: str = ""

    def is_of(self, other: SlotsOf) -> bool:
        """Whether both are of one server. A role that may not see the data directory does not say."""
        same = self.address == other.address
        return same and (
            self.data_directory == other.data_directory or "" in {self.data_directory, other.data_directory}
        )


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A slot that is to be. `plugin` and `database`: of a logical one. `no_cap`: it may fill the disk."""

    name: str
    plugin: str = ""
    database: str = ""
    failover: bool = False
    no_cap: bool = False
    despite: tuple[str, ...] = ()

    @property
    def slot_type(self) -> str:
        """As pg_replication_slots has it."""
        return "logical" if self.plugin else "physical"


@dataclass(frozen=True, slots=True)
class OldSlot:
    """A slot that is to go. `abandon`: who may lose the WAL that it keeps, by name."""

    name: str
    abandon: tuple[str, ...] = ()
    despite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter that bounds the WAL that is kept, and its value as it is written; None gives back what was there.

    `lose`: slots that may be lost over it, by name.
    """

    parameter: str
    value: str | None
    lose: tuple[str, ...] = ()
    despite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotSeen:
    """A slot as it is used, at one moment. None is unknown.

    `client`: the address that it is read from; "local" for the Unix socket; empty where the role that asks may not see
    it. `idle_seconds`: since nobody reads it (17+). `held_bytes` of one that reserves nothing, or is lost: None.
    """

    name: str
    slot_type: str = "physical"
    active: bool = False
    wal_status: str = ""
    held_bytes: int | None = None
    plugin: str = ""
    database: str = ""
    temporary: bool = False
    synced: bool = False
    failover: bool = False
    idle_seconds: float | None = None
    xmin_age: int | None = None
    pid: int | None = None
    application: str = ""
    client: str = ""
    since: str = ""

    @property
    def lost(self) -> bool:
        """Whether its WAL is gone: it never comes back to life."""
        return self.wal_status == "lost"

    @property
    def reader(self) -> Message:
        """Who reads it now."""
        parts = [msg("application_name {name}", name=self.application)] if self.application else []
        parts += [msg("from {client}", client=self.client)] if self.client else []
        parts += [msg("pid {pid}", pid=self.pid)] if self.pid is not None else []
        parts += [msg("since {at}", at=self.since)] if self.since else []
        return clauses(parts) if parts else msg("somebody")


@dataclass(frozen=True, slots=True)
class Stream:
    """A walsender. `slot`: empty where it uses none."""

    application: str
    slot: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A standby that was attached from here, and the slot that it uses."""

    name: str
    slot: str


@dataclass(frozen=True, slots=True)
class SlotsSample:
    """What moves around a server's slots. `rate_bytes`: WAL a second. `monitor`: whether readers are seen whole.

    `unread`: the slots that were made from here, and have been read by nobody since.
    """

    slots: tuple[SlotSeen, ...] = ()
    streams: tuple[Stream, ...] = ()
    known: tuple[Known, ...] = ()
    managers: tuple[tuple[str, str], ...] = ()
    managed: tuple[tuple[str, str], ...] = ()
    free_bytes: int | None = None
    rate_bytes: float | None = None
    monitor: bool = True
    unread: tuple[str, ...] = ()

    def slot(self, name: str) -> SlotSeen | None:
        """The slot of that name."""
        return next((slot for slot in self.slots if slot.name == name), None)
