"""Findings that begin and end, as events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from standbyctl.domain.event import FINDING, Event
from standbyctl.domain.finding import Finding, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Picture
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.memory import Held, Memory, Moment

# A finding is over when it was not found for so long: a lag that wobbles around its limit is one finding.
SETTLED_SECONDS = 10.0
# Told as servers that fell silent.
_SILENT = frozenset({"M601", "M602", "M612"})
# Found where nobody answers, and by nothing else.
_OF_SILENCE = frozenset({"L404"})
# What only the server itself says; of other findings its upstream says enough.
_BY_ITSELF = frozenset({"L403", "M603", "P121"})
_LAG = "L401"
# Of two primaries one is silent: it may well take writes.
_SPLIT = frozenset({"F501", "L405"})


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen in this round. `known`: with it, what is remembered of servers and slots."""

    picture: Picture
    known: Memory

    def misses(self, held: Held) -> bool:
        """Whether nobody can say now that it is over."""
        kind, _, name = held.subject.partition(":")
        if kind == "slot":
            return any(map(self._silent, self._servers_of(name)))
        if held.code in _SPLIT and any(
            node.role == "primary" and node.silent_since is not None for node in self.known.nodes
        ):
            return True
        return kind == "node" and self._misses_node(held.code, name)

    def _misses_node(self, code: str, name: str) -> bool:
        node = self.picture.node(name)
        if code in _OF_SILENCE:
            return node is not None and node.refused and node.upstream is None
        if node is None:
            return self._silent(name)
        if code == _LAG:
            return node.role != "primary" and (node.lag is None or node.lag.at_least or node.lag.at_most)
        return node.sample is None and (node.upstream is None or code in _BY_ITSELF)

    def _servers_of(self, slot: str) -> Sequence[str]:
        """Of "NODE/SLOT", or of a slot by its name alone. There is no "/" in the name of a slot."""
        node, _, name = slot.rpartition("/")
        return [node] if node else [each.node for each in self.known.slots if each.name == name]

    def _silent(self, name: str) -> bool:
        """It is known here, and has not answered; or who sends to it has not."""
        node = self.picture.node(name)
        return node.sample is None if node is not None else self.known.node(name) is not None


def _nothing_missed(_: Held) -> bool:
    return False


def crossings(
    before: Sequence[Held], findings: Sequence[Finding], now: Moment, misses: Callable[[Held], bool] = _nothing_missed
) -> tuple[list[Held], list[Event]]:
    """Begins at once, and is over when it was quiet for a while; worse at once, better after a while.

    What cannot be seen now is as it was.
    """
    found = {(each.code, each.subject): each for each in reversed(findings) if each.code not in _SILENT}
    held, events = [], []
    for was in before:
        each = found.pop((was.code, was.subject), None)
        if each is not None and _rank(each.severity) >= _rank(was.severity):
            if each.severity is not was.severity:
                events.append(_begun(each, now))
            # What was seen first stays, so that nothing is written every second.
            what = was.what if each.severity is was.severity else each.what
            held.append(replace(was, severity=each.severity, what=what, quiet_since=None))
        elif misses(was):
            held.append(was)
        elif was.quiet_since is None:
            held.append(replace(was, quiet_since=now.steady))
        elif now.steady - was.quiet_since < SETTLED_SECONDS:
            held.append(was)
        elif each is not None:
            events.append(_begun(each, now))
            held.append(replace(was, severity=each.severity, what=each.what, quiet_since=None))
        else:
            time = format_seconds(max(was.quiet_since - was.since, 0.0))
            over = msg("over, after {time}: {what}", time=time, what=was.what)
            events.append(Event(now.wall, FINDING, was.subject, over, None, was.code))
    for each in found.values():
        held.append(Held(each.code, each.subject, each.severity, each.what, now.steady))
        events.append(_begun(each, now))
    return held, events


def _begun(each: Finding, now: Moment) -> Event:
    return Event(now.wall, FINDING, each.subject, each.what, each.severity, each.code)


def _rank(severity: Severity) -> int:
    return [Severity.UNKNOWN, Severity.WARNING, Severity.CRITICAL].index(severity)
