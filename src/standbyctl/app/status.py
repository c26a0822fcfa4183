"""Who replicates from whom, now."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from standbyctl.app.cluster import Cluster
from standbyctl.app.state import State, now
from standbyctl.diagnosis.health import diagnose_health
from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.finding import Finding, Limits, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Picture
from standbyctl.domain.record import dataclass, field, replace
from standbyctl.domain.samples import Answer, NodeSample
from standbyctl.domain.staging import StagedSetting, Staging
from standbyctl.monitor.rounds import Rounds
from standbyctl.monitor.track import Track
from standbyctl.nodes.ports import Clock
from standbyctl.observe.procedure import QUESTIONS, Replies, ask
from standbyctl.observe.staging import look_at_next_start, read_running
from standbyctl.steps.staging import StageSettings

if TYPE_CHECKING:
    from standbyctl.monitor.recall import Recall

PARTS, SQL_SECONDS, HOUR_SECONDS = 48, 3.0, 3600.0
# A watch is at work where its newest round is not older; what it remembers is read anew after so long.
AT_WORK_SECONDS, RECALL_SECONDS = 5.0, 10.0
# Who has answered early is asked again while the others have the rest of two seconds.
EARLY_SECONDS, BETWEEN_SECONDS, LATE_SECONDS = 0.4, 0.3, 1.1


@dataclass(frozen=True, slots=True)
class Status:
    """One table: nodes and slots, and what is wrong with them. None is unknown.

    `lately`: of each node in equal parts, the oldest first, over so many seconds: the most lag of a standby in seconds,
    the most WAL of a primary in bytes a second.
    `since`: how many seconds a finding holds already, by code and subject; `lag_p99`: in seconds, of 30 days, by node.
    Both only where a watch remembers.
    `staged` waits for a restart of the primary; `in_force` has come with one: name, value, since when.
    """

    at: str
    picture: Picture
    findings: tuple[Finding, ...] = ()
    primary: str = ""
    staged: tuple[StagedSetting, ...] = ()
    in_force: tuple[tuple[str, str, str], ...] = ()
    lately: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    lately_seconds: float = 0.0
    since: Mapping[tuple[str, str], float] = field(default_factory=dict)
    lag_p99: Mapping[str, float] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether every standby that was attached from here streams, and nothing is critical."""
        expected = (node for node in self.picture.nodes if node.expected)
        return all(node.state == "streaming" for node in expected) and not any(
            finding.severity is Severity.CRITICAL for finding in self.findings
        )


@dataclass(slots=True)
class Lately:
    """What was seen of each node since this began to look: so many looks at most."""

    _values: dict[str, deque[float | None]] = field(default_factory=dict)
    _at: deque[float] = field(default_factory=lambda: deque(maxlen=PARTS))

    @property
    def seconds(self) -> float:
        """From the first of them to the last."""
        return self._at[-1] - self._at[0] if self._at else 0.0

    def take(self, picture: Picture, at: float) -> None:
        """One more look."""
        self._at.append(at)
        for node in picture.nodes:
            rate, lag = node.rate, node.lag
            value = (
                (rate.bytes_per_second if rate else None) if node.role == "primary" else (lag.seconds if lag else None)
            )
            self._values.setdefault(node.name, deque(maxlen=PARTS)).append(value)

    def parts(self) -> dict[str, tuple[float | None, ...]]:
        """By node, the oldest first; of one look alone there is nothing to be seen."""
        return {name: tuple(values) for name, values in self._values.items()} if len(self._at) > 1 else {}


