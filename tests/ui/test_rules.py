"""Alerting rules: each fires on its case, and stays silent on the cases of all others. promtool decides."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from standbyctl.diagnosis.catalogue import find
from standbyctl.domain.finding import Limits
from standbyctl.ui import i18n
from standbyctl.ui.cli import cli
from standbyctl.ui.render import text
from standbyctl.ui.rules import rules

HEALTHY = {
    "standbyctl_up": "1x90",
    "standbyctl_primaries": "1x90",
    'standbyctl_timeline{node="db2"}': "1x90",
    'standbyctl_replication_streaming{node="db2"}': "1x90",
    'standbyctl_replication_lag_seconds{node="db2"}': "0.2x90",
    'standbyctl_archiver_failing{node="db1"}': "0x90",
    'standbyctl_slot_active{node="db1",slot="db2"}': "1x90",
}
DAY = 86400
RULES = rules(Limits())
OF_ALL = {"SplitBrain", "PrimaryDown", "MonitorBlind"}
LOST = 'standbyctl_finding{code="S331",severity="critical",subject="slot:db2"}'
# What differs from a healthy cluster; what fires then, how severe, and what its summary says.
CASES = {
    "healthy": ({}, None),
    "a slot fills the disk in six days": (
        {'standbyctl_wal_disk_full_seconds{node="db1"}': f"{6 * DAY}x90"}, ("SlotDiskFull", "warning", "6d 0h")),
    "a slot fills the disk in two days": (
        {'standbyctl_wal_disk_full_seconds{node="db1"}': f"{2 * DAY}x90"}, ("SlotDiskFull", "critical", "2d 0h")),
    "a slot fills the disk in a year": ({'standbyctl_wal_disk_full_seconds{node="db1"}': f"{365 * DAY}x90"}, None),
    "a slot is lost": ({LOST: "1x90"}, ("SlotLost", "critical", "slot:db2")),
    "a standby receives nothing": (
        {'standbyctl_replication_streaming{node="db2"}': "0x90"}, ("StandbyLost", "critical", "db2")),
    "a standby is behind": (
        {'standbyctl_replication_lag_seconds{node="db2"}': "12x90"}, ("LagHigh", "warning", "12s")),
    "a standby is far behind": (
        {'standbyctl_replication_lag_seconds{node="db2"}': "90x90"}, ("LagHigh", "critical", "1m 30s")),
    "a standby was behind for a moment": (
        {'standbyctl_replication_lag_seconds{node="db2"}': "0.2x80 20x2 0.2x6"}, None),
    "the primary is dead": ({"standbyctl_primaries": "1x60 0x30"}, ("PrimaryDown", "critical", "")),
    "a primary that is restarted": ({"standbyctl_primaries": "1x80 0x2 1x8"}, None),
    "two primaries": ({"standbyctl_primaries": "2x90"}, ("SplitBrain", "critical", "2")),
    "a promotion": ({'standbyctl_timeline{node="db2"}': "1x78 2x12"}, ("TimelineChanged", "warning", "db2")),
    "a server comes back on its old timeline": ({'standbyctl_timeline{node="db2"}': "1x60 _x10 1x20"}, None),
    "the archiver fails": ({'standbyctl_archiver_failing{node="db1"}': "1x90"}, ("ArchiverFailing", "warning", "db1")),
    "a server lets nobody look": (
        {'standbyctl_finding{code="M612",severity="unknown",subject="node:db2"}': "1x90"},
        ("NoAccess", "warning", "")),
    "nobody watches": (dict.fromkeys(HEALTHY), ("MonitorBlind", "critical", "")),
    "rounds have stopped": ({**dict.fromkeys(HEALTHY), "standbyctl_up": "0x90"}, ("MonitorBlind", "critical", "")),
}  # fmt: skip


@pytest.fixture
def speaking(request):
    i18n.use(request.param)
    yield request.param
    i18n.use("en")


def exported(*options):
    done = CliRunner().invoke(cli, ["export", "prometheus-rules", *options])
    assert done.exit_code == 0
    return done.output


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("speaking", ["en", "ja"], indirect=True)
def test_rules_are_valid_and_each_fires_on_its_case_alone(tmp_path, speaking):
    (tmp_path / "rules.yml").write_text(exported())
    names = sorted({rule.name for rule in RULES})
    tests = []
    for case, (differs, fires) in CASES.items():
        series = {**HEALTHY, **differs}
        alerts = []
        for name in names:
            expected = []
            if fires and name == f"Standbyctl{fires[0]}":
                found = next(rule for rule in RULES if (rule.name, rule.severity.lower()) == (name, fires[1]))
                labels = (
                    {} if fires[0] in {"SplitBrain", "PrimaryDown", "MonitorBlind"} else labels_of(next(iter(differs)))
                )
                expected = [{"exp_labels": {**labels, "severity": fires[1]},
                             "exp_annotations": annotations(found, labels, fires[2])}]  # fmt: skip
            alerts.append({"eval_time": "14m", "alertname": name, "exp_alerts": expected})
        tests.append({
            "name": case, "interval": "10s", "alert_rule_test": alerts,
            "input_series": [{"series": name, "values": values} for name, values in series.items() if values],
        })  # fmt: skip
    (tmp_path / "tests.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": tests}))
    for args in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(["promtool", *args], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def labels_of(series):
    inner = series[series.index("{") + 1 : -1]
    return {key: value.strip('"') for key, _, value in (part.partition("=") for part in inner.split(","))}


def annotations(rule, labels, value):
    """As Prometheus fills them in."""
    filled = text(rule.summary)
    for key in ("node", "slot", "subject"):
        filled = filled.replace(f"{{{{ $labels.{key} }}}}", labels.get(key, ""))
    for gap in ("{{ $value | humanizeDuration }}", "{{ $value }}"):
        filled = filled.replace(gap, value)
    fix = rule.fix.replace("{{ $labels.node }}", labels.get("node", ""))
    # promtool 2.42 writes a duration with its smaller units.
    return {"summary": filled.replace("6d 0h", "6d 0h 0m 0s").replace("2d 0h", "2d 0h 0m 0s"), "fix": fix}


def test_limits_are_those_of_findings(tmp_path):
    limits, expressions = Limits(), {rule.expression for rule in RULES}
    full, lag = "standbyctl_wal_disk_full_seconds", "standbyctl_replication_lag_seconds"
    assert f"{full} <= {limits.full_critical:.0f}" in expressions
    assert f"{lag} >= {limits.lag_warning:.0f} and {lag} < {limits.lag_critical:.0f}" in expressions
    config = tmp_path / "standbyctl.toml"
    config.write_text('[monitor]\nlag_warning = "1500ms"\nlag_critical = "10min"\nfull_critical = "30d"\n')
    said = exported("-c", str(config))
    assert f"{lag} >= 1.5 and {lag} < 600" in said
    assert f"{full} <= 2592000" in said


def test_every_case_has_a_rule_and_every_rule_a_case():
    fired = {(f"Standbyctl{fires[0]}", fires[1]) for _, fires in CASES.values() if fires}
    assert fired == {(rule.name, rule.severity.lower()) for rule in RULES}


def test_each_alert_names_a_command_that_exists():
    for rule in RULES:
        verb, *rest = rule.fix.removeprefix("standbyctl ").split()
        assert rule.fix.startswith("systemctl ") or verb in cli.list_commands(None)
        assert verb != "explain" or find(rest[0])
