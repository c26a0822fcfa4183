"""Something that has happened in a cluster, or to whoever watches it."""

from __future__ import annotations

from standbyctl.domain.finding import Severity
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass

ROLE, TIMELINE, CONNECTION, NODE, SLOT, SETTING, RESTART, FINDING, WATCH = (
    "role", "timeline", "connection", "node", "slot", "setting", "restart", "finding", "watch",
)  # fmt: skip
KINDS = (ROLE, TIMELINE, CONNECTION, NODE, SLOT, SETTING, RESTART, FINDING, WATCH)


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: seconds since 1970, by the clock of whoever watched. `subject`: "node:db2", "slot:db2", "cluster", "watch".

    `severity`: none where it is no worse for it. `code`: for `explain`, where there is one.
    """

    at: float
    kind: str
    subject: str
    what: Message
    severity: Severity | None = None
    code: str = ""
