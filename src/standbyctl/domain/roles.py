"""Who is to be the primary, and what becomes of everybody else."""

from __future__ import annotations

from collections.abc import Collection

from standbyctl.domain.handover import NO_HOOKS, Hooks
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.domain.target import Target


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a server lives and how it is reached. `ssh`: its host, empty for this machine. No secret is in it.

    `away`: its host cannot be reached, nor is anybody asked there.
    """

    name: str
    data_directory: str
    bin_directory: str
    port: int
    os_user: str
    conninfo: str
    ssh: str = ""
    service: Service = PG_CTL
    away: bool = False


@dataclass(frozen=True, slots=True)
class Cascade:
    """A standby of a standby: it stays where it is, and has to come along to the new timeline."""

    name: str
    upstream: str
    slot: str


# What an operator may accept by name (--despite), each said by the refusal that names it.
LOGICAL, PREPARED, UNLOGGED = "logical-slots", "prepared-transactions", "unlogged-tables"
SYNCHRONOUS, UNKNOWN, ARCHIVER = "synchronous-standby-names", "unknown-standbys", "archive-backlog"
ACCEPTED = (LOGICAL, PREPARED, UNLOGGED, SYNCHRONOUS, UNKNOWN, ARCHIVER)


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A planned change of roles: `old` is the primary until then, `new` from then on.

    `followers`: what each standby of the new primary is to be, the old primary first; each as an attach would have it.
    `conninfos`: of each in the same order, its primary_conninfo.
    `was`: what the new primary was as a standby. `cascades`: in the order in which they come along.
    `left_slots`: slots on the old primary that nobody streams from then.
    `unplanned`: the old primary is gone; nobody makes it a standby yet, and it is none of the followers. `fence`: a
    program that keeps it away; `fenced`: the operator has seen to that. `left_out`: other standbys that are gone, too:
    nobody asks them, and they have to be made standbys of the new primary later.
    `despite`: what the operator accepts, by name. `max_wait_seconds`: how long the stop may take.
    """

    old: str
    new: str
    seats: tuple[Seat, ...]
    followers: tuple[Target, ...]
    conninfos: tuple[str, ...]
    left_slots: tuple[str, ...] = ()
    cascades: tuple[Cascade, ...] = ()
    was: Target | None = None
    hooks: Hooks = field(default=NO_HOOKS)
    despite: tuple[str, ...] = ()
    max_wait_seconds: int = 60
    unplanned: bool = False
    fence: tuple[str, ...] = ()
    fenced: bool = False
    left_out: tuple[Seat, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody that it is about."""
        return tuple(seat.name for seat in self.seats)

    def seat(self, name: str) -> Seat:
        """Where that node lives; KeyError for a node that has none."""
        for seat in self.seats:
            if seat.name == name:
                return seat
        raise KeyError(name)

    def without(self, names: Collection[str]) -> RoleChange:
        """The same, with these standbys left out, and whoever streams from them."""
        below = {*names}
        for each in self.cascades:
            below |= {each.name} if each.upstream in below else set()
        kept = [(target, said) for target, said in zip(self.followers, self.conninfos, strict=True)
                if target.name not in names]  # fmt: skip
        return replace(
            self,
            seats=tuple(seat for seat in self.seats if seat.name not in below),
            followers=tuple(target for target, _ in kept),
            conninfos=tuple(said for _, said in kept),
            cascades=tuple(each for each in self.cascades if each.name not in below),
            left_out=(*self.left_out, *(self.seat(target.name) for target in self.followers if target.name in names)),
        )

    def conninfo(self, name: str) -> str:
        """The primary_conninfo of that standby; KeyError for any other node."""
        return dict(zip((target.name for target in self.followers), self.conninfos, strict=True))[name]

    def follower(self, name: str) -> Target:
        """What that standby is to be; KeyError for any other node."""
        for target in self.followers:
            if target.name == name:
                return target
        raise KeyError(name)
