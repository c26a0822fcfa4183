"""A cluster whose primary may be gone, made reachable."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from standbyctl.app.candidates import any_of, begun_failover, who_has_most
from standbyctl.app.config import Config
from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.known import Ran, known_heads, runs_of
from standbyctl.app.roles import Asked, Opening, Reachable, others_of
from standbyctl.app.route import Route
from standbyctl.app.seats import (
    major_of,
    seat_again,
    seat_of_standby,
    seat_unasked,
    server_of_primary,
    where_it_was,
)
from standbyctl.app.state import State
from standbyctl.domain.errors import (
    BlockedError,
    CannotTellError,
    RefusedError,
    UsageError,
)
from standbyctl.domain.handover import NO_HOOKS
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.roles import RoleChange, Seat
from standbyctl.domain.target import Target
from standbyctl.nodes.connection import ONCE_SECONDS
from standbyctl.nodes.ports import Reached
from standbyctl.planner.blockers.failover import silent_standby

# A host that is there says so sooner, be it that nobody listens.
SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Lost:
    """What the operator typed. `to`: who is to be the primary; empty for the one that has most.

    `without`: standbys that are gone, too.
    """

    to: str
    fence: tuple[str, ...] = ()
    fenced: bool = False
    max_loss_bytes: int | None = None
    without: tuple[str, ...] = ()


@dataclass(slots=True)
class _Opening(Opening):
    """With a primary that may be gone: everybody is looked for at the same time, and that one is tried once."""

    fenced: bool = False
    seated: tuple[Future[Seat], ...] = ()
    # Neither server nor host has answered, and both were asked, at the same time.
    silent: frozenset[str] = frozenset()

    def open(self, config: Config, state: State) -> Reachable:
        gone = where_it_was(self.run, state, config)
        self.hosts.doubtful.add(gone.ssh)
        if self.begun is not None:
            return Opening.open(self, config, state)
        major = major_of(state.journal(self.asked.to))
        runs = (self.run, *self.siblings.values(), *self.below.values())
        with ThreadPoolExecutor(len(runs) + 1) as pool:
            # Before the first server is asked: to be able to takes us a while, and hosts need nothing of us meanwhile.
            self.seated = (
                pool.submit(lambda: gone if self.fenced else seat_again(gone, self.run[0], major, self.hosts)),
                *(pool.submit(_seat, run, self.asked.to, self.hosts) for run in runs),
            )
            return Opening.open(self, config, state)

    def find_seats(self, config: Config) -> Iterator[Seat]:
        self.servers[self.old] = self.servers[self.old].at(self.old, connect_timeout=str(ONCE_SECONDS))
        # Both servers are asked now, so that nobody waits for an answer later.
        with ThreadPoolExecutor(2) as pool:
            waits, _ = pool.map(_greet, (self.servers[name] for name in (self.old, self.asked.to)))
        if waits and self.seated[0].result().away:
            self.silent = frozenset({self.old})
        return (each.result() for each in self.seated)

    def targets(self, route: Route) -> tuple[Target, ...]:
        """Those that are there: the old primary is seen to later."""
        if self.begun is not None:
            return self.begun.followers
        return tuple(self.target_of(self.seats[name], run[0], route) for name, run in self.siblings.items())

    def head_superuser(self) -> bool:
        """Nothing is asked of it, or made there."""
        return True


def _seat(run: Ran, to: str, hosts: Hosts) -> Seat:
    name = run[0].name
    try:
        return seat_of_standby(run, hosts)
    except CannotTellError as error:
        if name == to:
            raise
        raise BlockedError((silent_standby(name, to, error.detail or error.what),)) from error


def _greet(server: Reached) -> bool:
    """Whether it keeps us waiting, and does not answer. Who refuses at once can be asked again at once."""
    begun = time.monotonic()
    with suppress(CannotTellError):
        server.greeting()
        return False
    return time.monotonic() - begun > SLOW_SECONDS


def open_failover(asked: Lost, config: Config, state: State) -> Reachable | None:
    """Find everybody; None where `to` is the primary already. Changes nothing."""
    runs = {name: run for name, run in runs_of(state).items() if not run[0].head}
    begun = begun_failover(runs, asked.to, state)
    to = begun.new if begun else asked.to or any_of({name: runs[name] for name in runs if name not in asked.without})
    if to not in runs:
        lost = [found[0] for journal in state.formers() if (found := journal.asked(RoleChange))]
        if to in {*(name for name, _ in known_heads(state)), *(change.new for change in lost)}:
            _check_it_is_there(to, runs)
            return None
        known = ", ".join(runs) or msg("none")
        raise UsageError(
            "C110",
            msg("nothing is known here of a standby {name}", name=to),
            detail=msg("Standbys of a primary, attached from here: {known}.", known=known),
            hint=msg("Name one of these with --to."),
        )
    if asked.to and to != asked.to:
        raise RefusedError(
            "R431",
            msg("another change of roles was begun, and not ended: to {name}", name=to),
            hint=msg("End it first: standbyctl failover --to {name}", name=to),
        )
    reached = _open(asked, to, begun, config, state)
    best = to if begun or asked.to or len(runs) == 1 else who_has_most(reached)
    return reached if best == to else _open(asked, best, None, config, state)


def _check_it_is_there(primary: str, runs: Mapping[str, Ran]) -> None:
    """UsageError where the primary that was named for one to be promoted is the one that is gone."""
    run = next((run for run in runs.values() if run[0].primary == primary), None)
    if run is None:
        return
    server = server_of_primary(run, Hosts(command=ssh_command(os.environ))).at(
        primary, connect_timeout=str(ONCE_SECONDS)
    )
    try:
        server.observe("SELECT 1", timeout_seconds=ONCE_SECONDS)
    except CannotTellError as error:
        known = ", ".join(name for name, each in runs.items() if each[0].primary == primary)
        raise UsageError(
            "C110",
            msg("{name} is the primary, and does not answer", name=primary),
            detail=error.detail or error.what,
            hint=msg("Name the standby that is to take its place: --to {known}", known=known),
        ) from error
    finally:
        server.close()


def _open(asked: Lost, to: str, begun: RoleChange | None, config: Config, state: State) -> Reachable:
    runs = runs_of(state)
    siblings, below = others_of(runs, runs[to], begun)
    known = {*siblings, *below, *(seat.name for seat in (begun.left_out if begun else ()))}
    if strange := ", ".join(name for name in asked.without if name not in known):
        raise UsageError(
            "C110",
            msg(
                "--without is for another standby than {to}, and of the same primary: not {names}", to=to, names=strange
            ),
            detail=msg("Those are: {known}.", known=", ".join(sorted(known)) or msg("none")),
        )
    if begun is not None:
        begun = begun.without(asked.without)
        left_out = begun.left_out
        siblings, below = others_of(runs, runs[to], begun)
    else:
        left_out = tuple(seat_unasked(siblings[name]) for name in asked.without if name in siblings)
        siblings, below = _without(asked.without, siblings, below)
    opening = _Opening(Asked(to, NO_HOOKS), runs[to], siblings, below, begun, fenced=asked.fenced)
    try:
        reached = opening.open(config, state)
    except BaseException:
        for server in opening.servers.values():
            server.close()
        opening.hosts.close()
        raise
    change = replace(reached.change, unplanned=True, fence=asked.fence, fenced=asked.fenced, left_out=left_out)
    return replace(reached, change=change, silent=opening.silent)


def _without(
    names: Collection[str], siblings: Mapping[str, Ran], below: Mapping[str, Ran]
) -> tuple[dict[str, Ran], dict[str, Ran]]:
    """Those that are not left out, and do not stream from one that is."""
    gone = {*names}
    for name, run in below.items():
        gone |= {name} if run[0].primary in gone else set()
    return {name: run for name, run in siblings.items() if name not in gone}, {
        name: run for name, run in below.items() if name not in gone
    }
