"""One line of a report: what was looked at, what was seen there, and what that means."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass


class Status(StrEnum):
    """What a check says. The words are the same in every language."""

    OK = "OK"
    FIX = "FIX"  # missing, and the plan brings it
    WARN = "WARN"
    BLOCK = "BLOCK"  # missing, and the plan cannot bring it
    FAIL = "FAIL"  # looked at something that should be so, and it is not
    UNKNOWN = "UNKNOWN"  # could not be found out: not the same as bad


@dataclass(frozen=True, slots=True)
class Check:
    """A stable code, the node it is about, what was seen; `remedy`: what lifts it, in a word or two."""

    code: str
    node: str
    title: Message
    status: Status
    seen: Message
    remedy: Message | None = None
