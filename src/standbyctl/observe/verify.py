"""What a verification asks: one statement to each server and one script to a host; then samples of the replay."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from standbyctl.domain.codec import decode
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.record import replace
from standbyctl.domain.replication import (
    MINIMUM_PARAMETERS,
    Collations,
    PassfileView,
    ReplaySample,
    ServerView,
    Upstream,
)
from standbyctl.nodes.libpq import parse_conninfo
from standbyctl.nodes.ports import Host, Server
from standbyctl.observe.reading import parse_probe

ANSWER_SECONDS = 5
COLLATIONS_SECONDS = 20
_PARAMETERS = [*MINIMUM_PARAMETERS, "data_checksums", "max_slot_wal_keep_size", "wal_segment_size"]
_REPLAY = """
SELECT jsonb_build_object(
  'lsn', pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,
  'state', CASE WHEN pg_is_in_recovery() THEN
    pg_get_wal_replay_pause_state() -- 14+
    CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END -- <14
    END,
  'received', EXISTS (SELECT FROM pg_stat_wal_receiver))
"""
_HISTORY = "SELECT pg_read_file(%s, 0, 1048576, true)"
_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
_MARKED = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn AND pg_last_xact_replay_timestamp() >= %s::timestamptz"
_DATABASE = "SELECT 1 FROM pg_database WHERE datname = %s"
_TABLE = "SELECT to_regclass('public.test') IS NOT NULL"
_ROWS = "SELECT id, data, extract(epoch FROM created_at)::text FROM public.test ORDER BY id"
_PENDING = """
SELECT DISTINCT ON (name) name, setting FROM pg_show_all_file_settings() WHERE name = ANY (%s) ORDER BY name, seqno DESC
"""


def view(server: Server) -> ServerView:
    """One end of a replication; raises CannotTellError."""
    [(raw,)] = server.observe(_text("view.sql"), {"parameters": _PARAMETERS}, timeout_seconds=ANSWER_SECONDS)
    found: ServerView = decode(ServerView, raw)
    return replace(found, history=_history(server, found.timeline)) if found.timeline > 1 else found


def _history(server: Server, timeline: int) -> str | None:
    """Where its timelines have begun, as its own file says it; None where only another role may read that."""
    try:
        [(said,)] = server.observe(_HISTORY, f"pg_wal/{timeline:08X}.history", timeout_seconds=ANSWER_SECONDS)
    except CannotTellError:
        return None
    lines = (line.split() for line in (said or "").splitlines() if not line.startswith("#"))
    return "; ".join(f"{words[0]} to {words[1]}" for words in lines if len(words) > 1) or None


def read_files(server: Server) -> None:
    """Have its files read: this marks, in this session, what waits in them for a restart without any reload (all)."""
    server.observe("SELECT count(*) FROM pg_show_all_file_settings()", timeout_seconds=ANSWER_SECONDS)


def collations(server: Server) -> Collations:
    """The collations of its databases; raises CannotTellError, also where a locale is not there at all."""
    [(raw,)] = server.observe(_text("collations.sql"), timeout_seconds=COLLATIONS_SECONDS)
    found: Collations = decode(Collations, raw)
    return found


def pending_values(server: Server, names: tuple[str, ...]) -> dict[str, str]:
    """What its files hold for these; raises CannotTellError where only a superuser may look."""
    return {name: str(value) for name, value in server.observe(_PENDING, list(names), timeout_seconds=ANSWER_SECONDS)}


def written_lsn(server: Server) -> int:
    """How far a primary has written its WAL."""
    return int(server.observe(_WRITTEN, timeout_seconds=ANSWER_SECONDS)[0][0])


def replayed(server: Server) -> ReplaySample:
    """How far a standby has replayed."""
    [(raw,)] = server.observe(_REPLAY, timeout_seconds=ANSWER_SECONDS)
    found: ReplaySample = decode(ReplaySample, raw)
    return found


def now(server: Server) -> str:
    """The server's clock."""
    return str(server.observe("SELECT clock_timestamp()::text", timeout_seconds=ANSWER_SECONDS)[0][0])


def flushed_lsn(server: Server) -> str:
    """What is on a primary's disk: at least what was committed."""
    return str(server.observe("SELECT pg_current_wal_flush_lsn()::text", timeout_seconds=ANSWER_SECONDS)[0][0])


def has_replayed(server: Server, lsn: str, since: str) -> bool:
    """Whether it is past that LSN, by a commit that was made since then: a time that the primary's clock has written.

    A copy that has gone its own way may be past any LSN.
    """
    return server.observe(_MARKED, lsn, since, timeout_seconds=ANSWER_SECONDS) == [(True,)]


def has_database(server: Server, name: str) -> bool:
    """Whether there is a database of that name."""
    return bool(server.observe(_DATABASE, name, timeout_seconds=ANSWER_SECONDS))


def test_rows(server: Server) -> list[tuple[int, str, str]]:
    """The rows of the test table of the database that it is connected to; none before the table is there."""
    if server.observe(_TABLE, timeout_seconds=ANSWER_SECONDS) != [(True,)]:
        return []
    found = server.observe(_ROWS, timeout_seconds=ANSWER_SECONDS)
    return [(int(number), str(data), str(at)) for number, data, at in found]


def upstream(conninfo: str) -> Upstream | None:
    """What a primary_conninfo says; the password is left behind. None where libpq cannot read it."""
    try:
        found = parse_conninfo(conninfo)
    except ValueError:
        return None
    return Upstream(
        host=found.get("host") or found.get("hostaddr", ""),
        port=found.get("port", ""),
        user=found.get("user", ""),
        passfile=found.get("passfile", ""),
        application_name=found.get("application_name", ""),
        password="password" in found,
    )


def passfile(host: Host, standby: ServerView, path: str) -> PassfileView | None:
    """The passfile as the server's user finds it; None where that server is not on this host, or is another user's."""
    if standby.data_directory is None:
        return None
    asked = (standby.data_directory, str(standby.port), str(standby.started_epoch), path)
    done = host.script(_text("passfile.sh"), *asked, timeout_seconds=ANSWER_SECONDS)
    pairs = parse_probe(done.stdout.decode("utf-8", "surrogateescape"))
    said = dict(pairs)
    if said.get("server") != "here" or not said.get("user"):
        return None
    return PassfileView(
        path=path,
        user=said["user"],
        present=said.get("present") == "yes",
        mode=said.get("mode", ""),
        readable=said.get("readable") == "yes",
        entries=tuple(value for key, value in pairs if key == "entry"),
    )


@cache
def _text(name: str) -> str:
    return files("standbyctl.observe").joinpath(name).read_text(encoding="utf-8")
