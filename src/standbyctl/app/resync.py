"""Make a standby of a node again: one that has fallen behind, or a primary that was lost and came back."""

from __future__ import annotations

import os
from collections.abc import Callable

from standbyctl.app.attach import check_system
from standbyctl.app.conninfo import connection_params
from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.known import runs_of
from standbyctl.app.request import Resolved, reach
from standbyctl.app.roles import as_standby
from standbyctl.app.route import find_route
from standbyctl.app.seats import seat_again
from standbyctl.app.servers import primary_server, standby_server
from standbyctl.app.session import Session, Wrap, question_for
from standbyctl.app.speaking import speaking
from standbyctl.app.state import State
from standbyctl.domain.divergence import Archive, Divergence, Returning, Rung, Way
from standbyctl.domain.errors import CannotTellError, RefusedError, UsageError
from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Tell
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.roles import RoleChange
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.observe.archive import FILE_SECONDS, look_at_archive
from standbyctl.observe.divergence import look_at_divergence
from standbyctl.planner.plan import Plan, Remembered
from standbyctl.planner.resync import plan_resync
from standbyctl.steps.slot import CreateSlot


@dataclass(frozen=True, slots=True)
class Wanted:
    """How somebody wants a node back. `way`: not the cheapest. `restore_command`: how WAL comes out of an archive."""

    way: Way | None = None
    restore_command: str = ""


@dataclass(slots=True)
class Resync:
    """A node made reachable. `former`: what is known of it as a primary that was lost; None for a standby.

    `found`: what it holds that its primary has not; `archive`: what an archive has for it; as far as anybody could
    look. `ladder`: every way, once there is a plan.
    """

    session: Session
    system_identifier: str
    journal: Journal
    former: Journal | None
    wanted: Wanted = Wanted()
    found: Divergence | None = None
    archive: Archive | None = None
    ladder: tuple[Rung, ...] = ()

    def plan(self) -> Plan:
        """What is left to do. Changes nothing."""
        facts = self.session.survey()
        check_system(self.journal, facts, self.session.target)
        place = self._see_files(facts)
        if place.contents is Contents.STANDBY and not place.covered and not place.upstream:
            facts = self._see_archive(facts)
        return self._plan(facts)

    def _see_files(self, facts: Facts) -> Place:
        """What its files hold that its primary has not."""
        place = facts.place(self.session.target.name)
        if place.contents not in {Contents.ABSENT, Contents.EMPTY} and not place.upstream:
            server, host = self.session.resolved.server, self.session.host
            self.found = look_at_divergence(server, host, place.data_directory, place.bin_directory)
        return place

    def _see_archive(self, facts: Facts) -> Facts:
        """Ask the archive for what the primary has no more; where it has it, so the standby is to be set up."""
        session = self.session
        resolved, target = session.resolved, session.target
        command = self.wanted.restore_command or target.restore_command
        with speaking(session.tell, self._asking):
            self.archive = look_at_archive(resolved.server, session.host, question_for(resolved), command)
        if self.archive is None or not self.archive.opens:
            return facts
        found = self.archive.command
        session.resolved = replace(resolved, target=replace(target, restore_command=found), archive=found)
        return session.look()

    def _asking(self, seconds: int) -> Message:
        name = self.session.target.name
        return msg(
            "the archive of {name} is asked for WAL for {n} s by now; a file may take {limit} s",
            name=name,
            n=seconds,
            limit=FILE_SECONDS,
        )

    def _plan(self, facts: Facts) -> Plan:
        change = self.former.last(RoleChange) if self.former else None
        left_slots = change.left_slots if change else ()
        returning = Returning(self.former is not None, self.found, self.wanted.way, self.archive, left_slots)
        memory = self.journal.memory()
        if self.former is not None:
            # The failover has made it.
            target = self.session.target
            slot = CreateSlot(target.primary, target.name, target.slot)
            memory = (*memory, Remembered(slot, facts, inherited=True))
        plan, self.ladder = plan_resync(facts, self.session.sample, self.session.target, memory, returning)
        return plan

    def follow(self, report: Report, expected: Plan, begin: Callable[[Run], None]) -> None:
        """Do it. The same again goes on with it."""
        session, target = self.session, self.session.target
        with session.locks() as locks:
            run = Run(look=session.look, plan=self._plan, do=session.do(locks), journal=self.journal, report=report)
            begin(run)
            # Since a person was asked it may have been started, and have committed more.
            self._see_files(session.look())
            first = run.check(expected)
            # What somebody has done by hand is remembered, too: it is a standby from now on.
            kept = bool(first.steps) or self.former is not None
            if kept:
                self.journal.open(target, session.resolved.conninfo, self.system_identifier, first.steps, verb="resync")
                session.heard = self.journal.heard
            run.follow(first)
            if kept:
                run.finish(lambda: self.journal.ended(Outcome.DONE, run.facts))
            if self.former is not None:
                run.finish(self.former.close)


def open_resync(name: str, wanted: Wanted, state: State, tell: Tell, wrap: Wrap) -> Resync:
    """Find it, and its primary. Changes nothing."""
    for former in state.formers():
        found = former.asked(RoleChange)
        if found is not None and found[0].old == name:
            resolved = _former(*found[:2])
            journal = state.journal(name)
            return Resync(Session(resolved, tell, wrap), found[2], journal, former, wanted)
    for roles in state.role_journals():
        begun = roles.asked(RoleChange)
        if begun is not None and begun[0].old == name:
            verb = "failover" if begun[0].unplanned else "switchover"
            raise RefusedError(
                "R431",
                msg("another change of roles was begun, and not ended: to {name}", name=begun[0].new),
                detail=msg("Until then nobody knows whose standby {name} is to be.", name=name),
                hint=msg("End it first: {command}", command=f"standbyctl {verb} --to {begun[0].new}"),
            )
    runs = runs_of(state)
    if name not in runs:
        raise UsageError(
            "C110",
            msg("nothing is known here of {name}", name=name),
            detail=msg("Attached from here: {known}.", known=", ".join(runs) or msg("none")),
            hint=msg("Name one of these, or a primary that a failover from here has replaced."),
        )
    target, conninfo, system = runs[name]
    return Resync(Session(reach(target, conninfo), tell, wrap), system, state.journal(name), None, wanted)


def _former(change: RoleChange, conninfo: str) -> Resolved:
    """A primary that was lost, as a standby of the one that has taken its place."""
    assert change.was is not None
    hosts, new = Hosts(command=ssh_command(os.environ)), change.seat(change.new)
    server = primary_server(new.name, connection_params(conninfo), hosts.beside(new.ssh, ""))
    route = find_route(server, apart=bool(new.ssh))
    seat = seat_again(change.seat(change.old), change.was, route.major, hosts)
    if seat.away:
        raise CannotTellError(
            "A202",
            msg("the host of {node} does not answer", node=seat.name),
            hint=msg("Bring the host back, with the server off; then run this again."),
        )
    target, there = as_standby(seat, None, change.was, new, route, hosts)
    pair = hosts.beside(new.ssh, seat.ssh)
    return Resolved(
        target=target,
        conninfo=conninfo if pair.apart else route.conninfo,
        server=server.renamed(new.name),
        standby=standby_server(target, server, pair),
        hosts=pair,
        os_user=seat.os_user,
        primary_user=new.os_user,
        bin_directory=seat.bin_directory,
        primary_bin=new.bin_directory,
        reachable=there.reachable,
        superuser=route.superuser,
    )
