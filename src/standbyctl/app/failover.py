"""An unplanned change of roles, carried out."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from standbyctl.app.awake import awake
from standbyctl.app.switchover import Planned, Switching
from standbyctl.domain.effects import Effect, Fence
from standbyctl.domain.errors import (
    BlockedError,
    CannotTellError,
    StandbyctlError,
    StoppedError,
)
from standbyctl.domain.facts import Facts
from standbyctl.domain.member import Power
from standbyctl.domain.message import msg
from standbyctl.domain.progress import Note
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.switching import LastSeen
from standbyctl.engine.events import Report
from standbyctl.engine.journal import Outcome
from standbyctl.engine.run import Run
from standbyctl.nodes.locks import Locks
from standbyctl.observe.divergence import look_at_divergence
from standbyctl.observe.members import look_at_members
from standbyctl.planner.failover import plan_followers, plan_takeover
from standbyctl.planner.plan import Plan
from standbyctl.steps.base import predict

# How long what is lost is looked for; resync takes the time that it needs.
LOOK_SECONDS = 20.0


@dataclass(slots=True)
class FailingOver(Switching):
    """The same as a planned change, with the old primary out of it."""

    max_loss_bytes: int | None = None
    fenced: bool = False
    silent: set[str] = field(default_factory=set)

    def plan(self, *, at_once: bool = False) -> Planned:
        """What is left to do. `at_once`: what comes after the promotion is planned after it: every second counts."""
        facts = self._look()
        self.sample = replace(self.sample, last_seen=self._last_seen())
        takeover = self._plan_takeover(facts)
        second = () if facts.member(self.reached.change.new).writes else tuple(awake(self.reached, self.state))
        if blockers := (*second, *takeover.blockers):
            raise BlockedError(blockers)
        if at_once and takeover.steps:
            return Planned((), Plan(), takeover)
        return self._plan_rest(facts, takeover)

    def _plan_rest(self, facts: Facts, takeover: Plan) -> Planned:
        self._sessions = tuple(self._to_get_ready(facts))
        surveyed = [(session, session.survey()) for session in self._sessions]
        ready = tuple(self._plan_ready(session, seen) for session, seen in surveyed)
        if blockers := tuple(dict.fromkeys(each for plan in ready for each in plan.blockers)):
            raise BlockedError(blockers)
        return Planned(
            ready, plan_followers(predict(takeover.steps, facts), self.sample, self.reached.change), takeover, facts
        )

    def _plan_takeover(self, facts: Facts) -> Plan:
        return plan_takeover(facts, self.sample, self.reached.change, self.max_loss_bytes)

    def _look(self) -> Facts:
        """Who was silent at first is not waited for again: what counts by then is what its standbys hear."""
        seen, change = self.sample.last_seen, self.reached.change
        facts, sample = look_at_members(self.reached.doors, change, frozenset(self.silent))
        self.sample = replace(sample, last_seen=seen)
        if facts.member(change.old).power is Power.UNKNOWN:
            self.silent.add(change.old)
        if self.fenced or change.fenced:
            facts = facts.with_member(change.old, fenced=True)
        return facts

    def _last_seen(self) -> LastSeen | None:
        """How far the old primary's WAL went, as a watch remembers it."""
        if not (self.state.root / "history").is_dir():
            return None
        from standbyctl.monitor.files import history_path
        from standbyctl.monitor.recall import last_lsn

        try:
            found = last_lsn(history_path(self.state.root, self.reached.system_identifier), self.reached.change.old)
        except CannotTellError:
            return None
        return LastSeen(found[0], max(time.time() - found[1], 0.0)) if found else None

    def follow(self, report: Report, planned: Planned, begin: Callable[[Run], None]) -> None:
        """Promote first: every second counts; then get everybody ready, and have them follow."""
        reached, change = self.reached, self.reached.change
        new = change.seat(change.new)
        if planned.switch.steps or not planned.first.steps:
            # Somebody has read that, and who was silent then may not be by now.
            self.silent.clear()
        with ExitStack() as held:
            locks = held.enter_context(
                Locks(reached.servers[1], reached.doors[new.name].host, new.data_directory, new.name)
            )
            if planned.first.steps:
                # Whoever promotes another one of them at the same time has that, and wants this.
                others = {target.name for target in change.followers}
                for server in reached.servers:
                    if server.name in others:
                        held.enter_context(Locks(server))
            total = len(planned.whole.steps)
            done = self._part(locks, report, begin, planned.first, self._plan_takeover, 0, total)
            if planned.first.steps and not planned.switch.steps:
                planned = self._plan_on(planned)
                total = len(planned.whole.steps)
            done = self._get_ready(locks, report, begin, planned, done, total)
            self._part(
                locks,
                report,
                begin,
                planned.switch,
                lambda facts: plan_followers(facts, self.sample, change),
                done,
                total,
                last=True,
            )
        self._say_what_is_lost()

    def _say_what_is_lost(self) -> None:
        """Which commits only the old primary has, where its files can be read."""
        change, doors = self.reached.change, self.reached.doors
        old = change.seat(change.old)
        if old.away or change.old in self.silent or not old.bin_directory:
            return
        server, host = self.reached.doors[change.new].server, doors[change.old].host
        found = look_at_divergence(server, host, old.data_directory, old.bin_directory, LOOK_SECONDS, rewinds=False)
        if found is None or not found.known or not found.fork:
            return
        if not found.commits:
            said = msg("nothing is lost: {old} has no commit that {new} has not", old=change.old, new=change.new)
        elif len(found.commits) == 1:
            said = msg(
                "lost: 1 commit that {old} has and {new} has not, of {first} UTC. standbyctl resync {old} -n shows it",
                old=change.old,
                new=change.new,
                first=found.commits[0].at,
            )
        else:
            said = msg(
                "lost: {n} commits that {old} has and {new} has not, from {first} to {last} UTC."
                " standbyctl resync {old} -n lists them",
                n=len(found.commits),
                old=change.old,
                new=change.new,
                first=found.commits[0].at,
                last=found.commits[-1].at,
            )
        self.tell(Note(said))

    def _plan_on(self, planned: Planned) -> Planned:
        """What was left for later. By now somebody was promoted: whatever stands in the way leaves us part-way."""
        try:
            rest = self._plan_rest(self._look(), Plan())
        except BlockedError as error:
            first = error.blockers[0]
            raise StoppedError(first.code, first.what, detail=first.detail, hint=first.hint) from error
        return replace(rest, first=planned.first)

    def _part(  # noqa: PLR0913 it is one run of several
        self,
        locks: Locks,
        report: Report,
        begin: Callable[[Run], None],
        expected: Plan,
        make: Callable[[Facts], Plan],
        done: int,
        total: int,
        *,
        last: bool = False,
    ) -> int:
        reached = self.reached
        do = self.wrap(self._acting(locks, []))
        run = Run(look=self._look, plan=make, do=do, journal=reached.journal, report=report)
        first = self._begin(run, begin, expected, done, total)
        if first.steps:
            reached.journal.open(reached.change, reached.conninfo, reached.system_identifier, first.steps)
        try:
            run.follow(first)
        except StandbyctlError:
            self._end_what_was_taken_back()
            raise
        if last:
            run.finish(lambda: self._remember(run.facts))
        elif first.steps:
            self._note_done(run)
        return done + len(first.steps)

    def _acting(self, locks: Locks, there: list[Locks]) -> Callable[[Effect], None]:
        act = Switching._acting(self, locks, there)

        def acting(effect: Effect) -> None:
            act(effect)
            # What a program has said of a host that does not answer is known to this run alone.
            self.fenced = self.fenced or isinstance(effect, Fence)

        return acting

    def _remember(self, facts: Facts) -> None:
        """The old primary is nobody's standby yet, nor is who was left out: what is known of them is kept for when they
        come back.
        """
        reached, change = self.reached, self.reached.change
        for seat in (change.seat(change.old), *change.left_out):
            former = self.state.former_journal(seat.name, reached.system_identifier)
            seats = (seat, *(each for each in change.seats if each.name != seat.name))
            former.open(replace(change, old=seat.name, seats=seats), reached.conninfo, reached.system_identifier)
            former.ended(Outcome.DONE, facts)
        for seat in change.left_out:
            self.state.journal(seat.name).close()
        Switching._remember(self, facts)
