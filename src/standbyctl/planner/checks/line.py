"""What one line of a preflight is made of."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.domain.check import Status
from standbyctl.domain.errors import Blocker
from standbyctl.domain.facts import Facts, Place, Server
from standbyctl.domain.forecast import Forecast
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.sample import Sample
from standbyctl.domain.survey import Survey
from standbyctl.domain.target import Target
from standbyctl.planner.plan import Memory
from standbyctl.steps.base import Step


@dataclass(frozen=True, slots=True)
class View:
    """Everything a line may look at: what was seen, what was asked, and what the planner made of it."""

    facts: Facts
    sample: Sample
    target: Target
    memory: Memory
    steps: tuple[Step, ...]
    blockers: tuple[Blocker, ...]
    forecast: Forecast

    @property
    def server(self) -> Server:
        """The primary."""
        return self.facts.server(self.target.primary)

    @property
    def place(self) -> Place:
        """Where the standby goes, or is."""
        return self.facts.place(self.target.name)

    @property
    def survey(self) -> Survey:
        """What moves, or no step is about."""
        return self.sample.survey

    def value(self, name: str) -> str:
        """A setting as it is in force; empty where this version has it not."""
        if self.server.has(name):
            return self.server.setting(name).value
        setting = self.survey.setting(name)
        return setting.value if setting else ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a line saw, and whether that is well."""

    text: Message
    status: Status = Status.OK
    remedy: Message | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A check: its code, its title, what reads it. `brought_by`: the steps that bring what is missing; `parameters`:
    what it is about, so that whatever step sets one of them does. `apart`: of two hosts only.
    """

    code: str
    title: Message
    look: Callable[[View], Seen]
    brought_by: tuple[type[Step], ...] = ()
    parameters: tuple[str, ...] = ()
    apart: bool = False


def fine(template: str, **params: object) -> Seen:
    """Well as it is."""
    return Seen(msg(template, **params))


def warning(template: str, remedy: Message | None = None, **params: object) -> Seen:
    """No reason not to, but somebody will want to know it before."""
    return Seen(msg(template, **params), Status.WARN, remedy)


def unknown(template: str, **params: object) -> Seen:
    """Could not be found out."""
    return Seen(msg(template, **params), Status.UNKNOWN)
