"""What a run says while it goes on. The user interface decides how it looks."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.domain.progress import Note, Progress
from standbyctl.domain.record import dataclass
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class StepBegun:
    """Step `number` of `total` is about to be taken."""

    number: int
    total: int
    step: Step


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step was taken, and a fresh look shows it."""

    number: int
    total: int
    step: Step


Event = StepBegun | StepDone | Note | Progress
Report = Callable[[Event], None]
