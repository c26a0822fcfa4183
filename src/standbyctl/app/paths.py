"""Paths that an operator has typed."""

from __future__ import annotations

import posixpath
from pathlib import Path

from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg


def absolute_path(path: str, host: str) -> str:
    """The path, absolute and normal. One of another host (`host`: its name) cannot be relative."""
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
