"""Paths as the operator gives them: whole, and of the host that they are on."""

from __future__ import annotations

import posixpath
from pathlib import Path

from standbyctl.app.values import tablespace_mapping
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg


def absolute(path: str, host: str) -> str:
    """The whole path; UsageError where it cannot be, or is of another host and not whole."""
    if not path:
        return ""
    if not path.isprintable() or set(path) & set('"$`\\'):
        # pg_ctl hands the path to a shell, within double quotes.
        raise UsageError("C116", msg('a path must not contain control characters, nor any of " $ ` \\'))
    if posixpath.isabs(path):
        return posixpath.normpath(path)
    if host:
        raise UsageError(
            "C116",
            msg('"{path}" is relative, and {host} has no working directory of yours', path=path, host=host),
            hint=msg("Give the whole path."),
        )
    try:
        return posixpath.normpath(posixpath.join(str(Path.cwd()), path))
    except FileNotFoundError as error:
        raise UsageError("C116", msg('"{path}" is relative, and the working directory is gone', path=path)) from error


def root_certificate(given: str, host: str, sslmode: str) -> str:
    """The file on the standby's host; without one libpq looks in a home directory that the server may not have."""
    path = given if given in {"", "system"} else absolute(given, host)
    if sslmode.startswith("verify-") and not path:
        raise UsageError(
            "C107",
            msg("sslmode {mode} needs the certificate of an authority", mode=sslmode),
            hint=msg("Give its file on the standby's host with --sslrootcert, or system (16 and later)."),
        )
    return path


def tablespaces(given: tuple[str, ...], host: str) -> tuple[tuple[str, str], ...]:
    """Where the primary has each, and where the standby, on that host, is to: neither is relative to where we are."""
    pairs = map(tablespace_mapping, given)
    return tuple(sorted((absolute(old, "the primary"), absolute(new, host)) for old, new in pairs))
