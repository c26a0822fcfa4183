"""What a deed says while it goes on."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass

# The phase of a copy whose sender has ended and whose receiver has not: nothing on the primary tells how far it is.
FINISHING = "receiving the last WAL and writing all of it to disk"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line of its own."""

    message: Message


@dataclass(frozen=True, slots=True)
class Unrun(Note):
    """A program of the operator's that has failed where nothing is taken back for it any more: it is left to be run.

    `what` and `why` it failed; `command`: to run it by hand.
    """

    what: Message
    why: Message
    command: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a deed: for the evidence, nobody needs to read it now."""

    message: Message


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a copy is. None is unknown. `held_bytes`: WAL that the slot keeps meanwhile."""

    phase: str
    done_bytes: int | None
    total_bytes: int | None
    rate_bytes: float | None
    held_bytes: int | None
    stalled_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A short copy that was measured: so many bytes in so many seconds, from the primary to the standby's disk."""

    copied_bytes: int
    seconds: float

    @property
    def rate_bytes(self) -> float:
        """Bytes a second."""
        return self.copied_bytes / self.seconds


Said = Note | Answer | Progress | Trial
Tell = Callable[[Said], None]
