"""Carry out a planned change of roles: get everybody ready, hand over, have everybody follow, remember who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

from standbyctl.app.known import runs_of
from standbyctl.app.roles import Reachable
from standbyctl.app.session import Session, Wrap
from standbyctl.app.state import State
from standbyctl.domain.effects import Effect, HandOver
from standbyctl.domain.errors import BlockedError, CannotTellError, StandbyctlError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Answer, Note, Said, Tell
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.switching import RoleSample
from standbyctl.domain.target import Target
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.locks import Locks
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from standbyctl.observe.members import look_at_members
from standbyctl.planner.plan import Plan, Remembered
from standbyctl.planner.switchover import plan_ready, plan_switchover
from standbyctl.steps.base import Step
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy
from standbyctl.steps.clone.restored import SetUpRestored
from standbyctl.steps.cluster import ReplaceCluster
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.server import StartAtBoot

SETTLE_SECONDS = 15
# What an attach has done at the standby's own place stays true whatever it streams from.
_OWN = (ProvidePassfile, CopyByBasebackup, InstallCopy, SetUpRestored, ReplaceCluster, StartAtBoot)


@dataclass(frozen=True, slots=True)
class Planned:
    """All of it: what each follower needs, and the change itself. `first`: what cannot wait for that.

    `facts`: of every server; `surveyed`: each plan of `ready`, and the facts that it was made from.
    """

    ready: tuple[Plan, ...]
    switch: Plan
    first: Plan = field(default_factory=Plan)
    facts: Facts = field(default_factory=lambda: Facts(()))
    surveyed: tuple[tuple[Plan, Facts], ...] = ()

    @property
    def whole(self) -> Plan:
        """As one plan, for people."""
        steps = (step for plan in (self.first, *self.ready, self.switch) for step in plan.steps)
        return Plan(steps=tuple(steps), notes=(*self.first.notes, *self.switch.notes))


@dataclass(slots=True)
class Switching:
    """A change that is planned, and then followed."""

    reached: Reachable
    state: State
    tell: Tell
    wrap: Wrap
    sample: RoleSample = field(default_factory=RoleSample)
    _sessions: tuple[Session, ...] = ()

    def plan(self) -> Planned:
        """What is left to do; BlockedError with everything at once that stands in the way. Changes nothing."""
        try:
            facts = self._look_settled()
        except CannotTellError as error:
            raise self._or_failover(error) from error
        switch = plan_switchover(facts, self.sample, self.reached.change)
        self._sessions = tuple(self._to_get_ready(facts))
        surveyed = [(session, session.survey()) for session in self._sessions]
        ready = tuple(self._plan_ready(session, seen) for session, seen in surveyed)
        if blockers := tuple(dict.fromkeys(each for plan in (switch, *ready) for each in plan.blockers)):
            raise BlockedError(blockers)
        seen = tuple(zip(ready, (each for _, each in surveyed), strict=True))
        return Planned(ready, switch, facts=facts, surveyed=seen)

    def _or_failover(self, error: CannotTellError) -> CannotTellError:
        """A change that was begun, and whose old primary may be gone for good."""
        if self.reached.journal.asked(type(self.reached.change)) is None:
            return error
        change = self.reached.change
        hint = msg(
            "{hint} If {old} does not come back: standbyctl failover --to {new}",
            hint=error.hint or "",
            old=change.old,
            new=change.new,
        )
        return CannotTellError(error.code, error.what, detail=error.detail, hint=hint)

    def _look_settled(self) -> Facts:
        """A server that is just stopping, or starting, gets a moment: a run that was killed may have begun that."""
        clock = SystemClock()
        deadline = clock.monotonic() + SETTLE_SECONDS
        while True:
            facts = self._look()
            unsettled = (node.member for node in facts.nodes if node.member and node.member.unsettled)
            if next(unsettled, None) is None or clock.monotonic() > deadline:
                return facts
            clock.sleep(0.3)

    def _to_get_ready(self, facts: Facts) -> Iterator[Session]:
        """Nobody can be made ready while nobody takes writes: an earlier run has done it then."""
        change = self.reached.change
        old, new = facts.member(change.old), facts.member(change.new)
        for resolved in self.reached.resolved:
            if old.writes and not new.writes:
                yield Session(resolved, self.tell, self.wrap)
            elif (new.writes or change.unplanned) and facts.member(resolved.target.name).upstream != change.new:
                target = replace(resolved.target, head="", head_ssh="", head_conninfo="")
                yield Session(replace(resolved, target=target, head=None), self.tell, self.wrap)

    def _plan_ready(self, session: Session, facts: Facts) -> Plan:
        return plan_ready(facts, session.sample, session.target, self._ready(session.target.name).memory())

    def _ready(self, name: str) -> Journal:
        return self.state.ready_journal(name, self.reached.system_identifier)

    def _look(self) -> Facts:
        facts, self.sample = look_at_members(self.reached.doors, self.reached.change)
        return facts

    def follow(self, report: Report, planned: Planned, begin: Callable[[Run], None]) -> None:
        """Do what is left to do. Whoever runs this again goes on with it."""
        reached, change = self.reached, self.reached.change
        doors, new = reached.doors, change.seat(change.new)
        old = change.seat(change.old)
        total = len(planned.whole.steps)
        with ExitStack() as held:
            locks = held.enter_context(Locks(reached.servers[1], doors[new.name].host, new.data_directory, new.name))
            done = self._get_ready(locks, report, begin, planned, 0, total)
            with ExitStack() as until:
                # Taken from the old primary until it stops: its locks end with it.
                there = (
                    [until.enter_context(Locks(reached.servers[0], doors[old.name].host, old.data_directory))]
                    if (old.name in self.sample.around and not old.away)
                    else []
                )
                run = Run(
                    look=self._look,
                    plan=lambda facts: plan_switchover(facts, self.sample, change),
                    do=self.wrap(self._acting(locks, there)),
                    journal=reached.journal,
                    report=report,
                )
                first = self._begin(run, begin, planned.switch, done, total)
                if first.steps:
                    reached.journal.open(change, reached.conninfo, reached.system_identifier, first.steps)
                try:
                    run.follow(first)
                except StandbyctlError:
                    self._end_what_was_taken_back()
                    raise
                run.finish(lambda: self._remember(run.facts))

    def _end_what_was_taken_back(self) -> None:
        """With the old primary in its place nothing is under way: another change may begin."""
        change = self.reached.change
        with suppress(StandbyctlError):
            facts = self._look()
            if facts.member(change.old).writes and not facts.member(change.new).writes:
                self.reached.journal.close()

    def _get_ready(
        self, locks: Locks, report: Report, begin: Callable[[Run], None], planned: Planned, done: int, total: int
    ) -> int:
        """A run each, with a journal of its own: how many steps are done by then."""
        for session, plan in zip(self._sessions, planned.ready, strict=True):
            journal = self._ready(session.target.name)
            session.heard = journal.heard
            run = Run(
                look=session.look,
                plan=lambda facts, session=session: self._plan_ready(session, facts),  # type: ignore[misc]
                do=session.do(locks),
                journal=journal,
                report=report,
            )
            first = self._begin(run, begin, plan, done, total)
            if first.steps:
                journal.open(session.target, self.reached.conninfo, self.reached.system_identifier, first.steps)
            run.follow(first)
            if first.steps:
                self._note_done(run)
            done += len(first.steps)
        return done

    @staticmethod
    def _note_done(run: Run) -> None:
        """One of several runs has come to its end, whatever becomes of the others."""
        run.finish(lambda: run.journal.ended(Outcome.DONE, run.facts))

    def _begin(self, run: Run, begin: Callable[[Run], None], expected: Plan, done: int, total: int) -> Plan:
        """One of several runs: numbered on, and part-way as soon as an earlier one has done something."""
        begin(run)
        run.number, run.done, run.begun = done, done, done > 0
        first = run.check(expected)
        run.total = total
        return first

    def _acting(self, locks: Locks, there: list[Locks]) -> Callable[[Effect], None]:
        world = World(self.reached.doors, SystemClock(), self._said)

        def act(effect: Effect) -> None:
            for each in (locks, *there):
                each.check()
            if isinstance(effect, HandOver):
                there.clear()
            perform(effect, world)

        return act

    def _said(self, said: Said) -> None:
        """What a deed says is evidence, too."""
        if isinstance(said, Note | Answer):
            self.reached.journal.heard(said.message)
        self.tell(said)

    def _remember(self, facts: Facts) -> None:
        """Who is a standby of whom from now on: as if each had been attached to its new primary."""
        reached, change = self.reached, self.reached.change
        for target in change.followers:
            _attach_to(target, reached, self.state)
        direct = {change.old, change.new, *(target.name for target in change.followers)}
        for name, (target, conninfo, system) in runs_of(self.state).items():
            if system == reached.system_identifier and target.head == change.old and name not in direct:
                _head_moved(self.state.journal(name), replace(target, **_head(target, reached)), conninfo, reached)
        if self.state.journal(change.new).run() is not None:
            self.state.journal(change.new).close()
        if reached.journal.asked(type(change)) is not None:
            reached.journal.ended(Outcome.DONE, facts)
            reached.journal.close()


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
