"""What is done about slots, as text for people and as a record for machines."""

from __future__ import annotations

from typing import Any

from standbyctl.app.slotwork import Asked
from standbyctl.domain.message import Message, msg
from standbyctl.domain.slots import CAP, NO_LIMIT, Bound, NewSlot, OldSlot
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import GiveBack, Step
from standbyctl.steps.setting import SetParameter
from standbyctl.ui.render import felt_line, note_lines, step_lines, text, wrap


def render_work(plan: Plan, asked: Asked, node: str, undo: str) -> str:
    """What is done and where, what is felt, what undoes it; or that there is nothing to do."""
    if not plan.steps:
        return "\n".join([wrap(text(_nothing(asked, node)), "", "  "), *note_lines(plan)])
    if undo:
        back = msg("Undo: {what}", what=f"standbyctl {undo}")
    elif isinstance(asked, OldSlot):
        back = msg("Undo: none. What the slot keeps cannot be had again.")
    else:
        back = msg("Undo: set it again")
    head = [text(_head(asked, node)), felt_line(plan, node), text(back)]
    blank = [""] if plan.steps[0].irreversible else []
    steps = step_lines(plan, effects=True)
    return "\n".join([*(wrap(line, "", "  ") for line in head), *blank, *steps, *note_lines(plan)])


def _head(asked: Asked, node: str) -> Message:
    match asked:
        case NewSlot():
            return msg("Plan: make the {kind} slot {slot} on {node}", kind=asked.slot_type, slot=asked.name, node=node)
        case OldSlot():
            return msg("Plan: drop the slot {slot} of {node}", slot=asked.name, node=node)
        case Bound(value=None):
            return msg("Plan: give back {name} of {node} as it was before", name=asked.parameter, node=node)
        case Bound():
            return msg("Plan: set {name} on {node}", name=asked.parameter, node=node)


def _nothing(asked: Asked, node: str) -> Message:
    match asked:
        case NewSlot():
            return msg("Nothing to do: the slot {slot} is there on {node}.", slot=asked.name, node=node)
        case OldSlot():
            return msg("Nothing to do: there is no slot {slot} on {node}.", slot=asked.name, node=node)
        case Bound(value=None):
            return msg(
                "Nothing to give back: {name} of {node} is not as it was set from here, or was not set from here.",
                name=asked.parameter,
                node=node,
            )
        case Bound():
            return msg(
                "Nothing to do: {name} = {value} is in force on {node}.",
                name=asked.parameter,
                value=_shown(asked),
                node=node,
            )


def question(asked: Asked, node: str) -> Message:
    """What is asked before it is done."""
    match asked:
        case NewSlot():
            return msg("Make the slot {slot} on {node}?", slot=asked.name, node=node)
        case OldSlot():
            return msg("Drop the slot {slot} of {node}, for good?", slot=asked.name, node=node)
        case Bound(value=None):
            return msg("Give back {name} of {node}?", name=asked.parameter, node=node)
        case Bound():
            return msg("Set {name} on {node}?", name=asked.parameter, node=node)


def render_worked(asked: Asked, node: str) -> str:
    """The outcome."""
    return wrap(text(_done(asked, node)), "", " " * 10)


def _done(asked: Asked, node: str) -> Message:
    match asked:
        case NewSlot():
            return msg("CREATED   The slot {slot} of {node} keeps WAL from now on.", slot=asked.name, node=node)
        case OldSlot():
            return msg("DROPPED   The slot {slot} of {node} is gone.", slot=asked.name, node=node)
        case Bound(value=None):
            return msg(
                "BACK      {name} of {node} is as it was before. {node} was not restarted.",
                name=asked.parameter,
                node=node,
            )
        case Bound():
            return msg(
                "SET       {name} = {value} is in force on {node}, which was not restarted.",
                name=asked.parameter,
                value=_shown(asked),
                node=node,
            )


def _shown(asked: Bound) -> str | Message:
    return msg("-1 (no limit)") if asked.parameter == CAP and asked.value == NO_LIMIT else asked.value or ""


def work_record(plan: Plan, asked: Asked, node: str, system_identifier: str, *, did: bool, undo: str) -> dict[str, Any]:
    """The plan, and whether it was followed, for machines."""
    verb, past = _verbs(asked)
    record: dict[str, Any] = {
        "schema": "standbyctl.slots/1",
        "action": verb,
        "verdict": (past if did else "planned") if plan.steps else "nothing to do",
        "node": node,
        "system_identifier": system_identifier,
        "impact": plan.impact(node).name,
        "irreversible": any(step.irreversible for step in plan.steps),
        "steps": [_step_record(step) for step in plan.steps],
        "undo": f"standbyctl {undo}" if undo and plan.steps else None,
        "notes": [str(note) for note in plan.notes],
    }
    if isinstance(asked, Bound):
        return record | {"parameter": asked.parameter, "value": asked.value}
    return record | {"slot": asked.name}


def _step_record(step: Step) -> dict[str, Any]:
    inner = step.step if isinstance(step, GiveBack) else step
    given = {"parameter": inner.parameter} if isinstance(inner, SetParameter) else {}
    return {
        "step": type(inner).__name__,
        "back": isinstance(step, GiveBack),
        "text": str(step.text),
        "effects": [str(effect) for effect in step.effects()],
        **given,
    }


def _verbs(asked: Asked) -> tuple[str, str]:
    match asked:
        case NewSlot():
            return "create", "created"
        case OldSlot():
            return "drop", "dropped"
        case Bound():
            verb = "cap" if asked.parameter == CAP else "keep"
            return verb, "given back" if asked.value is None else "set"
