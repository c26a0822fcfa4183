"""Attach and detach in the toy world, put together as the application puts them together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from standbyctl import steps
from standbyctl.domain.chain import ChainSeen
from standbyctl.domain.codec import encode_tagged
from standbyctl.domain.effects import Effect, Prove
from standbyctl.domain.facts import Facts
from standbyctl.domain.target import Target
from standbyctl.engine.events import Event, StepBegun
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach, recall
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import GiveBack, Step
from tests.engine.deeds import DEEDS
from tests.engine.toy import DiedError, Toy
from tests.pure.examples import COPY, SAMPLE, SYSTEM, TARGET

TORN = b'{"at": "2026-05-01T09:00:00+09:00", "event": "beg'


def toy_of(facts: Facts, target: Target = TARGET) -> Toy:
    """A world that looks like these facts."""
    sample = replace(SAMPLE, restored=COPY) if target.from_restored else SAMPLE
    sample = replace(sample, chain=ChainSeen("db0:5432") if target.head else None)
    return Toy(facts, target, sample, deeds=DEEDS)


def journal_at(directory: Path) -> Journal:
    """A journal on a real file."""
    ticks = count()
    return Journal(directory / "db2" / "journal.jsonl", steps.ALL, lambda: f"tick {next(ticks)}")


def attach(toy: Toy, journal: Journal) -> Plan:
    """What is left to do; then the proof that an interrupted run still owes."""
    toy.catch_up()
    run = _run(toy, journal, lambda facts: plan_attach(facts, toy.taken(), toy.target, journal.memory()))
    first = run.check()
    unproven = journal.unproven()
    if first.steps:
        journal.open(toy.target, "host=db1", SYSTEM)
    run.follow(first)
    if not first.steps and unproven:
        run.finish(lambda: toy.do(Prove(toy.target.name, toy.target.writer, 60)))
        run.finish(journal.proven)
    return first


def detach(toy: Toy, journal: Journal, options: DetachOptions) -> Plan:
    """Everything back: what the journal has, and what is marked and it does not have."""
    toy.catch_up()

    def plan(facts: Facts) -> Plan:
        known = journal.memory()
        gists = {entry.step.gist for entry in known}
        marked = [entry for entry in recall(facts, toy.target) if entry.step.gist not in gists]
        return plan_detach(facts, toy.taken(), toy.target, (*known, *marked), options)

    run = _run(toy, journal, plan)
    first = run.check(plan(toy.look()))
    run.follow(first)
    run.finish(journal.close)
    return first


def dies(toy: Toy, journal: Journal, fuse: int, run: Callable[..., object], *args: object) -> bool:
    """Whether the run dies after so many points; if so, it leaves half a line in the journal too."""
    toy.fuse = fuse
    try:
        run(toy, journal, *args)
    except DiedError:
        if journal.path.exists():
            with journal.path.open("ab") as file:
                file.write(TORN)
        return True
    finally:
        toy.fuse = 1 << 30
    return False


def _run(toy: Toy, journal: Journal, plan: Callable[[Facts], Plan]) -> Run:
    """A run that sees to it that every effect belongs to the step that the journal's last line announces."""
    toy.passed = 0
    begun: list[Step] = []

    def report(event: Event) -> None:
        if isinstance(event, StepBegun):
            begun.append(event.step)

    def do(effect: Effect) -> None:
        step = begun[-1]
        back = isinstance(step, GiveBack)
        inner = step.step if isinstance(step, GiveBack) else step
        records = (json.loads(line) for line in reversed(journal.path.read_bytes().splitlines()))
        last = next(each for each in records if each["event"] != "did")
        assert effect in step.effects()
        assert (last["event"], last["step"]) == ("giving back" if back else "begun", encode_tagged(inner))
        toy.kinds.add(type(inner))
        toy.do(effect)

    return Run(look=toy.look, plan=plan, do=do, journal=journal, report=report)
