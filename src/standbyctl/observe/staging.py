"""What is known of a server's next restart. Needs no right but those to read settings and files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Facts, Node, Server, Slot
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import STAGED, Trial
from standbyctl.domain.version import major
from standbyctl.nodes.ports import Host
from standbyctl.nodes.ports import Server as Door
from standbyctl.observe.reading import parse_partly

# What decides whether a server starts with the staged ones; and who may change them.
SETTINGS = (
    *STAGED, "allow_alter_system", "archive_mode", "autovacuum_max_workers", "autovacuum_worker_slots",
    "data_checksums", "max_connections", "max_worker_processes", "summarize_wal",
)  # fmt: skip
_WHERE = """
SELECT current_setting('config_file'), current_setting('data_directory'), pg_read_file('postmaster.pid'),
       current_setting('server_version_num')::int
"""
_ASKED_SINCE = 15  # for shared_memory_size
_BINDIR = "SELECT setting FROM pg_config WHERE name = 'BINDIR'"


def look_at_next_start(server: Door, node: str) -> tuple[Facts, Sample]:
    """What runs, what stands in the files, what is in use; raises CannotTellError."""
    [(raw,)] = server.observe(_text("staging.sql"), {"settings": list(SETTINGS)})
    return Facts((Node(node, server=parse_next_start(raw)),)), Sample(
        wal_senders_in_use=raw["senders_in_use"],
        slots_in_use=raw["slots_in_use"],
        streams=tuple(raw["streams"]),
        origins=raw["origins"],
    )


def read_running(server: Door) -> tuple[dict[str, str], str]:
    """What runs, and since when: what everybody may see."""
    running = dict(server.observe("SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", list(STAGED)))
    [(started_at,)] = server.observe("SELECT pg_postmaster_start_time()::text")
    return running, started_at


def parse_next_start(raw: dict[str, Any]) -> Server:
    """Only what matters to a restart is filled in."""
    return parse_partly(raw, (Slot(**slot) for slot in raw["slots"]))


def find_trial(server: Door, host: Host) -> Trial:
    """Where a start can be tried from here; empty where it cannot."""
    try:
        [(config, data, pid, version_num)] = server.observe(_WHERE)
        [(programs,)] = server.observe(_BINDIR)
        lines = "\n".join(str(pid).split("\n")[:3])
        at_hand = host.script(_text("at_hand.sh"), programs, data, config, lines).status == 0
    except CannotTellError:  # no right to read files of the server, or no way to run a command as its user
        return Trial()
    return Trial(programs, data, config, major(version_num) < _ASKED_SINCE) if at_hand else Trial()


@cache
def _text(name: str) -> str:
    return files("standbyctl.observe").joinpath(name).read_text(encoding="utf-8")
