"""standbyctl resync."""

from __future__ import annotations

import json

import click

from standbyctl.app.attach import Planned
from standbyctl.app.planfile import RESYNC, save_plan
from standbyctl.app.resync import Resync, Wanted, open_resync
from standbyctl.app.values import restore_command as one_line
from standbyctl.domain.divergence import Way
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.message import msg
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm, confirm_name, machine, state
from standbyctl.ui.cli.changing import SAVE, check_output, typed_again
from standbyctl.ui.cli.running import Running
from standbyctl.ui.render import render_saved, text, wrap
from standbyctl.ui.role_plans import render_resync, resync_record


@click.command("resync")
@click.argument("name", metavar="NAME")
@click.option(
    "--way",
    type=click.Choice([way.value for way in Way if way is not Way.RECONNECT]),
    help="Not the cheapest that is open.",
)
@click.option(
    "--restore-command",
    metavar="COMMAND",
    default="",
    help="How WAL comes out of an archive; tried first (with -n, too), and kept by the standby.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and end.")
@click.option("-o", "--output", metavar="FILE", help=SAVE)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(
    context: Context, name: str, way: str | None, restore_command: str, *, output: str | None, dry_run: bool, yes: bool
) -> None:
    """Bring a standby back, or make a standby of a primary that was lost.

    The cheapest way that is open is taken: it goes on as it is; the WAL that it needs comes out of an archive, by the
    restore_command that it has or that you give; it follows its new primary; pg_rewind; a new copy, with its data
    directory renamed aside. Commits that are nowhere else are said, and are not overwritten unless you ask for
    it: --way rewind.
    """
    where = state()
    check_output(output)
    dry_run = dry_run or bool(output)
    if not dry_run:
        where.check_writable()
    running = Running(quiet=context.json)
    wanted = Wanted(Way(way) if way else None, one_line(restore_command))
    resync = open_resync(name, wanted, where, running.tell, context.wrap)
    try:
        plan = resync.plan()
        if plan.blockers:
            raise BlockedError(plan.blockers)
        if not context.json:
            click.echo(render_resync(plan, resync.session.target, resync.ladder, resync.found))
        if not dry_run and not (context.json and not yes):
            if plan.steps:
                _ask(context, name, plan, yes=yes)
            with running:
                resync.follow(running.report, plan, context.begin)
        if output:
            _save(output, resync, plan)
        _end(context, resync, plan, output, did=not dry_run and (yes or not context.json))
    finally:
        resync.session.close()


def _ask(context: Context, name: str, plan: Plan, *, yes: bool) -> None:
    """What is overwritten does not come back: nobody is to say yes to that by habit."""
    if not context.json:
        click.echo()
    if any(step.irreversible for step in plan.steps):
        confirm_name(msg("Type {name} to go on", name=name), name, yes=yes)
    else:
        confirm(msg("Resync {name}?", name=name), yes=yes)


def _save(output: str, resync: Resync, plan: Plan) -> None:
    session = resync.session
    planned = Planned(plan, session.look(), resync.journal.memory(), session.target, session.sample)
    save_plan(output, RESYNC, typed_again(RESYNC), session.resolved, planned)


def _end(context: Context, resync: Resync, plan: Plan, output: str | None, *, did: bool) -> None:
    target = resync.session.target
    if context.json:
        click.echo(json.dumps(resync_record(plan, target, resync.ladder, resync.found, did=did)))
    elif did and plan.steps:
        done = msg("RESYNCED  {name} streams from {primary}.", name=target.name, primary=target.primary)
        click.echo("\n" + wrap(text(done), "", " " * 10))
    elif output:
        click.echo("\n" + render_saved(output))
