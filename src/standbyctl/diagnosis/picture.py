"""From what servers said at one moment to the picture of their cluster: who streams from whom, how far, how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from standbyctl.diagnosis.lag import LsnClock
from standbyctl.diagnosis.retention import view_slots
from standbyctl.domain.picture import STAGES, Expected, Lag, Loss, NodeView, Picture, Rate
from standbyctl.domain.record import dataclass, field
from standbyctl.domain.samples import Answer, NodeSample, ReceiverSample, SenderSample, Silence

# What an earlier sample of the primary says is not said of now.
STALE_SECONDS = 5.0
# How a standby that does not answer, and that nobody sends to, is called.
UNREACHABLE, UNFINISHED, AWAY = "unreachable", "attach unfinished", "not connected"
PAUSED, COPYING, NO_ACCESS = "replay paused", "backup", "no access"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the answers of this moment. `at`: this moment, by the sampler's clock.

    `clock`: where the primary was when. `last`: the last sample of who is silent now. `rates`: of WAL. Both by node.
    `growth`: of what slots hold, by node and slot.
    """

    at: float
    clock: LsnClock = field(default_factory=LsnClock)
    last: Mapping[str, NodeSample] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    growth: Mapping[tuple[str, str], Rate] = field(default_factory=dict)


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
        head=head,
        nodes=nodes,
        slots=tuple(view_slots(nodes, drawn.fed, expected, known.growth)),
        primaries=primaries,
        loss=drawn.loss(nodes),
        strangers=strangers,
    )


