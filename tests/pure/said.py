"""What servers and hosts say on a real look (facts/), to be varied one word at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from standbyctl.domain.facts import Place, Server
from standbyctl.observe.question import Question
from standbyctl.observe.reading import parse_place, parse_probe, parse_server
from standbyctl.planner.standby import primary_conninfo
from tests.pure.examples import BIN, DATA, PASSFILE, PRIMARY, ROLE, STANDBY, TARGET

FOUND = Path(__file__).parent / "facts"
PRIMARY_SAID: dict[str, Any] = json.loads((FOUND / "primary.json").read_text())
STANDBY_SAID: dict[str, Any] = json.loads((FOUND / "standby.json").read_text())
FRESH = dict(parse_probe((FOUND / "probe-fresh.txt").read_text()))
ATTACHED = dict(parse_probe((FOUND / "probe-attached.txt").read_text()))
DRAFT = "/pg/.db2.standbyctl-1"


def question(**changes: Any) -> Question:
    asked: dict[str, Any] = {
        "primary": PRIMARY,
        "name": STANDBY,
        "data_directory": DATA,
        "bin_directory": BIN,
        "port": 5433,
        "role": ROLE,
        "slot": STANDBY,
        "passfile": PASSFILE,
        "passfile_marker": "standbyctl: db2",
        "passfile_entry": "",
        "replication_conninfo": "",
        "primary_conninfo": primary_conninfo(TARGET),
        "hba_line": "",
        "condemned": "",
        "own_role": True,
    }
    return Question(**(asked | changes))


def server(probe: dict[str, str] = ATTACHED, **said: Any) -> Server:
    return parse_server(PRIMARY_SAID | said, probe)


def place(said: dict[str, Any] | None = None, own: dict[str, Any] | None = None, *drafts: str, **probe: str) -> Place:
    """The place of an attached standby, but for what the primary, the standby and the host say."""
    standby = STANDBY_SAID if own is None else own
    return parse_place(PRIMARY_SAID | (said or {}), ATTACHED | probe, drafts, standby, question(), "postgres")


def without(*keys: str, **changes: str) -> Place:
    """The place of an attached standby, but for words that the host did not say."""
    probe = {key: value for key, value in ATTACHED.items() if key not in keys}
    return parse_place(PRIMARY_SAID, probe | changes, (), {}, question())
