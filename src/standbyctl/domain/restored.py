"""A copy of the primary that something else has put where its standby is to run: a backup, or a snapshot."""

from __future__ import annotations

from standbyctl.domain.deed import Deed
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass

# Where, in the copy, what makes room there is kept: nothing is deleted.
KEPT = "standbyctl.before"
# As pg_controldata says it. A server that was started as a standby writes no WAL of its own.
FOLLOWED = ("in archive recovery", "shut down in recovery")


def format_lsn(lsn: int) -> str:
    """An LSN as PostgreSQL writes it.

    >>> format_lsn(4294967312)
    '1/10'
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def wal_file(timeline: int, segment: int, segment_bytes: int) -> str:
    """The name of a WAL file.

    >>> wal_file(1, 259, 16 << 20)
    '000000010000000100000003'
    """
    per_log = (1 << 32) // segment_bytes
    return f"{timeline:08X}{segment // per_log:08X}{segment % per_log:08X}"


@dataclass(frozen=True, slots=True)
class Label:
    """What a backup_label says. `timeline` and `lsn`: where recovery has to begin."""

    timeline: int
    lsn: int
    incremental: bool = False


@dataclass(frozen=True, slots=True)
class RestoredSeen:
    """A copy as its files describe it, and the WAL of its primary beside it. LSNs are bytes since the start of the WAL.

    `missing`: what makes no data directory without it. `foreign`: files of others than the server's user. `mode`: of
    the directory. `shared`: what leads to the primary's own files. `major`: as PG_VERSION has it. `control`: the digest
    of pg_control, which changes with every start. `state`: as pg_control has it. `timeline`, `checkpoint`, `redo`: of
    its latest checkpoint; `minimum`: the least that it must replay to be consistent.
    `primary_lsn`: where the primary writes. `history`: timelines that it has left, and where; None where that could not
    be read; `own_history`: the same of the copy, empty where it has none. `oldest`: the primary's oldest WAL file.
    `slot_lsn`: from where the slot keeps WAL, where there is one. `same_wal`: whether the copy's own WAL is the
    primary's, to the byte; None where that could not be told. `restore_command`: the one that came with the copy.
    """

    system_identifier: str = ""
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    mode: str = "700"
    shared: tuple[str, ...] = ()
    major: str = ""
    control: str = ""
    state: str = ""
    timeline: int = 0
    checkpoint: int = 0
    redo: int = 0
    minimum: int = 0
    segment_bytes: int = 16 << 20
    label: Label | None = None
    restore_command: str = ""
    primary_lsn: int = 0
    history: tuple[tuple[int, int], ...] | None = None
    own_history: tuple[tuple[int, int], ...] = ()
    oldest: str = ""
    slot_lsn: int | None = None
    same_wal: bool | None = None

    @property
    def followed(self) -> bool:
        """Whether it last ran as a standby, or is a copy of one."""
        return self.state in FOLLOWED

    @property
    def proven(self) -> bool:
        """Whether its files say that it has written no WAL of its own: a server that starts renames its backup_label.

        They can be made to say so: where its WAL can be compared, that counts.
        """
        return self.label is not None or self.followed

    @property
    def stopped(self) -> bool:
        """Whether a server was stopped on it after its backup: that of a running server is not shut down."""
        return self.label is not None and self.state.startswith("shut down")

    @property
    def strange_label(self) -> bool:
        """Whether the label is of a younger backup: a backup's pg_control is copied last, and has its checkpoint."""
        return self.label is not None and self.redo < self.label.lsn

    @property
    def begins(self) -> int:
        """The LSN from which it needs WAL."""
        return self.label.lsn if self.label else self.redo

    @property
    def begins_on(self) -> int:
        """The timeline of that."""
        return self.label.timeline if self.label else self.timeline

    @property
    def needs(self) -> str:
        """The WAL file that it needs first."""
        return wal_file(self.begins_on, self.begins // self.segment_bytes, self.segment_bytes)

    @property
    def reach(self) -> int:
        """The last LSN that it is known to hold something of."""
        return max(self.checkpoint, self.minimum, self.label.lsn if self.label else 0)

    @property
    def there(self) -> bool:
        """Whether the primary still has what it needs; files are as old as their position, whatever their timeline."""
        return bool(self.oldest) and self.oldest[8:] <= self.needs[8:]

    def kept(self, keep_megabytes: int) -> bool:
        """Whether something keeps that until the standby streams: a slot made before, or wal_keep_size."""
        by_slot = self.slot_lsn is not None and self.slot_lsn <= self.begins
        return by_slot or self.behind_bytes <= keep_megabytes << 20

    @property
    def behind_bytes(self) -> int:
        """What it has to catch up with."""
        return max(self.primary_lsn - self.begins, 0)


@dataclass(frozen=True, slots=True)
class CheckWal(Deed):
    """Stop unless the primary still has a WAL file, of whatever timeline."""

    node: str
    wal_file: str

    @property
    def said(self) -> Message:
        query = f"SELECT name FROM pg_ls_waldir() WHERE substr(name, 9) = '{self.wal_file[8:]}';"
        return msg("{query} stop unless it is there", query=query)


@dataclass(frozen=True, slots=True)
class AdoptCopy(Deed):
    """Make a copy unable to start as a primary, if nobody has started it since it was looked at; all of it fsynced.

    Its postgresql.auto.conf as it was is kept in a directory within, named by the pg_control that it was found with.
    What belongs to the server that it was copied from, or to the restore, goes there too: postmaster.pid,
    recovery.signal, replication slots.
    """

    node: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    identity: str
    control: str

    @property
    def kept(self) -> str:
        """Where what was there is kept."""
        return f"{self.data_directory}/{KEPT}-{self.control[:8]}"

    @property
    def said(self) -> Message:
        signal = f"{self.data_directory}/standby.signal"
        moved = f"cp postgresql.auto.conf, mv postmaster.pid recovery.signal pg_replslot {self.kept}/"
        return msg("{signal}; {moved}, those that are there; fsync", signal=signal, moved=moved)
