"""Everything that a verification saw, as its rules take it."""

from __future__ import annotations

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.replication import (
    Collations,
    IndexesView,
    LagView,
    PassfileView,
    ServerView,
    Upstream,
)


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends, by name, and what is expected of them.

    None in `application_name` and `slot`: not known here. `system_identifier`: that of the attach, where there was one.
    `primary_port`: where it was reached. `head`: the primary of both, where `primary` is a standby; empty otherwise.
    """

    primary: str
    standby: str
    application_name: str | None
    slot: str | None
    system_identifier: str = ""
    primary_port: int = 0
    head: str = ""

    @property
    def writer(self) -> str:
        """Where commits are made."""
        return self.head or self.primary


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked commit: where it ends, and how long until it was replayed (None: not while we waited)."""

    lsn: str
    waited_seconds: float
    replayed_ms: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """The test database: `rows` that the standby has shown as the primary wrote them."""

    rows: int
    waited_seconds: float
    seen_ms: float | None


@dataclass(frozen=True, slots=True)
class Sight:
    """None: could not be looked at, for the reason in `why` (by the name of the field), or was not asked for."""

    ends: Ends
    primary: ServerView | None
    standby: ServerView | None
    upstream: Upstream | None
    passfile: PassfileView | None
    primary_collations: Collations | None
    collations: Collations | None
    pending: dict[str, str]
    lag: LagView | None
    max_lag_seconds: float
    why: dict[str, Message]
    asked: frozenset[str] = frozenset()
    mark: Mark | None = None
    trial: Trial | None = None
    indexes: IndexesView | None = None
    leftovers: tuple[str, ...] = ()
    primary_pending: dict[str, str] = field(default_factory=dict)
    head: ServerView | None = None
