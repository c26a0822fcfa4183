"""Alerting rules for Prometheus over our metrics: each says what is wrong, and with which command to go on."""

from __future__ import annotations

import json

from standbyctl.domain.finding import Limits, Severity
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.ui.render import text

_NODE, _SLOT, _VALUE = "{{ $labels.node }}", "{{ $labels.slot }}", "{{ $value | humanizeDuration }}"
_FULL, _LAG = "standbyctl_wal_disk_full_seconds", "standbyctl_replication_lag_seconds"


@dataclass(frozen=True, slots=True)
class Rule:
    """`lasts`: how long it must hold. `fix`: a command."""

    name: str
    expression: str
    lasts: str
    severity: Severity
    summary: Message
    fix: str


def rules(limits: Limits) -> tuple[Rule, ...]:
    """All of them, by the limits of findings. Where two are on the same metric, what is critical is no warning."""
    full = msg("{node}: the volume of pg_wal is full in {time}, by a slot that nobody reads", node=_NODE, time=_VALUE)
    lag = msg("{node} is {time} behind its primary", node=_NODE, time=_VALUE)
    warning, critical = Severity.WARNING, Severity.CRITICAL
    full_warning, full_critical = _number(limits.full_warning), _number(limits.full_critical)
    lag_warning, lag_critical = _number(limits.lag_warning), _number(limits.lag_critical)
    return (
        Rule(
            "StandbyctlSlotDiskFull",
            f"{_FULL} <= {full_warning} and {_FULL} > {full_critical}",
            "5m", warning, full, "standbyctl explain S330",
        ),
        Rule(
            "StandbyctlSlotDiskFull", f"{_FULL} <= {full_critical}",
            "1m", critical, full, "standbyctl explain S330",
        ),
        Rule(
            "StandbyctlSlotLost", 'standbyctl_finding{code="S331"} == 1',
            "0m", critical,
            msg("{slot} is lost: its standby must be made anew", slot="{{ $labels.subject }}"),
            "standbyctl explain S331",
        ),
        Rule(
            "StandbyctlStandbyLost", "standbyctl_replication_streaming == 0",
            "1m", critical,
            msg("{node} receives no WAL", node=_NODE),
            f"standbyctl verify {_NODE}",
        ),
        Rule(
            "StandbyctlLagHigh", f"{_LAG} >= {lag_warning} and {_LAG} < {lag_critical}",
            "5m", warning, lag, "standbyctl explain L401",
        ),
        Rule(
            "StandbyctlLagHigh", f"{_LAG} >= {lag_critical}",
            "1m", critical, lag, "standbyctl explain L401",
        ),
        Rule(
            "StandbyctlPrimaryDown", "standbyctl_primaries == 0 and standbyctl_up == 1",
            "30s", critical,
            msg("no server that answers takes writes: the primary is away"),
            "standbyctl explain F502",
        ),
        Rule(
            "StandbyctlSplitBrain", "standbyctl_primaries > 1",
            "0m", critical,
            msg("{n} servers of one cluster take writes", n="{{ $value }}"),
            "standbyctl explain F501",
        ),
        Rule(
            "StandbyctlTimelineChanged", "changes(standbyctl_timeline[15m]) > 0",
            "0m", warning,
            msg("{node} is on another timeline: somebody was promoted", node=_NODE),
            "standbyctl events --since 1h",
        ),
        Rule(
            "StandbyctlArchiverFailing", "standbyctl_archiver_failing == 1",
            "5m", warning,
            msg("the archiver of {node} fails: pg_wal grows until it succeeds", node=_NODE),
            "standbyctl explain P121",
        ),
        Rule(
            "StandbyctlNoAccess", 'standbyctl_finding{code="M612"} == 1',
            "2m", warning,
            msg("{subject} answers, and does not let standbyctl look", subject="{{ $labels.subject }}"),
            "standbyctl explain M612",
        ),
        Rule(
            "StandbyctlMonitorBlind", "absent(standbyctl_up) or standbyctl_up == 0",
            "2m", critical,
            msg("nobody watches: standbyctl watch does not run, or its rounds have stopped"),
            "systemctl status standbyctl-watch",
        ),
    )  # fmt: skip


def _number(value: float) -> str:
    """As PromQL reads it: all of its figures."""
    return str(int(value)) if value == int(value) else repr(value)


def render_rules(every: tuple[Rule, ...]) -> str:
    """As a file of rules. Texts are quoted as JSON, which YAML takes."""
    lines = ["groups:", "  - name: standbyctl", "    rules:"]
    for rule in every:
        lines += [
            f"      - alert: {rule.name}",
            f"        expr: {json.dumps(rule.expression)}",
            f"        for: {rule.lasts}",
            "        labels:",
            f"          severity: {rule.severity.value.lower()}",
            "        annotations:",
            f"          summary: {json.dumps(text(rule.summary), ensure_ascii=False)}",
            f"          fix: {json.dumps(rule.fix)}",
        ]
    return "\n".join(lines) + "\n"
