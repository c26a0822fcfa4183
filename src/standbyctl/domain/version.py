"""Which PostgreSQL this release works with."""

from __future__ import annotations

SUPPORTED_MAJORS = (13, 14, 15, 16, 17, 18)
# The last day on which the project mends a major (postgresql.org/support/versioning).
END_OF_LIFE = {
    10: "2022-11-10",
    11: "2023-11-09",
    12: "2024-11-21",
    13: "2025-11-13",
    14: "2026-11-12",
    15: "2027-11-11",
    16: "2028-11-09",
    17: "2029-11-08",
    18: "2030-11-14",
}
NEWEST_KNOWN = max(END_OF_LIFE)


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
