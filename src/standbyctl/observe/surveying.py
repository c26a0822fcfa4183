"""One survey for a report or a plan: what moves on the primary, and what its host and the standby's have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.facts import Setting
from standbyctl.domain.record import replace
from standbyctl.domain.survey import (
    Archiver,
    Collation,
    HostRoom,
    RoleUse,
    Sessions,
    SlotUse,
    Survey,
    Wal,
)
from standbyctl.nodes.ports import Clock, Doors
from standbyctl.observe.hosts import Part, ask_hosts
from standbyctl.observe.likeness import LOCALE_SETTINGS, likeness_parts, parse_likeness
from standbyctl.observe.managers import TELLING_ROLES, find_managed, find_managers
from standbyctl.observe.question import Question
from standbyctl.observe.texts import text

SETTINGS = (
    "archive_library", "checkpoint_completion_target", "checkpoint_timeout", "data_checksums", "full_page_writes",
    "huge_pages", "idle_replication_slot_timeout", *LOCALE_SETTINGS, "local_preload_libraries",
    "session_preload_libraries", "shared_buffers", "shared_preload_libraries", "wal_keep_size",
    "wal_log_hints", "wal_sender_timeout",
)  # fmt: skip
_PRELOADED = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries", "archive_library")
_LATER = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint END,
       extract(epoch FROM clock_timestamp())::float8
"""
# Statistics that are younger say more about a restart than about the load.
AVERAGE_SECONDS = 300
# Long enough for a rate that means something, short enough to be waited for.
RATE_SECONDS = 0.3


def take_survey(doors: Doors, question: Question, primary_directory: str, clock: Clock, *, rate: bool) -> Survey:
    """Ask the primary, then the hosts; for a rate, the primary again: what WAL was written meanwhile."""
    server = doors[question.primary].server
    [(raw,)] = server.observe(
        text("survey.sql"),
        {"role": question.role, "settings": list(SETTINGS), "telling_roles": list(TELLING_ROLES)},
    )
    began = clock.monotonic()
    here = (question.data_directory, question.bin_directory, "\n".join(libraries(raw)))
    parts = (
        Part(question.name, "survey.sh", here),
        Part(question.primary, "survey_primary.sh", (primary_directory, "\n".join(raw["sourcefiles"]))),
    )
    if doors[question.name].host is doors[question.primary].host:
        host = ask_hosts(doors, *parts)
    else:
        host = ask_hosts(doors, *likeness_parts(question, raw, primary_directory, parts), clock=clock)
    lsn, moment = None, 0.0
    if rate:
        clock.sleep(max(0.0, RATE_SECONDS - (clock.monotonic() - began)))
        [(lsn, moment)] = server.observe(_LATER)
    return replace(parse_survey(raw, host, lsn, moment), likeness=parse_likeness(question, raw, host))


def libraries(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Every library that a copy loads when it starts, as its files say, or that a function in this database is in."""
    waiting = {setting["name"]: setting["in_file"] for setting in raw["pending"]}
    names = [
        name.strip().strip('"')
        for setting in raw["settings"]
        if setting["name"] in _PRELOADED
        for name in (waiting.get(setting["name"]) or setting["value"]).split(",")
    ]
    return tuple(sorted({name for name in (*names, *raw["libraries"]) if name}))


def parse_survey(raw: Mapping[str, Any], host: list[tuple[str, str]], lsn: int | None, moment: float) -> Survey:
    """What both have said. Pure."""
    words = dict(host)
    return Survey(
        today=raw["today"],
        up_seconds=raw["up_seconds"],
        database=raw["database"],
        superuser=bool(raw["superuser"]),
        settings=tuple(Setting(**setting) for setting in raw["settings"]),
        managed=tuple(find_managed(raw)),
        managers=tuple(find_managers(raw)),
        foreign_files=tuple(_pair(value) for key, value in host if key == "foreign"),
        pending=tuple(Setting(**setting) for setting in raw["pending"]),
        role=RoleUse(**raw["role"]) if raw["role"] else RoleUse(),
        slots=tuple(SlotUse(**slot) for slot in raw["slots"]),
        wal=_wal(raw, lsn, moment),
        wal_directory_bytes=raw["wal_directory_bytes"],
        archiver=Archiver(**raw["archiver"]),
        sessions=Sessions(**raw["sessions"]),
        publications=raw["publications"],
        unlogged=raw["unlogged"],
        collations=tuple(Collation(c["database"], c["recorded"], c["actual"] or "none") for c in raw["collations"]),
        collations_recorded=not raw["unversioned"],
        unreadable=tuple(value for key, value in host if key == "unreadable"),
        libraries_missing=tuple(value for key, value in host if key == "missing"),
        libraries=libraries(raw),
        libraries_known=bool(words["libdir"]),
        files_seen=words.get("own") == "yes",
        wal_link=words.get("wal_link", ""),
        host=_room(words),
    )


def _pair(value: str) -> tuple[str, str]:
    who, _, path = value.strip().partition(" ")
    return who.lower(), path.strip()


def _wal(raw: Mapping[str, Any], lsn: int | None, moment: float) -> Wal:
    written, since = (raw["wal"] or {}).get("bytes"), (raw["wal"] or {}).get("since_seconds")
    seconds = moment - raw["clock"]
    now = (lsn - raw["lsn"]) / seconds if lsn is not None and raw["lsn"] is not None and seconds > 0 else None
    if written is None or since is None or since < AVERAGE_SECONDS:
        return Wal(now, None, since)
    return Wal(now, float(written) / since, since)


def _room(words: Mapping[str, str]) -> HostRoom:
    pages, size = [*(_number(word) for word in words["huge_free"].split()), None, None][:2]
    return HostRoom(
        memory_bytes=_least(_kilobytes(words["memory_kb"]), _number(words["memory_limit"])),
        available_bytes=_kilobytes(words["available_kb"]),
        huge_pages_free_bytes=pages * size * 1024 if pages is not None and size else None,
        inodes_free=_number(words["inodes_free"]),
        inodes_needed=_number(words.get("inodes_needed", "")),
        selinux=words["selinux"],
    )


def _number(word: str) -> int | None:
    return int(word) if word.isdigit() else None


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _kilobytes(word: str) -> int | None:
    return int(word) * 1024 if word.isdigit() else None
