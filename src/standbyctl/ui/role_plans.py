"""A change of roles, as text for people and as a record for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standbyctl.domain.divergence import Commit, Divergence, Rung
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Unrun
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Plan
from standbyctl.ui.render import note_lines, plan_record, step_lines, text, wrap
from standbyctl.ui.width import pad


def render_change(plan: Plan, change: RoleChange) -> str:
    """Who becomes what, every step with its effects, and from where on there is no way back but another change."""
    head = text(
        msg("Plan: make {new} the primary, and {old} its standby; no commit is lost", new=change.new, old=change.old)
    )
    if not plan.steps:
        return "\n".join([head, text(msg("Nothing is left to do on the servers."))])
    felt = msg("{old} is stopped, and nobody takes writes until {new} is promoted", old=change.old, new=change.new)
    back = msg("Undo: {what}", what=f"standbyctl switchover --to {change.old}")
    lines = [wrap(text(line), "", "  ") for line in (felt, back)]
    return "\n".join([wrap(head, "", "  "), *lines, *step_lines(plan, effects=True), *note_lines(plan)])


def render_changed(change: RoleChange) -> str:
    """The outcome."""
    others = ", ".join(target.name for target in change.followers)
    done = msg("SWITCHED  {new} is the primary. It streams to: {others}", new=change.new, others=others)
    again = f"{pad(text(msg('Back')), 10)}standbyctl switchover --to {change.old}"
    return "\n".join([wrap(text(done), "", " " * 10), again])


def change_record(plan: Plan, change: RoleChange, *, did: bool, unrun: Unrun | None = None) -> dict[str, Any]:
    """The plan, and whether it was followed, for machines. `unrun`: the hook that is left to be run."""
    return {
        "schema": "standbyctl.switchover/1",
        "verdict": "switched" if did else ("planned" if plan.steps else "nothing to do"),
        "old": change.old,
        "new": change.new,
        "followers": [target.name for target in change.followers],
        "steps": [
            {
                "number": number,
                "node": step.place,
                "step": type(step).__name__,
                "text": str(step.text),
                "impact": step.felt.name,
                "irreversible": step.irreversible,
                "effects": [str(effect) for effect in step.effects()],
            }
            for number, step in enumerate(plan.steps, 1)
        ],
        "notes": [str(note) for note in plan.notes],
        "hook_failed": unrun and {"what": str(unrun.what), "detail": str(unrun.why), "command": unrun.command},
    }


def render_failover(plan: Plan, change: RoleChange) -> str:
    """Who is kept away, who is promoted, and what is lost."""
    head = text(msg("Plan: {old} is gone; make {new} the primary", old=change.old, new=change.new))
    if not plan.steps:
        return "\n".join([head, text(msg("Nothing is left to do on the servers."))])
    felt = msg("What {old} had committed and not sent to {new} is lost", old=change.old, new=change.new)
    back = msg("Undo: none")
    lines = [wrap(text(line), "", "  ") for line in (felt, back)]
    return "\n".join([wrap(head, "", "  "), *lines, *step_lines(plan, effects=True), *note_lines(plan)])


def render_taken_over(change: RoleChange) -> str:
    """The outcome."""
    done = msg("PROMOTED  {new} is the primary. {old} must not be started as it is.", new=change.new, old=change.old)
    again = f"{pad(text(msg('Next')), 10)}standbyctl resync {change.old}"
    return "\n".join([wrap(text(done), "", " " * 10), again])


# Of commits that are nowhere else so many are listed; all of them are in what machines are told.
LISTED = 10


def render_resync(plan: Plan, target: Target, ladder: tuple[Rung, ...], found: Divergence | None) -> str:
    """Every way back, what only this node has, and the steps of the way that is taken."""
    names = {"name": target.name, "primary": target.primary}
    if not plan.steps:
        return text(msg("Nothing to do: {name} streams from {primary}.", **names))
    head = text(msg("Plan: make {name} a standby of {primary} again", **names))
    alone = _commits(found.commits) if found else ()
    return "\n".join([head, *_rungs(ladder), *step_lines(plan, effects=True), *note_lines(plan), *alone])


def _commits(commits: tuple[Commit, ...]) -> Iterator[str]:
    if commits:
        yield ""
    for each in commits[:LISTED]:
        yield f"    {each.at}  xid {each.xid}  {each.lsn}"
    if len(commits) > LISTED:
        yield wrap(text(msg("and {n} more: --json lists them", n=len(commits) - LISTED)), "    ", "    ")


def resync_record(
    plan: Plan, target: Target, ladder: tuple[Rung, ...], found: Divergence | None, *, did: bool
) -> dict[str, Any]:
    """The ways, what only this node has, the plan, and whether it was followed, for machines."""
    verdict = "resynced" if did and plan.steps else "planned" if plan.steps else "nothing to do"
    return plan_record(plan, target) | {
        "schema": "standbyctl.resync/1",
        "verdict": verdict,
        "ways": [
            {
                "way": rung.way,
                "open": rung.open,
                "why": str(rung.why),
                "copied_bytes": rung.copied_bytes,
                "seconds": rung.seconds,
            }
            for rung in ladder
        ],
        "commits": [{"xid": each.xid, "lsn": each.lsn, "at": each.at} for each in (found.commits if found else ())],
    }


def _rungs(ladder: tuple[Rung, ...]) -> Iterator[str]:
    """A line each: the way, about how long and how much (at 100 MB/s), and why or why not."""
    for rung in ladder:
        size = "-" if rung.copied_bytes is None else format_size(rung.copied_bytes)
        takes = "-" if rung.seconds is None else format_seconds(rung.seconds)
        estimate = f"{takes}, {size}" if rung.open else text(msg("no"))
        yield wrap(f"  {pad(rung.way, 11)}{pad(estimate, 20)}{text(rung.why)}", "", " " * 33)
