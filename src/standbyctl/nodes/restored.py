"""Effects on a copy that something else has put in place. Each guard is evaluated in the script that acts."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.world import World

_THERE = "SELECT EXISTS (SELECT FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND substr(name, 9) = %s)"


def check_wal(effect: fx.CheckWal, world: World) -> None:
    """The slot that was made a moment ago keeps nothing that was written before."""
    if world.doors[effect.node].server.observe(_THERE, effect.wal_file[8:]) == [(True,)]:
        return
    raise StoppedError(
        "P221",
        msg("{node} has just removed the WAL that the copy needs", node=effect.node),
        detail=msg("{file} is not there any more.", file=effect.wal_file),
        hint=msg(
            "Restore a newer backup, or let it get there from an archive (--restore-command). For the next one, before"
            " the backup: --wal-keep-size, or a slot of its own."
        ),
    )


def adopt_copy(effect: fx.AdoptCopy, world: World) -> None:
    """Make it a standby's."""
    world.run(
        effect.node,
        "adopt_copy.sh",
        effect.data_directory,
        effect.bin_directory,
        effect.system_identifier,
        effect.identity,
        effect.control,
        effect.kept,
        after=("alive.sh",),
    )
