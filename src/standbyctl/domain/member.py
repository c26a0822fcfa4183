"""What a server is in its cluster, as it was observed: what a change of roles is about."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.record import dataclass


class Power(StrEnum):
    """Whether a server runs, and how it was stopped if it does not (the state in its control file)."""

    RUNNING = "running"
    SHUT_DOWN = "shut down"  # cleanly: all of its WAL is where its checkpoint says
    UNKNOWN = "unknown"  # its host does not answer
    ENDED = "ended"  # killed, or a standby that was stopped


@dataclass(frozen=True, slots=True)
class Member:
    """A server and its data directory. None is not known: it runs, and does not answer.

    `sealed`: its standby.signal is there; it cannot start as a primary. `follows`: its configuration has it stream
    from this node, by the conninfo and slot that are ours. `upstream`: whom it was seen to stream from, agreed on by
    both ends. `slots`: its physical slots. `fenced`: it takes no writes, and cannot start as a primary.
    """

    data_directory: str
    system_identifier: str
    power: Power
    in_recovery: bool | None = None
    timeline: int = 0
    sealed: bool = False
    follows: str = ""
    upstream: str = ""
    slots: tuple[str, ...] = ()
    fenced: bool = False

    @property
    def unsettled(self) -> bool:
        """Whether it runs, and does not answer: it may be on its way up or down."""
        return self.power is Power.RUNNING and self.in_recovery is None

    @property
    def writes(self) -> bool:
        """Whether it takes writes now."""
        return self.power is Power.RUNNING and self.in_recovery is False