class Looking:
    """A cluster that is looked at, again and again if need be; ends its connections where it is left."""

    def __init__(self, cluster: Cluster, state: State, clock: Clock, limits: Limits) -> None:
        self._cluster, self._state, self._clock, self._limits = cluster, state, clock, limits
        self._rounds = Rounds(cluster.samplers, clock.monotonic)
        self._track = Track(cluster.system_identifier, cluster.head, cluster.expected)
        self._lately = Lately()
        self._trouble: tuple[Finding, ...] = ()
        self._remembered = self._recall(seed=True)
        self._recalled_at = clock.monotonic()

    def __enter__(self) -> Looking:
        return self

    def __exit__(self, *_: object) -> None:
        self._rounds.close()

    def twice(self) -> Status:
        """Every server twice, a moment apart: of WAL that is written meanwhile, what has come over is seen.

        Raises where it is another cluster, or nobody answers.
        """
        early = self._rounds.ask_steadily(EARLY_SECONDS)
        self._clock.sleep(BETWEEN_SECONDS)
        late = self._rounds.ask_steadily(LATE_SECONDS, patient=True)
        _check(self._cluster, late)
        self._track.take([each for each in early if isinstance(each, NodeSample)])
        self._track.take(late)
        return self._status()

    def again(self) -> Status:
        """Every server once more."""
        self._track.take(self._rounds.ask_steadily(LATE_SECONDS, patient=True))
        return self._status()

    def by_sql(self, seen: Status) -> tuple[Replies, ...]:
        """What the procedure has people ask, of every server that has just answered."""
        doors = {sampler.name: sampler.server for sampler in self._cluster.samplers}
        return tuple(
            ask(doors[node.name], node.name, question, SQL_SECONDS)
            for node in seen.picture.nodes
            for question in QUESTIONS
            if node.sample is not None and node.role == question.of
        )

    def _recall(self, *, seed: bool = False) -> Recall | None:
        """What a watch remembers, if one is at work. Without one, or where it cannot be read, two looks must do."""
        directory = self._state.root / "history"
        if not directory.is_dir():
            return None  # and nobody needs SQLite
        from standbyctl.monitor.boot import this_boot
        from standbyctl.monitor.files import history_path
        from standbyctl.monitor.recall import recall, remember

        try:
            path = history_path(self._state.root, self._cluster.system_identifier)
            found = recall(path, time.time(), this_boot(), parts=PARTS)
        except CannotTellError as error:
            self._trouble = (Finding(error.code, Severity.WARNING, "history", error.what, error.detail),)
            return None
        self._trouble = ()
        if found is None or found.age_seconds > AT_WORK_SECONDS + 2 * found.interval_seconds:
            return None
        if seed:
            remember(self._track, found, self._clock.monotonic())
        return found

    def _status(self) -> Status:
        at = self._clock.monotonic()
        if at - self._recalled_at > RECALL_SECONDS:
            self._remembered, self._recalled_at = self._recall(), at
        known, picture = self._remembered, self._track.picture(at)
        if known is not None:
            picture = _with_idle(picture, known)
        head = self._track.head
        staged, in_force = _staged(self._cluster, head, picture, self._state)
        self._lately.take(picture, at)
        past, seconds = self._lately.parts(), self._lately.seconds
        if known is not None:
            past = {
                node.name: (known.rate if node.role == "primary" else known.lag).get(node.name, ())
                for node in picture.nodes
            }
            seconds = HOUR_SECONDS
        findings = (*diagnose_health(picture, self._limits), *self._trouble)
        seen = Status(now(), picture, findings, head, staged, in_force, past, seconds)
        return replace(seen, since=known.holding, lag_p99=known.lag_p99) if known else seen


def _with_idle(picture: Picture, known: Recall) -> Picture:
    """Below 17 a slot does not say since when nobody reads it: a watch has seen it."""
    slots = (
        replace(slot, idle_seconds=known.inactive.get((slot.node, slot.sample.name)), idle_at_least=True)
        if slot.idle_seconds is None and not slot.sample.active
        else slot
        for slot in picture.slots
    )
    return replace(picture, slots=tuple(slots))


def status(cluster: Cluster, state: State, clock: Clock, limits: Limits) -> Status:
    """One look."""
    with Looking(cluster, state, clock, limits) as looking:
        return looking.twice()


def _check(cluster: Cluster, answers: Sequence[Answer]) -> None:
    """Nothing is said of a cluster that is another one; where nobody answers there is nothing to be said."""
    head = next(each for each in answers if each.name == cluster.head)
    if isinstance(head, NodeSample):
        if head.system_identifier != cluster.system_identifier:
            raise RefusedError(
                "A257",
                msg("what answers as {node} is another cluster", node=cluster.head),
                detail=msg(
                    "System identifier at the attach: {was}, now: {now}.",
                    was=cluster.system_identifier,
                    now=head.system_identifier,
                ),
                hint=msg("Give the conninfo of the right one with -p."),
            )
    elif not any(isinstance(each, NodeSample) for each in answers):
        raise CannotTellError(head.code, head.what, detail=head.reason, hint=head.hint)


def _staged(
    cluster: Cluster, name: str, picture: Picture, state: State
) -> tuple[tuple[StagedSetting, ...], tuple[tuple[str, str, str], ...]]:
    """What was staged from here, and still stands as it was: what waits, and what is in force."""
    node, server = picture.node(name), cluster.server
    stagings = ((journal, journal.asked(Staging)) for journal in state.stagings())
    journals = [journal for journal, run in stagings if run and run[2] == cluster.system_identifier]
    if not journals or node is None or node.sample is None:
        return (), ()
    found = [entry.step for journal in journals for entry in journal.memory() if isinstance(entry.step, StageSettings)]
    running, started_at = read_running(server)
    try:
        facts, _ = look_at_next_start(server, name)
        standing = [each for step in found for each in replace(step, primary=name).standing(facts)]
    except CannotTellError:  # no right to read the files: what was written, then, whether or not it still stands
        standing = [each for step in found for each in step.settings]
    last = {each.name: replace(each, running=running[each.name]) for each in standing}
    return (
        tuple(each for each in last.values() if each.running != each.value),
        tuple((each.name, each.value, started_at) for each in last.values() if each.running == each.value),
    )
