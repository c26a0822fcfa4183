"""Something that a person should know of a running cluster."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass

LAG, SLOTS, STANDBY, WAL, PRIMARIES = "lag", "slots", "standby", "wal", "primaries"
FAMILIES = (LAG, SLOTS, STANDBY, WAL, PRIMARIES)
# What leaves every one of them without an answer.
EVERY = "all"


class Severity(StrEnum):
    """How bad it is. The words are the same in every language."""

    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"  # could not be found out: not the same as bad


@dataclass(frozen=True, slots=True)
class Finding:
    """A stable code, how bad, what it is about ("node:db2", "slot:old_dr"), what was seen, what follows from it.

    `of`: the family that it belongs to, or every one.
    """

    code: str
    severity: Severity
    subject: str
    what: Message
    then: Message | None = None
    of: str = ""


def finding(
    code: str, severity: Severity, subject: str, what: Message, then: Message | None = None, *, of: str
) -> Finding:
    """A finding of one family."""
    return Finding(code, severity, subject, what, then, of)


def above(value: float, warning: float, critical: float) -> Severity | None:
    """Which of two limits a value has reached."""
    return Severity.CRITICAL if value >= critical else Severity.WARNING if value >= warning else None


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is a finding. Seconds, bytes, transactions; shares of a cap."""

    lag_warning: float = 5.0
    lag_critical: float = 60.0
    full_warning: float = 7 * 86400.0
    full_critical: float = 4 * 86400.0
    held_warning_bytes: int = 1 << 30
    cap_left_warning: float = 0.2
    xmin_warning: int = 10_000_000
    xmin_critical: int = 150_000_000
