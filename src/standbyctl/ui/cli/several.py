"""Several standbys by one command: one question, then side by side, every line with the name of its standby."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import click

from standbyctl.app.several import Asked, Member, plan_all
from standbyctl.app.state import State
from standbyctl.domain.deed import literally
from standbyctl.domain.errors import InterruptedRunError, StoppedError
from standbyctl.domain.message import Message, all_of, listed, msg
from standbyctl.nodes.siblings import OUT, side_by_side
from standbyctl.planner.plan import Plan
from standbyctl.ui.cli.call import Context, confirm, reported
from standbyctl.ui.render import render_plan, text, width


class AttachOne(Protocol):
    """How one is attached whose plan was agreed to."""

    def __call__(self, context: Context, asked: Asked, where: State, *, yes: bool, expected: Plan | None) -> None: ...


def attach_several(context: Context, every: Sequence[Asked], where: State, one: AttachOne, *, yes: bool) -> None:
    """Plan them all, ask once, attach; exits as `_together` has it."""
    members = plan_all(every, where, context.wrap)
    if not context.json:
        click.echo("\n\n".join(render_plan(each.plan, each.target) for each in members) + "\n")
    names = [each.target.name for each in members]
    if any(each.plan.steps for each in members):
        confirm(msg("Attach {names}?", names=all_of(names)), yes=yes)
    margin = max(map(len, names)) + 2
    jobs = {each.target.name: _job(context, each, where, one) for each in members}
    written: dict[str, list[str]] = defaultdict(list)

    def hear(name: str, stream: int, line: str) -> None:
        if context.json and stream == OUT:
            written[name].append(line)
        elif line:
            # Neither a reader that has gone away, nor a full disk below a log, nor a letter must stop them half-way.
            with suppress(OSError, ValueError):
                click.echo(f"{name:<{margin}}{line}", err=stream != OUT)

    context.rest = msg("Each of them was begun, and goes on from where it is with the same command.")
    statuses = side_by_side(jobs, hear, width() - margin)
    with suppress(OSError):
        if context.json:
            click.echo(json.dumps(_record(names, statuses, written)))
        else:
            click.echo("\n" + text(_outcome(statuses)))
    sys.exit(_together(list(statuses.values())))


def _together(statuses: Sequence[int]) -> int:
    """One exit code for all: theirs where they agree. 1 to 4 say that nothing was changed: never where one is done."""
    if len(set(statuses)) == 1 and statuses[0] >= 0:
        return statuses[0]
    if InterruptedRunError.exit_code in statuses:
        return InterruptedRunError.exit_code
    if set(statuses) <= {1, 2, 3, 4}:
        return max(statuses)
    return StoppedError.exit_code


def _job(context: Context, member: Member, where: State, one: AttachOne) -> Callable[[], None]:
    its = Context(json=context.json, debug=context.debug, wrap=context.wrap)
    return partial(reported, its, lambda: one(its, member.asked, where, yes=True, expected=member.plan))


def _outcome(statuses: dict[str, int]) -> Message:
    failed = [
        msg("{name} (ended by signal {n})", name=name, n=-status) if status < 0 else literally(name)
        for name, status in statuses.items()
        if status != 0
    ]
    if not failed:
        return msg("All {n} are attached.", n=len(statuses))
    return msg(
        "{n} of {total} attached, not: {names}. The same command again goes on with them.",
        n=len(statuses) - len(failed),
        total=len(statuses),
        names=listed(failed),
    )


def _record(names: Sequence[str], statuses: dict[str, int], written: dict[str, list[str]]) -> dict[str, object]:
    return {
        "schema": "standbyctl.attach-several/1",
        "standbys": [
            {"name": name, "exit_code": statuses[name], "result": _parsed("\n".join(written[name]))} for name in names
        ],
    }


def _parsed(said: str) -> object:
    """What it has written; None where it was ended before it could."""
    return json.loads(said) if said.strip() else None
