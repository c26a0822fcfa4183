"""PostgreSQL's own two notations: configuration files and connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*)\s*[=\s]")


def merge_conf(text: str, settings: Iterable[tuple[str, str]]) -> str:
    r"""Set parameters in a configuration file: earlier lines for them go, new ones come last.

    >>> merge_conf("port = 1\nwork_mem = '1MB'\n", [("port", "2")])
    "work_mem = '1MB'\nport = '2'\n"
    """
    wanted = dict(settings)
    # Not splitlines(): it also parts lines at what PostgreSQL reads as part of a value or a comment.
    lines = text.removesuffix("\n").split("\n") if text else []
    kept = [line for line in lines if _name_of(line) not in wanted]
    return "".join(f"{line}\n" for line in kept) + "".join(
        f"{name} = '{escape_conf(value)}'\n" for name, value in wanted.items()
    )


def _name_of(line: str) -> str:
    found = _NAME.match(line)
    return found[1].lower() if found else ""


def escape_conf(value: str) -> str:
    r"""Quote for postgresql.conf, where both a quote and a backslash are special.

    >>> escape_conf("cp '/wal/%f' %p")
    "cp ''/wal/%f'' %p"
    """
    return value.replace("\\", "\\\\").replace("'", "''")


def make_conninfo(params: Iterable[tuple[str, str]]) -> str:
    r"""A libpq connection string; empty values are left out.

    >>> make_conninfo([("host", "db1"), ("user", "it's"), ("sslmode", "")])
    "host=db1 user='it\\'s'"
    """
    return " ".join(f"{name}={_quote(value)}" for name, value in params if value)


def passfile_entry(host: str, port: int, role: str) -> str:
    r"""A line of a passfile up to the password: colons and backslashes within a field are escaped.

    Host "*" and port 0 are any.

    >>> passfile_entry("::1", 5432, "repl"), passfile_entry("*", 0, "repl")
    ('\\:\\:1:5432:*:repl:', '*:*:*:repl:')
    """
    words = (host, str(port or "*"), "*", role)
    return "".join(word.replace("\\", "\\\\").replace(":", "\\:") + ":" for word in words)


def entry_fits(entry: str, host: str, port: str, role: str) -> bool:
    r"""Whether libpq would take the password of a passfile's line (here without it) for a replication connection.

    >>> entry_fits("db1:5432:*:repl:", "db1", "5432", "repl"), entry_fits("*:*:app:*:", "db1", "5432", "repl")
    (True, False)
    >>> entry_fits(r"\:\:1:*:replication:a\:b:", "::1", "5432", "a:b"), entry_fits(r"\*:*:*:*:", "db1", "1", "r")
    (True, False)
    """
    fields = re.findall(r"((?:[^\\:]|\\.)*):", entry)
    wanted = (host, port, "replication", role)
    if len(fields) != len(wanted):
        return False
    # Only a bare asterisk stands for anything.
    return all(
        field == "*" or re.sub(r"\\(.)", r"\1", field) == want for field, want in zip(fields, wanted, strict=True)
    )


def _quote(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@%+-]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
