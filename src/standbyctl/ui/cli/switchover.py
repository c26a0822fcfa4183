"""standbyctl switchover."""

from __future__ import annotations

import os
import shlex

import click

from standbyctl.app.config import load_config
from standbyctl.app.roles import Asked, open_roles
from standbyctl.app.switchover import Switching
from standbyctl.domain.handover import Hooks
from standbyctl.domain.message import msg
from standbyctl.domain.record import replace
from standbyctl.domain.roles import ACCEPTED
from standbyctl.domain.size import parse_period
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.changing import SAVE, carry_out, check_output, say_nothing_to_do
from standbyctl.ui.cli.running import Running
from standbyctl.ui.role_plans import render_change, render_changed


@click.command("switchover")
@click.option("--to", metavar="NAME", required=True, help="The standby that is to be the primary.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@click.option("--max-wait", metavar="TIME", default="60s", help="How long the stop may take; then it is taken back.")
@click.option("--before", metavar="CMD", help="A program to run while the old primary still takes writes.")
@click.option("--at", metavar="CMD", help="The same once it has stopped, before the promotion.")
@click.option("--after", metavar="CMD", help="The same once the new primary takes writes.")
@click.option("--back", metavar="CMD", help="The same where the change is taken back.")
@click.option(
    "--despite", metavar="NAME", multiple=True, type=click.Choice(ACCEPTED), help="See the refusal that names it."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and end.")
@click.option("-o", "--output", metavar="FILE", help=SAVE)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(
    context: Context,
    to: str,
    config: str | None,
    max_wait: str,
    despite: tuple[str, ...],
    *,
    output: str | None,
    dry_run: bool,
    yes: bool,
    **hooks: str | None,
) -> None:
    """Make a standby the primary, and the primary a standby. No commit is lost.

    Everything is prepared and proven first; then the old primary is stopped, made unable to start as one, the standby
    is proven to have all of its WAL, and promoted. What fails before the promotion is taken back by itself. Every other
    standby follows. Back again: standbyctl switchover --to the old one.
    """
    if (seconds := parse_period(max_wait)) is None or seconds < 1:
        raise misused(msg("--max-wait is no time: {value}; for instance 30s, 5min", value=max_wait))
    loaded = load_config(config, os.environ)
    where = state()
    check_output(output)
    if not (dry_run or output):
        where.check_writable()
    asked = Asked(to, _hooks(loaded.hooks, hooks), despite, round(seconds))
    reached = open_roles(asked, loaded, where)
    if reached is None:
        say_nothing_to_do(context, to)
        return
    running = Running(quiet=context.json)
    try:
        switching = Switching(reached, where, running.tell, context.wrap)
        planned = switching.plan()
        shown = (render_change, render_changed)
        carry_out(context, switching, planned, shown, running, dry_run=dry_run, yes=yes, output=output)
    finally:
        reached.close()


def _hooks(configured: Hooks, given: dict[str, str | None]) -> Hooks:
    try:
        typed = {stage: tuple(shlex.split(words)) for stage, words in given.items() if words}
    except ValueError as error:
        raise misused(msg("cannot read a hook: {e}", e=error)) from error
    return replace(configured, **typed)  # type: ignore[arg-type]
