"""standbyctl attach."""

from __future__ import annotations

import json
from typing import Any

import click

from standbyctl.app import attach as app
from standbyctl.app.planfile import load_plan
from standbyctl.app.request import resolve
from standbyctl.app.session import Session
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.message import msg
from standbyctl.ui.cli.call import Context, confirm, machine, state
from standbyctl.ui.cli.running import Running
from standbyctl.ui.cli.target import request_from, target_options
from standbyctl.ui.render import attached_record, render_plan


@click.command("attach")
@click.argument("planfile", required=False, metavar="[PLANFILE]")
@target_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(context: Context, planfile: str | None, yes: bool, **given: Any) -> None:
    """Give a running primary a standby: role, pg_hba.conf, reload, slot, base backup, start, proof.

    The primary is not restarted. Interrupted anywhere, the same command again goes on; detach undoes it.
    """
    where = state()
    where.check_writable()
    saved = load_plan(planfile, given) if planfile else None
    request = saved.request if saved else request_from(given)
    running = Running(quiet=context.json)
    session = Session(resolve(request, where), running.tell, context.wrap)
    context.undo = f"detach {session.target.name}"
    try:
        if saved:
            saved.check(session)
        planned = app.plan(session, where)
        if planned.plan.blockers:
            raise BlockedError(planned.plan.blockers)
        if planned.plan.steps and not context.json:
            click.echo(render_plan(planned.plan, session.target) + "\n")
        if planned.plan.steps:
            confirm(
                msg("Attach {name} to {primary}?", name=session.target.name, primary=session.target.primary), yes=yes
            )
        with running:
            done = app.attach(session, where, running.report, saved.plan if saved else planned.plan, context.begin)
    finally:
        session.close()
    _say_done(context, session, bool(done.steps), running)


def _say_done(context: Context, session: Session, did: bool, running: Running) -> None:
    target = session.target
    if context.json:
        click.echo(json.dumps(attached_record(target, did)))
    elif did:
        click.echo(
            f"\nATTACHED  {target.name} streams from {target.primary}, after {running.took}."
            f" {target.primary} was not restarted.\n"
            f"Next      standbyctl status      undo: standbyctl detach {target.name}"
        )
    else:
        click.echo(f"Nothing to do: {target.name} streams from {target.primary}.")
