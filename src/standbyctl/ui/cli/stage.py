"""standbyctl plan --stage-restart, and plan --unstage."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

import click

from standbyctl.app.config import load_config
from standbyctl.app.staging import Stage, check, find_staged, open_stage
from standbyctl.domain.message import msg
from standbyctl.domain.staging import Staging, address_list
from standbyctl.ui.cli.call import Context, confirm, misused, state
from standbyctl.ui.cli.running import Running
from standbyctl.ui.preflight import NEXT
from standbyctl.ui.render import text, wrap
from standbyctl.ui.staging import render_stage, render_unstage, staged_record
from standbyctl.ui.width import pad

_OURS = ("wal_level", "max_wal_senders", "max_replication_slots", "listen_addresses", "wal_log_hints")
UNDO = msg("Undo")
_COMMON = ("primary", "config", "stage_restart", "unstage", "yes")


def check_options(given: dict[str, Any]) -> None:
    """Options that make no sense together; click.UsageError."""
    asked = {key for key, value in given.items() if value not in (None, False, ())}
    verb = "--unstage" if given["unstage"] else "--stage-restart" if given["stage_restart"] else ""
    if {"unstage", "stage_restart"} <= asked:
        raise misused(msg("--stage-restart and --unstage: one of them"))
    if not verb:
        allowed = asked - {"listen_addresses", "wal_log_hints", "yes"}
    else:
        allowed = asked & {*_COMMON, *(_OURS if given["stage_restart"] else ())}
    if strange := sorted(asked - allowed):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in strange)
        raise misused(
            msg("{verb} takes no {names}", verb=verb, names=names)
            if verb
            else msg("{names}: only with --stage-restart", names=names)
        )
    if given["listen_addresses"] is not None and not given["listen_addresses"].strip():
        raise misused(msg("--listen-addresses is empty: a standby connects by TCP"))
    if given["listen_addresses"] is not None and address_list(given["listen_addresses"]) is None:
        raise misused(msg("--listen-addresses is no list of addresses: separate them with one comma each"))


def stage(context: Context, given: dict[str, Any]) -> None:
    """Show what is to be written, ask, write it, try it."""
    where = state()
    where.check_writable()
    node = load_config(given["config"], os.environ).node(given["primary"] or "")
    conninfo = node.conninfo if node else (given["primary"] or "")
    if not conninfo and not any(os.environ.get(key) for key in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT")):
        raise misused(msg("which primary? Give -p CONNINFO (a URI, service=NAME or PGHOST will do too)."))
    asked = Staging(
        primary=node.name if node else "",
        wal_level=given["wal_level"] or "",
        max_wal_senders=given["max_wal_senders"] or 0,
        max_replication_slots=given["max_replication_slots"] or 0,
        listen_addresses=given["listen_addresses"] or "",
        wal_log_hints=bool(given["wal_log_hints"]),
    )
    running = Running(quiet=context.json)
    found = open_stage(conninfo, asked, where, running.tell, context.wrap)
    try:
        _stage(context, found, running, yes=given["yes"])
    finally:
        found.close()


def _stage(context: Context, found: Stage, running: Running, *, yes: bool) -> None:
    context.undo = f"plan --unstage -p {shlex.quote(found.conninfo)}"
    facts = found.look()
    plan = check(found.plan(facts))
    node, untried = found.asked.primary, found.untried(facts)
    if not context.json:
        click.echo(render_stage(plan, node, context.undo))
    if plan.steps and context.json and not yes:
        click.echo(json.dumps(staged_record(plan, node, "to be staged")))
        return
    if plan.steps:
        if not context.json:
            click.echo()
        confirm(msg("Stage this for the next restart of {node}?", node=node), yes=yes)
    if plan.steps or untried:
        with running:
            found.stage(running.report, plan, context.begin)
    if context.json:
        click.echo(json.dumps(staged_record(plan, node, "staged" if plan.steps else "nothing to stage")))
    elif plan.steps:
        done = msg(
            "STAGED    {node} was neither restarted nor reloaded: this waits for its next restart, planned or not.",
            node=node,
        )
        then = msg("restart {node} in a window of your own; standbyctl status says when it is in force", node=node)
        click.echo("\n" + wrap(text(done), "", " " * 10))
        click.echo(wrap(text(then), pad(text(NEXT), 10), " " * 10))
        click.echo(f"{pad(text(UNDO), 10)}standbyctl {context.undo}")


def unstage(context: Context, given: dict[str, Any]) -> None:
    """Show what is taken back, ask, take it back."""
    where = state()
    where.check_writable()
    node = load_config(given["config"], os.environ).node(given["primary"] or "")
    running = Running(quiet=context.json)
    name = node.name if node else ""
    found = find_staged(node.conninfo if node else (given["primary"] or ""), name, where, running.tell, context.wrap)
    try:
        _unstage(context, found, running, yes=given["yes"])
    finally:
        found.close()


def _unstage(context: Context, found: Stage, running: Running, *, yes: bool) -> None:
    node = found.asked.primary
    plan = check(found.plan_back(found.look()))
    if not context.json:
        click.echo(render_unstage(plan, node))
    if plan.steps and context.json and not yes:
        click.echo(json.dumps(staged_record(plan, node, "to be taken back")))
        return
    if plan.steps:
        if not context.json:
            click.echo()
        confirm(msg("Take back what was staged for {node}?", node=node), yes=yes)
    if plan.steps or found.journal.asked(Staging):
        with running:
            found.unstage(running.report, plan, context.begin)
    if context.json:
        click.echo(json.dumps(staged_record(plan, node, "unstaged" if plan.steps else "nothing to take back")))
    elif plan.steps:
        click.echo("\n" + text(msg("UNSTAGED  {node} was neither restarted nor reloaded.", node=node)))
