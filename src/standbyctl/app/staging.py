"""Stage what the next restart of a primary is to bring, and take that back."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable
from pathlib import Path

from standbyctl.app.request import connection_params
from standbyctl.app.session import Wrap
from standbyctl.app.state import State
from standbyctl.domain.effects import Effect, TryStart
from standbyctl.domain.errors import BlockedError, RefusedError, TakenBackError, UsageError
from standbyctl.domain.facts import Facts
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import name_from_address
from standbyctl.domain.progress import Tell
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import Staging, Trial
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.locks import Locks
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Door
from standbyctl.nodes.world import World
from standbyctl.observe.staging import find_trial, look_at_next_start
from standbyctl.planner.plan import Plan
from standbyctl.planner.stage import Earlier, owed, plan_stage, plan_unstage, waiting
from standbyctl.steps.staging import StageSettings

_WHO = """
SELECT (SELECT system_identifier::text FROM pg_control_system()), host(inet_client_addr()),
       host(inet_server_addr()), current_setting('port')::int, current_setting('data_directory')
"""
_LOOPBACK = {"127.0.0.1", "::1"}


@dataclass(slots=True)
class Stage:
    """A primary made reachable. Its files may be anywhere: it need not be on this machine."""

    asked: Staging
    conninfo: str
    system_identifier: str
    server: LibpqServer
    host: LocalHost
    journal: Journal
    tell: Tell
    wrap: Wrap
    attached: Callable[[], tuple[str, ...]]
    trial: Trial = field(default_factory=Trial)
    first: Sample | None = None
    latest: Sample = field(default_factory=Sample)

    def look(self) -> Facts:
        """The facts now, and a sample of what is in use as they are looked at."""
        facts, self.latest = look_at_next_start(self.server, self.asked.primary)
        if self.first is None:
            self.first = self.latest
        return facts

    def plan(self, facts: Facts) -> Plan:
        """What is left to stage: proposed by what was in use at first, so that the plan that was seen stands still."""
        earlier = Earlier(self.journal.memory(), self.journal.unproven())
        plan = plan_stage(facts, self.first or self.latest, self.asked, self.trial, earlier)
        if self.trial.bin_directory or not plan.steps or not self.asked.listen_addresses:
            return plan
        return replace(plan, notes=(*plan.notes, _unheard(self.asked)))

    def plan_back(self, facts: Facts) -> Plan:
        """What is left to take back: guarded by what is in use at this very look."""
        return plan_unstage(facts, self.latest, self.asked.primary, self.journal.memory(), self.attached())

    def stage(self, report: Report, expected: Plan, begin: Callable[[Run], None]) -> Plan:
        """Write what is left to write; try what a run that died has written."""
        with self._locks() as locks:
            do, run = self._run(locks, self.plan, report)
            begin(run)
            first = run.check(expected)
            if first.steps:
                self.journal.open(self.asked, self.conninfo, self.system_identifier)
            run.follow(first)
            if not first.steps and (untried := self.untried(run.facts)):
                run.finish(lambda: do(untried))
                run.finish(self.journal.proven)
            return first

    def unstage(self, report: Report, expected: Plan, begin: Callable[[Run], None]) -> Plan:
        """Take back what still is as it was staged; then there is nothing left to remember."""
        with self._locks() as locks:
            do, run = self._run(locks, self.plan_back, report)
            begin(run)
            first = run.check(expected)
            run.follow(first)
            run.finish(lambda: self._try_without(do, run.facts))
            run.finish(self.journal.close)
            return first

    def _try_without(self, do: Callable[[Effect], None], facts: Facts) -> None:
        """Files may have changed since: what is beneath is tried as what was staged had been."""
        given = tuple(step for step in self.journal.given_back() if isinstance(step, StageSettings))
        if not (given and (settings := owed(facts, given))):
            return
        try:
            do(TryStart(self.asked.primary, settings, self.trial, unstaged=True))
        except TakenBackError:
            self.journal.put_back()
            raise

    def untried(self, facts: Facts) -> TryStart | None:
        """The trial that a run which died still owes."""
        memory = self.journal.memory()
        if not (memory and self.journal.unproven() and isinstance(step := memory[-1].step, StageSettings)):
            return None
        left = waiting(facts, step)
        return TryStart(self.asked.primary, left, self.trial) if left else None

    def close(self) -> None:
        """End the session that was kept."""
        self.server.close()

    def _locks(self) -> Locks:
        self.journal.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Locks(self.server, LocalHost(pwd.getpwuid(os.geteuid()).pw_name), str(self.journal.path))

    def _run(self, locks: Locks, plan: Callable[[Facts], Plan], report: Report) -> tuple[Callable[[Effect], None], Run]:
        world = World({self.asked.primary: Door(self.host, self.server)}, SystemClock(), self.tell)

        def act(effect: Effect) -> None:
            locks.check()
            perform(effect, world)

        do = self.wrap(act)
        return do, Run(look=self.look, plan=plan, do=do, journal=self.journal, report=report)


def open_stage(conninfo: str, asked: Staging, state: State, tell: Tell, wrap: Wrap) -> Stage:
    """Connect, and find out who that is and where a start can be tried. Changes nothing."""
    server = LibpqServer(asked.primary or "the primary", connection_params(conninfo))
    with server.connect() as conn:
        reached, port, host = server.reached(conn), conn.info.port, conn.info.hostaddr
    [(system, source, own_address, own_port, data)] = server.observe(_WHO)
    local = not source or host in _LOOPBACK or source == own_address
    machine = socket.gethostname() if local else host
    name = asked.primary or _known(system, state)
    port = port if source else own_port
    if not name:
        name = name_from_address(machine, port)
    named = LibpqServer(name, connection_params(conninfo))
    server.close()
    host_door = LocalHost(_os_user(data))
    stage = Stage(
        asked=replace(asked, primary=name, data_directory=data, address=f"{machine}:{port}"),
        conninfo=reached,
        system_identifier=system,
        server=named,
        host=host_door,
        journal=state.staging(name, system),
        attached=lambda: state.attached_to(system),
        tell=tell,
        wrap=wrap,
    )
    _check_server(stage)
    stage.trial = find_trial(named, host_door)
    return stage


def _check_server(stage: Stage) -> None:
    """A clone, or a standby that was promoted, has the system identifier of the one that was staged."""
    if (known := stage.journal.asked(Staging)) is None or known[0].is_of(stage.asked):
        return
    then, now = known[0], stage.asked
    stage.close()
    raise RefusedError(
        "A257",
        msg("{node} is not the server that was staged, but has its system identifier", node=now.primary),
        detail=msg(
            "Then: {was} at {there}, now: {now} at {here}. What was staged there is neither taken back nor forgotten.",
            was=then.data_directory,
            there=then.address,
            now=now.data_directory,
            here=now.address,
        ),
        hint=msg(
            "Give the one that was staged with -p: {conninfo}. Where it has moved: ALTER SYSTEM RESET there what was"
            " staged, then move {path} away.",
            conninfo=known[1],
            path=stage.journal.path,
        ),
    )


def find_staged(conninfo: str, name: str, state: State, tell: Tell, wrap: Wrap) -> Stage:
    """The primary that something was staged for from here: the one that is given, or the only one."""
    runs = [run for journal in state.stagings() if (run := journal.asked(Staging))]
    if conninfo in {run[0].primary for run in runs}:
        conninfo, name = "", conninfo
    named = [run for run in runs if name in {"", run[0].primary}]
    if conninfo and not (name and named):
        return open_stage(conninfo, Staging(name), state, tell, wrap)
    if len(named) != 1:
        raise UsageError(
            "C113",
            msg("which primary?") if named else msg("nothing was staged from here"),
            detail=msg("Staged from here: {names}.", names="; ".join(f"{r[0].primary} ({r[1]})" for r in runs))
            if runs
            else msg("State: {path}", path=state.root),
            hint=msg("Give one with -p, by its name or conninfo."),
        )
    asked, remembered, system = named[0]
    stage = open_stage(conninfo or remembered, Staging(asked.primary), state, tell, wrap)
    if stage.system_identifier != system:
        stage.close()
        raise RefusedError(
            "A257",
            msg("{node} is not the cluster that was staged", node=asked.primary),
            detail=msg("System identifier then: {was}, now: {now}.", was=system, now=stage.system_identifier),
            hint=msg("Give the conninfo of the right one with -p."),
        )
    return stage


def check(plan: Plan) -> Plan:
    """The plan, unless it is blocked."""
    if plan.blockers:
        raise BlockedError(plan.blockers)
    return plan


def _unheard(asked: Staging) -> Message:
    return msg(
        "whether {node} can listen on {addresses} was not looked at: where none of them is an address of its host, it"
        " does not start",
        node=asked.primary,
        addresses=asked.listen_addresses,
    )


def _known(system: str, state: State) -> str:
    """The name by which this cluster was staged, or attached to, from here before."""
    for journal in state.stagings():
        if (staged := journal.asked(Staging)) and staged[2] == system:
            return staged[0].primary
    runs = (state.journal(name).run() for name in state.names())
    return next((run[0].primary for run in runs if run and run[2] == system), "")


def _os_user(data_directory: str) -> str:
    """Whom a start is tried as: us, or where we are root, whoever owns the data directory."""
    own = os.geteuid()
    try:
        owner = Path(data_directory).stat().st_uid if own == 0 else own
        return pwd.getpwuid(owner).pw_name
    except (OSError, KeyError):
        return pwd.getpwuid(own).pw_name
