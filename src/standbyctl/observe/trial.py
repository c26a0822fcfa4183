"""A short copy that is measured: bytes of the primary's files, through its connection, to the standby's disk."""

from __future__ import annotations

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.forecast import Trial
from standbyctl.domain.message import msg
from standbyctl.nodes.ports import Clock, Host, Server
from standbyctl.observe.texts import text

TRIAL_BYTES = 512 << 20
TRIAL_SECONDS = 5.0
_CHUNK_BYTES = 8 << 20
# The biggest tables of the connected database, whose segment files are at most 1 GB each.
_FILES = """
SELECT path, (pg_stat_file(path)).size FROM (
  SELECT pg_relation_filepath(oid) AS path FROM pg_class
   WHERE relkind IN ('r', 'i', 't', 'm') AND relpersistence = 'p' AND relfilenode <> 0
   ORDER BY relpages DESC LIMIT 20) AS biggest
"""
_READ = "SELECT pg_read_binary_file(%s, %s, %s, true)"


def run_trial(server: Server, host: Host, data_directory: str, clock: Clock) -> Trial:
    """Copy up to 512 MB or for 5 s, whichever ends first; what is written is removed again.

    Raises CannotTellError where there is nothing to copy, or no right to read it.
    """
    files = server.observe(_FILES)
    began, copied = clock.monotonic(), 0
    for path, offset in _chunks(files):
        [(piece,)] = server.observe(_READ, path, offset, _CHUNK_BYTES)
        if not piece:
            continue
        done = host.script(text("trial.sh"), data_directory, data=bytes(piece))
        if done.status != 0:
            raise CannotTellError(
                "A202", msg("cannot write beside {path}", path=data_directory), detail=msg("{e}", e=done.stderr)
            )
        copied += len(piece)
        if copied >= TRIAL_BYTES or clock.monotonic() - began >= TRIAL_SECONDS:
            break
    if not copied:
        raise CannotTellError("A202", msg("there is nothing in this database to try a copy with"))
    return Trial(copied, clock.monotonic() - began)


def _chunks(files: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(path, offset) for path, size in files for offset in range(0, size, _CHUNK_BYTES)]
