"""What there is to say of one code."""

from __future__ import annotations

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One code, the same wherever it is met: in a refusal, in a report, in an error of a run.

    Of each message in `do`, the first line is prose and the others are what to type, as it stands.
    """

    code: str
    title: Message
    means: Message
    why: Message
    do: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Codes that speak of one thing."""

    title: Message
    entries: tuple[Entry, ...]
