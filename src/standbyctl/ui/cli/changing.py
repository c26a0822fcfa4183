"""What the verbs share that change roles: show it, have the new primary's name typed, do it, say what came of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import click

from standbyctl.app.switchover import Planned, Switching
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Unrun
from standbyctl.domain.roles import RoleChange
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm_name, misused
from standbyctl.ui.cli.running import Running
from standbyctl.ui.render import render_saved, text
from standbyctl.ui.role_plans import change_record

SAVE = "Save the plan for export runbook, and change nothing."
_ONLY_SHOWN = {"output", "dry_run", "yes", "json", "debug", "lang"}
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
    output: str | None = None,
) -> None:
    """What was planned, unless it is only to be seen, or saved to a file."""
    change, does = switching.reached.change, not (dry_run or output) and (yes or not context.json)
    if not context.json:
        click.echo(shown[0](planned.whole, change))
    if output:
        _save(output, switching, planned)
    if does:
        if planned.whole.steps:
            if not context.json:
                click.echo()
            confirm_name(msg("Type {name} to go on", name=change.new), change.new, yes=yes)
        with running:
            switching.follow(running.report, planned, context.begin)
    failed = switching.unrun
    if context.json:
        click.echo(json.dumps(change_record(planned.whole, change, did=does, unrun=failed)))
    elif does:
        click.echo("\n" + shown[1](change))
    elif output:
        click.echo("\n" + render_saved(output))
    _end_with(context, failed, change)


def _end_with(context: Context, failed: Unrun | None, change: RoleChange) -> None:
    """Whoever waits behind a hook goes on waiting: that is the last thing said, and no success."""
    if failed is None:
        return
    if context.json:
        raise click.exceptions.Exit(StoppedError.exit_code)
    raise StoppedError(
        "R430",
        failed.what,
        detail=failed.why,
        hint=msg("Run it by hand: {command}", command=failed.command),
        state=msg("Every step is done: {new} is the primary. Only the hook is left to be run.", new=change.new),
    )


def _save(path: str, switching: Switching, planned: Planned) -> None:
    # Where somebody waits for a failover, nothing is imported that it does not need.
    from standbyctl.app.planfile import FAILOVER, SWITCHOVER
    from standbyctl.app.procedure import save_change

    verb = FAILOVER if switching.reached.change.unplanned else SWITCHOVER
    save_change(path, verb, typed_again(verb), switching, planned)


def typed_again(verb: str) -> str:
    """This command, without what only shows or saves."""
    given = click.get_current_context().params
    words = ["standbyctl", verb]
    for param in click.get_current_context().command.params:
        value = given.get(param.name or "")
        if value in (None, (), False) or param.name in _ONLY_SHOWN or value == param.default:
            continue
        if isinstance(param, click.Argument):
            words.append(str(value))
        elif value is True:
            words.append(param.opts[-1])
        else:
            each = value if isinstance(value, tuple) else (value,)
            words += [word for one in each for word in (param.opts[-1], str(one))]
    return shlex.join(words)


def check_output(output: str | None) -> None:
    """A name of a file, where one is given."""
    if output == "":
        raise misused(msg("--output is empty"))


def say_nothing_to_do(context: Context, name: str) -> None:
    """Who is to be the primary is it."""
    if context.json:
        click.echo(json.dumps({"schema": "standbyctl.switchover/1", "verdict": "nothing to do", "new": name}))
    else:
        click.echo(text(msg("Nothing to do: {name} is the primary.", name=name)))
