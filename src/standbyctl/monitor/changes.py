"""What has changed from one picture to the next, as events. Pure: what was seen goes in, what is seen comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

from standbyctl.diagnosis.picture import AWAY, COPYING, NO_ACCESS, UNFINISHED, UNREACHABLE
from standbyctl.domain.event import CONNECTION, NODE, RESTART, ROLE, SETTING, TIMELINE, WATCH, Event
from standbyctl.domain.finding import Finding, Severity
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import NodeView, Picture
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.crossings import Sight, crossings
from standbyctl.monitor.memory import Memory, Moment, SeenNode
from standbyctl.monitor.slot_changes import slot_changes

# A clock that is kept in order is moved by less.
STEP_SECONDS = 2.0
# Who streams may call itself anything.
MOST_NODES, MOST_SLOTS, MOST_HELD = 256, 1024, 1024
# It has connected, and asked for nothing yet, or is about to end.
_NOT_YET = frozenset({"startup", "stopping", COPYING})
# A password may be in it.
_SECRET = frozenset({"primary_conninfo"})


def changes(
    before: Memory, picture: Picture, findings: Sequence[Finding], now: Moment
) -> tuple[Memory, tuple[Event, ...]]:
    """What is known from now on, and what has happened. What is seen for the first time is no event, but for findings.

    A server that is silent changes nothing but that: what it was is compared with what it is when it answers again.
    """
    first = before == Memory()
    events: list[Event] = []
    nodes: list[SeenNode] = []
    views = _by_name(picture)
    answering = {name for name, view in views.items() if view.sample is not None}
    for name, view in views.items():
        was = before.node(name)
        seen = _see(view, was, now, _should_send(view, before, answering))
        events += _node_events(was, seen, view, now, new=not first)
        nodes.append(seen)
    nodes += _gone(before, views, answering, now, events)
    slots, slot_events = slot_changes(before, picture, answering, now, first=first)
    kept = Memory(tuple(nodes[:MOST_NODES]), tuple(slots[:MOST_SLOTS]))
    held, crossed = crossings(before.held, findings, now, Sight(picture, kept).misses)
    kept = replace(kept, held=tuple(held[:MOST_HELD]))
    return kept, (*events, *slot_events, *crossed)


def stepped(before: Moment, wall: float, elapsed: float) -> Event | None:
    """A clock of this host that was set, by more than keeping it in order takes."""
    by = wall - before.wall - elapsed
    if abs(by) < STEP_SECONDS:
        return None
    what = (
        msg("the clock of this host was set back by {time}", time=format_seconds(-by))
        if by < 0
        else msg("the clock of this host was set forward by {time}", time=format_seconds(by))
    )
    return Event(wall, WATCH, "watch", what, Severity.WARNING, "M608")


@dataclass(frozen=True, slots=True)
class _Teller:
    wall: float
    subject: str

    def __call__(self, kind: str, what: Message, severity: Severity | None = None) -> Event:
        return Event(self.wall, kind, self.subject, what, severity)


def _by_name(picture: Picture) -> Mapping[str, NodeView]:
    """Each name once, servers that are known before others of that name; not who only makes a copy."""
    views: dict[str, NodeView] = {}
    for view in picture.nodes:
        known = view.expected or view.sample is not None or view.silence is not None
        if view.name and (known or (view.name not in views and view.state != COPYING)):
            views[view.name] = view
    return views


def _should_send(view: NodeView, before: Memory, answering: set[str]) -> bool:
    """Whether who sent to it was asked: if nobody is seen sending now, nobody does."""
    was = before.node(view.name)
    return bool(was and was.connected and was.connected in answering)


def _see(view: NodeView, was: SeenNode | None, now: Moment, asked: bool) -> SeenNode:
    own = view.sample
    seen = was or SeenNode(view.name)
    connected: str | None
    if view.upstream is not None:
        connected = seen.connected if view.state in _NOT_YET else view.upstream
    elif view.role == "primary" or view.state == AWAY or (view.state in {UNREACHABLE, NO_ACCESS, UNFINISHED} and asked):
        connected = ""
    else:
        connected = seen.connected
    if own is None:
        silent = view.silence is not None or view.expected
        since = seen.silent_since if seen.silent_since is not None else now.steady
        return replace(seen, connected=connected, silent_since=since if silent else None, refused=view.refused)
    return replace(
        seen,
        role=view.role,
        timeline=view.timeline if view.timeline is not None else seen.timeline,
        started_at=own.started_at,
        connected=connected,
        settings=_settings(own.slower.settings) if own.slower and own.slower.settings else seen.settings,
        silent_since=None,
        refused=False,
    )


def _settings(settings: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Of what may hold a password nothing is kept but whether it is still the same."""
    return tuple((name, _digest(value) if name in _SECRET else value) for name, value in settings)


