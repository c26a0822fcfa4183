"""A line of pg_hba.conf, in an editor."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.hand import Hand, Kind, psql, shell
from standbyctl.domain.message import Message, msg
from standbyctl.planner.byhand.database import reload

_FAULTS = "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL;"


def insert(effect: fx.EnsureHbaLine | fx.EnsureHbaLineBySql) -> tuple[Hand, ...]:
    """The line, and what the server makes of the file before anybody reloads it."""
    unchanged = msg("{digest}: otherwise the line may belong elsewhere, make a new plan", digest=effect.digest)
    look = shell(effect.node, f"sha256sum {shlex.quote(effect.path)}", expected=unchanged)
    return look, *_inserted(effect.node, effect.path, effect.line, effect.before_line)


def _inserted(
    node: str, path: str, line: str, before_line: int | None, where: Message | None = None
) -> tuple[Hand, ...]:
    edit = Hand(
        node,
        Kind.INSERT,
        line,
        where or msg("the file is otherwise as it was: keep a copy of it"),
        path=path,
        before_line=before_line,
    )
    return edit, psql(node, _FAULTS, expected=msg("no row"))


def remove(effect: fx.RemoveHbaLine | fx.RemoveHbaLineBySql) -> tuple[Hand, ...]:
    """Exactly that line."""
    edit = Hand(effect.node, Kind.REMOVE, effect.line, msg("every other line stays"), path=effect.path)
    return edit, psql(effect.node, _FAULTS, expected=msg("no row"))


def admit(effect: fx.AwaitAdmission) -> tuple[Hand, ...]:
    """The same, reloaded, and tried from where the standby will be."""
    command = shlex.join([f"{effect.bin_directory}/psql", "-XAtqw", "-d", effect.conninfo, "-c", "IDENTIFY_SYSTEM"])
    return (
        *_inserted(effect.node, effect.path, effect.line, None, msg("above any rule that refuses it")),
        *reload(fx.Reload(effect.node)),
        shell(effect.standby, command, expected=msg("one row: the role is let in")),
    )
