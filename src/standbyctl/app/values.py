"""What may stand in an option, whether it comes from the command line or from standbyctl.toml."""

from __future__ import annotations

import posixpath
import re

from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.parameter import size_text
from standbyctl.domain.size import parse_size
from standbyctl.domain.slots import CAP, NO_LIMIT, WAL_KEEP
from standbyctl.domain.target import HbaWay, SettingsWay
from standbyctl.domain.tunnel import Via

CHOICES = {
    "hba": tuple(way.value for way in HbaWay),
    "checkpoint": ("fast", "spread"),
    "wal_method": ("stream", "fetch"),
    "synchronous_commit": ("on", "off", "local", "remote_write", "remote_apply"),
    "auth_method": ("scram-sha-256", "md5"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "settings": tuple(way.value for way in SettingsWay),
    "via": tuple(way.value for way in Via),
}
_MB = 1 << 20
# PostgreSQL counts wal_keep_size in MB, in an int.
_MOST_MB = (1 << 31) - 1
_LEAST_MB = 64


def choice(name: str, text: str, default: str = "") -> str:
    """One of the words that the option of that name knows."""
    if text and text not in CHOICES[name]:
        raise UsageError(
            "C107",
            msg('"{text}" is no value of {name}', text=text, name=name),
            hint=msg("It is one of: {choices}.", choices=", ".join(CHOICES[name])),
        )
    return text or default


def wal_cap(text: str) -> str:
    """auto, keep or a size."""
    if not text or text in {"auto", "keep"} or parse_size(text):
        return text or "auto"
    raise UsageError(
        "C107", msg('"{text}" is not a size', text=text), hint=msg("Write it as postgresql.conf does: 20GB, 512MB.")
    )


def wal_keep_size(text: str) -> str:
    """A size, of whole MB."""
    megabytes = (parse_size(text) or 0) // _MB
    if text and not _LEAST_MB <= megabytes <= _MOST_MB:
        raise UsageError(
            "C107",
            msg('"{text}" is no wal_keep_size', text=text),
            detail=msg("Less than {n} MB would keep nothing that is worth it.", n=_LEAST_MB),
            hint=msg("Write it as postgresql.conf does: 20GB, 512MB."),
        )
    return size_text(megabytes) if text else ""


def slots_bound(parameter: str, text: str) -> str:
    """A size of whole MB, or none: what is written for it."""
    if text == "none":
        return NO_LIMIT if parameter == CAP else "0"
    if parameter == WAL_KEEP:
        return wal_keep_size(text)
    megabytes = (parse_size(text) or 0) // _MB
    if not 1 <= megabytes <= _MOST_MB:
        raise UsageError(
            "C107",
            msg('"{text}" is no {name}', text=text, name=parameter),
            hint=msg("Write it as postgresql.conf does: 20GB, 512MB; or none, for no limit."),
        )
    return size_text(megabytes)


def max_rate(text: str) -> str:
    """A rate as pg_basebackup takes it."""
    found = re.fullmatch(r"(\d+)([kM]?)", text)
    if text and not (found and 32 <= int(found[1]) * (1024 if found[2] == "M" else 1) <= 1024 * 1024):  # noqa: PLR2004
        raise UsageError(
            "C107", msg('"{text}" is no rate', text=text), hint=msg("pg_basebackup takes 32k to 1024M (a second).")
        )
    return text


def tablespace_mapping(text: str) -> tuple[str, str]:
    r"""Two paths, as pg_basebackup takes them: an equals sign within one is written \=.

    >>> tablespace_mapping("/ssd=/nvme"), tablespace_mapping(r"/a\=b=/c")
    (('/ssd', '/nvme'), ('/a=b', '/c'))
    """
    old, *rest = (each.replace("\\=", "=") for each in re.split(r"(?<!\\)=", text))
    if len(rest) != 1 or not posixpath.isabs(old) or not rest[0]:
        raise UsageError(
            "C107",
            msg('"{text}" is no mapping of a tablespace', text=text),
            hint=msg("Write --tablespace-mapping OLD=NEW, two absolute paths; a = within one as \\=."),
        )
    return old, rest[0]


def restore_command(text: str) -> str:
    """A command of one line."""
    if not text.isprintable() or (text and not text.strip()):
        raise UsageError(
            "C107",
            msg("restore_command must be one line, without control characters"),
            hint=msg("Put a longer one into a script, and give its path with %f and %p."),
        )
    return text
