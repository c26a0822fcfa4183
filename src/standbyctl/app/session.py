"""A target made reachable: doors, a way to look, a way to plan, a way to do."""

from __future__ import annotations

from collections.abc import Callable

from standbyctl.app.request import Resolved
from standbyctl.domain.conf import passfile_entry
from standbyctl.domain.effects import Effect, TryCopy
from standbyctl.domain.facts import Contents, Facts
from standbyctl.domain.hba import hba_line
from standbyctl.domain.message import Message
from standbyctl.domain.names import condemned_path, marker
from standbyctl.domain.progress import Answer, Note, Said, Tell, Trial
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, Target
from standbyctl.engine.run import Do
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.locks import PATIENCE_SECONDS, Locks, Patience
from standbyctl.nodes.nowhere import NoHost
from standbyctl.nodes.perform import perform
from standbyctl.nodes.ports import Clock, Door, Host
from standbyctl.nodes.world import World
from standbyctl.observe.chain import look_at_chain
from standbyctl.observe.likeness import look_at_order
from standbyctl.observe.look import Seen, look
from standbyctl.observe.question import Question
from standbyctl.observe.restored import look_at_restored
from standbyctl.observe.room import count_in_use, sample_room
from standbyctl.observe.source import look_at_source
from standbyctl.observe.surveying import take_survey
from standbyctl.planner.attach import steps_left
from standbyctl.planner.plan import has
from standbyctl.planner.standby import primary_conninfo, replication_conninfo
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.clone.restored import SetUpRestored

DYING_SECONDS = 5
TRIAL_BYTES = 512 << 20
TRIAL_SECONDS = 5.0
Wrap = Callable[[Do], Do]


