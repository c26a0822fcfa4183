"""Who is a standby of whom after a change of roles, as the journals have it from then on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standbyctl.app.known import runs_of
from standbyctl.app.roles import Reachable
from standbyctl.app.state import State
from standbyctl.domain.facts import Facts
from standbyctl.domain.record import replace
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.cluster import ReplaceCluster
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.server import StartAtBoot

# What an attach has done at the standby's own place stays true whatever it streams from.
_OWN = (ProvidePassfile, CopyByBasebackup, InstallCopy, SetUpRestored, ReplaceCluster, StartAtBoot)


def remember_change(reached: Reachable, state: State, facts: Facts) -> None:
    """As if each had been attached to its new primary. `facts`: the last look."""
    change = reached.change
    for target in change.followers:
        _attach_to(target, reached, state)
    direct = {change.old, change.new, *(target.name for target in change.followers)}
    for name, (target, conninfo, system) in runs_of(state).items():
        if system == reached.system_identifier and target.head == change.old and name not in direct:
            _head_moved(state.journal(name), replace(target, **_head(target, reached)), conninfo, reached)
    _formers_follow(reached, state, facts)
    # In this order: killed in between, the same command finds the change done, and closes what is left.
    if reached.journal.asked(type(change)) is not None:
        reached.journal.ended(Outcome.DONE, facts)
        reached.journal.close()
    if state.journal(change.new).run() is not None:
        state.journal(change.new).close()


def _formers_follow(reached: Reachable, state: State, facts: Facts) -> None:
    """A primary that was lost before comes back to the one that there is by then."""
    change = reached.change
    for journal in state.formers():
        found = journal.asked(RoleChange)
        if found is None or found[2] != reached.system_identifier or found[0].old in {change.old, change.new}:
            continue
        if found[0].new != change.new:
            seats = {seat.name: seat for seat in (*found[0].seats, *change.seats)}
            moved = replace(found[0], new=change.new, seats=tuple(seats.values()))
            journal.close()
            journal.open(moved, reached.conninfo, reached.system_identifier)
            journal.ended(Outcome.DONE, facts)


def _head(target: Target, reached: Reachable) -> dict[str, Any]:
    """Where a standby of a standby is now: what it streams from may be the primary itself."""
    new = reached.change.seat(reached.change.new)
    if target.primary == new.name:
        return {"head": "", "head_ssh": "", "head_conninfo": ""}
    return {"head": new.name, "head_ssh": new.ssh, "head_conninfo": reached.conninfo}


def _head_moved(journal: Journal, target: Target, conninfo: str, reached: Reachable) -> None:
    """It streams from where it did; what was made for it at the head of the chain is at another one now."""
    memory = [_moved(each, reached.change.old, target) for each in journal.memory()]
    journal.close()
    _write(journal, target, conninfo, reached.system_identifier, memory)


def _attach_to(target: Target, reached: Reachable, state: State) -> None:
    """Its journal from now on: what is its own, and what was made for it at its new primary."""
    journal, ready = state.journal(target.name), state.ready_journal(target.name, reached.system_identifier)
    run = journal.run()
    if run is not None and run[0] == target and ready.asked(Target) is None:
        return
    old = reached.change.old
    kept = [_moved(each, old, target) for each in journal.memory() if isinstance(each.step, (*_OWN, CreateRole))]
    made = [_moved(each, old, target) for each in ready.memory()]
    if run is not None:
        journal.close()
    _write(journal, target, reached.conninfo, reached.system_identifier, (*kept, *made))
    if ready.asked(Target) is not None:
        ready.close()


def _write(journal: Journal, target: Target, conninfo: str, system: str, memory: Iterable[Remembered]) -> None:
    """As an attach would have left it."""
    journal.open(target, conninfo, system, verb="kept")
    for entry in {each.step.gist: each for each in reversed([*memory])}.values():
        journal.begin(entry.step, entry.before)
        journal.done(entry.step)
    journal.ended(Outcome.DONE, None)


def _moved(entry: Remembered, old: str, target: Target) -> Remembered:
    """The same, with the new primary in the place of the old one."""
    new = target.writer
    nodes = entry.before.nodes
    if not any(node.name == new and node.server for node in nodes):
        nodes = tuple(replace(node, name=new) if node.name == old else node for node in nodes)
    step: Step = entry.step
    if isinstance(step, CreateRole):
        step = replace(step, primary=target.primary, head=target.head)
    return Remembered(step, Facts(nodes))
