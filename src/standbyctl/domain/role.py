"""A replication role, and the one file that its password stands in."""

from __future__ import annotations

from standbyctl.domain.conf import passfile_entry
from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class WritePassfile(Deed):
    """Write a passfile (0600) with a new random password, unless ours is there. fsynced."""

    node: str
    path: str
    role: str
    marker: str

    @property
    def said(self) -> Message:
        return literally(f"{self.path} (0600): {self.entry}********")

    @property
    def entry(self) -> str:
        """The line that libpq reads, up to the password: for any server, for after a switchover it is another."""
        return passfile_entry("*", 0, self.role)


@dataclass(frozen=True, slots=True)
class RemovePassfile(Deed):
    """Remove a passfile that carries our marker."""

    node: str
    path: str
    marker: str

    @property
    def said(self) -> Message:
        return msg("remove {path}", path=self.path)


@dataclass(frozen=True, slots=True)
class MakeRole(Deed):
    """Make a replication role, or give our own a new password: the one in the passfile, as a SCRAM verifier."""

    node: str
    role: str
    marker: str
    passfile_node: str
    passfile: str

    @property
    def said(self) -> Message:
        return literally(
            f"CREATE ROLE \"{self.role}\" LOGIN REPLICATION PASSWORD '********'; "
            f"COMMENT ON ROLE \"{self.role}\" IS '{self.marker}, key ...';"
        )
