"""A look at the standby that a copy is to be taken from: its server, and its host where that is this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standbyctl.domain.facts import Setting
from standbyctl.domain.record import replace
from standbyctl.domain.source import SourceSeen
from standbyctl.domain.survey import Survey
from standbyctl.nodes.ports import Door
from standbyctl.observe.hosts import Part, ask_hosts
from standbyctl.observe.look import ask_primary
from standbyctl.observe.question import Question
from standbyctl.observe.reading import parse_server
from standbyctl.observe.surveying import SETTINGS, libraries
from standbyctl.observe.texts import text

# A postmaster writes its file a moment before it says when it started.
_SAME_START_SECONDS = 3


def look_at_source(name: str, door: Door, question: Question) -> SourceSeen:
    """Ask it, as a primary is asked and beyond that; raises CannotTellError."""
    raw = ask_primary(door, replace(question, hba_by_sql=False))
    [(more,)] = door.server.observe(text("source.sql"), {"settings": [*SETTINGS, "restore_command"]})
    values = {each["name"]: each["value"] for each in raw["settings"]}
    loads = "\n".join(libraries({**more, "pending": _pending(more), "libraries": []}))
    files = (values["data_directory"], values["hba_file"], question.bin_directory, loads)
    return parse_source(raw, more, ask_hosts({name: door}, Part(name, "source.sh", files)))


def parse_source(raw: Mapping[str, Any], more: Mapping[str, Any], host: list[tuple[str, str]]) -> SourceSeen:
    """What both have said. Pure."""
    words = dict(host)
    # The directory of that name on this machine may be another server's.
    started = words.get("started", "")
    here = started.isdigit() and abs(int(started) - more["started"]) <= _SAME_START_SECONDS
    found = host if here else []
    known = {key: value for key, value in found if key in {"hba_changed_at", "config_links"}}
    return SourceSeen(
        server=replace(parse_server(raw, {"hba_at_hand": "no", **known}), timeline=more["timeline"]),
        sender=more["sender"] or "",
        senders_in_use=more["senders"],
        slots_in_use=more["slots"],
        address=more["address"] or "",
        backlog_bytes=more["backlog"],
        paused=more["paused"],
        survey=Survey(
            settings=tuple(Setting(**setting) for setting in more["settings"]),
            pending=tuple(Setting(**setting) for setting in _pending(more)),
        ),
        real=words["real"] if here else "",
        unreadable=tuple(value for key, value in found if key == "unreadable"),
        libraries_missing=tuple(value for key, value in found if key == "missing"),
    )


def _pending(more: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [setting for setting in more["settings"] if setting["pending"] and setting["in_file"] is not None]
