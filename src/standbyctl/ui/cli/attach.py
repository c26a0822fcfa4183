"""standbyctl attach."""

from __future__ import annotations

import json
from typing import Any

import click

from standbyctl.app import attach as app
from standbyctl.app.planfile import load_plan
from standbyctl.app.request import resolve
from standbyctl.app.session import Session
from standbyctl.app.several import Asked
from standbyctl.app.state import State
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.message import msg
from standbyctl.nodes.locks import PATIENCE_SECONDS
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm, machine, state
from standbyctl.ui.cli.running import Running
from standbyctl.ui.cli.target import requests_from, several_options
from standbyctl.ui.preflight import NEXT
from standbyctl.ui.render import attached_record, render_plan, text, wrap
from standbyctl.ui.width import pad

# Those of the same command are waited for, even where a person is (--hba wait, --settings print).
_FOR_SIBLINGS_SECONDS = 4 * 3600


@click.command("attach")
@click.argument("planfiles", nargs=-1, metavar="[PLANFILE]...")
@several_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(context: Context, planfiles: tuple[str, ...], yes: bool, **given: Any) -> None:
    """Give a running primary a standby: role, pg_hba.conf, reload, slot, base backup, start, proof.

    The primary is not restarted. Interrupted anywhere, the same command again goes on; detach undoes it.

    Several at once: a plan file each, or --standby-ssh or --name again for each. They are shown, asked for once, and
    copied side by side. The exit code is theirs where they agree, else 5.
    """
    where = state()
    where.check_writable()
    saved = [load_plan(path, given) for path in planfiles]
    asked = [Asked(each.request, each) for each in saved] or [Asked(each) for each in requests_from(given)]
    if len(asked) > 1:
        from standbyctl.ui.cli.several import attach_several

        attach_several(context, asked, where, attach_one, yes=yes)
    else:
        attach_one(context, asked[0], where, yes=yes)


def attach_one(context: Context, asked: Asked, where: State, *, yes: bool, expected: Plan | None = None) -> None:
    """One standby. `expected`: the plan that was agreed to already, where several are attached."""
    running = Running(quiet=context.json)
    patience = PATIENCE_SECONDS if expected is None else _FOR_SIBLINGS_SECONDS
    session = Session(resolve(asked.request, where), running.tell, context.wrap, patience_seconds=patience)
    context.undo = f"detach {session.target.name}"
    saved = asked.saved
    try:
        if saved:
            session.plan_digest = saved.digest
            saved.check(session)
        planned = app.plan(session, where)
        if planned.plan.blockers:
            raise BlockedError(planned.plan.blockers)
        if planned.plan.steps and not context.json and expected is None:
            click.echo(render_plan(planned.plan, session.target) + "\n")
        if saved and planned.plan.steps and not context.json:
            click.echo(text(msg("Plan file: sha256 {digest}", digest=saved.digest)) + "\n")
        if planned.plan.steps and expected is None:
            confirm(
                msg("Attach {name} to {primary}?", name=session.target.name, primary=session.target.primary), yes=yes
            )
        agreed = expected or (saved.plan if saved else planned.plan)
        with running:
            done = app.attach(session, where, running.report, agreed, context.begin)
    finally:
        session.close()
    _say_done(context, session, bool(done.steps), running)


def _say_done(context: Context, session: Session, did: bool, running: Running) -> None:
    target = session.target
    if context.json:
        click.echo(json.dumps(attached_record(target, did)))
    elif did:
        names = {"name": target.name, "primary": target.primary}
        done = msg(
            "ATTACHED  {name} streams from {primary}, after {took}. {primary} was not restarted.",
            took=running.took,
            **names,
        )
        undo = msg("undo: {what}", what=f"standbyctl detach {target.name}")
        click.echo("\n" + wrap(text(done), "", " " * 10))
        click.echo(f"{pad(text(NEXT), 10)}standbyctl status      {text(undo)}")
    else:
        click.echo(text(msg("Nothing to do: {name} streams from {primary}.", name=target.name, primary=target.primary)))
