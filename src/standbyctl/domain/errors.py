"""Errors in PostgreSQL's own shape: what happened, why, what to do, what was left as it is.

    StandbyctlError
    ├── UsageError            2   the request makes no sense
    ├── BlockedError        1|4   the answer is no; 4 where it could be done and must not be
    ├── CannotTellError       3   unreachable, no right to look
    │   └── NotLetInError         it answers, and lets us not in, or not look
    ├── RefusedError          4   refused for safety
    ├── DriftError          1|5   the world is not as the plan says; 1 before the first effect
    └── StoppedError          5   part-way: run the same command again, or detach
        ├── TakenBackError      1   tried, and taken back: nothing is left changed
        └── InterruptedRunError  130

Of 1 to 4, the promise is that nothing was changed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass

NOTHING_CHANGED = msg("Nothing was changed.")


class Need(StrEnum):
    """What would lift a blocker, from the least to the hardest."""

    WAY = "way around"  # the hint names it
    RESTART = "restart"  # of the server it is about: never by us
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why it cannot or must not be done, and what the operator can do about it."""

    code: str
    what: Message
    detail: Message
    hint: Message
    refused: bool = False
    need: Need = Need.WAY


class StandbyctlError(Exception):
    """Base of every error meant for the operator's eyes."""

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        code: str,
        what: Message,
        *,
        detail: Message | None = None,
        hint: Message | None = None,
        state: Message | None = None,
    ) -> None:
        super().__init__(f"{what}: {detail}" if detail else str(what))
        self.code, self.what, self.detail, self.hint, self.state = code, what, detail, hint, state

    @property
    def status(self) -> int:
        """The exit code of this very error."""
        return self.exit_code


class UsageError(StandbyctlError):
    """The request or the configuration makes no sense."""

    exit_code = 2


class CannotTellError(StandbyctlError):
    """Could not find out: a server or a host does not answer, or lets us not look."""

    exit_code = 3


class NotLetInError(CannotTellError):
    """The server answers, and does not let us in, or does not let us look: no matter of the way to it."""


class RefusedError(StandbyctlError):
    """It could be done and must not be."""

    exit_code = 4


class BlockedError(StandbyctlError):
    """The answer is no, for every reason at once."""

    exit_code = 1

    def __init__(self, blockers: tuple[Blocker, ...]) -> None:
        first = blockers[0]
        super().__init__(first.code, first.what, detail=first.detail, hint=first.hint, state=NOTHING_CHANGED)
        self.blockers = blockers

    @property
    def status(self) -> int:
        """4 as soon as one of the reasons is safety."""
        return 4 if any(blocker.refused for blocker in self.blockers) else 1


class DriftError(StandbyctlError):
    """The world is not, or no longer, as the plan says. `begun`: some effects had happened."""

    exit_code = 1

    def __init__(self, code: str, what: Message, *, begun: bool, detail: Message, hint: Message) -> None:
        super().__init__(code, what, detail=detail, hint=hint)
        self.begun = begun

    @property
    def status(self) -> int:
        """1 before the first effect, 5 after it."""
        return 5 if self.begun else 1


class StoppedError(StandbyctlError):
    """Stopped part-way: the journal knows where. Run the same command again, or detach."""

    exit_code = 5


class TakenBackError(StoppedError):
    """It was tried, would not have held, and was taken back at once: nothing is left changed."""

    exit_code = 1


class InterruptedRunError(StoppedError):
    """Ctrl-C or SIGTERM."""

    exit_code = 130
