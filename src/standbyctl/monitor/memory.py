"""What a watch knows from before: how each server, slot and finding was seen last. Few bytes, that seldom change."""

from __future__ import annotations

import json

from standbyctl.domain.codec import decode
from standbyctl.domain.finding import Severity
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, replace

# After so long unseen nobody can say any more that a slot was idle all the while.
HOLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Boot:
    """Which start of the host, and how many seconds after it: nobody sets those."""

    id: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class Moment:
    """`wall`: seconds since 1970, by a clock that may be set back. `steady`: seconds that never are, also over the end
    of one watch and the start of the next: ages are differences of these. `boot`: None where it is not known.
    """

    wall: float
    steady: float
    boot: Boot | None = None

    def age(self, now_wall: float, boot: Boot | None) -> float:
        """How long ago it was, never less than nothing: while the host has stayed up, by a clock that nobody sets."""
        if self.boot is not None and boot is not None and self.boot.id == boot.id and boot.elapsed >= self.boot.elapsed:
            return boot.elapsed - self.boot.elapsed
        return max(now_wall - self.wall, 0.0)


@dataclass(frozen=True, slots=True)
class SeenNode:
    """`silent_since` and every other moment here: steady seconds. `connected`: by whom it is sent to; None is unknown,
    empty is nobody. `refused`: it is silent because it lets us not in, or not look.
    """

    name: str
    role: str | None = None
    timeline: int | None = None
    started_at: str | None = None
    connected: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    silent_since: float | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class SeenSlot:
    """`since`: when it was seen first to be as active as it is."""

    node: str
    name: str
    active: bool
    wal_status: str | None
    since: float


@dataclass(frozen=True, slots=True)
class Held:
    """A finding that holds. `quiet_since`: it was not found any more, and may yet come back."""

    code: str
    subject: str
    severity: Severity
    what: Message
    since: float
    quiet_since: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it."""

    nodes: tuple[SeenNode, ...] = ()
    slots: tuple[SeenSlot, ...] = ()
    held: tuple[Held, ...] = ()

    def node(self, name: str) -> SeenNode | None:
        """By its name."""
        return next((node for node in self.nodes if node.name == name), None)

    def after_hole(self, began: float, ended: float) -> Memory:
        """Nobody has looked meanwhile."""
        if ended - began < HOLE_SECONDS:
            return self
        return replace(self, slots=tuple(replace(slot, since=ended) for slot in self.slots))


def read_memory(written: str) -> Memory | None:
    """From JSON; None where another release has written what this one does not know."""
    try:
        memory: Memory = decode(Memory, json.loads(written))
    except (ValueError, TypeError, KeyError):
        return None
    return memory
