"""What a person types instead of us."""

from __future__ import annotations

import shlex
from enum import StrEnum

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass

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

    `node`: empty for the machine that standbyctl runs on. `user`: whose shell; empty for the user that the node's
    server runs as. `expected`: what is to be seen then.
    `path`, and `before_line` (None: at the end): of a line.
    """

    node: str
    kind: Kind
    text: str
    expected: Message | None = None
    user: str = ""
    path: str = ""
    before_line: int | None = None


def shell(node: str, *commands: str, expected: Message | None = None, user: str = "") -> Hand:
    """Commands for a POSIX shell, however many lines each has: one that fails keeps the next from being run."""
    return Hand(node, Kind.SHELL, " &&\n".join(commands), expected, user)


def here(*commands: str, expected: Message | None = None) -> Hand:
    """The same, typed where standbyctl would run."""
    return shell("", *commands, expected=expected)


def written(path: str, text: str) -> str:
    """A command that appends lines to a file, to be the last of a shell's."""
    return f"cat >>{shlex.quote(path)} <<'LINES'\n{text.rstrip(chr(10))}\nLINES"


def psql(node: str, *statements: str, expected: Message | None = None) -> Hand:
    """Statements, and psql's own commands."""
    return Hand(node, Kind.SQL, "\n".join(statements), expected)
