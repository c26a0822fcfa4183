"""Positions in the write-ahead log."""

from __future__ import annotations


def parse_lsn(text: str) -> int:
    """An LSN as bytes since the start of the WAL.

    >>> parse_lsn("1/10")
    4294967312
    """
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(lsn: int) -> str:
    """An LSN as PostgreSQL writes it.

    >>> format_lsn(4294967312), format_lsn(0)
    ('1/10', '0/0')
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_walfile(name: str, segment_bytes: int) -> tuple[int, int]:
    """Timeline and segment number of a WAL file's name.

    >>> parse_walfile("000000010000000000000003", 16 * 1024 * 1024)
    (1, 3)
    """
    per_log = (1 << 32) // segment_bytes
    return int(name[:8], 16), int(name[8:16], 16) * per_log + int(name[16:24], 16)
