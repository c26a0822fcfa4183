"""What is wrong in a running cluster: pure rules over one picture of it. Every surface reads these findings."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.diagnosis.picture import AWAY, COPYING, PAUSED, UNFINISHED, UNREACHABLE
from standbyctl.diagnosis.slots import diagnose_slot
from standbyctl.domain.finding import EVERY, LAG, PRIMARIES, STANDBY, WAL, Finding, Limits, Severity, above, finding
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.picture import Lag, NodeView, Picture
from standbyctl.domain.size import format_seconds, format_size


def diagnose_health(picture: Picture, limits: Limits) -> tuple[Finding, ...]:
    """The worst first."""
    found = [*_primaries(picture), *_strangers(picture)]
    for node in picture.nodes:
        found += [*_silent(picture, node), *_standby(node), *_lag(node, limits), *_wal(node)]
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
            of=PRIMARIES,
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
    if node.silence is None:
        return
    told = msg("{name} does not answer: {reason}", name=node.name, reason=node.silence)
    if node.expected and node.upstream is None:
        return  # told as missing
    if node.upstream is not None:
        yield finding("M601", Severity.WARNING, f"node:{node.name}", told, of=STANDBY)
    else:
        code, severity = ("M602", Severity.CRITICAL) if node.hung else ("M601", Severity.CRITICAL)
        yield finding(code, severity, f"node:{node.name}", told, of=PRIMARIES)


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
    elif node.expected and node.state not in {"streaming", "running", COPYING, None}:
        behind = node.behind.get("sent", node.behind.get("replay"))
        told = msg("{name} is catching up: {size} behind", name=node.name, size=format_size(behind)) if behind else None
        yield finding(
            "L406", Severity.WARNING, subject, told or msg("{name} is catching up", name=node.name), of=STANDBY
        )


def _lag(node: NodeView, limits: Limits) -> Iterator[Finding]:
    lag = node.lag
    if lag is None:
        if node.role == "standby" or (node.expected and node.role is None):
            yield finding(
                "L407",
                Severity.UNKNOWN,
                f"node:{node.name}",
                msg("how far behind {name} is cannot be known", name=node.name),
                of=LAG,
            )
        return
    severity = above(lag.seconds, limits.lag_warning, limits.lag_critical)
    if severity is None or lag.at_most:
        return
    yield finding(
        "L401",
        severity,
        f"node:{node.name}",
        msg("{name} is {lag} behind, {size}", name=node.name, lag=lag_text(lag), size=format_size(lag.behind_bytes)),
        msg("So old is what it shows; so much would be lost with the primary, where it has not even been received."),
        of=LAG,
    )


def lag_text(lag: Lag) -> Message:
    """A lag in words."""
    seconds = format_seconds(lag.seconds)
    if lag.at_least:
        return msg("at least {seconds}", seconds=seconds)
    return msg("at most {seconds}", seconds=seconds) if lag.at_most else msg("{e}", e=seconds)


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