def writer_of(answers: Iterable[Answer], head: str) -> NodeSample | None:
    """The primary: of several the one that most standbys follow, or that is asked for, or on the latest timeline."""
    found = [each for each in answers if isinstance(each, NodeSample) and not each.in_recovery]

    def rank(each: NodeSample) -> tuple[int, bool, int]:
        return len([row for row in each.senders if not row.logical]), each.name == head, each.timeline or 0

    return max(found, key=rank, default=None)


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
        rows = [(name, row) for name, own in self.samples.items() for row in own.senders if not row.logical]
        for whose in (self._by_slot, self._by_name, self._as_expected):
            for name, sender in rows[:]:
                if (fed := whose(sender, name)) is not None:
                    self.fed[fed] = (name, sender)
                    rows.remove((name, sender))
        self.strange = rows
        every = dict.fromkeys([*self.samples, *self.silent, *self.expected])
        roots = [name for name in every if self._above(name) not in every]
        first = [name for name in roots if name in self.samples and not self.samples[name].in_recovery]
        shown: set[str] = set()
        # Two that send to each other are no roots, and are there all the same.
        for name in dict.fromkeys([*first, *([self.head] if self.head in roots else []), *roots, *every]):
            if name not in shown:
                yield from self._branch(name, list(every), 0, shown)

    def _above(self, name: str) -> str | None:
        """Who is shown above it: who sends to it, or would if it were there."""
        if name in self.fed:
            return self.fed[name][0]
        above = self.expected[name].upstream if name in self.expected else ""
        own = self.samples.get(name)
        return None if own is not None and not own.in_recovery else above or None

    def _branch(self, name: str, every: list[str], depth: int, shown: set[str]) -> Iterator[NodeView]:
        shown.add(name)
        yield self._node(name, depth)
        for other in every:
            if other not in shown and self._above(other) == name:
                yield from self._branch(other, every, depth + 1, shown)
        for upstream, sender in self.strange:
            if upstream == name:
                yield self._stranger(upstream, sender, depth + 1)

    def _by_slot(self, sender: SenderSample, upstream: str) -> str | None:
        """Whom a walsender sends to: who says that it streams by the slot which that one holds."""
        for name, seen in self._receivers(upstream):
            if sender.slot and seen.slot == sender.slot and seen.application_name in {None, sender.application_name}:
                return name
        return None

    def _by_name(self, sender: SenderSample, upstream: str) -> str | None:
        """Who calls itself so upstream. Of several of one name (Debian's packages give all of them the same) nobody."""
        found = [
            name
            for name, seen in self._receivers(upstream)
            if not (seen.slot and sender.slot and seen.slot != sender.slot)
            and sender.application_name in self._names(name, seen)
        ]
        ports = {name: seen.port for name, seen in self._receivers(upstream)}
        near = [name for name in found if ports[name] == self.samples[upstream].port]
        return found[0] if len(found) == 1 else near[0] if len(near) == 1 else None

    def _as_expected(self, sender: SenderSample, upstream: str) -> str | None:
        """A standby that was attached from here, and does not answer itself."""
        for name, wanted in self.expected.items():
            same = (sender.application_name, sender.slot or "") == (wanted.name, wanted.slot)
            if same and name not in self.fed and wanted.upstream in {"", upstream} and name not in self.samples:
                return name
        return None

    def _receivers(self, upstream: str) -> Iterator[tuple[str, ReceiverSample]]:
        for name, own in self.samples.items():
            if name not in self.fed and name != upstream and own.in_recovery and own.receiver is not None:
                yield name, own.receiver

    def _names(self, name: str, seen: ReceiverSample) -> set[str]:
        named = {seen.application_name} if seen.application_name else {name, self.samples[name].cluster_name}
        return {each for each in named if each} | (set() if seen.application_name else {"walreceiver"})

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
            sync_state=sender.sync_state if sender else None,
            sample=own,
            silent=silent,
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
            sync_state=sender.sync_state,
        )

    @staticmethod
    def _slot_of(own: NodeSample | None, sender: SenderSample | None, wanted: Expected | None) -> str | None:
        asked = own.receiver.slot if own is not None and own.receiver is not None else None
        return (sender.slot if sender else None) or asked or (wanted.slot if wanted else None) or None

    def _state(
        self, own: NodeSample | None, sender: SenderSample | None, wanted: Expected | None, silent: Silence | None
    ) -> str | None:
        if own is not None and not own.in_recovery and (wanted is None or sender is None):
            return "running" if wanted is None or (own is self.writer and not self._head_writes(own)) else AWAY
        if own is not None and own.paused:
            return PAUSED if sender is not None or own.receiver is not None else AWAY
        if sender is not None:
            return sender.state
        if own is not None:
            # Where its upstream was not asked, or did not answer: what it says itself.
            asked = own.receiver is not None and own.receiver.status == "streaming"
            answers = wanted is not None and wanted.upstream in self.samples
            return "streaming" if asked and not answers else AWAY
        if wanted is not None and wanted.unfinished:
            return UNFINISHED
        if silent is not None and silent.refused:  # it runs
            return AWAY if wanted is not None and wanted.upstream in self.samples else NO_ACCESS
        return UNREACHABLE if silent is not None or wanted is not None else None

    def _head_writes(self, own: NodeSample) -> bool:
        """Whether the primary that it was attached to still takes writes, too."""
        head = self.samples.get(self.head)
        return head is not None and head is not own and not head.in_recovery

    def _lag(self, name: str, own: NodeSample | None, sender: SenderSample | None) -> Lag | None:
        """Of what it has replayed, by the clock of the sampler."""
        clock, known = self.known.clock, self.known
        lsn, silent = self._replayed(name, own, sender)
        if clock.newest is None or lsn is None or self._elsewhere(own):
            return None
        stale = self._stale()
        lag = clock.lag(clock.newest[0] if stale else known.at, lsn)
        if lag is None or (stale and lag.behind_bytes == 0):
            return None
        if stale or silent:
            return Lag(lag.surely, lag.behind_bytes, at_least=True)
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
        most = now - own.committed
        return Lag(most, lag.behind_bytes, at_most=True, least=lag.seconds) if most > lag.seconds else lag

    def _stale(self) -> bool:
        """What the primary had written is not what it has written now."""
        newest = self.known.clock.newest
        return self.writer is None or newest is None or self.known.at - newest[0] > STALE_SECONDS

    def _elsewhere(self, own: NodeSample | None) -> bool:
        """On another timeline positions do not compare."""
        if own is None or self.writer is None or None in {own.timeline, self.writer.timeline}:
            return False
        return own.timeline != self.writer.timeline

    def _behind(self, own: NodeSample | None, sender: SenderSample | None) -> dict[str, int]:
        newest = self.known.clock.newest
        if newest is None or self._stale() or self._elsewhere(own):
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
