"""standbyctl plan."""

from __future__ import annotations

import json
import shlex
from typing import Any

import click

from standbyctl.app import attach as app
from standbyctl.app.planfile import ATTACH, save_plan
from standbyctl.app.request import resolve
from standbyctl.app.session import Session, silent
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.message import msg
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.stage import check_options, stage, unstage
from standbyctl.ui.cli.target import request_from, target_options
from standbyctl.ui.render import plan_record, render_plan, render_saved

_STAGE = "Write what only a restart brings, for the next one: needs no -D, asks, and restarts nothing."


@click.command("plan")
@target_options
@click.option("-o", "--output", metavar="FILE", help="Save the plan; attach FILE runs it.")
@click.option("--stage-restart", is_flag=True, help=_STAGE)
@click.option("--listen-addresses", metavar="LIST", help="With --stage-restart: what the server is to listen on.")
@click.option("--wal-log-hints", is_flag=True, help="With --stage-restart: what pg_rewind needs without checksums.")
@click.option("--unstage", is_flag=True, help="Take back what --stage-restart wrote, where it still stands.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask (--stage-restart, --unstage).")
@machine
def command(context: Context, output: str | None, **given: Any) -> None:
    """Show exactly what attach would do: where, the statement or line, the impact, the undo. Changes nothing.

    With --stage-restart, what a standby needs and only a restart brings is shown, and after a yes written with
    ALTER SYSTEM for the next one. The server is never restarted.
    """
    check_options(given | {"output": output})
    if given["stage_restart"]:
        stage(context, given)
        return
    if given["unstage"]:
        unstage(context, given)
        return
    session = Session(resolve(request_from(given), state()), silent)
    try:
        planned = app.plan(session, state())
    finally:
        session.close()
    if planned.plan.blockers:
        raise BlockedError(planned.plan.blockers)
    target = session.target
    if output == "":
        raise misused(msg("--output is empty"))
    if output:
        save_plan(output, ATTACH, shlex.join(["standbyctl", "attach", output]), session.resolved, planned)
    if context.json:
        click.echo(json.dumps(plan_record(planned.plan, target)))
        return
    click.echo(render_plan(planned.plan, target, effects=True))
    if output:
        click.echo("\n" + render_saved(output, attach=True))
