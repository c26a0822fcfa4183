"""A change of roles made reachable: who is who, where they live, and what each is to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from standbyctl.app.begun import begun_switchover, or_failover
from standbyctl.app.config import Config
from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.known import Ran, heads_of, runs_of
from standbyctl.app.naming import check_names
from standbyctl.app.request import Resolved
from standbyctl.app.route import Route, find_route
from standbyctl.app.seats import seat_of_primary, seat_of_standby, server_of_primary, server_of_standby
from standbyctl.app.spot import distant_spot
from standbyctl.app.state import State
from standbyctl.app.ways import ways_to
from standbyctl.domain.errors import CannotTellError, NotLetInError, RefusedError, UsageError
from standbyctl.domain.handover import Hooks
from standbyctl.domain.message import msg
from standbyctl.domain.names import default_role, passfile_path
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.roles import Cascade, RoleChange, Seat
from standbyctl.domain.target import Target
from standbyctl.engine.journal import Journal
from standbyctl.nodes.ports import Door, Doors, Reached
from standbyctl.planner.standby import primary_conninfo


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator typed. `to`: who is to be the primary."""

    to: str
    hooks: Hooks
    despite: tuple[str, ...] = ()
    max_wait_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Reachable:
    """A change, and the way to everybody concerned. `resolved`: each follower as an attach would have it.

    `conninfo`: how the new primary is reached. `journal`: of the change itself. `silent`: whose server and
    host have both not answered, just now.
    """

    change: RoleChange
    system_identifier: str
    conninfo: str
    doors: Doors
    servers: tuple[Reached, ...]
    resolved: tuple[Resolved, ...]
    hosts: Hosts
    journal: Journal
    silent: frozenset[str] = frozenset()

    def close(self) -> None:
        """End every session and connection."""
        for server in self.servers:
            server.close()
        self.hosts.close()


def open_roles(asked: Asked, config: Config, state: State) -> Reachable | None:
    """Find everybody; None where `to` is the primary already. Changes nothing."""
    runs = runs_of(state)
    begun = begun_switchover(asked.to, runs, state)
    if begun is None and asked.to not in runs:
        heads = heads_of(runs, state)
        if any(name == asked.to for name, _, _ in heads):
            return None
        raise UsageError(
            "C110",
            msg("nothing is known here of a standby {name}", name=asked.to),
            detail=msg("Attached from here: {known}.", known=", ".join(runs) or msg("none")),
            hint=msg("Name one of these with --to. One that was not attached from here: attach it first."),
        )
    run = runs[asked.to]
    if run[0].head:
        raise RefusedError(
            "R426",
            msg("{name} is a standby of a standby", name=asked.to),
            detail=msg("It streams from {upstream}, not from {head}.", upstream=run[0].primary, head=run[0].head),
            hint=msg("Make {upstream} the primary first; then this one.", upstream=run[0].primary),
        )
    opening = Opening(asked, run, *others_of(runs, run, begun), begun)
    try:
        return opening.open(config, state)
    except BaseException:
        for server in opening.servers.values():
            server.close()
        opening.hosts.close()
        raise


def others_of(runs: Mapping[str, Ran], run: Ran, begun: RoleChange | None) -> tuple[dict[str, Ran], dict[str, Ran]]:
    """The other standbys of that primary, and the standbys of standbys, each after what it streams from.

    Where an earlier run knew them, those alone: they may follow another by now.
    """
    old, system = run[0].primary, run[2]
    if begun is not None:
        below = {each.name for each in begun.cascades}
        known = set(begun.names) - {begun.old, begun.new}
        found = {name: each for name, each in runs.items() if name in known}
        return {name: each for name, each in found.items() if name not in below}, {
            name: each for name, each in found.items() if name in below
        }
    same = {name: each for name, each in runs.items() if each[2] == system and name != run[0].name}
    siblings = {name: each for name, each in same.items() if each[0].primary == old}
    rest = {name: each for name, each in same.items() if each[0].head == old}
    ordered: dict[str, Ran] = {}
    while found := {name: each for name, each in rest.items() if each[0].primary not in rest}:
        ordered |= found
        rest = {name: each for name, each in rest.items() if name not in found}
    return siblings, ordered


def as_standby(
    seat: Seat, was: Target | None, like: Target, new: Seat, route: Route, hosts: Hosts
) -> tuple[Target, Route]:
    """What a node is to be, a standby of the new primary, and how it gets there.

    `was`: what it is now; `like`: another of that cluster; `route`: to the new primary from here.
    """
    if was is not None and was.tunnel.used:
        raise RefusedError(
            "R427",
            msg("{name} streams through a tunnel", name=seat.name),
            detail=msg("It would need another one, to {node}: not yet.", node=new.name),
            hint=msg(
                "Detach it first (standbyctl detach {name}), and attach it to {node} afterwards.",
                name=seat.name,
                node=new.name,
            ),
        )
    there = hosts.beside(new.ssh, seat.ssh)
    if there.apart:
        ways = ways_to({}, there, route, "", None)
        _, route = distant_spot(there, route, seat.data_directory, "", ways)
    settled = was or like
    target = was or Target(
        primary=new.name,
        name=seat.name,
        data_directory=seat.data_directory,
        port=seat.port,
        primary_host="",
        primary_port=0,
        source_address="",
        role=default_role(seat.name),
        passfile=passfile_path(seat.data_directory),
        slot=seat.name,
        auth_method=like.auth_method,
        sslmode=like.sslmode,
        sslrootcert=like.sslrootcert,
        service=seat.service,
    )
    check_names(target.name, target.slot, new.name, target.role)
    as_it_is = replace(
        target,
        primary=new.name,
        primary_host=(route.name_there if settled.sslmode == "verify-full" else "") or route.host,
        primary_port=route.port,
        source_address=route.source,
        own_address=route.own_address,
        primary_ssh=new.ssh,
        standby_ssh=seat.ssh,
        away=False,
        copy_from="",
        copy_host="",
        copy_port=0,
        copy_conninfo="",
    )
    return as_it_is, route


