"""What a step is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import reduce
from typing import ClassVar

from standbyctl.domain.effects import Effect
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass


class Impact(IntEnum):
    """What the users of a node will feel, from nothing to the worst."""

    NONE = 0
    RELOAD = 1
    RESTART = 2
    WRITES_BLOCKED = 3
    DATA_LOSS_POSSIBLE = 4


class Step(ABC):
    """A fact that ought to hold, and the effects that make it hold.

    `after` is the whole specification: a step is satisfied when predicting its outcome changes nothing.
    Planning, skipping, verifying, resuming and undoing all rest on that one definition.
    """

    impact: ClassVar[Impact] = Impact.NONE
    label: ClassVar[Message] = msg("step")
    irreversible: ClassVar[bool] = False
    tidies: ClassVar[bool] = False  # it takes away only what an attempt of ours has left

    @property
    def title(self) -> Message:
        """Its name in a list of steps."""
        return self.label

    @property
    def felt(self) -> Impact:
        """What the users of its node will feel."""
        return self.impact

    @property
    @abstractmethod
    def place(self) -> str:
        """The node it happens on."""

    @property
    @abstractmethod
    def text(self) -> Message:
        """What it does, in one line."""

    @abstractmethod
    def after(self, facts: Facts) -> Facts:
        """The facts once this step is done."""

    @abstractmethod
    def effects(self) -> tuple[Effect, ...]:
        """How to get there. Any prefix may already have happened: a run can die anywhere."""

    @property
    def undo_text(self) -> Message:
        """What giving it back does, in one line."""
        return msg("take back: {what}", what=self.text)

    def undo(self, before: Facts) -> tuple[Effect, ...]:
        """How to give back what it took; empty where another step does that."""
        return ()

    def returned(self, facts: Facts, before: Facts) -> Facts:
        """The facts once `undo(before)` is done."""
        return facts

    @property
    def gist(self) -> Step:
        """The step without what a new attempt changes: two plans that agree in it do the same."""
        return self

    def satisfied(self, facts: Facts) -> bool:
        """Whether there is nothing left to do."""
        return self.after(facts) == facts


@dataclass(frozen=True, slots=True)
class GiveBack(Step):
    """Undo one step, from the facts before it that the journal remembers."""

    step: Step
    before: Facts

    @property
    def title(self) -> Message:
        return self.step.title

    @property
    def felt(self) -> Impact:
        return self.step.impact

    @property
    def place(self) -> str:
        return self.step.place

    @property
    def text(self) -> Message:
        return self.step.undo_text

    @property
    def undo_text(self) -> Message:
        return msg("attach it again")

    @property
    def gist(self) -> Step:
        return GiveBack(self.step.gist, Facts(()))

    def after(self, facts: Facts) -> Facts:
        return self.step.returned(facts, self.before)

    def effects(self) -> tuple[Effect, ...]:
        return self.step.undo(self.before)


def left_to_do(steps: Iterable[Step], facts: Facts) -> Iterator[Step]:
    """Those that are not satisfied, each where the ones before it are done."""
    for step in steps:
        if not step.satisfied(facts):
            yield step
        facts = step.after(facts)


def predict(steps: Iterable[Step], facts: Facts) -> Facts:
    """The facts once all steps are done, in order."""
    return reduce(lambda seen, step: step.after(seen), steps, facts)
