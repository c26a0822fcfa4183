"""Which PostgreSQL this release works with."""

from __future__ import annotations

SUPPORTED_MAJORS = (15, 16, 18)


def major(version_num: int) -> int:
    """The major version of a server_version_num.

    >>> major(160014)
    16
    """
    return version_num // 10000


def version_text(version_num: int) -> str:
    """The version as people write it.

    >>> version_text(160014)
    '16.14'
    """
    return f"{version_num // 10000}.{version_num % 10000}"
