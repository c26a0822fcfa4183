"""A plan file as everything that a runbook is made of; and a change of roles as such a file."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from standbyctl import __version__
from standbyctl.app.desk import Desk, desks_of_seats
from standbyctl.app.planfile import (
    ATTACH,
    DETACH,
    FAILOVER,
    RESYNC,
    SCHEMA,
    SWITCHOVER,
    parsed,
    read_record,
    read_step,
    write_text,
    written_step,
)
from standbyctl.app.state import now
from standbyctl.app.switchover import Planned as PlannedChange
from standbyctl.app.switchover import Switching
from standbyctl.domain.codec import decode, encode
from standbyctl.domain.errors import UsageError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Plan
from standbyctl.planner.role_runbook import change_back

_VERBS = {verb: verb for verb in (ATTACH, DETACH, SWITCHOVER, FAILOVER, RESYNC)}


@dataclass(frozen=True, slots=True)
class Procedure:
    """Everything that a runbook is made of. `digest`: sha256 of the plan file.

    `target`: of a change of roles that of the new primary, as a standby of the old one. `change`: None for all else;
    `version_num`: of the servers whose roles change.
    """

    verb: str
    command: str
    target: Target
    plan: Plan
    back: Plan
    facts: Facts
    desks: tuple[Desk, ...]
    made_at: str
    version: str
    digest: str
    change: RoleChange | None = None
    version_num: int = 0


def save_change(path: str, verb: str, command: str, switching: Switching, planned: PlannedChange) -> None:
    """Write the plan of a change of roles, for those who do it by hand. `command`: what carries it out."""
    reached, change, plan = switching.reached, switching.reached.change, planned.whole
    around = switching.sample.around.get(change.new)
    back = change_back(planned.surveyed) if planned.facts.member(change.old).writes else Plan()
    record = {
        "schema": SCHEMA,
        "made_at": now(),
        "conninfo": reached.conninfo,
        "target": encode(change.was),
        "change": encode(change),
        "system_identifier": reached.system_identifier,
        "version_num": around.version_num if around else 0,
        "steps": [written_step(step) for step in plan.steps],
        "text": [str(step.text) for step in plan.steps],
        "verb": verb,
        "command": command,
        "version": __version__,
        "notes": encode(plan.notes),
        "facts": encode(planned.facts),
        "way_back": [written_step(step) for step in back.steps],
        "way_back_notes": encode(back.notes),
        "desks": encode(desks_of_seats(change)),
    }
    write_text(path, json.dumps(record, indent=1) + "\n")


def load_procedure(path: str) -> Procedure:
    """Read a plan for a runbook; UsageError where it is none, or was saved before there were any."""
    raw, record = read_record(path)
    if "way_back" not in record:
        raise UsageError(
            "C114",
            msg("{path} was saved by an earlier release", path=path),
            detail=msg("It has no way back, and not where things are."),
            hint=msg("Make a new plan."),
        )
    return parsed(path, lambda: _procedure(record, hashlib.sha256(raw).hexdigest()))


def _procedure(record: dict[str, Any], digest: str) -> Procedure:
    notes = partial(decode, tuple[Message, ...])
    found = Procedure(
        verb=_VERBS[record["verb"]],
        command=record["command"],
        target=decode(Target, record["target"]),
        plan=Plan(tuple(map(read_step, record["steps"])), notes=notes(record["notes"])),
        back=Plan(tuple(map(read_step, record["way_back"])), notes=notes(record["way_back_notes"])),
        facts=decode(Facts, record["facts"]),
        desks=decode(tuple[Desk, ...], record["desks"]),
        made_at=decode(str, record["made_at"]),
        version=decode(str, record["version"]),
        digest=digest,
        change=decode(RoleChange, record["change"]) if "change" in record else None,
        version_num=decode(int, record.get("version_num", 0)),
    )
    known = {desk.node for desk in found.desks}
    if lost := {step.place for step in (*found.plan.steps, *found.back.steps)} - known:
        raise ValueError(f"no word of how to get to {', '.join(sorted(lost))}")
    return found
