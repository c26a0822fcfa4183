"""What the verbs share that change roles: show it, have the new primary's name typed, do it, say what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from standbyctl.app.switchover import Planned, Switching
from standbyctl.domain.message import msg
from standbyctl.domain.roles import RoleChange
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm_name
from standbyctl.ui.cli.running import Running
from standbyctl.ui.render import text
from standbyctl.ui.role_plans import change_record

# How the plan is shown, and how the outcome is.
Shown = tuple[Callable[[Plan, RoleChange], str], Callable[[RoleChange], str]]


def carry_out(
    context: Context,
    switching: Switching,
    planned: Planned,
    shown: Shown,
    running: Running,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """What was planned, unless it is only to be seen."""
    change, does = switching.reached.change, not dry_run and (yes or not context.json)
    if not context.json:
        click.echo(shown[0](planned.whole, change))
    if does:
        if planned.whole.steps:
            if not context.json:
                click.echo()
            confirm_name(msg("Type {name} to go on", name=change.new), change.new, yes=yes)
        with running:
            switching.follow(running.report, planned, context.begin)
    if context.json:
        click.echo(json.dumps(change_record(planned.whole, change, did=does)))
    elif does:
        click.echo("\n" + shown[1](change))


def say_nothing_to_do(context: Context, name: str) -> None:
    """Who is to be the primary is it."""
    if context.json:
        click.echo(json.dumps({"schema": "standbyctl.switchover/1", "verdict": "nothing to do", "new": name}))
    else:
        click.echo(text(msg("Nothing to do: {name} is the primary.", name=name)))
