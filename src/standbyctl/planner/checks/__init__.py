"""Every line of a preflight. A line says what was seen; a blocker or a step of the plan says what that means."""

from __future__ import annotations

from standbyctl.domain.check import Check, Status
from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.planner.checks import around, chain, likeness, primary, restored, standby, tunnel
from standbyctl.planner.checks.line import Line, View
from standbyctl.planner.parameters import parameters_of
from standbyctl.steps.base import Impact
from standbyctl.steps.setting import SetByHand

PRIMARY_LINES = tuple(sorted((*primary.LINES, *around.LINES), key=lambda line: line.code))
STANDBY_LINES = (*standby.LINES, *likeness.LINES)


def checks(view: View) -> tuple[Check, ...]:
    """Both nodes, line by line, in the order of the codes."""
    used, there, chained = view.target.tunnel.used, view.target.from_restored, bool(view.target.head)
    return (
        *(
            _check(view, line, view.target.primary)
            for line in (
                *PRIMARY_LINES,
                *(tunnel.PRIMARY_LINES if used else ()),
                *(chain.LINES if chained else ()),
            )
        ),
        *(
            _check(view, line, view.target.name)
            for line in (*STANDBY_LINES, *(tunnel.STANDBY_LINES if used else ()), *(restored.LINES if there else ()))
            if view.survey.likeness or not line.apart
        ),
    )


def _check(view: View, line: Line, node: str) -> Check:
    seen = line.look(view)
    if blockers := [blocker for blocker in view.blockers if blocker.code == line.code]:
        return Check(line.code, node, line.title, Status.BLOCK, _why(seen.text, blockers), _need(blockers))
    if (remedy := _step(view, line)) is not None:
        return Check(line.code, node, line.title, Status.FIX, seen.text, remedy)
    return Check(
        line.code, node, line.title, seen.status, seen.text, seen.remedy if seen.status is not Status.OK else None
    )


def _why(seen: Message, blockers: list[Blocker]) -> Message:
    return msg("{seen}: {why}", seen=seen, why=clauses(blocker.what for blocker in blockers))


_NEEDS = {Need.WAY: msg("way around"), Need.RESTART: msg("restart"), Need.IMPOSSIBLE: msg("impossible")}


def _need(blockers: list[Blocker]) -> Message:
    """The hardest of them."""
    return _NEEDS[max((blocker.need for blocker in blockers), key=tuple(Need).index)]


def _step(view: View, line: Line) -> Message | None:
    """Which step of the plan brings it, and what is felt of that."""
    for number, step in enumerate(view.steps, 1):
        if isinstance(step, line.brought_by) or set(line.parameters) & set(parameters_of(step)):
            if getattr(step, "by_hand", False) or isinstance(step, SetByHand):
                return msg("plan step {n}, by hand", n=number)
            felt = msg(", reload") if step.felt is Impact.RELOAD else msg("")
            return msg("plan step {n}{felt}", n=number, felt=felt)
    return None
