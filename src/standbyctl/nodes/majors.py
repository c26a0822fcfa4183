"""Statements that are the same on every major version but for a few lines."""

from __future__ import annotations

import re

_MARK = re.compile(r"\s*-- (?:(\d+)\+|<(\d+))$")


def for_major(query: str, version_num: int) -> str:
    """The lines of a statement that are for a server: a mark at the end of one says which majors it is for.

    >>> for_major("SELECT wal_bytes -- 14+\\nSELECT NULL -- <14\\n  FROM x", 130023)
    'SELECT NULL\\n  FROM x'
    """
    if "-- " not in query:
        return query
    major, lines = version_num // 10000, []
    for line in query.split("\n"):
        mark = _MARK.search(line)
        if mark is None:
            lines.append(line)
        elif major >= int(mark[1]) if mark[1] else major < int(mark[2]):
            lines.append(line[: mark.start()])
    return "\n".join(lines)
