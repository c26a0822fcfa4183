"""standbyctl slots."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Callable
from typing import Any

import click

from standbyctl.app.config import load_config
from standbyctl.app.slotwork import Asked, Work, check, open_work
from standbyctl.app.status import status
from standbyctl.app.values import slots_bound
from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.names import valid_slot_name
from standbyctl.domain.slots import CAP, WAL_KEEP, Bound, NewSlot, OldSlot
from standbyctl.domain.survey import RULERS
from standbyctl.nodes.clock import SystemClock
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm, machine, misused, state
from standbyctl.ui.cli.looking import opened, which
from standbyctl.ui.cli.running import Running
from standbyctl.ui.cli.spoken import Spoken
from standbyctl.ui.cli.stage import UNDO
from standbyctl.ui.records import slots_record
from standbyctl.ui.render import text
from standbyctl.ui.slot_plans import question, render_work, render_worked, work_record
from standbyctl.ui.status import render_slots
from standbyctl.ui.width import pad

_HELP = {
    "primary": "The server: its conninfo, or a name that is known here. Default: the only primary that is known.",
    "despite": "Do it although this rules the server; see the refusal that names it.",
    "abandon": "Who may lose the slot: the standby, or where none is known, the slot itself. See the refusal.",
    "back": "Give back what was there before, where it still is as it was set.",
    "lose": "A slot that may be lost over it; see the refusal that names it.",
}


@click.group("slots", cls=Spoken)
def command() -> None:
    """Replication slots, and how much WAL is kept for them."""


@command.command("list")
@which
@click.option("--unused", is_flag=True, help="Only those that nobody reads.")
@machine
def list_(context: Context, primary: str | None, config: str | None, *, unused: bool) -> None:
    """Who uses each slot, what it holds, what its cap has left, and when that or the volume is used up.

    Of the primary and of every standby that is known. A time is from the rate at which WAL is written now.
    """
    with opened(primary, config) as (cluster, loaded):
        seen = status(cluster, state(), SystemClock(), loaded.limits)
    slots = tuple(slot for slot in seen.picture.slots if not (unused and slot.sample.active))
    click.echo(json.dumps(slots_record(seen, slots)) if context.json else render_slots(seen, slots))


def _server(verb: Callable[..., None]) -> Callable[..., None]:
    """What says which server, and how it is gone about."""

    @click.option("-p", "--primary", metavar="CONNINFO", help=_HELP["primary"])
    @click.option("-c", "--config", metavar="FILE", help="standbyctl.toml.")
    @click.option("--despite", metavar="NAME", multiple=True, type=click.Choice(RULERS), help=_HELP["despite"])
    @click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and end.")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @machine
    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        verb(*args, **kwargs)

    return wrapped


@command.command("create")
@click.argument("name", metavar="NAME")
@click.option("--logical", metavar="PLUGIN", help="A logical slot, decoded by this output plugin (pgoutput).")
@click.option("--database", metavar="DB", help="With --logical: the database.")
@click.option("--failover", is_flag=True, help="With --logical: standbys sync it (17 and later).")
@click.option("--no-cap", is_flag=True, help="Make it although nothing bounds what it keeps.")
@_server
def create(
    context: Context, name: str, logical: str | None, database: str | None, failover: bool, no_cap: bool, **given: Any
) -> None:
    """Make a slot that keeps WAL from now on.

    For a standby; with --logical, for a subscriber. Refused while nothing bounds what slots keep. Undone with:
    standbyctl slots drop NAME
    """
    if not valid_slot_name(name):
        raise UsageError(
            "C108",
            msg('"{slot}" cannot be the name of a replication slot', slot=name),
            detail=msg("PostgreSQL allows lower-case letters, digits and underscores, at most 63."),
        )
    if bool(logical) != bool(database):
        raise misused(msg("--logical PLUGIN and --database DB go together"))
    if failover and not logical:
        raise misused(msg("--failover goes with --logical: a physical slot is not synced"))
    asked = NewSlot(name, logical or "", database or "", failover, no_cap, given["despite"])
    _work(context, asked, given, ["drop", name])


@command.command("drop")
@click.argument("name", metavar="NAME")
@click.option("--abandon", metavar="STANDBY", multiple=True, help=_HELP["abandon"])
@_server
def drop(context: Context, name: str, abandon: tuple[str, ...], **given: Any) -> None:
    """Drop a slot that nobody reads and nobody needs. What it keeps cannot be had again.

    Never while it is read. Where a standby is known to need it, only with --abandon and its name.
    """
    _work(context, OldSlot(name, abandon, given["despite"]), given, [])


@command.command("cap")
@click.argument("size", metavar="[SIZE|none]", required=False)
@click.option("--back", is_flag=True, help=_HELP["back"])
@click.option("--lose", metavar="SLOT", multiple=True, help=_HELP["lose"])
@_server
def cap(context: Context, size: str | None, back: bool, lose: tuple[str, ...], **given: Any) -> None:
    """Bound what any slot may keep.

    That is max_slot_wal_keep_size, by ALTER SYSTEM and a reload, with no restart. Refused where a slot keeps more
    already: it would be lost, unless --lose names it.
    """
    _bound(context, CAP, size, back, lose, given)


@command.command("keep")
@click.argument("size", metavar="[SIZE|none]", required=False)
@click.option("--back", is_flag=True, help=_HELP["back"])
@click.option("--lose", metavar="SLOT", multiple=True, help=_HELP["lose"])
@_server
def keep(context: Context, size: str | None, back: bool, lose: tuple[str, ...], **given: Any) -> None:
    """Keep so much WAL for every standby, slot or not.

    That is wal_keep_size, by ALTER SYSTEM and a reload, with no restart. Refused above what the disk has free.
    """
    _bound(context, WAL_KEEP, size, back, lose, given)


def _bound(
    context: Context, parameter: str, size: str | None, back: bool, lose: tuple[str, ...], given: dict[str, Any]
) -> None:
    if bool(size) == back:
        raise misused(msg("give either a SIZE or --back"))
    value = slots_bound(parameter, size) if size else None
    undo = [] if back else ["cap" if parameter == CAP else "keep", "--back"]
    _work(context, Bound(parameter, value, lose, given["despite"]), given, undo)


def _work(context: Context, asked: Asked, given: dict[str, Any], undo: list[str]) -> None:
    """Show it, ask, do it."""
    where = state()
    if not given["dry_run"]:
        where.check_writable()
    node = load_config(given["config"], os.environ).node(given["primary"] or "")
    named = [word for flag, key in (("-p", "primary"), ("-c", "config")) if given[key] for word in (flag, given[key])]
    context.undo = shlex.join(["slots", *undo, *named]) if undo else ""
    running = Running(quiet=context.json)
    asked_for = node.conninfo if node else (given["primary"] or "")
    work = open_work(asked_for, node.name if node else "", asked, where, running.tell, context.wrap)
    try:
        _do(context, work, running, dry_run=given["dry_run"], yes=given["yes"])
    finally:
        work.close()


def _do(context: Context, work: Work, running: Running, *, dry_run: bool, yes: bool) -> None:
    node = work.of.primary
    work.measure()
    plan = check(work.plan(work.look()))
    if not context.json:
        click.echo(render_work(plan, work.asked, node, context.undo))
    if dry_run or (context.json and not yes):
        _end(context, work, plan, did=False)
        return
    if plan.steps:
        if not context.json:
            click.echo()
        confirm(question(work.asked, node), yes=yes)
    if plan.steps or work.unfinished:
        with running:
            work.follow(running.report, plan, context.begin)
    _end(context, work, plan, did=True)


def _end(context: Context, work: Work, plan: Plan, *, did: bool) -> None:
    node = work.of.primary
    if context.json:
        record = work_record(plan, work.asked, node, work.system_identifier, did=did, undo=context.undo)
        click.echo(json.dumps(record))
    elif plan.steps and did:
        click.echo("\n" + render_worked(work.asked, node))
        if context.undo:
            click.echo(f"{pad(text(UNDO), 10)}standbyctl {context.undo}")
