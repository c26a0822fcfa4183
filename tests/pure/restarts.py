"""A primary that needs a restart, as its settings and files show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standbyctl.domain.facts import Facts, Node, Server, Setting
from standbyctl.domain.staging import STAGED
from tests.pure.examples import HOME, PRIMARY, server

CONF, AUTO = f"{HOME}/postgresql.conf", f"{HOME}/postgresql.auto.conf"
MINIMAL = {"wal_level": "minimal", "max_wal_senders": "0"}
_DEFAULTS = {
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "listen_addresses": "localhost",
    "wal_log_hints": "off",
    "allow_alter_system": "on",
    "archive_mode": "off",
    "autovacuum_max_workers": "3",
    "data_checksums": "on",
    "max_connections": "100",
    "max_worker_processes": "8",
    "summarize_wal": "off",
}


def setting(name: str, value: str | None = None, **changes: Any) -> Setting:
    """One that is read at server start only, where a restart stages it; in force, and in no file."""
    context = "postmaster" if name in STAGED else "sighup"
    most = "262143" if name.startswith("max_") else ""
    return replace(
        Setting(name, _DEFAULTS[name] if value is None else value, "default", context=context, most=most), **changes
    )


def waiting(name: str, value: str, due: str, file: str = CONF) -> Setting:
    """One that somebody has changed for the next restart."""
    auto = due if file == AUTO else None
    return setting(name, value, source="configuration file", auto_conf=auto, in_file=due, file=file, pending=True)


def primary(*changed: Setting, **changes: Any) -> Server:
    """A primary with the defaults, but for some settings and fields."""
    made = {name: setting(name) for name in _DEFAULTS} | {each.name: each for each in changed}
    return replace(server(), settings=tuple(made.values()), **changes)


def minimal(*changed: Setting, **changes: Any) -> Server:
    """One whose owner has saved WAL."""
    return primary(*(setting(name, value) for name, value in MINIMAL.items()), *changed, **changes)


def staged_facts(seen: Server) -> Facts:
    return Facts((Node(PRIMARY, server=seen),))
