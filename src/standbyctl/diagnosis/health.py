"""What is wrong in a running cluster: pure rules over one picture of it. Every surface reads these findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standbyctl.diagnosis.picture import AWAY, COPYING, NO_ACCESS, PAUSED, UNFINISHED, UNREACHABLE
from standbyctl.diagnosis.slots import diagnose_slot
from standbyctl.domain.finding import EVERY, LAG, PRIMARIES, STANDBY, WAL, Finding, Limits, Severity, above, finding
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.picture import Lag, NodeView, Picture
from standbyctl.domain.size import format_seconds, format_size

# FIRST 2 (a, b), ANY 2 (a, b), 2 (a, b); without a number one.
_SYNCHRONOUS = re.compile(r"\s*(?:FIRST\s+|ANY\s+)?(\d+)\s*\(", re.IGNORECASE)


def diagnose_health(picture: Picture, limits: Limits) -> tuple[Finding, ...]:
    """The worst first."""
    found = [*_primaries(picture), *_strangers(picture)]
    for node in picture.nodes:
        found += [*_silent(picture, node), *_standby(node), *_lag(picture, node, limits), *_wal(node), *_waits(node)]
    for slot in picture.slots:
        found += diagnose_slot(slot, limits)
    order = [Severity.CRITICAL, Severity.WARNING, Severity.UNKNOWN]
    return tuple(sorted(found, key=lambda each: order.index(each.severity)))


def _primaries(picture: Picture) -> Iterator[Finding]:
    if len(picture.primaries) > 1:
        yield finding(
            "F501",
            Severity.CRITICAL,
            "cluster",
            msg(
                "{n} primaries take writes: {names}",
                n=len(picture.primaries),
                names=listed(_primary(picture, name) for name in picture.primaries),
            ),
            msg(
                "What is written to one of them is not on the other, and one side's will be lost. Stop what the"
                " applications write to the one that is not meant."
            ),
            of=EVERY,
        )
    if not picture.primaries:
        yield finding(
            "F502",
            Severity.UNKNOWN,
            "cluster",
            msg("no node that answers is a primary"),
            msg("How far behind the standbys are cannot be known without it."),
            of=EVERY,
        )


def _primary(picture: Picture, name: str) -> Message:
    node = picture.node(name)
    return msg("{name} (timeline {timeline})", name=name, timeline=(node.timeline if node else None) or "?")


def _strangers(picture: Picture) -> Iterator[Finding]:
    for name, system in picture.strangers:
        yield finding(
            "M603",
            Severity.WARNING,
            f"node:{name}",
            msg("{name} is of another cluster (system identifier {system})", name=name, system=system),
            of=STANDBY,
        )


def _silent(picture: Picture, node: NodeView) -> Iterator[Finding]:
    """A server that should answer and does not; a standby that nobody sends to either is missing."""
    if node.silence is None or (node.expected and node.upstream is None and not node.refused):
        return  # told as missing
    # Where another is the primary, or it is none itself, it is a standby that is away.
    family = PRIMARIES if node.name == picture.head and not picture.primaries else STANDBY
    subject = f"node:{node.name}"
    if node.refused:
        told = msg("{name} answers, and does not let standbyctl look: {reason}", name=node.name, reason=node.silence)
        then = msg("The way to it is well. Look at the password, at pg_hba.conf, and at what the role may see.")
        yield finding("M612", Severity.UNKNOWN, subject, told, then, of=family)
        return
    told = msg("{name} does not answer: {reason}", name=node.name, reason=node.silence)
    severity = Severity.WARNING if node.upstream is not None else Severity.CRITICAL
    yield finding("M602" if node.silent and node.silent.hung else "M601", severity, subject, told, of=family)


def _standby(node: NodeView) -> Iterator[Finding]:
    subject = f"node:{node.name}"
    if node.state == UNFINISHED:
        yield finding(
            "L404",
            Severity.CRITICAL,
            subject,
            msg("the attach of {name} was not finished", name=node.name),
            msg(
                "The same command again goes on with it; standbyctl detach {name} gives everything back.",
                name=node.name,
            ),
            of=STANDBY,
        )
    elif node.expected and node.state == UNREACHABLE:
        why = node.silence or msg("nobody sends to it")
        yield finding(
            "L404",
            Severity.CRITICAL,
            subject,
            msg("{name} should stream, and does not answer: {reason}", name=node.name, reason=why),
            of=STANDBY,
        )
    elif node.state == AWAY and node.role == "primary":
        yield finding(
            "L405",
            Severity.CRITICAL,
            subject,
            msg(
                "{name} should be a standby, and takes writes (timeline {timeline})",
                name=node.name,
                timeline=node.timeline or "?",
            ),
            of=STANDBY,
        )
    elif node.state == AWAY:
        yield finding(
            "L402",
            Severity.CRITICAL,
            subject,
            msg("{name} runs, and receives no WAL from its upstream", name=node.name),
            of=STANDBY,
        )
    elif node.state == PAUSED:
        yield finding(
            "L403",
            Severity.CRITICAL,
            subject,
            msg("replay is paused on {name}", name=node.name),
            msg(
                "It receives WAL and does not replay it; a promotion would first have to."
                " SELECT pg_wal_replay_resume();"
            ),
            of=STANDBY,
        )
    elif node.expected and node.state not in {"streaming", "running", COPYING, NO_ACCESS, None}:
        behind = node.behind.get("sent", node.behind.get("replay"))
        told = msg("{name} is catching up: {size} behind", name=node.name, size=format_size(behind)) if behind else None
        yield finding(
            "L406", Severity.WARNING, subject, told or msg("{name} is catching up", name=node.name), of=STANDBY
        )


def _lag(picture: Picture, node: NodeView, limits: Limits) -> Iterator[Finding]:
    """Above a limit for sure; or it may be, and cannot be known."""
    lag, subject = node.lag, f"node:{node.name}"
    severity = _above_for_sure(lag, limits) if lag else None
    if lag is not None and severity is not None:
        size = format_size(lag.behind_bytes)
        yield finding(
            "L401",
            severity,
            subject,
            msg("{name} is {lag} behind, {size}", name=node.name, lag=lag_text(lag), size=size),
            msg(
                "So old is what it shows; so much would be lost with the primary, where it has not even been received."
            ),
            of=LAG,
        )
        return
    doubtful = lag is not None and lag.behind_bytes > 0 and _may_be_above(lag, limits)
    lost = node.name == picture.head and not picture.primaries  # told as no primary
    other = node.role is None and node.state is not None and not lost
    unknown = lag is None and (node.role == "standby" or other)
    if lag is not None and doubtful:
        told = msg("how far behind {name} is cannot be known yet: {lag}", name=node.name, lag=lag_text(lag))
        yield finding("L407", Severity.UNKNOWN, subject, told, of=LAG)
    elif unknown and node.state != COPYING:
        told = msg("how far behind {name} is cannot be known", name=node.name)
        yield finding("L407", Severity.UNKNOWN, subject, told, of=LAG)


def _above_for_sure(lag: Lag, limits: Limits) -> Severity | None:
    return above(lag.surely, limits.lag_warning, limits.lag_critical)


def _may_be_above(lag: Lag, limits: Limits) -> bool:
    return lag.at_least or (lag.at_most and lag.seconds >= limits.lag_warning)


def lag_text(lag: Lag) -> Message:
    """A lag in words."""
    seconds = format_seconds(lag.seconds)
    if lag.at_least:
        return msg("at least {seconds}", seconds=seconds)
    if lag.at_most and lag.least > 0:
        return msg("{least} to {most}", least=format_seconds(lag.least), most=seconds)
    return msg("at most {seconds}", seconds=seconds) if lag.at_most else msg("{e}", e=seconds)


def _waits(node: NodeView) -> Iterator[Finding]:
    """Commits that wait for a synchronous standby, and there is none."""
    own = node.sample
    settings = dict(own.slower.settings) if own and own.slower else {}
    names = settings.get("synchronous_standby_names", "")
    if own is None or own.in_recovery or not names or settings.get("synchronous_commit") in {"off", "local"}:
        return
    given = _SYNCHRONOUS.match(names)
    wanted = int(given[1]) if given else 1
    there = sum(row.sync_state in {"sync", "quorum"} and row.state == "streaming" for row in own.senders)
    if there < wanted:
        yield finding(
            "F503",
            Severity.CRITICAL,
            f"node:{node.name}",
            msg(
                "commits on {name} wait: {n} of {wanted} synchronous standbys are there",
                name=node.name,
                n=there,
                wanted=wanted,
            ),
            msg(
                "synchronous_standby_names = {names}. Bring one back, or take it out of the list: a reload is enough.",
                names=names,
            ),
            of=PRIMARIES,
        )


def _wal(node: NodeView) -> Iterator[Finding]:
    slower = node.sample.slower if node.sample else None
    if slower is None or not slower.archiver_failing:
        return
    since = slower.archiver_failing_since
    yield finding(
        "P121",
        Severity.WARNING,
        f"node:{node.name}",
        msg("the archiver of {name} fails; the last time {since}", name=node.name, since=since or "?"),
        msg("pg_wal grows until it succeeds, without any limit."),
        of=WAL,
    )
