"""Compare a copy with its manifest. That pg_verifybackup cannot be run, or dies, is no word about the copy."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.copies import ended
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Note
from standbyctl.nodes.world import World, script_text

SPEAK_SECONDS = 10
_WATCH_SECONDS = 0.05
_DIFFERS = 1


def check_manifest(effect: fx.CheckManifest, world: World) -> None:
    """Every file by its size and checksum, and the WAL that the copy needs."""
    child = world.doors[effect.node].host.start(script_text("check_manifest.sh"), effect.draft, effect.bin_directory)
    began = spoke = world.clock.monotonic()
    try:
        while (status := child.poll()) is None:
            now = world.clock.monotonic()
            if now - spoke >= SPEAK_SECONDS:
                spoke = now
                world.tell(Note(msg("reading the whole copy again for {n} s", n=int(now - began))))
            world.clock.sleep(_WATCH_SECONDS)
    finally:
        child.end()
    if status == 0:
        return
    said = " | ".join(child.errors().splitlines()[:5])
    if status == _DIFFERS:
        raise StoppedError(
            "V813",
            msg("the copy does not pass pg_verifybackup: it is not started"),
            detail=msg("{e}", e=said or "It says nothing more."),
            hint=msg("Look at the disks and the memory of this host. The same command again makes a new copy."),
        )
    raise StoppedError(
        "V813",
        msg("could not verify the copy: it is not started"),
        detail=msg("pg_verifybackup {how}. That says nothing about the copy. {e}", how=ended(status), e=said),
        hint=msg(
            "The copy is kept: mend {bin}/pg_verifybackup and run the same command again; or go on without, by the"
            " same command without --verify-backup.",
            bin=effect.bin_directory,
        ),
    )
