"""Whether an archive brings the WAL that a standby needs and its primary does not keep any more."""

from __future__ import annotations

from standbyctl.domain.divergence import Archive
from standbyctl.domain.errors import CannotTellError
from standbyctl.nodes.ports import Host, Server
from standbyctl.observe.question import Question
from standbyctl.observe.texts import text

_OLDEST = """
SELECT min(name) FROM pg_ls_waldir()
 WHERE name ~ '^[0-9A-F]{24}$' AND left(name, 8) = left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
# An archive may be far away, and a file of it 1 GB.
FILE_SECONDS = 60
# Of 16 MB each that is 1 GB.
MOST_BETWEEN = 64
SECONDS = 600


def look_at_archive(server: Server, host: Host, question: Question, command: str) -> Archive | None:
    """Have what is needed brought: the first file and the last, and those between where they are few; None where that
    cannot be seen.

    `command`: the restore_command to do it with; empty for the standby's own. PostgreSQL runs it as a shell command,
    and so does this, as the same user.
    """
    args = (question.data_directory, question.bin_directory, question.config_file, command)
    try:
        [(oldest,)] = server.observe(_OLDEST)
        limits = (str(FILE_SECONDS), str(MOST_BETWEEN))
        done = host.script(text("archive.sh"), *args, oldest, *limits, timeout_seconds=SECONDS)
    except (CannotTellError, TimeoutError):
        return None
    words = dict(line.partition("=")[::2] for line in done.stdout.decode(errors="replace").splitlines())
    if words.get("end") != "yes" or not words.get("segment_bytes", "").isdigit():
        return None
    return Archive(
        command=words.get("command", ""),
        configured=words.get("configured") == "yes",
        first=words.get("first", ""),
        last=words.get("last", ""),
        segment_bytes=int(words["segment_bytes"]),
        missing=words.get("missing", ""),
        whole=words.get("unasked") != "yes",
    )
