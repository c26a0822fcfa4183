"""What waits for a restart, as text for people and as a record for machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from standbyctl.app.status import Status
from standbyctl.domain.message import msg
from standbyctl.domain.staging import StagedSetting
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import GiveBack
from standbyctl.steps.staging import StageSettings
from standbyctl.ui.render import text, wrap
from standbyctl.ui.width import pad


def render_stage(plan: Plan, node: str, undo: str) -> str:
    """What is written, from what to what, and what is felt: nothing."""
    if not plan.steps:
        return "\n".join([text(msg("Nothing to stage on {node}.", node=node)), *_notes(plan)])
    head = (
        msg("Plan: stage for the next restart of {node}", node=node),
        msg("No restart and no reload of {node}: nothing is felt before it is restarted, planned or not", node=node),
        msg("Undo: {what}", what=f"standbyctl {undo}"),
    )
    return "\n".join([*(wrap(text(line), "", "  ") for line in head), "", *_lines(plan), *_notes(plan)])


def render_unstage(plan: Plan, node: str) -> str:
    """What is taken back."""
    if not plan.steps:
        return "\n".join([text(msg("Nothing to take back on {node}.", node=node)), *_notes(plan)])
    head = msg("Plan: take back what was staged for the next restart of {node}", node=node)
    felt = msg("No restart and no reload of {node}", node=node)
    return "\n".join([text(head), text(felt), "", *_lines(plan), *_notes(plan)])


def _lines(plan: Plan) -> Iterator[str]:
    for each in _settings(plan):
        yield wrap(f"{each.running or chr(39) * 2} -> {each.value or chr(39) * 2}", f"  {each.name:<22} ", " " * 25)
    yield ""
    for effect in (effect for step in plan.steps for effect in step.effects()):
        for line in text(effect.said).splitlines():
            yield wrap(line, "  > ", "    ")


def _settings(plan: Plan) -> Iterator[StagedSetting]:
    """For those given back: from what was staged to what had been."""
    for step in plan.steps:
        if isinstance(step, StageSettings):
            yield from step.settings
        elif isinstance(step, GiveBack) and isinstance(inner := step.step, StageSettings):
            for each in reversed(inner.settings):
                yield StagedSetting(each.name, each.value, each.running, each.was)


def _notes(plan: Plan) -> Iterator[str]:
    if plan.notes:
        yield ""
    for note in plan.notes:
        yield wrap(text(note), f"  {pad(text(msg('Note:')), 6)}", " " * 8)


def staged_record(plan: Plan, node: str, verdict: str) -> dict[str, Any]:
    """The outcome for machines."""
    return {
        "schema": "standbyctl.stage/1",
        "verdict": verdict,
        "primary": node,
        "settings": [
            {"name": each.name, "from": each.running or None, "to": each.value or None} for each in _settings(plan)
        ],
        "effects": [str(effect) for step in plan.steps for effect in step.effects()],
        "notes": [str(note) for note in plan.notes],
    }


def render_waiting(status: Status) -> str:
    """What waits for a restart, and what has come into force with one."""
    lines = [
        msg(
            "staged, waiting for a restart of {node}: {name} {a} -> {b} (S301)",
            node=status.primary, name=each.name, a=each.running or "''", b=each.value,
        )
        for each in status.staged
    ]  # fmt: skip
    if status.in_force:
        words = ", ".join(f"{name} = {value}" for name, value, _ in status.in_force)
        at = re.sub(r"\.\d+", "", status.in_force[0][2])
        lines.append(
            msg(
                "staged, and in force since {node} was started ({at}): {words}", node=status.primary, at=at, words=words
            )
        )
    return "\n".join(wrap(text(line), "", "  ") for line in lines)


def waiting_record(status: Status) -> dict[str, Any]:
    """The same for machines."""
    return {
        "staged": [
            {"code": "S301", "node": status.primary, "name": each.name, "from": each.running or None, "to": each.value}
            for each in status.staged
        ],
        "in_force": [{"name": name, "value": value, "since": at} for name, value, at in status.in_force],
    }
