"""How a role is let in through pg_hba.conf: by us, by the server itself, or by a person; and taken out again."""

from __future__ import annotations

from standbyctl.domain.deed import Deed
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class EnsureHbaLine(Deed):
    """Put a line into pg_hba.conf, unless it is there: before a line of the file, or at its end (None).

    `digest` (sha256) is the file as it was looked at: another is left alone. The server parses the new file
    before anyone reloads it; if it finds a fault, the old bytes are put back at once.
    """

    node: str
    path: str
    line: str
    before_line: int | None
    digest: str

    @property
    def said(self) -> Message:
        return _line_said(self.path, self.line, self.before_line)


@dataclass(frozen=True, slots=True)
class RemoveHbaLine(Deed):
    """Take our very line out of pg_hba.conf, if it is there; every other byte stays."""

    node: str
    path: str
    line: str

    @property
    def said(self) -> Message:
        return msg("remove from {path}: {line}", path=self.path, line=self.line)


@dataclass(frozen=True, slots=True)
class EnsureHbaLineBySql(Deed):
    """The same where only the server can reach the file: a program of the server's user, by COPY TO PROGRAM.

    Only the line travels; the program itself compares `digest` (sha256), inserts, and renames into place.
    """

    node: str
    path: str
    line: str
    before_line: int | None
    digest: str

    @property
    def said(self) -> Message:
        return msg("by COPY ... TO PROGRAM: {said}", said=_line_said(self.path, self.line, self.before_line))


@dataclass(frozen=True, slots=True)
class RemoveHbaLineBySql(Deed):
    """Take our very line out by COPY TO PROGRAM, if it is there; every other byte stays."""

    node: str
    path: str
    line: str

    @property
    def said(self) -> Message:
        removed = msg("remove from {path}: {line}", path=self.path, line=self.line)
        return msg("by COPY ... TO PROGRAM: {said}", said=removed)


@dataclass(frozen=True, slots=True)
class AwaitAdmission(Deed):
    """Wait until the server admits the standby's role; `line` is what a person must put into the file."""

    node: str
    path: str
    line: str
    standby: str
    bin_directory: str
    conninfo: str
    timeout_seconds: int

    @property
    def said(self) -> Message:
        return msg("wait until somebody has put into {path}: {line}", path=self.path, line=self.line)


def _line_said(path: str, line: str, before_line: int | None) -> Message:
    if before_line is None:
        return msg("{path}, at the end: {line}", path=path, line=line)
    return msg("{path}, as line {n}: {line}", path=path, n=before_line, line=line)
