"""From what servers said at one moment to the picture of their cluster: who streams from whom, how far, how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from standbyctl.diagnosis.lag import LsnClock
from standbyctl.diagnosis.retention import view_slots
from standbyctl.domain.picture import STAGES, Expected, Lag, Loss, NodeView, Picture, Rate
from standbyctl.domain.samples import Answer, NodeSample, SenderSample, Silence

# What an earlier sample of the primary says is not said of now.
STALE_SECONDS = 5.0
# How a standby that does not answer, and that nobody sends to, is called.
UNREACHABLE, UNFINISHED, AWAY = "unreachable", "attach unfinished", "not connected"
PAUSED, COPYING = "replay paused", "backup"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the answers of this moment. `at`: this moment, by the sampler's clock.

    `clock`: where the primary was when. `last`: the last sample of who is silent now. `rates`: of WAL. Both by node.
    """

    at: float
    clock: LsnClock = field(default_factory=LsnClock)
    last: Mapping[str, NodeSample] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)


def draw(
    system_identifier: str, head: str, answers: Sequence[Answer], expected: Sequence[Expected], known: Known
) -> Picture:
    """The cluster of that system identifier. `head`: its primary, as it was asked for or remembered."""
    own = [each for each in answers if isinstance(each, Silence) or each.system_identifier == system_identifier]
    strangers = tuple(
        (each.name, each.system_identifier) for each in answers if isinstance(each, NodeSample) and each not in own
    )
    samples = {each.name: each for each in _without_twins(own) if isinstance(each, NodeSample)}
    silent = {each.name: each for each in own if isinstance(each, Silence)}
    primaries = tuple(name for name, sample in samples.items() if not sample.in_recovery)
    drawn = _Drawing(samples, silent, {each.name: each for each in expected}, writer_of(own, head), head, known)
    nodes = tuple(drawn.nodes())
    return Picture(
        system_identifier=system_identifier,
        nodes=nodes,
        slots=tuple(view_slots(nodes, drawn.fed, expected)),
        primaries=primaries,
        loss=drawn.loss(nodes),
        strangers=strangers,
    )


def writer_of(answers: Iterable[Answer], head: str) -> NodeSample | None:
    """The primary: of several the one on the latest timeline, and of those the one that is asked for."""
    found = [each for each in answers if isinstance(each, NodeSample) and not each.in_recovery]
    return max(found, key=lambda each: (each.timeline or 0, each.name == head), default=None)


def _without_twins(answers: Sequence[Answer]) -> Iterator[Answer]:
    """One server by two names is one node: the name that it is known by first."""
    seen = set()
    for each in answers:
        if isinstance(each, NodeSample):
            if each.started_at in seen:  # to the microsecond
                continue
            seen.add(each.started_at)
        yield each


