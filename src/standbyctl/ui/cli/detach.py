"""standbyctl detach."""

from __future__ import annotations

import json

import click

from standbyctl.app import detach as app
from standbyctl.app.session import Session
from standbyctl.domain.errors import BlockedError, RefusedError
from standbyctl.domain.message import msg
from standbyctl.planner.detach import DetachOptions
from standbyctl.ui.cli.common import Context, confirm, machine, state
from standbyctl.ui.cli.running import Running
from standbyctl.ui.render import detached_record, render_detach


@click.command("detach", short_help="Undo attach: standby, slot, setting, hba line, role, passfile.")
@click.argument("name", metavar="NAME")
@click.option(
    "--remove-data-dir", metavar="DIR", help="Also rename the standby's data directory aside; name it, to be sure."
)
@click.option("--delete", is_flag=True, help="With --remove-data-dir: delete it, for good.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(context: Context, name: str, remove_data_dir: str | None, delete: bool, yes: bool) -> None:
    """Give back everything that attach took, where it still is as attach left it.

    The standby is stopped if attach started it. Its data directory stays, and cannot start as a primary.
    """
    where = state()
    where.check_writable()
    if delete and not remove_data_dir:
        raise click.UsageError("--delete goes with --remove-data-dir DIR")
    running = Running(quiet=context.json)
    session = Session(app.resolve_attached(name, where), running.tell, context.wrap)
    target = session.target
    if remove_data_dir and remove_data_dir.rstrip("/") != target.data_directory:
        raise RefusedError(
            "A256",
            msg("{given} is not the data directory of {name}", given=remove_data_dir, name=name),
            detail=msg("That is {path}.", path=target.data_directory),
        )
    options = DetachOptions(bool(remove_data_dir), delete)
    try:
        planned = app.plan(session, where, options)
        if planned.plan.blockers:
            raise BlockedError(planned.plan.blockers)
        if not context.json:
            click.echo(render_detach(planned.plan, target) + "\n")
        if planned.plan.steps:
            confirm(msg("Detach {name} from {primary}?", name=target.name, primary=target.primary), yes=yes)
        with running:
            app.detach(session, where, running.report, options, planned.plan, context.begin)
    finally:
        session.close()
    if context.json:
        click.echo(json.dumps(detached_record(target, planned.plan)))
    else:
        click.echo(f"\nDETACHED  {target.name}. {target.primary} was not restarted.")