@dataclass(slots=True)
class Opening:
    """`run`: of the standby that is to be the primary; `reached`: who reaches it. `servers`: whom we have reached."""

    asked: Asked
    run: Ran
    siblings: dict[str, Ran]
    below: dict[str, Ran]
    begun: RoleChange | None
    hosts: Hosts = field(default_factory=lambda: Hosts(command=ssh_command(os.environ)))
    servers: dict[str, Reached] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    reached: dict[str, bool] = field(default_factory=dict)

    @property
    def old(self) -> str:
        """The primary of now, or of before an earlier run."""
        return self.run[0].primary

    def open(self, config: Config, state: State) -> Reachable:
        new, system = self.asked.to, self.run[2]
        primary = self.servers[self.old] = server_of_primary(self.run, self.hosts)
        for name, run in {new: self.run, **self.siblings, **self.below}.items():
            self.servers[name] = server_of_standby(run, primary, self.hosts)
        self.seats = {seat.name: seat for seat in (self.begun.seats if self.begun else self.find_seats(config))}
        route = find_route(self.servers[new], apart=self.apart)
        targets = self.targets(route)
        change = RoleChange(
            old=self.old,
            new=new,
            seats=tuple(self.seats.values()),
            followers=targets,
            conninfos=tuple(map(primary_conninfo, targets)),
            left_slots=tuple(sorted({run[0].slot for run in (self.run, *self.siblings.values())} - {""})),
            was=self.run[0],
            cascades=tuple(Cascade(run[0].name, run[0].primary, run[0].slot) for run in self.below.values()),
            hooks=self.asked.hooks,
            despite=self.asked.despite,
            max_wait_seconds=self.asked.max_wait_seconds,
        )
        return Reachable(
            change=change,
            system_identifier=system,
            conninfo=self.seats[new].conninfo if self.apart else route.conninfo,
            doors={name: self.door(seat) for name, seat in self.seats.items()},
            servers=tuple(self.servers.values()),
            resolved=tuple(self.resolved(target, route) for target in targets),
            hosts=self.hosts,
            journal=state.role_journal(self.old, system),
        )

    def find_seats(self, config: Config) -> Iterator[Seat]:
        try:
            yield seat_of_primary(self.run, self.hosts, config, self.servers[self.old])
        except NotLetInError:
            raise
        except CannotTellError as error:
            raise or_failover(error, self.old, self.asked.to) from error
        yield seat_of_standby(self.run, self.hosts)
        for run in (*self.siblings.values(), *self.below.values()):
            yield seat_of_standby(run, self.hosts)

    @property
    def apart(self) -> bool:
        return any(seat.ssh or seat.away for seat in self.seats.values())

    def door(self, seat: Seat) -> Door:
        there = self.hosts.beside("", seat.ssh)
        root = there.standby("root") if seat.service.as_root else None
        return Door(there.standby(seat.os_user), self.servers[seat.name], root, away=seat.away)

    def targets(self, route: Route) -> tuple[Target, ...]:
        """What each is to be, the old primary first."""
        if self.begun is not None:
            return self.begun.followers
        others = ((self.seats[name], run[0]) for name, run in self.siblings.items())
        return tuple(self.target_of(seat, was, route) for seat, was in ((self.seats[self.old], None), *others))

    def target_of(self, seat: Seat, was: Target | None, route: Route) -> Target:
        """A standby of the new primary, as an attach to it would make it."""
        target, there = as_standby(seat, was, self.run[0], self.seats[self.asked.to], route, self.hosts)
        self.reached[seat.name] = there.reachable
        return target

    def head_superuser(self) -> bool:
        """Whether we are one on the primary of now; of one that is down nothing is asked."""
        try:
            return self.servers[self.old].greeting().superuser
        except CannotTellError:
            return True

    def resolved(self, target: Target, route: Route) -> Resolved:
        """As an attach would have it, to a standby of the primary of now: its role is made there."""
        seat, old, new = self.seats[target.name], self.seats[self.old], self.seats[self.asked.to]
        head, superuser = self.servers[self.old], self.head_superuser()
        return Resolved(
            target=replace(target, head=old.name, head_ssh=old.ssh, head_conninfo=self.run[1]),
            conninfo=route.conninfo,
            server=self.servers[new.name],
            standby=self.servers[target.name],
            hosts=self.hosts.beside(new.ssh, seat.ssh),
            os_user=seat.os_user,
            primary_user=new.os_user,
            bin_directory=seat.bin_directory,
            primary_bin=new.bin_directory,
            # What an earlier run has begun was reached then.
            reachable=self.reached.get(target.name, True),
            superuser=route.superuser,
            head=head,
            head_superuser=superuser,
        )
