"""Directories of a cluster outside its data directory: one for the WAL, and one for each tablespace."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from standbyctl.domain.facts import Contents, Tablespace
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass

WAL_LINK = "pg_wal"


@dataclass(frozen=True, slots=True)
class Volume:
    """Where a part of a copy goes. `link`: the symbolic link that leads there, below the data directory.

    `source`: where the server that is copied has it; empty for the WAL.
    """

    link: str
    path: str
    source: str = ""

    def within(self, draft: str) -> str:
        """Where it is while the copy is a draft: in the same directory, so that every file of it can be renamed.

        >>> Volume("pg_wal", "/wal").within("/pg/.main.standbyctl-1")
        '/wal/.main.standbyctl-1/data'
        """
        return posixpath.join(self.path, posixpath.basename(draft), "data")

    @property
    def said(self) -> Message:
        """What goes where."""
        return msg("{what} into {path}", what=self.source or msg("the WAL"), path=self.path)


@dataclass(frozen=True, slots=True)
class VolumeSeen:
    """What stands where a part of a copy goes. Drafts of ours in it count as nothing, as lost+found does.

    `of_primary`: the primary itself has it, or it is within the primary's data directory. `device`: which filesystem.
    """

    volume: Volume
    contents: Contents
    writable: bool = True
    of_primary: bool = False
    device: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """A symbolic link in a data directory that leads out of it. `identity`: device and inode of where it leads.

    `of_primary`: the primary itself is there. A tablespace that it makes is replayed into the very same path, so that a
    standby on its own machine shares it.
    """

    link: str
    path: str
    identity: str
    of_primary: bool = False


def link_of(tablespace: Tablespace) -> str:
    """Its link below a data directory."""
    return f"pg_tblspc/{tablespace.oid}"


def volumes(tablespaces: Iterable[Tablespace], waldir: str, mapping: Iterable[tuple[str, str]]) -> tuple[Volume, ...]:
    """Where everything outside the data directory goes: to the same path, unless it is mapped.

    >>> volumes([Tablespace(16385, "fast", "/ssd")], "/wal", [("/ssd", "/nvme")])
    (Volume(link='pg_wal', path='/wal', source=''), Volume(link='pg_tblspc/16385', path='/nvme', source='/ssd'))
    """
    goes = dict(mapping)
    theirs = ((each, goes.get(each.location, each.location)) for each in tablespaces)
    wal = (Volume(WAL_LINK, waldir),) if waldir else ()
    return (*wal, *(Volume(link_of(each), path, each.location) for each, path in theirs))
