"""The standby that a copy is taken from, where the primary is to be spared."""

from __future__ import annotations

from standbyctl.domain.facts import Server
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.survey import Survey


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """As it was seen before a copy. `server`: its own words; its timeline is the one that it receives or replays.

    `sender`: whom it streams from, empty for nobody. `address`: this machine as the source sees it, empty where it was
    asked by a Unix socket. `backlog_bytes`: received and not replayed. `survey`: those of its settings that no step is
    about, and what waits for its restart. Its host was looked at where it is this very one: `real` is its data
    directory then.
    """

    server: Server
    sender: str = ""
    senders_in_use: int = 0
    slots_in_use: int = 0
    address: str = ""
    backlog_bytes: int | None = None
    paused: bool = False
    survey: Survey = field(default_factory=Survey)
    real: str = ""
    unreadable: tuple[str, ...] = ()
    libraries_missing: tuple[str, ...] = ()

    @property
    def free_senders(self) -> int:
        """Walsenders that a copy could have."""
        return int(self.server.setting("max_wal_senders").value) - self.senders_in_use

    @property
    def free_slots(self) -> int:
        """Slots that a copy could make for itself."""
        return int(self.server.setting("max_replication_slots").value) - self.slots_in_use
