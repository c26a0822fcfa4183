"""What a person types instead of us."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from standbyctl.domain.message import Message

ROOT = "root"


class Kind(StrEnum):
    """Where it is typed."""

    SHELL = "shell"
    SQL = "sql"
    INSERT = "insert"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Hand:
    """A shell's commands on a node's host, statements for psql, or a line that goes into a file or out of it.

    `user`: whose shell; empty for the user that the node's server runs as. `expected`: what is to be seen then.
    `path`, and `before_line` (None: at the end): of a line.
    """

    node: str
    kind: Kind
    text: str
    expected: Message | None = None
    user: str = ""
    path: str = ""
    before_line: int | None = None


def shell(node: str, *lines: str, expected: Message | None = None, user: str = "") -> Hand:
    """Commands for a POSIX shell."""
    return Hand(node, Kind.SHELL, "\n".join(lines), expected, user)


def psql(node: str, *statements: str, expected: Message | None = None) -> Hand:
    """Statements, and psql's own commands."""
    return Hand(node, Kind.SQL, "\n".join(statements), expected)
