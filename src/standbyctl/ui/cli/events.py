"""standbyctl events."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from standbyctl.app.events import Following, find_history, no_history
from standbyctl.domain.event import Event
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_period
from standbyctl.ui.cli.call import Context, guarded, misused, state
from standbyctl.ui.cli.looking import asked_for
from standbyctl.ui.events import event_record, render_event

_AGAIN_SECONDS = 0.5


@click.command("events")
@click.option("-p", "--primary", metavar="CONNINFO", help="The primary. Default: the one that was watched from here.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="Those of the last TIME: 2h, 7d.")
@click.option("-f", "--follow", is_flag=True, help="Go on with those that come, until it is ended.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output, for each event.")
@guarded
def command(context: Context, primary: str | None, config: str | None, since: str, follow: bool) -> None:
    """What has happened: roles, timelines, connections, slots, settings, restarts, findings that began and ended.

    Read from what standbyctl watch has kept, also while it runs, and where no server answers.
    """
    seconds = parse_period(since)
    if seconds is None:
        raise misused(msg('{option}: "{value}" is not a time (1s, 5min, 30d)', option="--since", value=since))
    asked, name, loaded = asked_for(primary, config)
    path = find_history(asked, name, loaded, state())
    following = Following(path)
    found = following.begin(time.time(), seconds)
    if found is None and not follow:
        raise no_history(path)
    _tell(found or (), as_json=context.json)
    while follow:
        time.sleep(_AGAIN_SECONDS)
        _tell(following.take(time.time(), time.monotonic()), as_json=context.json)


def _tell(found: Sequence[Event], *, as_json: bool) -> None:
    for event in found:
        click.echo(json.dumps(event_record(event)) if as_json else render_event(event))
