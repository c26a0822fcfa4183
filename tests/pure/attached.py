"""A standby as an attach has left it, to be changed by somebody else in one thing; and what a detach does then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standbyctl.domain.facts import Facts, Setting
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import GiveBack, Step, predict
from tests.pure.examples import CAP, OUR_ROLE, PRIMARY, SAMPLE, TARGET, facts, kinds, remember

KEEP, ASIDE, DELETE = DetachOptions(), DetachOptions(True), DetachOptions(True, True)
BEFORE = facts()
ATTACH = plan_attach(BEFORE, SAMPLE, TARGET)
MEMORY = remember(ATTACH, BEFORE)
AFTER = predict(ATTACH.steps, BEFORE)


def names(steps: tuple[Step, ...]) -> list[str]:
    """Steps, and what is given back, by name."""
    return [f"-{kinds((step.step,))[0]}" if isinstance(step, GiveBack) else kinds((step,))[0] for step in steps]


def notes(plan: Plan) -> str:
    return "\n".join(map(str, plan.notes))


def detach(seen: Facts, options: DetachOptions = KEEP, memory: Any = MEMORY, sample: Any = SAMPLE) -> Plan:
    plan = plan_detach(seen, sample, TARGET, memory, options)
    assert plan.blockers == ()
    return plan


def on_primary(**changes: Any) -> Facts:
    return AFTER.with_server(PRIMARY, **changes)


def with_cap(cap: Setting) -> Facts:
    found = AFTER.server(PRIMARY).settings
    return on_primary(settings=tuple(cap if setting.name == CAP else setting for setting in found))


def changed_role(**changes: Any) -> Facts:
    return on_primary(roles=(replace(OUR_ROLE, **changes),))
