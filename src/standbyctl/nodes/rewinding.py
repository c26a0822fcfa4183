"""pg_rewind, on the node's own host."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StandbyctlError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.world import World

SECONDS = 86400.0


def rewind(effect: fx.Rewind, world: World) -> None:
    """StoppedError R454 where it is not done; the directory then starts no server, and is there whole or in parts."""
    try:
        world.run(
            effect.node,
            "rewind.sh",
            effect.data_directory,
            effect.bin_directory,
            effect.system_identifier,
            effect.conninfo,
            effect.aside,
            str(effect.timeline),
            effect.fork,
            effect.config_file,
            timeout_seconds=SECONDS,
            after=("alive.sh",),
        )
    except StandbyctlError as error:
        raise StoppedError(
            "R454",
            msg("{node} was not rewound", node=effect.node),
            detail=error.detail,
            hint=msg(
                "Copy it anew, with what it holds kept aside: standbyctl resync {node} --way clone", node=effect.node
            ),
        ) from error
