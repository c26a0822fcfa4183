"""A short copy that is measured: bytes of the primary's files, through its connection, to the standby's disk."""

from __future__ import annotations

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Trial
from standbyctl.nodes.world import World, script_text

_CHUNK_BYTES = 16 << 20
# The biggest relations of the connected database; only their first segment, of 1 GB at most.
_FILES = """
SELECT path, (pg_stat_file(path)).size FROM (
  SELECT pg_relation_filepath(oid) AS path FROM pg_class
   WHERE relkind IN ('r', 'i', 't', 'm') AND relpersistence = 'p'
   ORDER BY relpages DESC LIMIT 20) AS biggest
"""
_READ = "SELECT pg_read_binary_file(%s, %s, %s, true)"


def try_copy(effect: fx.TryCopy, world: World) -> None:
    """Copy until enough, or until the time is over, down to the disk; what is written is removed again.

    Raises CannotTellError where there is nothing to copy, or no right to read or to write it.
    """
    server = world.doors[effect.source].server
    files = server.observe(_FILES)
    child = world.doors[effect.node].host.start(script_text("trial.sh"), effect.data_directory, fed=True)
    began, copied, status = world.clock.monotonic(), 0, None
    try:
        for path, offset in [(path, offset) for path, size in files for offset in range(0, size, _CHUNK_BYTES)]:
            piece = server.read_bytes(_READ, path, offset, _CHUNK_BYTES)
            child.feed(piece)
            copied += len(piece)
            if copied >= effect.most_bytes or world.clock.monotonic() - began >= effect.most_seconds:
                break
        status = child.finish()
        took = world.clock.monotonic() - began
    except BrokenPipeError:
        took = 0.0
    finally:
        child.end()
    if status != 0:
        raise CannotTellError(
            "A202",
            msg("cannot write beside {path}", path=effect.data_directory),
            detail=msg("{e}", e=said) if (said := child.errors()) else msg("it did not end"),
        )
    if not copied:
        raise CannotTellError("A202", msg("there is nothing in this database to try a copy with"))
    world.tell(Trial(copied, took))