def _digest(value: str) -> str:
    return blake2b(re.sub(r"\s+", " ", value).encode(errors="replace"), digest_size=8).hexdigest()


def _node_events(was: SeenNode | None, seen: SeenNode, view: NodeView, now: Moment, *, new: bool) -> Iterator[Event]:
    event = _Teller(now.wall, f"node:{seen.name}")
    if was is None:
        if new and seen.connected:
            yield event(CONNECTION, msg("{name} streams from {upstream}", name=seen.name, upstream=seen.connected))
        if seen.silent_since is not None and view.silence is not None:
            yield event(NODE, _silence(view), Severity.WARNING)
        return
    if seen.silent_since is not None and (was.silent_since is None or was.refused != seen.refused):
        yield event(NODE, _silence(view), Severity.WARNING)
    if was.silent_since is not None and seen.silent_since is None and view.sample is not None:
        time = format_seconds(max(now.steady - was.silent_since, 0.0))
        again = msg("{name} answers again, after {time}", name=seen.name, time=time)
        yield event(NODE, msg("{name} can be looked at again", name=seen.name) if was.refused else again)
    if was.started_at and seen.started_at != was.started_at:
        yield event(
            RESTART,
            msg("{name} was restarted: it runs since {time}", name=seen.name, time=seen.started_at),
            Severity.WARNING,
        )
    if was.role and seen.role != was.role:
        what = (
            msg(
                "{name} takes writes now: it is a primary (timeline {timeline})",
                name=seen.name,
                timeline=seen.timeline or "?",
            )
            if seen.role == "primary"
            else msg("{name} is a standby now", name=seen.name)
        )
        yield event(ROLE, what, Severity.WARNING)
    if was.timeline is not None and seen.timeline != was.timeline:
        yield event(
            TIMELINE,
            msg(
                "{name} is on timeline {after}, and was on {before}",
                name=seen.name, after=seen.timeline, before=was.timeline,
            ),
            Severity.WARNING,
        )  # fmt: skip
    yield from _connection_events(was, seen, event)
    yield from _setting_events(was, seen, event)


def _silence(view: NodeView) -> Message:
    reason = view.silence or msg("nobody sends to it")
    if view.refused:
        return msg("{name} answers, and does not let standbyctl look: {reason}", name=view.name, reason=reason)
    return msg("{name} does not answer: {reason}", name=view.name, reason=reason)


def _connection_events(was: SeenNode, seen: SeenNode, event: _Teller) -> Iterator[Event]:
    if was.connected == seen.connected or seen.connected is None:
        return
    if seen.connected:
        yield event(CONNECTION, msg("{name} streams from {upstream}", name=seen.name, upstream=seen.connected))
    elif was.connected and seen.role != "primary":
        what = msg("{name} streams from {upstream} no more", name=seen.name, upstream=was.connected)
        yield event(CONNECTION, what, Severity.WARNING)


def _setting_events(was: SeenNode, seen: SeenNode, event: _Teller) -> Iterator[Event]:
    if not was.settings:
        return
    old, new = dict(was.settings), dict(seen.settings)
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        if name in _SECRET:
            yield event(SETTING, msg("{setting} of {name} was changed", setting=name, name=seen.name))
        else:
            yield event(
                SETTING,
                msg(
                    "{setting} of {name} is {after}, and was {before}",
                    setting=name, name=seen.name, after=_quoted(new.get(name)), before=_quoted(old.get(name)),
                ),
            )  # fmt: skip


def _quoted(value: str | None) -> str:
    return "-" if value is None else value if value and " " not in value else f"'{value}'"


def _gone(
    before: Memory, views: Mapping[str, NodeView], answering: set[str], now: Moment, events: list[Event]
) -> Iterator[SeenNode]:
    """Who is not in the picture any more: a standby that is known by nothing but its connection, which has ended."""
    for was in before.nodes:
        if was.name in views:
            continue
        if was.connected and was.connected not in answering:
            yield was  # who sent to it does not answer: nobody knows
        elif was.connected:
            what = msg("{name} streams from {upstream} no more", name=was.name, upstream=was.connected)
            events.append(Event(now.wall, CONNECTION, f"node:{was.name}", what, Severity.WARNING))
