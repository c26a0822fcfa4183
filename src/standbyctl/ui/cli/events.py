"""standbyctl events."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from standbyctl.app.events import find_history, no_history
from standbyctl.domain.event import Event
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_period
from standbyctl.monitor.recall import recall_events
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
    found = recall_events(path, time.time(), seconds)
    if found is None and not follow:
        raise no_history(path)
    last = _tell_all(found or (), 0, as_json=context.json)
    while follow:
        time.sleep(_AGAIN_SECONDS)
        last = _follow(path, last, as_json=context.json)


def _follow(path: Path, last: int, *, as_json: bool) -> int:
    found = recall_events(path, time.time(), None if last else _AGAIN_SECONDS * 2, after=last)
    return _tell_all(found or (), last, as_json=as_json)


def _tell_all(found: tuple[tuple[int, Event], ...], last: int, *, as_json: bool) -> int:
    for number, event in found:
        click.echo(json.dumps(event_record(event)) if as_json else render_event(event))
        last = number
    return last
