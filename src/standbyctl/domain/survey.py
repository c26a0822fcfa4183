"""What a preflight looks at beyond the facts: it moves, or no step is about it. Read once; None is unknown."""

from __future__ import annotations

from standbyctl.domain.facts import Setting
from standbyctl.domain.likeness import PROVIDERS, Likeness
from standbyctl.domain.record import dataclass, field

# Who may be found to rule a server, by the name that an operator overrides it with.
MANAGED = "managed-service"
RULERS = ("patroni", "repmgr", "pg_auto_failover", "cloudnativepg", "stolon", MANAGED)
# Everything that an operator may override, by name.
OVERRIDES = (*RULERS, *PROVIDERS)


@dataclass(frozen=True, slots=True)
class SlotUse:
    """A permanent slot as it is used. `idle_seconds`: since nobody reads it (17+). `xmin_age`: in transactions."""

    name: str
    slot_type: str
    active: bool
    wal_status: str
    held_bytes: int | None
    idle_seconds: float | None = None
    xmin_age: int | None = None
    failover: bool = False


@dataclass(frozen=True, slots=True)
class RoleUse:
    """What can keep a role that exists already from connecting."""

    expires_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Wal:
    """How fast WAL is written, in bytes a second: over the last moments, and since its statistics began."""

    now_bytes: float | None = None
    average_bytes: float | None = None
    since_seconds: float | None = None

    @property
    def rate_bytes(self) -> float | None:
        """The faster of the two; None where neither is known."""
        known = [rate for rate in (self.now_bytes, self.average_bytes) if rate is not None]
        return max(known, default=None)


@dataclass(frozen=True, slots=True)
class Archiver:
    """pg_stat_archiver: failing while its last failure is younger than its last success."""

    failing: bool = False
    failures: int = 0
    last_failed_wal: str = ""


@dataclass(frozen=True, slots=True)
class Sessions:
    """What is open on the primary. Ages in seconds; None where there is none."""

    oldest_transaction: float | None = None
    idle_in_transaction: float | None = None
    prepared: int = 0
    oldest_prepared: float | None = None
    backups: int = 0


@dataclass(frozen=True, slots=True)
class Collation:
    """A database whose collation was recorded with another version than the library here has."""

    database: str
    recorded: str
    actual: str


@dataclass(frozen=True, slots=True)
class HostRoom:
    """The machine that the standby is to run on. Bytes; inodes are of the volume of its data directory.

    `memory_bytes` is the least of what is built in and what its cgroups allow.
    """

    memory_bytes: int | None = None
    available_bytes: int | None = None
    huge_pages_free_bytes: int | None = None
    inodes_free: int | None = None
    inodes_needed: int | None = None
    selinux: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """All of it. `managed` and `managers` hold pairs: who, and by what it was found.

    `settings` are those that only a report reads. `foreign_files` are configuration files that say themselves that
    somebody else writes them. `database` is the one that was connected to: what is kept per database was read there.
    `files_seen`: the primary's files were gone through, as its own user. `wal_link`: where its pg_wal is, if that is
    a symbolic link. `likeness`: of the two hosts; None where both servers are on one.
    """

    today: str = ""
    up_seconds: float | None = None
    database: str = ""
    superuser: bool = True
    settings: tuple[Setting, ...] = ()
    managed: tuple[tuple[str, str], ...] = ()
    managers: tuple[tuple[str, str], ...] = ()
    foreign_files: tuple[tuple[str, str], ...] = ()
    pending: tuple[Setting, ...] = ()
    role: RoleUse = field(default_factory=RoleUse)
    slots: tuple[SlotUse, ...] = ()
    wal: Wal = field(default_factory=Wal)
    wal_directory_bytes: int | None = None
    archiver: Archiver = field(default_factory=Archiver)
    sessions: Sessions = field(default_factory=Sessions)
    publications: int = 0
    unlogged: int = 0
    collations: tuple[Collation, ...] = ()
    collations_recorded: bool = True
    unreadable: tuple[str, ...] = ()
    libraries_missing: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    libraries_known: bool = True
    files_seen: bool = True
    wal_link: str = ""
    host: HostRoom = field(default_factory=HostRoom)
    likeness: Likeness | None = None

    def setting(self, name: str) -> Setting | None:
        """One of the settings that only a report reads; None where this version has it not."""
        return next((setting for setting in self.settings if setting.name == name), None)
