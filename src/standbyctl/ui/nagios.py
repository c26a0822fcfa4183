"""A check as a monitoring plugin says it: a line with a verdict and performance data, then one for each finding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from standbyctl.app.status import Status
from standbyctl.domain.finding import EVERY, LAG, PRIMARIES, SLOTS, STANDBY, WAL, Finding, Limits, Severity, finding
from standbyctl.domain.message import Message, msg
from standbyctl.domain.picture import NodeView, Picture, SlotView
from standbyctl.domain.record import dataclass
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.ui.render import text

# The guidelines of the monitoring plugins: exit status, and the word for it.
CODES = {
    None: (0, "OK"),
    Severity.WARNING: (1, "WARNING"),
    Severity.CRITICAL: (2, "CRITICAL"),
    Severity.UNKNOWN: (3, "UNKNOWN"),
}
_WORST = (Severity.CRITICAL, Severity.WARNING, Severity.UNKNOWN)
# What ends a label, or begins the data.
_UNFIT = re.compile(r"['=|;\s]")


@dataclass(frozen=True, slots=True)
class Datum:
    """Of performance data. `warning` and `critical`: ranges as the guidelines have them, empty for none."""

    label: str
    value: str
    unit: str = ""
    warning: str = ""
    critical: str = ""
    minimum: str = "0"

    def __str__(self) -> str:
        ends = ";".join((self.warning, self.critical, self.minimum))
        return f"{self.label}={self.value}{self.unit}" + (f";{ends}" if ends.strip(";") else "")

    def record(self) -> dict[str, Any]:
        """For machines: numbers, and None for no limit."""
        return {
            "label": self.label,
            "value": json.loads(self.value),
            "unit": self.unit or None,
            "warning": self.warning or None,
            "critical": self.critical or None,
            "min": json.loads(self.minimum) if self.minimum else None,
        }


def check_findings(status: Status, family: str) -> tuple[Finding, ...]:
    """What belongs to one family, or all of them; that there is no standby at all, where one is asked about."""
    found = tuple(each for each in status.findings if family == EVERY or each.of in {family, EVERY})
    if family in {LAG, STANDBY} and not _standbys(status.picture):
        found += (finding("L408", Severity.UNKNOWN, "cluster", msg("no standby is known"), of=family),)
    return found


def verdict(findings: tuple[Finding, ...]) -> Severity | None:
    """The worst; None where all is well."""
    return next((severity for severity in _WORST if any(each.severity is severity for each in findings)), None)


def render_check(status: Status, family: str, limits: Limits) -> str:
    """All of it."""
    findings = check_findings(status, family)
    _, word = CODES[verdict(findings)]
    told = [text(each.what) for each in findings] or [text(each) for each in _well(status.picture, family)]
    data = " ".join(map(str, check_data(status.picture, family, limits)))
    first = line(family, word, told[0])
    more = (
        [f"{each.severity.value} {each.code}: {_plain(text(each.what))}" for each in findings] if findings[1:] else []
    )
    return "\n".join([f"{first} | {data}" if data else first, *more])


def line(family: str, word: str, told: str) -> str:
    """The first line, without data."""
    return f"STANDBYCTL {family.upper()} {word} - {_plain(told)}"


def _plain(told: str) -> str:
    """On one line, and without what would begin the data."""
    return " ".join(told.replace("|", "/").split())


def _standbys(picture: Picture) -> list[NodeView]:
    """Those that are known as such: what only receives WAL is none."""
    return [node for node in picture.nodes if node.role == "standby" or (node.expected and node.role is None)]


def _well(picture: Picture, family: str) -> Iterator[Message]:
    """What was looked at, where nothing is wrong."""
    standbys = _standbys(picture)
    if family == SLOTS:
        held = sum(slot.sample.retained_bytes or 0 for slot in picture.slots)
        yield msg("slots: {n}, WAL held: {size}", n=len(picture.slots), size=format_size(held))
    elif family == WAL:
        archives = any(
            node.sample and node.sample.slower and node.sample.slower.archiver_failing is False
            for node in picture.nodes
        )
        yield (
            msg("the archiver does not fail")
            if archives
            else msg("nothing is archived (archive_mode is off, or not seen)")
        )
    elif family == PRIMARIES:
        yield msg("{name} is the only primary", name=picture.primaries[0])
    elif family == STANDBY or not standbys:
        yield msg("standbys that stream: {n}", n=sum(node.state == "streaming" for node in standbys))
    else:
        worst = max((node.lag.seconds for node in standbys if node.lag), default=0.0)
        yield msg("standbys: {n}, the one furthest behind by {lag}", n=len(standbys), lag=format_seconds(worst))


def check_data(picture: Picture, family: str, limits: Limits) -> Iterator[Datum]:
    """Performance data: label=value[unit];warning;critical;minimum. What is not known is left out."""
    for node in picture.nodes:
        if family in {LAG, EVERY}:
            yield from _lag(node, limits)
        if family in {WAL, EVERY}:
            yield from _wal(node)
    if family in {SLOTS, EVERY}:
        for slot in picture.slots:
            yield from _slot(slot, "" if slot.node == _main(picture) else f"{slot.node}_", limits)
    if family in {STANDBY, EVERY}:
        yield Datum("streaming", str(sum(node.state == "streaming" for node in picture.nodes)))
    if family in {PRIMARIES, EVERY}:
        yield Datum("primaries", str(len(picture.primaries)), critical="1:1")


def _main(picture: Picture) -> str:
    """Whose slots need no node in their labels. Of two primaries it is the one that was known as that, or neither:
    each may have a slot of that name.
    """
    if len(picture.primaries) == 1:
        return picture.primaries[0]
    return picture.head if picture.head in picture.primaries else ""


def _lag(node: NodeView, limits: Limits) -> Iterator[Datum]:
    if node.lag is not None and not node.lag.at_most and not node.lag.at_least:
        lag, bounds = f"{node.lag.seconds:.3f}", (f"{limits.lag_warning:g}", f"{limits.lag_critical:g}")
        yield Datum(_label(node.name, "lag"), lag, "s", *bounds)
        yield Datum(_label(node.name, "behind"), str(node.lag.behind_bytes), "B")


def _wal(node: NodeView) -> Iterator[Datum]:
    slower = node.sample.slower if node.sample else None
    if slower is not None and slower.wal_bytes is not None:
        yield Datum(_label(node.name, "pg_wal"), str(slower.wal_bytes), "B")
    if slower is not None and slower.free_bytes is not None:
        yield Datum(_label(node.name, "pg_wal_free"), str(slower.free_bytes), "B")
    if node.rate is not None:
        yield Datum(_label(node.name, "wal_rate"), f"{node.rate.bytes_per_second:.0f}", "B")


def _slot(slot: SlotView, of: str, limits: Limits) -> Iterator[Datum]:
    own = slot.sample
    if own.retained_bytes is not None:
        yield Datum(_label(of + own.name, "held"), str(own.retained_bytes), "B")
    if own.safe_bytes is not None:
        yield Datum(_label(of + own.name, "left"), str(own.safe_bytes), "B", minimum="")
    ends = [each.seconds for each in (slot.lost_in, slot.full_in) if each]
    if ends:
        bounds = f"{limits.full_warning:g}:", f"{limits.full_critical:g}:"
        yield Datum(_label(of + own.name, "full_in"), f"{min(ends):.0f}", "s", *bounds)


def _label(name: str, what: str) -> str:
    return _UNFIT.sub("_", f"{name}_{what}")
