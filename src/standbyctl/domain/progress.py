"""What a deed says while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from standbyctl.domain.message import Message


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line of its own."""

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


Tell = Callable[[Note | Progress], None]
