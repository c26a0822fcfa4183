"""The report of a preflight, as text and as a record."""

from __future__ import annotations

import shlex
from typing import Any

from standbyctl.app.preflight import Report
from standbyctl.app.session import Session
from standbyctl.domain.check import Status
from standbyctl.domain.codec import encode
from standbyctl.domain.errors import Blocker
from standbyctl.domain.message import Message, msg
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.domain.version import version_text
from standbyctl.planner.preflight import Preflight, Verdict
from standbyctl.ui.checks import check_record, render_checks
from standbyctl.ui.render import sentence, shown, text, wrap
from standbyctl.ui.width import pad

NEXT = msg("Next")
_INDENT = " " * 10


def render_preflight(report: Report, session: Session, next_command: str) -> str:
    """The question, every line, the forecast, what is in the way, and the verdict."""
    found, target = report.found, session.target
    question = msg(
        "preflight: can {primary} get a standby {name} on {host} with no restart? (changes nothing)",
        host=target.standby_ssh or msg("this machine"),
        primary=target.primary,
        name=target.name,
    )
    parts = [
        f"{_verdict_line(found, target.primary, target.name)}\n{text(question)}",
        render_checks(found.checks, _headings(report, session)),
        "\n".join(_forecast(report, target.name, slotless=not target.slot)),
    ]
    if found.blockers:
        parts.append("\n".join([text(msg("Ways forward")), *(_way(blocker) for blocker in found.blockers)]))
    parts.append(_ending(report, session, next_command))
    return "\n\n".join(part for part in parts if part)


def _headings(report: Report, session: Session) -> dict[str, Message]:
    target, sample = session.target, session.sample
    server = report.facts.server(target.primary)
    size, up = sample.cluster_bytes, sample.survey.up_seconds
    return {
        target.primary: msg(
            "Primary {node} ({host}:{port}), PostgreSQL {v}, up {up}, {size}",
            node=target.primary,
            host=target.shown[0],
            port=target.shown[1],
            v=version_text(server.version_num),
            up="-" if up is None else format_seconds(up),
            size="-" if size is None else format_size(size),
        ),
        target.name: msg(
            "Standby {name} ({host}), port {port}",
            name=target.name,
            host=target.standby_ssh or msg("this machine"),
            port=target.port,
        ),
    }


def _forecast(report: Report, name: str, *, slotless: bool) -> list[str]:
    forecast = report.found.forecast
    if forecast.copy_bytes is None:
        return []
    size = format_size(forecast.copy_bytes)
    head = pad(text(msg("Forecast")), 10)
    if forecast.seconds is None:
        first = (
            msg("copy {size}; how long is not known: no trial, for {why}", size=size, why=report.untried)
            if report.untried
            else msg("copy {size}; how long is not known (--trial measures it, --max-rate bounds it)", size=size)
        )
    else:
        why = (
            msg("--max-rate")
            if forecast.limited
            else msg("trial of {size}", size=format_size(report.trial.copied_bytes if report.trial else 0))
        )
        first = msg(
            "copy {size} at {rate}/s ({why}): about {took}",
            size=size,
            rate=format_size(forecast.rate_bytes or 0),
            why=why,
            took=format_seconds(forecast.seconds),
        )
    lines = [wrap(text(first), head, _INDENT)]
    if forecast.wal_bytes is not None and forecast.keeps_bytes is not None:
        told = {"wal": format_size(forecast.wal_bytes), "keeps": format_size(forecast.keeps_bytes)}
        kept = (
            msg("WAL written meanwhile: about {wal}; without a slot the last {keeps} are kept, for everybody", **told)
            if slotless
            else msg("WAL kept for {name} meanwhile: about {wal} of {keeps}", name=name, **told)
        )
        lines.append(wrap(text(kept), _INDENT, _INDENT))
    return lines


def _way(blocker: Blocker) -> str:
    """Why, and what can be done about it, below the code of its line."""
    first, margin = text(msg("{what}. {detail}", what=blocker.what, detail=blocker.detail)), " " * 8
    said = [wrap(first, f"  {blocker.code:<6}", margin), wrap(sentence(blocker.hint), margin, margin)]
    return "\n".join([*said, *(f"{margin}{shown(line)}" for line in blocker.hint.lines)])


def _verdict_line(found: Preflight, primary: str, name: str) -> str:
    if found.verdict is Verdict.READY and not found.steps:
        said = msg("Nothing to do: {name} streams from {primary}.", name=name, primary=primary)
    elif found.verdict is Verdict.READY and not found.count(Status.FIX):
        said = msg(
            "No restart, and nothing to mend. {warnings}.",
            warnings=_warnings(found),
        )
    elif found.verdict is Verdict.READY:
        said = msg(
            "No restart. {fixes}, {warnings}: all of it by SQL, a line in a file, or a reload.",
            fixes=_fixes(found),
            warnings=_warnings(found),
        )
    elif found.restart:
        said = msg("{primary} needs a restart first. A reload does not help.", primary=primary)
    else:
        n = len(found.blockers)
        said = (
            msg("1 thing is in the way; it needs no restart of {primary}.", primary=primary)
            if n == 1
            else msg("{n} things are in the way; none of it needs a restart of {primary}.", n=n, primary=primary)
        )
    return wrap(text(said), f"{found.verdict.value:<10}", _INDENT)


def _warnings(found: Preflight) -> Message:
    n = found.count(Status.WARN)
    return msg("1 warning") if n == 1 else msg("{n} warnings", n=n)


def _fixes(found: Preflight) -> Message:
    n = found.count(Status.FIX)
    return msg("1 fix") if n == 1 else msg("{n} fixes", n=n)


def _ending(report: Report, session: Session, next_command: str) -> str:
    found, target = report.found, session.target
    lines = [_verdict_line(found, target.primary, target.name)]
    if found.verdict is Verdict.READY and found.steps:
        lines.append(f"{pad(text(NEXT), 10)}{next_command}")
    if found.restart:
        conninfo = shlex.quote(session.resolved.conninfo)
        lines.append(f"{pad(text(NEXT), 10)}standbyctl plan --stage-restart -p {conninfo}")
    if found.blockers:
        codes = " ".join(dict.fromkeys(blocker.code for blocker in found.blockers))
        lines.append(f"{pad(text(msg('See')), 10)}standbyctl explain {codes}")
    return "\n".join(lines)


def preflight_record(report: Report, session: Session) -> dict[str, Any]:
    """The same for machines; null is unknown."""
    found, forecast = report.found, report.found.forecast
    return {
        "schema": "standbyctl.preflight/1",
        "verdict": found.verdict.value,
        "restart": found.restart,
        "target": encode(session.target),
        "checks": [check_record(check) for check in found.checks],
        "blockers": [
            {
                "code": blocker.code,
                "need": blocker.need.value,
                "refused": blocker.refused,
                "error": str(blocker.what),
                "detail": str(blocker.detail),
                "hint": str(blocker.hint),
            }
            for blocker in found.blockers
        ],
        "forecast": {
            **encode(forecast),
            "seconds": forecast.seconds,
            "wal_bytes": forecast.wal_bytes,
            "slot_survives": forecast.slot_survives,
            "catches_up": forecast.catches_up,
        },
    }
