"""standbyctl status."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from standbyctl.app.status import Looking, Status
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_period
from standbyctl.nodes.clock import SystemClock
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.looking import opened, which
from standbyctl.ui.live import live
from standbyctl.ui.records import status_record
from standbyctl.ui.replies import render_replies, replies_record
from standbyctl.ui.staging import render_waiting, waiting_record
from standbyctl.ui.status import render_status

_LEAST_SECONDS = 0.5


@click.command("status")
@which
@click.option(
    "-w", "--watch", metavar="[TIME]", is_flag=False, flag_value="2s", help="Again and again, in place. Default: 2s."
)
@click.option("--sql", is_flag=True, help="Besides, what the usual statements show, each with where it misleads.")
@click.option("--ascii", "ascii_only", is_flag=True, help="No letters that are not ASCII, but for names.")
@machine
def command(
    context: Context, primary: str | None, config: str | None, watch: str | None, *, sql: bool, ascii_only: bool
) -> None:
    """Who replicates from whom, how far behind, what slots hold, and what is wrong.

    Every server is asked twice, a moment apart; one that hangs is named after two seconds. Lag is how long ago the
    primary had written what the standby has replayed: nothing to replay is no lag. Unknown is shown as a dash.

    Exit code 1: a standby that was attached from here does not stream, or something is CRITICAL.
    """
    every = parse_period(watch) if watch else None
    if watch and (every is None or every < _LEAST_SECONDS):
        raise misused(msg("--watch: {value} is no time of half a second or more; for instance 2s", value=watch or ""))
    with (
        opened(primary, config) as (cluster, loaded),
        Looking(cluster, state(), SystemClock(), loaded.limits) as looking,
    ):
        seen = looking.twice()
        if every is not None:
            first = iter([seen])
            live(lambda: _shown(next(first, None) or looking.again(), context, ascii_only=ascii_only), every)
            return
        replies = looking.by_sql(seen) if sql else ()
    record = {"sql": replies_record(replies)} if sql else {}
    click.echo(_shown(seen, context, ascii_only=ascii_only, more=record))
    if replies and not context.json:
        click.echo(render_replies(replies))
    if not seen.healthy:
        sys.exit(1)


def _shown(seen: Status, context: Context, *, ascii_only: bool, more: dict[str, Any] | None = None) -> str:
    if context.json:
        return json.dumps(status_record(seen) | waiting_record(seen) | (more or {}))
    waiting = render_waiting(seen)
    return render_status(seen, ascii_only=ascii_only) + (f"\n\n{waiting}" if waiting else "")
