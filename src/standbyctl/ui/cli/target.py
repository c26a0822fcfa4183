"""The options that say what to attach to what, over what standbyctl.toml says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from standbyctl.app.config import load_config
from standbyctl.app.request import Request
from standbyctl.domain.survey import RULERS

_HELP = {
    "primary": "The primary: libpq conninfo, URI, host, or the name of a node in standbyctl.toml.",
    "data_dir": "Data directory of the standby: absent or empty.",
    "name": "Name of the standby, its slot and its application_name. Default: host and port.",
    "port": "Port of the standby. Default: the next free one above the primary's.",
    "role": "Replication role. Default: one of its own, repl_NAME.",
    "passfile": "Passfile of an existing --role, which is then not altered.",
    "slot": "Replication slot. Default, and best: the standby's name.",
    "hba": "pg_hba.conf: edit the file, print the line and wait for it, or have the server edit it (COPY TO PROGRAM)."
    " Default: auto, the file when it is at hand.",
    "max_rate": "Limit for the copy, as pg_basebackup takes it (32k, 80M).",
    "checkpoint": "fast: at once, in a burst of writes. spread: may take minutes before the first byte. Default: fast.",
    "wal_cap": "max_slot_wal_keep_size: half of the free room, as it is, or a size such as 20GB. Default: auto.",
    "despite": "Attach although this rules the server; see the refusal that names it. May be given again.",
    "config": "standbyctl.toml. Default: $STANDBYCTL_CONFIG, ~/.config/standbyctl/, /etc/standbyctl/.",
}
_OPTIONS = (
    click.option("-p", "--primary", metavar="CONNINFO", help=_HELP["primary"]),
    click.option("-D", "--data-dir", metavar="DIR", help=_HELP["data_dir"]),
    click.option("--name", metavar="NAME", help=_HELP["name"]),
    click.option("--port", type=click.IntRange(1, 65535), help=_HELP["port"]),
    click.option("--role", metavar="ROLE", help=_HELP["role"]),
    click.option("--passfile", metavar="FILE", help=_HELP["passfile"]),
    click.option("--slot", metavar="SLOT", help=_HELP["slot"]),
    click.option("--hba", type=click.Choice(["auto", "file", "wait", "sql"]), help=_HELP["hba"]),
    click.option("--max-rate", metavar="RATE", help=_HELP["max_rate"]),
    click.option("--checkpoint", type=click.Choice(["fast", "spread"]), help=_HELP["checkpoint"]),
    click.option("--wal-cap", metavar="auto|keep|SIZE", help=_HELP["wal_cap"]),
    click.option("--despite", metavar="NAME", multiple=True, type=click.Choice(RULERS), help=_HELP["despite"]),
    click.option("-c", "--config", metavar="FILE", help=_HELP["config"]),
)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them all."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request_from(given: dict[str, Any], *, need_place: bool = True) -> Request:
    """The command line over the configuration file; click.UsageError where something needed is missing."""
    config = load_config(given["config"], os.environ)
    primary, standby = config.node(given["primary"] or ""), config.node(given["name"] or "")
    conninfo = primary.conninfo if primary else (given["primary"] or "")
    if not conninfo and not any(os.environ.get(key) for key in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT")):
        raise click.UsageError("which primary? Give -p CONNINFO (a URI, service=NAME or PGHOST will do too).")
    data_directory = given["data_dir"] or (standby.data_directory if standby else "")
    if not data_directory and need_place:
        raise click.UsageError("where is the standby to be? Give -D DIR.")
    attach = config.attach
    return Request(
        conninfo=conninfo,
        data_directory=data_directory,
        primary_name=primary.name if primary else "",
        name=given["name"] or "",
        port=given["port"] or (standby.port if standby else 0),
        role=given["role"] or attach.role,
        passfile=given["passfile"] or attach.passfile,
        slot=given["slot"] or attach.slot,
        hba=given["hba"] or attach.hba,
        max_rate=given["max_rate"] or attach.max_rate,
        checkpoint=given["checkpoint"] or attach.checkpoint,
        wal_cap=given["wal_cap"] or attach.max_slot_wal_keep_size,
        despite=given["despite"],
    )
