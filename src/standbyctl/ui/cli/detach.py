"""standbyctl detach."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

import click

from standbyctl.app import detach as app
from standbyctl.app.attach import Planned
from standbyctl.app.config import load_config
from standbyctl.app.planfile import DETACH, save_plan
from standbyctl.app.request import Request
from standbyctl.app.session import Session
from standbyctl.domain.errors import BlockedError, RefusedError
from standbyctl.domain.message import msg
from standbyctl.domain.target import Target
from standbyctl.planner.detach import DetachOptions
from standbyctl.ui.cli.call import Context, check_terminal, confirm, machine, misused, state
from standbyctl.ui.cli.running import Running
from standbyctl.ui.render import detached_record, render_detach, render_saved, text, wrap

_REMOVE = "Also rename the standby's data directory aside; name it, to be sure."


@click.command("detach")
@click.argument("name", metavar="NAME")
@click.option("-p", "--primary", metavar="CONNINFO", help="The primary, where it is reached otherwise by now.")
@click.option("-D", "--data-dir", metavar="DIR", help="Where the journal is lost: the standby's data directory.")
@click.option("--port", type=click.IntRange(1, 65535), help="Where the journal is lost: the standby's port.")
@click.option("--remove-data-dir", metavar="DIR", help=_REMOVE)
@click.option("--delete", is_flag=True, help="With --remove-data-dir: delete it, for good.")
@click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
@click.option("-o", "--output", metavar="FILE", help="Save the plan for export runbook, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@machine
def command(context: Context, name: str, remove_data_dir: str | None, delete: bool, yes: bool, **given: Any) -> None:
    """Give back everything that attach took, where it still is as attach left it.

    The standby is stopped if attach started it. Its data directory stays, and cannot start as a primary.
    """
    where = state()
    where.check_writable()
    if delete and not remove_data_dir:
        raise misused(msg("--delete goes with --remove-data-dir DIR"))
    if not given["data_dir"] and app.is_detached(name, where):
        _say_nothing(context, name)
        return
    running = Running(quiet=context.json)
    attached = app.find_attached(name, _request(given), where)
    session = Session(attached.resolved, running.tell, context.wrap)
    target = session.target
    _check_directory(remove_data_dir, target)
    options = DetachOptions(bool(remove_data_dir), delete)
    try:
        planned = app.plan(session, where, attached, options)
        if planned.plan.blockers:
            raise BlockedError(planned.plan.blockers)
        if not context.json:
            click.echo(render_detach(planned.plan, target) + "\n")
        if given["output"]:
            again = _again(name, given, remove_data_dir, delete=delete)
            _save(context, given["output"], again, session, planned)
            return
        if planned.plan.steps:
            _ask(target, attached, yes=yes)
        with running:
            app.detach(session, where, running.report, options, planned, context.begin)
    finally:
        session.close()
    if context.json:
        click.echo(json.dumps(detached_record(target, planned.plan)))
    else:
        done = msg("DETACHED  {name}. {primary} was not restarted.", name=target.name, primary=target.primary)
        click.echo("\n" + wrap(text(done), "", " " * 10))


def _again(name: str, given: dict[str, Any], remove_data_dir: str | None, *, delete: bool) -> str:
    """The same command without -o."""
    words = ["standbyctl", "detach", name]
    for flag, value in (
        ("-p", given["primary"]),
        ("-D", given["data_dir"]),
        ("--port", given["port"]),
        ("-c", given["config"]),
        ("--remove-data-dir", remove_data_dir),
    ):
        words += [flag, str(value)] if value else []
    return shlex.join([*words, "--delete"] if delete else words)


def _save(context: Context, output: str, command: str, session: Session, planned: Planned) -> None:
    save_plan(output, DETACH, command, session.resolved, planned)
    if context.json:
        click.echo(json.dumps(detached_record(session.target, planned.plan) | {"verdict": "planned"}))
    else:
        click.echo(render_saved(output, attach=False))


def _say_nothing(context: Context, name: str) -> None:
    if context.json:
        click.echo(json.dumps({"schema": "standbyctl.detach/1", "verdict": "nothing to do", "name": name}))
    else:
        click.echo(text(msg("Nothing to do: {name} is detached already.", name=name)))


def _request(given: dict[str, Any]) -> Request:
    node = load_config(given["config"], os.environ).node(given["primary"] or "")
    return Request(
        conninfo=node.conninfo if node else (given["primary"] or ""),
        data_directory=given["data_dir"] or "",
        primary_name=node.name if node else "",
        port=given["port"] or 0,
    )


def _check_directory(given: str | None, target: Target) -> None:
    real = os.path.normpath if target.standby_ssh else os.path.realpath
    if given and real(given) != target.data_directory:
        raise RefusedError(
            "A256",
            msg("{given} is not the data directory of {name}", given=given, name=target.name),
            detail=msg("That is {path}.", path=target.data_directory),
        )


def _ask(target: Target, attached: app.Attached, *, yes: bool) -> None:
    """Without a journal --yes is not enough: what is ours was told by marks only, so a person looks at it."""
    question = msg("Detach {name} from {primary}?", name=target.name, primary=target.primary)
    if not attached.journaled:
        check_terminal(
            msg("There is no journal of this attach, so detach asks, whatever is given: it needs a terminal.")
        )
        click.echo(
            text(
                msg(
                    "There is no journal of this attach: what it made was found by its marks, and no setting is given"
                    " back."
                )
            )
        )
    confirm(question, yes=yes and attached.journaled)
