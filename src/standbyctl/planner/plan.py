"""A plan is data: it can be printed, compared, saved, reviewed, and only then applied."""

from __future__ import annotations

from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass
from standbyctl.steps.base import Impact, Step


@dataclass(frozen=True, slots=True)
class Remembered:
    """A step that was begun, and the facts just before it first was.

    `inherited`: begun for another standby, which has been detached since, and kept because this one relies on it.
    """

    step: Step
    before: Facts
    inherited: bool = False


Memory = tuple[Remembered, ...]


def first_facts(memory: Memory) -> Facts | None:
    """Those before anything was done for this standby itself."""
    return next((entry.before for entry in memory if not entry.inherited), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """Either steps to take or blockers to lift. Notes say what is left alone, and why."""

    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[Message, ...] = ()

    def impact(self, node: str) -> Impact:
        """The worst that the users of a node will feel."""
        return max((step.felt for step in self.steps if step.place == node), default=Impact.NONE)

    @property
    def gist(self) -> tuple[Step, ...]:
        """What it does, whatever the attempt."""
        return tuple(step.gist for step in self.steps)


def has(steps: tuple[Step, ...], *kinds: type[Step]) -> bool:
    """Whether a step of one of these kinds is among them."""
    return any(isinstance(step, kinds) for step in steps)
