"""standbyctl plan."""

from __future__ import annotations

import json
from typing import Any

import click

from standbyctl.app import attach as app
from standbyctl.app.planfile import save_plan
from standbyctl.app.request import resolve
from standbyctl.app.session import Session, silent
from standbyctl.domain.errors import BlockedError
from standbyctl.ui.cli.call import Context, machine, state
from standbyctl.ui.cli.target import request_from, target_options
from standbyctl.ui.render import plan_record, render_plan


@click.command("plan")
@target_options
@click.option("-o", "--output", metavar="FILE", help="Save the plan; attach FILE runs it.")
@machine
def command(context: Context, output: str | None, **given: Any) -> None:
    """Show exactly what attach would do: where, the statement or line, the impact, the undo. Changes nothing."""
    session = Session(resolve(request_from(given), state()), silent)
    try:
        planned = app.plan(session, state())
    finally:
        session.close()
    if planned.plan.blockers:
        raise BlockedError(planned.plan.blockers)
    target = session.target
    if output:
        save_plan(output, session.resolved, planned)
    if context.json:
        click.echo(json.dumps(plan_record(planned.plan, target)))
        return
    click.echo(render_plan(planned.plan, target, effects=True))
    if output:
        click.echo(f"\nPlan saved to {output}. Run it: standbyctl attach {output}")
