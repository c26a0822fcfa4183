"""Who replicates from whom, now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from standbyctl.app.cluster import Cluster
from standbyctl.app.state import State, now
from standbyctl.diagnosis.health import diagnose_health
from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.finding import Finding, Limits, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Picture
from standbyctl.domain.samples import Answer, NodeSample
from standbyctl.domain.staging import StagedSetting, Staging
from standbyctl.monitor.rounds import Rounds
from standbyctl.monitor.track import Track
from standbyctl.nodes.ports import Clock
from standbyctl.observe.staging import look_at_next_start, read_running
from standbyctl.steps.staging import StageSettings

# Together below three seconds, also where one server hangs.
FIRST_SECONDS, BETWEEN_SECONDS, SECOND_SECONDS = 1.3, 0.3, 0.3


@dataclass(frozen=True, slots=True)
class Status:
    """One table: nodes and slots, and what is wrong with them. None is unknown.

    `staged` waits for a restart of the primary; `in_force` has come with one: name, value, since when.
    """

    at: str
    picture: Picture
    findings: tuple[Finding, ...] = ()
    primary: str = ""
    staged: tuple[StagedSetting, ...] = ()
    in_force: tuple[tuple[str, str, str], ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether every standby that was attached from here streams, and nothing is critical."""
        expected = (node for node in self.picture.nodes if node.expected)
        return all(node.state == "streaming" for node in expected) and not any(
            finding.severity is Severity.CRITICAL for finding in self.findings
        )


def status(cluster: Cluster, state: State, clock: Clock, limits: Limits) -> Status:
    """Ask every server of it twice, a moment apart: of WAL that is written meanwhile, what has come over is seen."""
    rounds = Rounds(cluster.samplers, clock.monotonic)
    try:
        track = Track(cluster.system_identifier, cluster.head, cluster.expected)
        first = rounds.ask(FIRST_SECONDS)
        answering = {each.name for each in first if isinstance(each, NodeSample)}
        _check(cluster, first)
        clock.sleep(BETWEEN_SECONDS)
        second = {each.name: each for each in rounds.ask(SECOND_SECONDS, answering)}
        track.take(first)
        track.take([second.get(each.name, each) for each in first])
        picture = track.picture(clock.monotonic())
        staged, in_force = _staged(cluster, track.head, picture, state)
    finally:
        rounds.close()
    return Status(now(), picture, diagnose_health(picture, limits), track.head, staged, in_force)


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
