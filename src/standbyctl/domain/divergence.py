"""What a node holds that its primary has not, and the ways to make a standby of it again."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.lsn import parse_walfile
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass

# What an estimate goes by, and says that it does.
BYTES_A_SECOND, START_SECONDS = 100e6, 2.0


class Way(StrEnum):
    """How a node comes back, the cheapest first."""

    RECONNECT = "reconnect"  # the primary keeps the WAL that it needs
    ARCHIVE = "archive"  # the WAL that its primary has no more comes out of an archive
    FOLLOW = "follow"  # it has nothing that its new primary has not
    REWIND = "rewind"  # pg_rewind: what it has more is overwritten
    CLONE = "clone"  # a new copy beside it; what it has is kept


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction that was committed on a node alone: its id, where its record is in the WAL, when (UTC)."""

    xid: int
    lsn: str
    at: str


@dataclass(frozen=True, slots=True)
class Divergence:
    """What stands in the files of a node that does not run, compared with the history of its primary.

    `timeline`: that it is on. `fork`: where its primary's history leaves that one (an LSN); empty where it does not.
    `ahead`: it has records after that. `commits`: those of them that committed something, in order.
    `hints`: a block that was changed can be told (data checksums, or wal_log_hints). `full_page_writes`: of its last
    checkpoint. `checkpointed`: it has had a checkpoint on its timeline. `at_fork`: the WAL file with the fork is there;
    `common`: and so are those before, back to the last checkpoint.
    `split`: it was promoted apart, to a timeline of its own, which may have the number of one of its primary's; `fork`
    is where the two histories part. `known`: everything of that could be read.
    """

    timeline: int
    fork: str = ""
    ahead: bool = False
    commits: tuple[Commit, ...] = ()
    hints: bool = False
    full_page_writes: bool = True
    checkpointed: bool = True
    at_fork: bool = True
    common: bool = True
    split: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive has of the WAL that a node needs and its primary does not keep any more.

    `command`: the restore_command that was asked; empty where there is none. `configured`: it is the node's own.
    `first`, `last`: the names of the WAL files that are needed from there, of `segment_bytes` each; both were asked
    for. `missing`: why they do not come; empty where they do. `whole`: those between were asked for, too.
    """

    command: str
    configured: bool = False
    first: str = ""
    last: str = ""
    segment_bytes: int = 16 << 20
    missing: str = ""
    whole: bool = True

    @property
    def opens(self) -> bool:
        """Whether it is a way back."""
        return bool(self.command and self.first) and not self.missing

    @property
    def copied_bytes(self) -> int:
        """How much comes out of it."""
        first, last = (parse_walfile(name, self.segment_bytes)[1] for name in (self.first, self.last))
        return (last - first + 1) * self.segment_bytes


@dataclass(frozen=True, slots=True)
class Rung:
    """One way, whether it is open, why not or what it means, and about how much it copies. None is not known."""

    way: Way
    open: bool
    why: Message
    copied_bytes: int | None = None

    @property
    def seconds(self) -> float | None:
        """About how long it takes, at 100 MB a second."""
        return None if self.copied_bytes is None else START_SECONDS + self.copied_bytes / BYTES_A_SECOND


@dataclass(frozen=True, slots=True)
class Returning:
    """What a plan to bring a node back goes by.

    `former`: it was a primary, and whatever it holds, it may hold more than its new one; `left_slots`: of those that
    streamed from it then. `found`: what it does hold;
    `archive`: what an archive has for it; each None where nobody could look, or there was no need to. `way`: the one
    that was asked for.
    """

    former: bool
    found: Divergence | None = None
    way: Way | None = None
    archive: Archive | None = None
    left_slots: tuple[str, ...] = ()
