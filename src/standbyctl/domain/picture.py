"""A cluster at one moment, as every surface shows it: nodes, slots, what a loss of the primary would cost."""

from __future__ import annotations

from collections.abc import Mapping

from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.samples import NodeSample, Silence, SlotSample

STAGES = ("sent", "write", "flush", "replay")


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind. `at_least`: it may be more; `at_most`: it may be less, down to `least` seconds."""

    seconds: float
    behind_bytes: int
    at_least: bool = False
    at_most: bool = False
    least: float = 0.0

    @property
    def surely(self) -> float:
        """What it is at least."""
        return self.least if self.at_most else self.seconds


@dataclass(frozen=True, slots=True)
class Expected:
    """A standby that should be there: it was attached from here. `upstream`: what it streams from, by name."""

    name: str
    slot: str = ""
    upstream: str = ""
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes a second that WAL is written with, as measured over some seconds.

    `spread`: by how much one block of `block_seconds` differs from another (one standard deviation); None where there
    were too few.
    """

    bytes_per_second: float
    over_seconds: float
    spread: float | None = None
    block_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Full:
    """When something is used up: seconds, and between which it probably is (19 times in 20); None: maybe never.

    `over_seconds`: for how long the rate was measured that it is from.
    """

    seconds: float
    soonest: float | None = None
    latest: float | None = None
    over_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NodeView:
    """One server. None is unknown. `behind`: bytes by stage. `silent`: it could not be asked, and why.

    `upstream`: the node that was seen to send to it. `slot`: that it streams by, or should; None for none.
    """

    name: str
    role: str | None
    state: str | None
    timeline: int | None = None
    lag: Lag | None = None
    behind: Mapping[str, int] = field(default_factory=dict)
    upstream: str | None = None
    slot: str | None = None
    expected: bool = False
    depth: int = 0
    client: str | None = None
    sync_state: str | None = None
    sample: NodeSample | None = None
    silent: Silence | None = None
    rate: Rate | None = None

    @property
    def silence(self) -> Message | None:
        """Why it could not be asked."""
        return self.silent.reason if self.silent else None

    @property
    def refused(self) -> bool:
        """Whether it answers, and lets us not in, or not look."""
        return self.silent is not None and self.silent.refused

    @property
    def streaming(self) -> bool:
        """Whether somebody was seen to send to it."""
        return self.upstream is not None and self.state in {"streaming", "replay paused"}


@dataclass(frozen=True, slots=True)
class SlotView:
    """A slot, and who uses it. `needed_by`: the standby that should use it. `lost_in`: until its cap invalidates it;
    `full_in`: until the volume is full; `left_bytes`: what that still has room for. `idle_seconds`: since when nobody
    uses it, where that is known.
    """

    node: str
    sample: SlotSample
    used_by: str | None = None
    needed_by: str | None = None
    left_bytes: int | None = None
    capped: bool | None = None
    lost_in: Full | None = None
    full_in: Full | None = None
    idle_seconds: float | None = None
    idle_at_least: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """If the primary were lost now: which standby has most of its WAL, and what it has not got."""

    primary: str
    standby: str
    lag: Lag


@dataclass(frozen=True, slots=True)
class Picture:
    """One cluster. `head`: its primary, as it was asked for or remembered. `primaries`: every node that takes writes.
    `strangers`: nodes that are of another cluster.
    """

    system_identifier: str
    head: str
    nodes: tuple[NodeView, ...]
    slots: tuple[SlotView, ...]
    primaries: tuple[str, ...]
    loss: Loss | None = None
    strangers: tuple[tuple[str, str], ...] = ()

    def node(self, name: str) -> NodeView | None:
        """By its name."""
        return next((node for node in self.nodes if node.name == name), None)
