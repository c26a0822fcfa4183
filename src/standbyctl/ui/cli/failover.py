"""standbyctl failover."""

from __future__ import annotations

import os
import shlex

import click

from standbyctl.app.config import load_config
from standbyctl.app.failover import FailingOver
from standbyctl.app.lost import Lost, open_failover
from standbyctl.domain.message import msg
from standbyctl.domain.size import parse_size
from standbyctl.ui.cli.call import Context, machine, misused, state
from standbyctl.ui.cli.changing import SAVE, carry_out, check_output, say_nothing_to_do
from standbyctl.ui.cli.running import Running
from standbyctl.ui.role_plans import render_failover, render_taken_over


@click.command("failover")
@click.option("--to", metavar="NAME", help="The standby that is to be the primary. Default: the one with the most WAL.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@click.option("--fence", metavar="CMD", help="A program that makes sure that the old primary takes no writes.")
@click.option("--fenced", is_flag=True, help="You have made sure of that yourself: it is not looked at.")
@click.option("--max-loss", metavar="SIZE", help="Refuse where more WAL would be lost, or where nobody knows.")
@click.option("--without", metavar="NAME", multiple=True, help="Another standby that is gone, too: nobody asks it.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and end.")
@click.option("-o", "--output", metavar="FILE", help=SAVE)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(
    context: Context,
    to: str | None,
    config: str | None,
    fence: str | None,
    max_loss: str | None,
    without: tuple[str, ...],
    *,
    fenced: bool,
    output: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """The primary is gone: keep it from coming back, and promote a standby.

    Refused while the primary answers, or a standby still hears from it, or nothing says that it takes no writes. What
    it had committed and not sent is lost. It stays where it is, and must not be started. Never done by itself: who
    decides without a quorum makes two primaries.
    """
    most = None if max_loss is None else parse_size(max_loss)
    if max_loss is not None and most is None:
        raise misused(msg("--max-loss is no size: {value}; for instance 16MB, 1GB", value=max_loss))
    loaded = load_config(config, os.environ)
    where = state()
    check_output(output)
    if not (dry_run or output):
        where.check_writable()
    try:
        program = tuple(shlex.split(fence or ""))
    except ValueError as error:
        raise misused(msg("cannot read a hook: {e}", e=error)) from error
    reached = open_failover(Lost(to or "", program, fenced, most, without), loaded, where)
    if reached is None:
        say_nothing_to_do(context, to or "")
        return
    running = Running(quiet=context.json)
    try:
        failing = FailingOver(
            reached, where, running.tell, context.wrap, max_loss_bytes=most, silent=set(reached.silent)
        )
        planned = failing.plan(at_once=yes and not output)
        shown = (render_failover, render_taken_over)
        carry_out(context, failing, planned, shown, running, dry_run=dry_run, yes=yes, output=output)
    finally:
        reached.close()
