"""The whole verification: every check in its order, and the verdict over them."""

from __future__ import annotations

from enum import StrEnum
from math import ceil

from standbyctl.diagnosis import copies, supply
from standbyctl.diagnosis.copies import unknown
from standbyctl.diagnosis.sight import Sight
from standbyctl.domain.check import Check, Status
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.size import format_seconds, format_size

LAG = msg("replay lag")
MARK = msg("marked commit")
TABLE = msg("test table")
# What "a true, current copy" rests on: one of these that is not known leaves the question open.
# V811 and V812 are there where --deep asked for them.
ESSENTIAL = frozenset({"V801", "V802", "V803", "V808", "V809", "V810", "V811", "V812"})


class Verdict(StrEnum):
    """The answer."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Report:
    """The checks in the order they are shown, and what they come to."""

    primary: str
    standby: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """Anything that is not as it should be decides; then what is essential and not known."""
        if self.of(Status.FAIL):
            return Verdict.NOT_VERIFIED
        return Verdict.UNKNOWN if self.open else Verdict.VERIFIED

    @property
    def open(self) -> tuple[Check, ...]:
        """What is essential, and could not be found out."""
        return tuple(check for check in self.of(Status.UNKNOWN) if check.code in ESSENTIAL)

    def of(self, status: Status) -> tuple[Check, ...]:
        """The checks with that status."""
        return tuple(check for check in self.checks if check.status is status)


def diagnose(sight: Sight) -> Report:
    """Pure: the same was seen, the same is said."""
    checks = [supply.slot(sight), copies.identity(sight), copies.timeline(sight), copies.streaming(sight)]
    checks += [copies.settings(sight), supply.passfile(sight), supply.collations(sight), lag(sight)]
    if "mark" in sight.asked:
        checks.append(marked(sight))
    if "trial" in sight.asked or sight.leftovers:
        checks.append(table(sight))
    if "deep" in sight.asked:
        checks += [supply.indexes(sight), supply.pages(sight)]
    if sight.primary and sight.standby and copies.mistaken(sight.primary, sight.standby):
        unseen = msg("not looked at: see V801")
        checks = [each if each.code == "V801" else replace(each, status=Status.UNKNOWN, seen=unseen) for each in checks]
    return Report(sight.ends.primary, sight.ends.standby, tuple(checks))


def lag(sight: Sight) -> Check:
    """Held under its bound all the while. Nothing to replay is no lag; a replay that is paused or cut off is."""
    ends, seen = sight.ends, sight.lag
    if seen is None:
        return unknown(sight, "V808", LAG, "lag", "standby", "primary")

    def check(status: Status, words: Message) -> Check:
        return Check("V808", ends.standby, LAG, status, words)

    told = {
        "worst": _span(seen.worst_seconds),
        "least": msg("at least ") if seen.at_least else "",
        "behind": format_size(seen.behind_bytes),
        "bound": _span(sight.max_lag_seconds),
        "span": _span(seen.seconds),
        "wrote": format_size(seen.wrote_bytes),
        "p": ends.writer,
    }
    if seen.paused:
        return check(Status.FAIL, msg("replay is paused; {least}{worst} and {behind} behind", **told))
    if seen.cut:
        return check(
            Status.FAIL, msg("nothing is received; {least}{worst} and {behind} behind {p}, and growing", **told)
        )
    if seen.worst_seconds > sight.max_lag_seconds:
        if told["worst"] == told["bound"]:
            told["worst"] = f"{ceil(seen.worst_seconds * 1000)} ms"
        return check(Status.FAIL, msg("{least}{worst} at worst in {span}, and {behind}; the bound is {bound}", **told))
    if not seen.worst_seconds:
        return check(Status.OK, msg("never behind in {span} (bound {bound}), while {p} wrote {wrote} of WAL", **told))
    return check(Status.OK, msg("at most {worst} in {span} (bound {bound}), while {p} wrote {wrote} of WAL", **told))


def _span(seconds: float) -> str:
    """Below a second in ms, so that what is above its bound does not look like it."""
    return f"{max(1, round(seconds * 1000))} ms" if 0 < seconds < 1 else format_seconds(seconds)


def marked(sight: Sight) -> Check:
    """A commit that was made for this, and its replay."""
    ends, mark = sight.ends, sight.mark
    if mark is None:
        return unknown(sight, "V809", MARK, "mark", "standby", "primary")
    told = {"lsn": mark.lsn, "p": ends.writer, "s": ends.standby}
    if mark.replayed_ms is None:
        seen = msg("{lsn} of {p} was not replayed in {n}", n=format_seconds(mark.waited_seconds), **told)
        return Check("V809", ends.standby, MARK, Status.FAIL, seen)
    ms = max(1, round(mark.replayed_ms))
    return Check("V809", ends.standby, MARK, Status.OK, msg("{lsn} of {p} replayed after {ms} ms", ms=ms, **told))


def table(sight: Sight) -> Check:
    """The procedure's test table; or what a run that was killed has left of one."""
    ends, trial = sight.ends, sight.trial

    def check(status: Status, seen: Message) -> Check:
        return Check("V810", ends.standby, TABLE, status, seen)

    if "trial" not in sight.asked:
        return check(
            Status.WARN,
            msg("left on {p} by a run that was killed: {names}; verify --test-table removes it", p=ends.writer,
                names=", ".join(sight.leftovers)),
        )  # fmt: skip
    if trial is None:
        return unknown(sight, "V810", TABLE, "trial", "standby", "primary")
    if trial.seen_ms is None:
        return check(
            Status.FAIL,
            msg("written on {p}, not seen on {s} in {n}; dropped again", p=ends.writer, s=ends.standby,
                n=format_seconds(trial.waited_seconds)),
        )  # fmt: skip
    return check(
        Status.OK,
        msg("{n} rows written on {p}, read on {s} after {ms} ms; dropped again, with an immediate checkpoint"
            " of {p}", n=trial.rows, p=ends.writer, s=ends.standby, ms=round(trial.seen_ms)),
    )  # fmt: skip
