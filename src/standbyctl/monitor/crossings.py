"""Findings that begin and end, as events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from standbyctl.domain.event import FINDING, Event
from standbyctl.domain.finding import Finding, Severity
from standbyctl.domain.message import msg
from standbyctl.domain.size import format_seconds
from standbyctl.monitor.memory import Held, Moment

# A finding is over when it was not found for so long: a lag that wobbles around its limit is one finding.
SETTLED_SECONDS = 10.0
# Told as servers that fell silent.
_SILENT = frozenset({"M601", "M602"})


def crossings(before: Sequence[Held], findings: Sequence[Finding], now: Moment) -> tuple[list[Held], list[Event]]:
    """Begins at once, and is over when it was quiet for a while; worse at once, better after a while."""
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