@dataclass(slots=True)
class Session:
    """Everything one run needs. `wrap` stands between the engine and the world: tracing, and faults in tests.

    `patience_seconds`: how long it waits while another run changes the primary. `plan_digest`: sha256 of the plan file
    that it follows. `heard`: keeps what an effect says.
    """

    resolved: Resolved
    tell: Tell
    wrap: Wrap = lambda do: do
    sample: Sample = field(default_factory=Sample)
    patience_seconds: float = PATIENCE_SECONDS
    plan_digest: str = ""
    heard: Callable[[Message], None] = lambda _: None
    _clock: Clock = field(default_factory=SystemClock)

    @property
    def target(self) -> Target:
        """What was asked for."""
        return self.resolved.target

    @property
    def host(self) -> Host:
        """The standby's, as the user of its server."""
        return self.resolved.hosts.standby(self.resolved.os_user)

    def look(self) -> Facts:
        """The facts now; the sample is brought up to date with what a look sees anyway."""
        seen = self._look()
        fresh = seen.sample
        self.sample = replace(
            fresh,
            cluster_bytes=self.sample.cluster_bytes,
            wal_senders_in_use=self.sample.wal_senders_in_use,
            slots_in_use=self.sample.slots_in_use,
            most_retained_bytes=self.sample.most_retained_bytes,
            most_retained_slot=self.sample.most_retained_slot,
            wal_segment_bytes=self.sample.wal_segment_bytes,
            reachable=self.resolved.reachable,
            approach=self.resolved.approach,
            survey=self.sample.survey,
            source=self.sample.source,
            restored=self.sample.restored,
            reserved=self.sample.reserved,
            chain=self.sample.chain,
        )
        return seen.facts

    def survey(self, *, rate: bool = False) -> Facts:
        """Look, and take a whole sample. A copy whose run was just killed gets a moment to end.

        `rate`: how fast WAL is written too, which takes a moment.
        """
        deadline = self._clock.monotonic() + DYING_SECONDS
        seen = self._look()
        while any(draft.alive for draft in seen.facts.place(self.target.name).drafts):
            if self._clock.monotonic() > deadline:
                break
            self._clock.sleep(0.2)
            seen = self._look()
        home = seen.facts.server(self.target.primary).setting("data_directory").value
        survey = take_survey(self._doors(), question_for(self.resolved), home, self._clock, rate=rate)
        room = sample_room(self.resolved.server, seen.sample)
        self.sample = replace(room, reachable=self.resolved.reachable, approach=self.resolved.approach, survey=survey)
        if self.resolved.head is not None:
            self.sample = replace(self.sample, chain=look_at_chain(self.resolved.head, self.resolved.server))
        self._see_order(seen.facts)
        return seen.facts

    def count(self) -> None:
        """Bring what is in use on the primary up to date: others have changed it."""
        self.sample = count_in_use(self.resolved.server, self.sample)

    def _see_order(self, facts: Facts) -> None:
        """What a copy would have in another order than its host has: a session to each database, where that may be."""
        survey = self.sample.survey
        likeness = survey.likeness
        if likeness is None or not likeness.differing:
            return
        if has(steps_left(facts, self.sample, self.target), CopyByBasebackup, SetUpRestored):
            server = self.resolved.server
            ordered = look_at_order(server, lambda name: server.at(server.name, dbname=name), self._clock)
            survey = replace(survey, likeness=replace(likeness, ordered=ordered))
            self.sample = replace(self.sample, survey=survey)

    def see_source(self, facts: Facts) -> None:
        """Look at the standby that is to be copied; not where there is nothing left to copy."""
        if self.target.copy_from and has(steps_left(facts, self.sample, self.target), CopyByBasebackup):
            source = self.target.copy_from
            seen = look_at_source(source, self._doors()[source], question_for(self.resolved))
            self.sample = replace(self.sample, source=seen)

    def see_restored(self, facts: Facts) -> None:
        """Look at the copy that was put in place; not where it has been started already."""
        place = facts.place(self.target.name)
        waits = place.contents is Contents.RESTORED or (place.contents is Contents.STANDBY and place.never_started)
        if self.target.from_restored and waits and not place.running:
            seen = look_at_restored(self._doors(), question_for(self.resolved), facts.server(self.target.primary))
            self.sample = replace(self.sample, restored=seen)

    def trial(self) -> Trial:
        """A short copy, measured."""
        told: list[Said] = []
        source = self.target.copy_from or self.target.primary
        effect = TryCopy(self.target.name, source, self.target.data_directory, TRIAL_BYTES, TRIAL_SECONDS)
        world = World(self._doors(), self._clock, told.append)
        self.wrap(lambda each: perform(each, world))(effect)
        return next(each for each in told if isinstance(each, Trial))

    def _look(self) -> Seen:
        return look(self._doors(), question_for(self.resolved))

    def locks(self) -> Locks:
        """What keeps a second run away."""
        resolved, target = self.resolved, self.target
        return Locks(resolved.server, self.host, target.data_directory, target.name, self._patience)

    @property
    def _patience(self) -> Patience:
        return Patience(self._clock, self.tell, self.patience_seconds)

    def do(self, locks: Locks) -> Do:
        """Carry out effects while the locks hold."""
        world, resolved = World(self._doors(), self._clock, self._tell), self.resolved

        def act(effect: Effect) -> None:
            locks.check()
            if resolved.head is not None and effect.node == self.target.head:
                with Locks(resolved.head, patience=self._patience) as there:
                    there.check()
                    perform(effect, world)
            else:
                perform(effect, world)

        return self.wrap(act)

    def _tell(self, said: Said) -> None:
        if isinstance(said, Note | Answer):
            self.heard(said.message)
        if not isinstance(said, Answer):
            self.tell(said)

    def close(self) -> None:
        """End the sessions that were kept."""
        self.resolved.server.close()
        self.resolved.standby.close()
        for more in (self.resolved.source, self.resolved.head):
            if more is not None:
                more.close()
        self.resolved.hosts.close()

    def _doors(self) -> dict[str, Door]:
        resolved = self.resolved
        hosts = resolved.hosts
        host = hosts.standby(resolved.os_user)
        tunnel = self.target.tunnel
        root = hosts.standby("root") if self.target.service.as_root or tunnel.used else None
        login = hosts.primary(tunnel.login) if tunnel.used else None
        doors = {
            self.target.primary: Door(
                hosts.primary(resolved.primary_user), resolved.server, login=login, away=hosts.away
            ),
            self.target.name: Door(host, resolved.standby, root),
        }
        if resolved.source is not None:
            doors.setdefault(self.target.copy_from, Door(host, resolved.source))
        if resolved.head is not None and self.target.head != self.target.name:
            # Its host is asked nothing: what is written there is rows.
            doors[self.target.head] = Door(NoHost(), resolved.head, away=True)
        return doors


def question_for(resolved: Resolved) -> Question:
    """What to look at for a target."""
    target = resolved.target
    return Question(
        primary=target.primary,
        name=target.name,
        data_directory=target.data_directory,
        bin_directory=resolved.bin_directory,
        port=target.port,
        role=target.role,
        slot=target.slot,
        passfile=target.passfile,
        passfile_marker=marker(target.name),
        passfile_entry=passfile_entry("*", 0, target.role),
        replication_conninfo=replication_conninfo(target),
        primary_conninfo=primary_conninfo(target),
        hba_line=hba_line(target.role, target.source_address, marker(target.name), target.auth_method, tls=target.tls),
        condemned=condemned_path(target.data_directory),
        own_role=target.own_role,
        source_address=target.source_address,
        superuser=resolved.superuser,
        hba_by_sql=target.hba is HbaWay.SQL,
        verify_backup=target.verify_backup,
        primary_bin=resolved.primary_bin,
        config_file=target.service.config_file,
        replace_cluster=target.replace_cluster,
        unit=target.service.enabled_by_us,
        tunnel=target.tunnel,
        waldir=target.waldir,
        tablespace_mapping=target.tablespace_mapping,
        from_restored=target.from_restored,
        head=target.head,
        head_superuser=resolved.head_superuser,
        restore_command=resolved.archive,
    )


def silent(_: Said) -> None:
    """For looking, which has nothing to tell."""
