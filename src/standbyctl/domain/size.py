"""Amounts of bytes and seconds, read and written as PostgreSQL does (1 MB = 1024 kB)."""

from __future__ import annotations

import re

_UNITS = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_PERIODS = (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1))
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PERIOD = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*")
_SIZE = re.compile(r"\s*(\d+)\s*(B|kB|MB|GB|TB)\s*")


def parse_size(text: str) -> int | None:
    """Bytes of a size as postgresql.conf writes it, or None where it is not one.

    >>> parse_size("20GB"), parse_size("1 kB"), parse_size("20"), parse_size("20gb")
    (21474836480, 1024, None, None)
    """
    found = _SIZE.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def format_size(size_bytes: float) -> str:
    """A size in at most four figures and a unit.

    >>> format_size(512), format_size(21474836480), format_size(1.5 * 1024**3), format_size(50331648)
    ('512 B', '20 GB', '1.5 GB', '48 MB')
    """
    value, units = float(size_bytes), iter(_UNITS)
    unit = next(units)
    while abs(value) >= 1024 and unit != "TB":  # noqa: PLR2004
        value, unit = value / 1024, next(units)
    text = f"{value:.1f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004
    return f"{text.removesuffix('.0')} {unit}"


def format_seconds(seconds: float) -> str:
    """A duration in its two largest units.

    >>> format_seconds(4.24), format_seconds(75), format_seconds(3840), format_seconds(266400)
    ('4.2 s', '1 min 15 s', '1 h 4 min', '3 d 2 h')
    """
    if round(seconds, 1) < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    whole = round(seconds)
    large, small, size, part = next(unit for unit in _PERIODS if whole >= unit[2])
    return f"{whole // size} {large} {whole % size // part} {small}"


def parse_period(text: str) -> float | None:
    """Seconds of a time as postgresql.conf writes it, or None where it is not one.

    >>> parse_period("500ms"), parse_period("1 min"), parse_period("1"), parse_period("1m")
    (0.5, 60.0, None, None)
    """
    found = _PERIOD.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2]] if found else None
