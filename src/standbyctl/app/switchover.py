"""Carry out a planned change of roles: get everybody ready, hand over, have everybody follow, remember who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

from standbyctl.app.awake import awake
from standbyctl.app.begun import or_failover
from standbyctl.app.remembering import remember_change
from standbyctl.app.roles import Reachable
from standbyctl.app.session import Session, Wrap
from standbyctl.app.state import State
from standbyctl.domain.effects import Effect, HandOver
from standbyctl.domain.errors import BlockedError, CannotTellError, RefusedError, StandbyctlError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Answer, Note, Said, Tell, Unrun
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.roles import RoleChange
from standbyctl.domain.switching import RoleSample
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.locks import Locks
from standbyctl.nodes.perform import perform
from standbyctl.nodes.world import World
from standbyctl.observe.members import look_at_members
from standbyctl.planner.plan import Plan
from standbyctl.planner.switchover import plan_ready, plan_switchover

SETTLE_SECONDS = 15


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
    """A change that is planned, and then followed. `unrun`: the hook that has failed after it was done."""

    reached: Reachable
    state: State
    tell: Tell
    wrap: Wrap
    sample: RoleSample = field(default_factory=RoleSample)
    unrun: Unrun | None = None
    _sessions: tuple[Session, ...] = ()

    def plan(self) -> Planned:
        """What is left to do; BlockedError with everything at once that stands in the way. Changes nothing."""
        try:
            facts = self._look_settled()
        except CannotTellError as error:
            raise self._or_failover(error) from error
        self._end_what_came_to_nothing(facts)
        switch = plan_switchover(facts, self.sample, self.reached.change)
        self._sessions = tuple(self._to_get_ready(facts))
        surveyed = [(session, session.survey()) for session in self._sessions]
        ready = tuple(self._plan_ready(session, seen) for session, seen in surveyed)
        second = tuple(awake(self.reached, self.state)) if facts.member(self.reached.change.old).writes else ()
        blockers = (*second, *(each for plan in (switch, *ready) for each in plan.blockers))
        if blockers:
            raise BlockedError(tuple(dict.fromkeys(blockers)))
        seen = tuple(zip(ready, (each for _, each in surveyed), strict=True))
        return Planned(ready, switch, facts=facts, surveyed=seen)

    def _or_failover(self, error: CannotTellError) -> CannotTellError:
        """A change that was begun, and whose old primary may be gone for good."""
        if self.reached.journal.asked(type(self.reached.change)) is None:
            return error
        return or_failover(error, self.reached.change.old, self.reached.change.new)

    def _end_what_came_to_nothing(self, facts: Facts) -> None:
        """A failover that was begun stands in nobody's way where its primary is back, and nobody was promoted."""
        begun = self.reached.journal.asked(RoleChange)
        if begun is None or not begun[0].unplanned:
            return
        if not facts.member(begun[0].old).writes or any(
            node.member.writes for node in facts.nodes if node.member and node.name != begun[0].old
        ):
            raise RefusedError(
                "R431",
                msg("another change of roles was begun, and not ended: to {name}", name=begun[0].new),
                detail=msg("Journal: {path}", path=self.reached.journal.path),
                hint=msg("End it first: standbyctl failover --to {name}", name=begun[0].new),
            )

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
                for each in there:
                    each.leave_place()
                there.clear()
            perform(effect, world)

        return act

    def _said(self, said: Said) -> None:
        """What a deed says is evidence, too."""
        if isinstance(said, Unrun):
            self.unrun = said
        if isinstance(said, Note | Answer):
            self.reached.journal.heard(said.message)
        self.tell(said)

    def _remember(self, facts: Facts) -> None:
        remember_change(self.reached, self.state, facts)
