"""standbyctl status."""

from __future__ import annotations

import json
import os
import sys

import click

from standbyctl.app.config import load_config
from standbyctl.app.status import status
from standbyctl.ui.cli.call import Context, machine, state
from standbyctl.ui.render import status_record
from standbyctl.ui.staging import render_waiting, waiting_record
from standbyctl.ui.tables import print_status


@click.command("status")
@click.option(
    "-p", "--primary", metavar="CONNINFO", help="The primary. Default: the one that was attached to from here."
)
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@machine
def command(context: Context, primary: str | None, config: str | None) -> None:
    """One table: nodes, role, state, timeline, bytes behind, slot. Unknown is shown as a dash.

    Exit code 1: a standby that was attached from here does not stream, or a slot is lost.
    """
    node = load_config(config, os.environ).node(primary or "")
    seen = status(node.conninfo if node else (primary or ""), node.name if node else "", state())
    if context.json:
        click.echo(json.dumps(status_record(seen) | waiting_record(seen)))
    else:
        print_status(seen)
        if waiting := render_waiting(seen):
            click.echo(f"\n{waiting}")
    if not seen.healthy:
        sys.exit(1)
