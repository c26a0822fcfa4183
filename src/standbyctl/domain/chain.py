"""The standby that another standby streams from, where the primary is to be spared that."""

from __future__ import annotations

from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class ChainSeen:
    """How the upstream was seen to follow its primary.

    `sender`: whom it streams from, empty for nobody. `paused`: it receives and does not replay. `full_pages`: the
    primary writes them, which a copy of a standby needs.
    """

    sender: str = ""
    paused: bool = False
    full_pages: bool = True
