"""Effects on files and directories. Each guard is evaluated in the script that acts."""

from __future__ import annotations

import hashlib

from standbyctl.domain import effects as fx
from standbyctl.domain.conf import merge_conf
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.world import World, script_text

_VOLUMES = ("volumes.sh",)
FAULTS = "SELECT line_number, error FROM pg_hba_file_rules() WHERE error IS NOT NULL AND type IS NULL LIMIT 1"


def ensure_hba_line(effect: fx.EnsureHbaLine, world: World) -> None:
    """Add the line; let the server parse the file; put the old bytes back if it finds a fault."""
    old = world.run(effect.node, "read_file.sh", effect.path).stdout
    line = effect.line.encode()
    if line in old.split(b"\n"):
        _check_hba(effect, world, old, remove_line(old, line))
        return
    if hashlib.sha256(old).hexdigest() != effect.digest:
        raise StoppedError(
            "A204",
            msg("{path} has changed since it was looked at", path=effect.path),
            hint=msg("Run the same command again: it looks anew."),
        )
    new = insert_line(old, line, effect.before_line)
    _replace(world, effect.node, effect.path, old, new)
    _check_hba(effect, world, new, old)


def _check_hba(effect: fx.EnsureHbaLine, world: World, new: bytes, old: bytes) -> None:
    session = world.doors[effect.node].server.session()
    try:
        faults = session.rows(FAULTS)
    finally:
        session.close()
    if faults:
        _replace(world, effect.node, effect.path, new, old)
        raise StoppedError(
            "A204",
            msg("{node} does not accept the new line in {path}", node=effect.node, path=effect.path),
            detail=msg(
                "Line {n}: {e}. The file is again as it was; nothing was reloaded.", n=faults[0][0], e=faults[0][1]
            ),
        )


def remove_hba_line(effect: fx.RemoveHbaLine, world: World) -> None:
    """Take the line out; every other byte stays."""
    old = world.run(effect.node, "read_file.sh", effect.path).stdout
    new = remove_line(old, effect.line.encode())
    if new != old:
        _replace(world, effect.node, effect.path, old, new)


def insert_line(text: bytes, line: bytes, before_line: int | None) -> bytes:
    r"""Insert before a line (counted from 1) or at the end; a missing last newline stays missing.

    >>> insert_line(b"a\nb\n", b"x", 2), insert_line(b"a", b"x", None), insert_line(b"", b"x", None)
    (b'a\nx\nb\n', b'a\nx', b'x\n')
    """
    lines = text.split(b"\n")
    if before_line is not None:
        return b"\n".join([*lines[: before_line - 1], line, *lines[before_line - 1 :]])
    if text == b"" or text.endswith(b"\n"):
        return text + line + b"\n"
    return text + b"\n" + line


def remove_line(text: bytes, line: bytes) -> bytes:
    r"""Undo insert_line.

    >>> remove_line(b"a\nx\nb\n", b"x"), remove_line(b"a\nx", b"x"), remove_line(b"x\n", b"x")
    (b'a\nb\n', b'a', b'')
    """
    return b"\n".join(each for each in text.split(b"\n") if each != line)


def _replace(world: World, node: str, path: str, old: bytes, new: bytes) -> None:
    world.run(node, "replace_file.sh", path, hashlib.sha256(old).hexdigest(), data=new)


def set_conf(effect: fx.SetConf, world: World) -> None:
    """Rewrite a configuration file."""
    old = world.run(effect.node, "read_file.sh", effect.path).stdout
    new = merge_conf(old.decode("utf-8", "surrogateescape"), effect.settings)
    _replace(world, effect.node, effect.path, old, new.encode("utf-8", "surrogateescape"))


def seal_draft(effect: fx.SealDraft, world: World) -> None:
    """Finish a draft."""
    world.run(effect.node, "seal.sh", effect.draft, timeout_seconds=600)


def put_in_place(effect: fx.PutInPlace, world: World) -> None:
    """Rename a draft to its destination."""
    world.run(effect.node, "put_in_place.sh", effect.draft, effect.destination, timeout_seconds=600, after=_VOLUMES)


def discard_draft(effect: fx.DiscardDraft, world: World) -> None:
    """Remove a draft."""
    world.run(effect.node, "discard.sh", effect.draft, effect.node, timeout_seconds=3600, after=_VOLUMES)


def set_aside(effect: fx.SetAside, world: World) -> None:
    """Rename a data directory away."""
    done = world.doors[effect.node].host.script(
        script_text("guard_standby.sh") + script_text("set_aside.sh"),
        effect.data_directory,
        effect.bin_directory,
        effect.system_identifier,
        effect.identity,
        effect.aside,
        "yes" if effect.leave_empty else "no",
    )
    _unless_done(effect.data_directory, done.status, done.stderr)


def delete_aside(effect: fx.DeleteAside, world: World) -> None:
    """Delete a directory that was set aside for it."""
    done = world.doors[effect.node].host.script(
        script_text("guard_standby.sh") + script_text("delete_aside.sh"),
        effect.aside,
        effect.bin_directory,
        effect.system_identifier,
        effect.identity,
        *(word for each in effect.linked for word in (each.link, each.path, each.identity)),
        timeout_seconds=3600,
    )
    _unless_done(effect.aside, done.status, done.stderr)


def _unless_done(path: str, status: int, stderr: str) -> None:
    if status != 0:
        raise StoppedError(
            "A204",
            msg("{path} was not removed", path=path),
            detail=msg("{e}", e=stderr) if stderr else msg("exit status {n}", n=status),
            hint=msg("Mend the cause, then run the same command again."),
        )
