"""Effects on a cluster whose place a standby takes. Each guard is evaluated in the script that acts."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.nodes.holding import ask_holding
from standbyctl.nodes.world import World

_GUARD = ("alive.sh", "guard_cluster.sh")
_SECONDS = 660


def vacate_cluster(effect: fx.VacateCluster, world: World) -> None:
    """Stop it if it holds nothing of anybody. What does not answer is left to the script: it may have been stopped."""
    said = ask_holding(world.doors[effect.node].server)
    if said and said["system_identifier"] != effect.system_identifier:
        said = {}
    if said and (said["holds"] or said["in_recovery"]):
        raise StoppedError(
            "A204",
            msg("the cluster on {path} is not stopped", path=effect.data_directory),
            detail=msg("It holds by now: {what}.", what=", ".join(said["holds"]))
            if said["holds"]
            else msg("It is in recovery."),
            hint=msg("Nothing that is somebody's is replaced: choose another directory with -D."),
        )
    who = (effect.data_directory, *_identity(effect))
    asked = said.get("data_directory", "")
    marked = world.run(effect.node, "mark_cluster.sh", *who, asked, effect.aside, after=_GUARD)
    if not marked.stdout.startswith(b"moved"):
        _serve(effect, world, "stop_cluster.sh")


def move_cluster(effect: fx.MoveCluster, world: World) -> None:
    """Rename it."""
    where = (effect.source, effect.destination)
    world.run(effect.node, "move_cluster.sh", *where, *_identity(effect), after=_GUARD)


def resume_cluster(effect: fx.ResumeCluster, world: World) -> None:
    """Start it again."""
    _serve(effect, world, "start_cluster.sh", effect.service.log_path(effect.data_directory))
    world.run(effect.node, "unmark_cluster.sh", effect.data_directory, *_identity(effect), after=_GUARD)


def _identity(effect: fx.VacateCluster | fx.MoveCluster | fx.ResumeCluster) -> tuple[str, str, str, str]:
    return effect.bin_directory, effect.system_identifier, effect.identity, effect.node


def _serve(effect: fx.VacateCluster | fx.ResumeCluster, world: World, script: str, *more: str) -> None:
    """What takes root where systemd does it; nothing is written to the cluster by that."""
    service = effect.service
    where = (effect.data_directory, *_identity(effect), service.unit, *service.cluster, *more)
    world.run(effect.node, script, *where, after=_GUARD, timeout_seconds=_SECONDS, as_root=service.as_root)
