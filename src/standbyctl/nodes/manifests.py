"""Compare a copy with its manifest. That pg_verifybackup cannot be run, or dies, is no word about the copy."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.copies import ended
from standbyctl.domain.errors import CannotTellError, StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Answer, Note
from standbyctl.domain.size import format_seconds
from standbyctl.nodes.world import World, script_text

SPEAK_SECONDS = 10
# A verifier that reads moves a counter with every block, however large the copy and slow the disk.
STALLED_SECONDS = 600.0
# Where the kernel does not count what is read, nothing tells a slow one from one that hangs.
UNSEEN_SECONDS = 86400.0
_WATCH_SECONDS = 0.05
_DIFFERS = 1


def check_manifest(
    effect: fx.CheckManifest,
    world: World,
    *,
    speak_seconds: float = SPEAK_SECONDS,
    stalled_seconds: float = STALLED_SECONDS,
) -> None:
    """Every file by its size and checksum, and the WAL that the copy needs."""
    child = world.doors[effect.node].host.start(script_text("check_manifest.sh"), effect.draft, effect.bin_directory)
    began = spoke = moved = world.clock.monotonic()
    read: int | None = None
    stalled = ""
    try:
        while (status := child.poll()) is None and not stalled:
            now = world.clock.monotonic()
            if now - spoke >= speak_seconds:
                spoke = now
                world.tell(Note(msg("reading the whole copy again for {n} s", n=int(now - began))))
                if (seen := _bytes_read(effect, world)) != read and seen is not None:
                    read, moved = seen, now
            limit = UNSEEN_SECONDS if read is None else stalled_seconds
            if now - moved >= limit:
                stalled = format_seconds(limit)
            world.clock.sleep(_WATCH_SECONDS)
    finally:
        child.end()
    if status == 0:
        world.tell(Answer(msg("answer: pg_verifybackup has found no difference")))
        return
    said = " | ".join(child.errors().splitlines()[:5])
    if status == _DIFFERS:
        raise StoppedError(
            "V813",
            msg("the copy does not pass pg_verifybackup: it is not started"),
            detail=msg("{e}", e=said) if said else msg("It says nothing more."),
            hint=msg("Look at the disks and the memory of that host. The same command again makes a new copy."),
        )
    raise StoppedError(
        "V813",
        msg("could not verify the copy: it is not started"),
        detail=msg(
            "pg_verifybackup {how}. That says nothing about the copy. {e}",
            how=msg("read nothing for {n}, and was ended", n=stalled) if status is None else ended(status),
            e=said,
        ),
        hint=msg(
            "The copy is kept: mend {bin}/pg_verifybackup and run the same command again; or go on without, by the"
            " same command without --verify-backup.",
            bin=effect.bin_directory,
        ),
    )


def _bytes_read(effect: fx.CheckManifest, world: World) -> int | None:
    """How far it has got, as the kernel counts; None where that cannot be seen."""
    try:
        done = world.doors[effect.node].host.script(script_text("bytes_read.sh"), data=effect.draft.encode())
    except CannotTellError:
        return None
    return int(done.stdout) if done.stdout.strip() else None
