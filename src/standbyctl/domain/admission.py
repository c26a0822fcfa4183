"""How a role is let in through pg_hba.conf: by us, by the server itself, or by a person; and taken out again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnsureHbaLine:
    """Put a line into pg_hba.conf, unless it is there: before a line of the file, or at its end (None).

    `digest` (sha256) is the file as it was looked at: another is left alone. The server parses the new file
    before anyone reloads it; if it finds a fault, the old bytes are put back at once.
    """

    node: str
    path: str
    line: str
    before_line: int | None
    digest: str

    def __str__(self) -> str:
        where = "at the end" if self.before_line is None else f"as line {self.before_line}"
        return f"{self.path}, {where}: {self.line}"


@dataclass(frozen=True, slots=True)
class RemoveHbaLine:
    """Take our very line out of pg_hba.conf, if it is there; every other byte stays."""

    node: str
    path: str
    line: str

    def __str__(self) -> str:
        return f"remove from {self.path}: {self.line}"


@dataclass(frozen=True, slots=True)
class EnsureHbaLineBySql:
    """The same where only the server can reach the file: a program of the server's user, by COPY TO PROGRAM.

    Only the line travels; the program itself compares `digest` (sha256), inserts, and renames into place.
    """

    node: str
    path: str
    line: str
    before_line: int | None
    digest: str

    def __str__(self) -> str:
        where = "at the end" if self.before_line is None else f"as line {self.before_line}"
        return f"COPY ... TO PROGRAM 'insert into {self.path}, {where}'; {self.line}"


@dataclass(frozen=True, slots=True)
class RemoveHbaLineBySql:
    """Take our very line out by COPY TO PROGRAM, if it is there; every other byte stays."""

    node: str
    path: str
    line: str

    def __str__(self) -> str:
        return f"COPY ... TO PROGRAM 'remove from {self.path}'; {self.line}"


@dataclass(frozen=True, slots=True)
class AwaitAdmission:
    """Wait until the server admits the standby's role; `line` is what a person must put into the file."""

    node: str
    path: str
    line: str
    standby: str
    bin_directory: str
    conninfo: str
    timeout_seconds: int

    def __str__(self) -> str:
        return f"wait until somebody has put into {self.path}: {self.line}"
