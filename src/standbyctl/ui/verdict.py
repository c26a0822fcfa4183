"""A verification: the verdict, every check, the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standbyctl.app.state import now
from standbyctl.diagnosis.verify import Report, Verdict
from standbyctl.domain.check import Check, Status
from standbyctl.domain.message import Message, listed, msg
from standbyctl.ui.checks import check_record, render_checks
from standbyctl.ui.render import text, wrap

_SHOWN = (Status.OK, Status.WARN, Status.FAIL, Status.UNKNOWN)


def render_report(report: Report) -> str:
    """For people."""
    label = "VERIFIED" if report.verdict is Verdict.VERIFIED else "NOT VERIFIED"
    headings = {
        report.primary: msg("Primary {name}", name=report.primary),
        report.standby: msg("Standby {name}", name=report.standby),
    } | {
        # By hand they may have no name.
        "the primary": msg("The primary"),
        "the standby": msg("The standby"),
    }
    head, tail = (wrap(text(line), f"{label}  ", " " * (len(label) + 2)) for line in (_answer(report), _sum(report)))
    return "\n\n".join([head, render_checks(report.checks, headings), tail])


def _answer(report: Report) -> Message:
    told = {"s": report.standby, "p": report.primary}
    if report.verdict is Verdict.VERIFIED:
        return msg("{s} is a true, current copy of {p}", **told)
    if report.verdict is Verdict.UNKNOWN:
        return msg("could not find out whether {s} is a true, current copy of {p}: {names}",
                   names=_names(report.open), **told)  # fmt: skip
    return msg("{s} is not a true, current copy of {p}, or may soon not be: {names}",
               names=_names(report.of(Status.FAIL)), **told)  # fmt: skip


def _sum(report: Report) -> Message:
    counts = ", ".join(f"{len(report.of(status))} {status}" for status in _SHOWN if report.of(status))
    unknown = report.of(Status.UNKNOWN)
    rest = msg("; not found out: {names}", names=_names(unknown)) if unknown else msg("")
    return msg("{n} checks: {counts}{rest}", n=len(report.checks), counts=counts, rest=rest)


def _names(checks: Iterable[Check]) -> Message:
    return listed(msg("{title} ({code})", title=check.title, code=check.code) for check in checks)


def report_record(report: Report) -> dict[str, Any]:
    """For machines."""
    return {
        "schema": "standbyctl.verify/1",
        "at": now(),
        "verdict": report.verdict.value,
        "primary": report.primary,
        "standby": report.standby,
        "checks": [check_record(check) for check in report.checks],
    }
