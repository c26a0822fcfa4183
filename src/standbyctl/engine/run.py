"""Follow a plan. Interrupted anywhere, the same call again goes on.

The engine knows neither PostgreSQL nor ssh: it is given a way to look and plan, and a way to do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from standbyctl.domain.effects import Effect
from standbyctl.domain.errors import BlockedError, DriftError, StandbyctlError, StoppedError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, clauses, msg
from standbyctl.domain.record import dataclass
from standbyctl.engine.events import Report, StepBegun, StepDone
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import Step

Look = Callable[[], Facts]
MakePlan = Callable[[Facts], Plan]
Do = Callable[[Effect], None]


@dataclass(slots=True)
class Run:
    """One run of one plan: how far it got is what an error report needs to know.

    `why`: what is known of a step whose effects ran and which a fresh look does not show. `ahead` is told of what is
    left to do before each step.
    """

    look: Look
    plan: MakePlan
    do: Do
    journal: Journal
    report: Report
    why: Callable[[Step], Message | None] = lambda _: None
    ahead: Callable[[Plan], None] = lambda _: None
    _facts: Facts | None = None
    number: int = 0
    done: int = 0
    total: int = 0
    begun: bool = False

    @property
    def facts(self) -> Facts:
        """What the last look saw."""
        assert self._facts is not None
        return self._facts

    def check(self, expected: Plan | None = None) -> Plan:
        """Look, and plan: the first thing to do, before the journal is opened.

        `expected` is the plan that the operator has seen: whatever there is to do must be in it. Raises
        BlockedError or DriftError; nothing was changed then.
        """
        self._facts = self.look()
        first = self.plan(self.facts)
        if first.blockers:
            raise BlockedError(first.blockers)
        if expected is not None and (strange := _not_in(first, expected)):
            raise _drift(strange, begun=False)
        self.total = len(first.steps)
        return first

    def follow(self, rest: Plan) -> None:
        """Take every step of a plan that was just checked.

        Each step is journaled first, then done, then seen done by a fresh look, from which the rest is planned
        anew: where there is more to do than there was, somebody else has been at work, and we stop.
        """
        self._part_way(lambda: self._follow(rest))

    def finish(self, action: Callable[[], None]) -> None:
        """Something that belongs to the run, after its steps: where it fails we are part-way."""
        self.begun = True
        self._part_way(action)

    def _part_way(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StandbyctlError as error:
            self._note_end(Outcome.STOPPED, error)
            if not self.begun or isinstance(error, StoppedError | DriftError):
                raise
            # After the first effect, whatever we can no longer find out leaves us part-way.
            raise StoppedError(error.code, error.what, detail=error.detail, hint=error.hint) from error
        except KeyboardInterrupt:
            self._note_end(Outcome.INTERRUPTED)
            raise
        except Exception:
            self._note_end(Outcome.FAILED)
            raise

    def _note_end(self, outcome: Outcome, error: StandbyctlError | None = None) -> None:
        """For the evidence. Where even that cannot be written, the error that ends the run is the one to be seen."""
        if self.begun:
            with suppress(StandbyctlError):
                self.journal.ended(outcome, self._facts, error)

    def _follow(self, rest: Plan) -> None:
        while rest.steps:
            self.ahead(rest)
            self._facts = self._take(rest.steps[0], self.facts)
            after = self.plan(self.facts)
            if after.blockers:
                blocker = after.blockers[0]
                raise DriftError(blocker.code, blocker.what, begun=True, detail=blocker.detail, hint=blocker.hint)
            if strange := _not_in(after, Plan(rest.steps[1:])):
                raise _drift(strange, begun=True)
            rest = after

    def _take(self, step: Step, before: Facts) -> Facts:
        self.number += 1
        self.report(StepBegun(self.number, self.total, step))
        self.journal.begin(step, before)
        self.begun = True
        for effect in step.effects():
            self.do(effect)
            self.journal.did(effect)
        facts = self.look()
        if not step.satisfied(facts):
            raise StoppedError(
                "A205",
                msg("step {n} did not take effect: {label}", n=self.number, label=step.title),
                detail=self.why(step)
                or msg("It ran without an error, but a fresh look does not show it: {text}", text=step.text),
                hint=msg("Run the same command again; with --debug it shows every statement and command."),
            )
        self.journal.done(step)
        self.done = self.number
        self.report(StepDone(self.number, self.total, step))
        return facts


def _not_in(plan: Plan, expected: Plan) -> tuple[Step, ...]:
    """What an attempt that died has left is in no plan that was made before it."""
    return tuple(step for step in plan.steps if step.gist not in expected.gist and not step.tidies)


def _drift(strange: tuple[Step, ...], *, begun: bool) -> DriftError:
    return DriftError(
        "A207",
        msg("the servers are not, or no longer, as the plan says"),
        begun=begun,
        detail=msg("Not expected: {text}", text=clauses(step.text for step in strange)),
        hint=msg("Look at a new plan before you go on."),
    )