@dataclass(slots=True)
class _Drawing:
    samples: Mapping[str, NodeSample]
    silent: Mapping[str, Silence]
    expected: Mapping[str, Expected]
    writer: NodeSample | None
    head: str
    known: Known
    # Of each node that somebody sends to: who, and the row of that one's pg_stat_replication.
    fed: dict[str, tuple[str, SenderSample]] = field(default_factory=dict)
    strange: list[tuple[str, SenderSample]] = field(default_factory=list)

    def nodes(self) -> Iterator[NodeView]:
        """A tree: who sends before whom it sends to."""
        for name, sample in self.samples.items():
            for sender in sample.senders:
                if (fed := self._whose(sender, name)) is not None:
                    self.fed[fed] = (name, sender)
                else:
                    self.strange.append((name, sender))
        every = dict.fromkeys([*self.samples, *self.silent, *self.expected])
        roots = [name for name in every if self._above(name) not in every]
        first = [name for name in roots if name in self.samples and not self.samples[name].in_recovery]
        for name in dict.fromkeys([*first, *([self.head] if self.head in roots else []), *roots]):
            yield from self._branch(name, list(every), 0)

    def _above(self, name: str) -> str | None:
        """Who is shown above it: who sends to it, or would if it were there."""
        if name in self.fed:
            return self.fed[name][0]
        above = self.expected[name].upstream if name in self.expected else ""
        own = self.samples.get(name)
        return None if own is not None and not own.in_recovery else above or None

    def _branch(self, name: str, every: list[str], depth: int) -> Iterator[NodeView]:
        yield self._node(name, depth)
        for other in every:
            if other != name and self._above(other) == name and depth < len(every):
                yield from self._branch(other, every, depth + 1)
        for upstream, sender in self.strange:
            if upstream == name:
                yield self._stranger(upstream, sender, depth + 1)

    def _whose(self, sender: SenderSample, upstream: str) -> str | None:
        """The node that a walsender sends to: by its slot and application_name, as that one says itself."""
        for name, own in self.samples.items():
            seen = own.receiver
            if name in self.fed or name == upstream or not own.in_recovery or seen is None:
                continue
            if seen.slot is not None and sender.slot is not None and seen.slot != sender.slot:
                continue
            names = {seen.application_name} if seen.application_name else {name, own.cluster_name, "walreceiver"}
            if sender.application_name in names or (seen.slot and seen.slot == sender.slot):
                return name
        for name, wanted in self.expected.items():
            same = (sender.application_name, sender.slot or "") == (wanted.name, wanted.slot)
            if same and name not in self.fed and wanted.upstream in {"", upstream} and name not in self.samples:
                return name
        return None

    def _node(self, name: str, depth: int) -> NodeView:
        own, silent, wanted = self.samples.get(name), self.silent.get(name), self.expected.get(name)
        upstream, sender = self.fed.get(name, (None, None))
        role = None if own is None else "standby" if own.in_recovery else "primary"
        return NodeView(
            name=name,
            role=role,
            state=self._state(own, sender, wanted, silent),
            timeline=own.timeline if own else None,
            lag=None if role == "primary" else self._lag(name, own, sender),
            behind={} if role == "primary" else self._behind(own, sender),
            upstream=upstream,
            slot=self._slot_of(own, sender, wanted),
            expected=wanted is not None,
            depth=depth,
            client=sender.client if sender else None,
            sample=own,
            silence=silent.reason if silent else None,
            hung=silent is not None and silent.hung,
            rate=self.known.rates.get(name),
        )

    def _stranger(self, upstream: str, sender: SenderSample, depth: int) -> NodeView:
        """Who is known by nothing but what its upstream shows."""
        return NodeView(
            name=sender.application_name or "",
            role=None,
            state=sender.state,
            lag=self._lag("", None, sender) if sender.state != COPYING else None,
            behind=self._behind(None, sender),
            upstream=upstream,
            slot=sender.slot,
            depth=depth,
            client=sender.client,
        )

    @staticmethod
    def _slot_of(own: NodeSample | None, sender: SenderSample | None, wanted: Expected | None) -> str | None:
        if sender is not None and sender.slot:
            return sender.slot
        if own is not None and own.receiver is not None and own.receiver.slot:
            return own.receiver.slot
        return (wanted.slot or None) if wanted else None

    def _state(
        self, own: NodeSample | None, sender: SenderSample | None, wanted: Expected | None, silent: Silence | None
    ) -> str | None:
        if own is not None and not own.in_recovery and (wanted is None or sender is None):
            return "running" if wanted is None or own is self.writer else AWAY
        if own is not None and own.paused:
            return PAUSED if sender is not None or own.receiver is not None else AWAY
        if sender is not None:
            return sender.state
        if own is not None:
            # Its upstream was not asked, or did not answer: what it says itself.
            asked = own.receiver is not None and own.receiver.status == "streaming"
            return "streaming" if asked and not self._upstream_answers(own, wanted) else AWAY
        if wanted is not None and wanted.unfinished:
            return UNFINISHED
        return UNREACHABLE if silent is not None or wanted is not None else None

    def _upstream_answers(self, own: NodeSample, wanted: Expected | None) -> bool:
        """Whether who should send to it was asked: then it would have been seen there."""
        if wanted is not None and wanted.upstream:
            return wanted.upstream in self.samples
        return self.writer is not None and own.timeline == self.writer.timeline

    def _lag(self, name: str, own: NodeSample | None, sender: SenderSample | None) -> Lag | None:
        """Of what it has replayed, by the clock of the sampler."""
        clock, known = self.known.clock, self.known
        lsn, silent = self._replayed(name, own, sender)
        if clock.newest is None or lsn is None or self._elsewhere(own):
            return None
        stale = known.at - clock.newest[0] > STALE_SECONDS or self.writer is None
        lag = clock.lag(clock.newest[0] if stale else known.at, lsn)
        if lag is None or (stale and lag.behind_bytes == 0):
            return None
        if stale or silent:
            return replace(lag, at_least=True)
        return self._bounded(lag, own) if lag.at_least else lag

    def _replayed(self, name: str, own: NodeSample | None, sender: SenderSample | None) -> tuple[int | None, bool]:
        """How far it has come; and whether that is from before it fell silent: more than it had it cannot have now."""
        if own is not None:
            return own.replay_lsn, False
        if sender is not None and sender.replay_lsn is not None:
            return sender.replay_lsn, False
        last = self.known.last.get(name)
        return (last.written if last is not None and last.in_recovery else None), True

    def _bounded(self, lag: Lag, own: NodeSample | None) -> Lag:
        """Too far behind for what was sampled: the last commit that was replayed is a bound from the other side."""
        if own is None or own.committed is None or self.writer is None:
            return lag
        now = self.writer.clock + (self.known.at - self.writer.at)
        return Lag(now - own.committed, lag.behind_bytes, at_most=True) if now - own.committed > lag.seconds else lag

    def _elsewhere(self, own: NodeSample | None) -> bool:
        """On another timeline positions do not compare."""
        if own is None or self.writer is None or None in {own.timeline, self.writer.timeline}:
            return False
        return own.timeline != self.writer.timeline

    def _behind(self, own: NodeSample | None, sender: SenderSample | None) -> dict[str, int]:
        newest = self.known.clock.newest
        if newest is None or self._elsewhere(own):
            return {}
        seen = {stage: getattr(sender, f"{stage}_lsn") for stage in STAGES} if sender else {}
        if own is not None:
            seen |= {"replay": own.replay_lsn}
            if not sender:
                seen |= {"flush": own.written}
        return {stage: max(newest[1] - lsn, 0) for stage, lsn in seen.items() if lsn is not None}

    def loss(self, nodes: Sequence[NodeView]) -> Loss | None:
        """What the standby with most of the primary's WAL has not got."""
        if self.writer is None or self.known.clock.newest is None:
            return None
        best: tuple[int, str] | None = None
        for node in nodes:
            own, (_, sender) = node.sample, self.fed.get(node.name, (None, None))
            if node.role == "primary" or node.name == self.writer.name or self._elsewhere(own):
                continue
            seen = [own.written if own else None, sender.flush_lsn if sender else None]
            if (most := max((lsn for lsn in seen if lsn is not None), default=None)) is not None:
                best = max(best or (most, node.name), (most, node.name), key=lambda each: each[0])
        if best is None or (lag := self.known.clock.lag(self.known.at, best[0])) is None:
            return None
        return Loss(self.writer.name, best[1], lag)
