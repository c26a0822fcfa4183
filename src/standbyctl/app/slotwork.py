"""Make and drop slots of a server, and bound the WAL that is kept there."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from standbyctl.app.hosts import Hosts
from standbyctl.app.known import find_server, known_heads
from standbyctl.app.route import Route, find_route
from standbyctl.app.servers import PACKAGED_USER
from standbyctl.app.session import Wrap
from standbyctl.app.state import State
from standbyctl.domain.effects import Effect
from standbyctl.domain.errors import BlockedError, RefusedError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.progress import Tell
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.slots import CAP, Bound, Known, NewSlot, OldSlot, SlotsOf, SlotsSample
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal, Outcome
from standbyctl.engine.run import Run
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.locks import Locks
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Door, Host, Reached
from standbyctl.nodes.world import World
from standbyctl.observe.slots import look_at_slots, sample_room, sample_wal_rate
from standbyctl.planner.keeping import plan_bound
from standbyctl.planner.plan import Plan
from standbyctl.planner.slots import plan_create, plan_drop
from standbyctl.steps.base import Step
from standbyctl.steps.slot import CreateSlot
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot

# Between a slot's being made and our having seen it; two clocks, each by itself, tell how long ago that is.
_SAME_SECONDS = 3
Asked = NewSlot | OldSlot | Bound
_WHO = "SELECT system_identifier::text, pg_is_in_recovery() FROM pg_control_system()"


@dataclass(slots=True)
class Work:
    """A server made reachable, and what is asked of its slots."""

    of: SlotsOf
    asked: Asked
    conninfo: str
    system_identifier: str
    server: Reached
    hosts: Hosts
    host: Host
    journal: Journal
    known: tuple[Known, ...]
    tell: Tell
    wrap: Wrap
    seen: SlotsSample = field(default_factory=SlotsSample)

    def measure(self) -> None:
        """What takes a moment, once: how fast WAL is written, and what is free."""
        if isinstance(self.asked, Bound):
            rate = sample_wal_rate(self.server, SystemClock()) if self.asked.parameter == CAP else None
            free = sample_room(self.server, self.host, self.of.data_directory) if self.of.data_directory else None
            self.seen = replace(self.seen, rate_bytes=rate, free_bytes=free)

    def look(self) -> Facts:
        """The facts now, and a sample of who reads."""
        facts, sample = look_at_slots(self.server, self.of.primary)
        sample = replace(sample, unread=self._unread(sample))
        self.seen = replace(sample, known=self.known, rate_bytes=self.seen.rate_bytes, free_bytes=self.seen.free_bytes)
        return facts

    def _unread(self, sample: SlotsSample) -> tuple[str, ...]:
        """Those that have been idle for as long as they are there: then nobody misses what they keep (17+)."""
        if not isinstance(self.asked, OldSlot) or (slot := sample.slot(self.asked.name)) is None:
            return ()
        made = [*self.journal.times(CreateSlot), *self.journal.times(CreateLogicalSlot)]
        times = [at for step, at in made if isinstance(step, CreateSlot | CreateLogicalSlot) and step.slot == slot.name]
        if not times or slot.active or slot.idle_seconds is None:
            return ()
        age = (datetime.now(UTC) - datetime.fromisoformat(max(times))).total_seconds()
        return (slot.name,) if abs(age - slot.idle_seconds) < _SAME_SECONDS else ()

    def plan(self, facts: Facts) -> Plan:
        """What is left to do, guarded by who reads at this very look."""
        node = self.of.primary
        match self.asked:
            case NewSlot():
                return plan_create(facts, self.seen, node, self.asked)
            case OldSlot():
                return plan_drop(facts, self.seen, node, self.asked)
            case Bound():
                return plan_bound(facts, self.seen, node, self.asked, self.journal.memory())

    @property
    def unfinished(self) -> bool:
        """Whether what was to be given back is, by a run that died before it could say so."""
        back = isinstance(self.asked, Bound) and self.asked.value is None
        return back and self.journal.asked(SlotsOf) is not None

    def follow(self, report: Report, expected: Plan, begin: Callable[[Run], None]) -> Plan:
        """Do what is left to do; where everything was given back, there is nothing left to remember."""
        self.journal.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = LocalHost(pwd.getpwuid(os.geteuid()).pw_name)
        with Locks(self.server, own, str(self.journal.path)) as locks:
            world = World({self.of.primary: Door(self.host, self.server)}, SystemClock(), self.tell)

            def act(effect: Effect) -> None:
                locks.check()
                perform(effect, world)

            run = Run(
                look=self.look, plan=self.plan, do=self.wrap(act), journal=self.journal, report=report, why=self._why
            )
            begin(run)
            first = run.check(expected)
            back = isinstance(self.asked, Bound) and self.asked.value is None
            if first.steps and back:
                self.journal.undo(first.steps, first.notes)
            elif first.steps:
                self.journal.open(self.of, self.conninfo, self.system_identifier, first.steps)
            run.follow(first)
            if first.steps:
                run.finish(lambda: self.journal.ended(Outcome.DONE, run.facts))
            if back:
                run.finish(self.journal.close)
            return first

    def _why(self, step: Step) -> Message | None:
        """A guard that was not met is no error of the statement: it has found no row."""
        if not isinstance(step, DropSlot) or (slot := self.seen.slot(step.slot)) is None:
            return None
        if slot.active:
            return msg("Nothing was dropped: somebody has begun to read it ({who}).", who=slot.reader)
        return msg("Nothing was dropped: it is not, or no longer, as it was when that was planned.")

    def close(self) -> None:
        """End the session that was kept."""
        self.server.close()
        self.hosts.close()


def open_work(conninfo: str, name: str, asked: Asked, state: State, tell: Tell, wrap: Wrap) -> Work:
    """Connect, and find out who that is. Changes nothing. `conninfo`: or a name that is known here."""
    way = find_server(conninfo, name, state)
    try:
        route = find_route(way.server, apart=bool(way.ssh))
        [(system, in_recovery)] = way.server.observe(_WHO)
        if way.system_identifier and way.system_identifier != system:
            raise RefusedError(
                "A257",
                msg("what answers as {node} is another cluster", node=way.name),
                detail=msg("System identifier then: {was}, now: {now}.", was=way.system_identifier, now=system),
                hint=msg("Give the conninfo of the right one with -p."),
            )
        of = _identify(route, way.name, way.ssh)
        named = way.name or _known_name(of, system, state, in_recovery=in_recovery) or route.name
        of = replace(of, primary=named)
        return Work(
            of=of,
            asked=asked,
            conninfo=route.conninfo,
            system_identifier=system,
            server=way.server.renamed(named),
            hosts=way.hosts,
            host=_host(way.hosts, way.ssh, of.data_directory),
            journal=state.slot_journal(_subject(asked), of, system),
            known=_known_standbys(named, system, state),
            tell=tell,
            wrap=wrap,
        )
    except BaseException:
        way.server.close()
        way.hosts.close()
        raise


def check(plan: Plan) -> Plan:
    """The plan, unless it is blocked."""
    if plan.blockers:
        raise BlockedError(plan.blockers)
    return plan


def _subject(asked: Asked) -> str:
    """Each has a journal of its own: what is given back is forgotten, and the rest is not."""
    return "slots" if not isinstance(asked, Bound) else "cap" if asked.parameter == CAP else "keep"


def _identify(route: Route, name: str, ssh: str) -> SlotsOf:
    machine = ssh or (route.host if route.away else socket.gethostname())
    return SlotsOf(name, route.data_directory, f"{machine}:{route.own_port or route.port}")


def _known_name(of: SlotsOf, system: str, state: State, *, in_recovery: bool) -> str:
    """The name that it was given before: as itself; or, where it is no standby, as the primary of its system."""
    for known, _, its_system in state.slot_journals():
        if its_system == system and known.is_of(of):
            return known.primary
    if in_recovery:
        return ""
    return next((name for name, its_system in known_heads(state) if its_system == system), "")


def _known_standbys(node: str, system: str, state: State) -> tuple[Known, ...]:
    """Those that were attached from here and have a slot there: on that very node, where it is one that is known."""
    runs = [run for name in state.names() if (run := state.journal(name).run()) and run[2] == system]
    nodes = {each for target, _, _ in runs for each in (target.primary, target.writer, target.name)}
    return tuple(
        Known(target.name, target.slot)
        for target, _, _ in runs
        if target.slot and (target.primary == node or node not in nodes)
    )


def _host(hosts: Hosts, ssh: str, data_directory: str) -> Host:
    """Who can see the volume of pg_wal: where we are root, whoever owns the data directory."""
    if ssh:
        return hosts.beside(ssh, "").primary(PACKAGED_USER)
    own = os.geteuid()
    try:
        owner = Path(data_directory).stat().st_uid if own == 0 and data_directory else own
        return LocalHost(pwd.getpwuid(owner).pw_name)
    except (OSError, KeyError):
        return LocalHost(pwd.getpwuid(own).pw_name)
