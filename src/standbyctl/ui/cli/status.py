"""standbyctl status."""

from __future__ import annotations

import json
import sys

import click

from standbyctl.app.status import status
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import Context, machine, state
from standbyctl.ui.cli.looking import opened, which
from standbyctl.ui.staging import render_waiting, waiting_record
from standbyctl.ui.status import render_status, status_record


@click.command("status")
@which
@machine
def command(context: Context, primary: str | None, config: str | None) -> None:
    """Who replicates from whom, how far behind, what slots hold, and what is wrong.

    Every server is asked twice, a moment apart; one that hangs is named after two seconds. Lag is how long ago the
    primary had written what the standby has replayed: nothing to replay is no lag. Unknown is shown as a dash.

    Exit code 1: a standby that was attached from here does not stream, or something is CRITICAL.
    """
    with opened(primary, config) as (cluster, loaded):
        seen = status(cluster, state(), SystemClock(), loaded.limits)
    if context.json:
        click.echo(json.dumps(status_record(seen) | waiting_record(seen)))
    else:
        click.echo(render_status(seen))
        if waiting := render_waiting(seen):
            click.echo(f"\n{waiting}")
    if not seen.healthy:
        sys.exit(1)
