"""Every major version is asked only what it has, and what it answers is planned from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import standbyctl
from standbyctl.domain.check import Status
from standbyctl.domain.facts import Facts, Node
from standbyctl.domain.rights import grants
from standbyctl.domain.staging import Trial, TryStart
from standbyctl.domain.survey import HostRoom, Wal
from standbyctl.domain.version import SUPPORTED_MAJORS
from standbyctl.nodes.majors import for_major
from standbyctl.observe.reading import parse_server
from standbyctl.observe.surveying import parse_survey
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.preflight import Verdict, preflight
from standbyctl.steps.base import predict
from tests.pure.examples import CAP, PRIMARY, SAMPLE, STANDBY, TARGET, codes, facts, kinds, place, remember
from tests.pure.said import FOUND, FRESH
from tests.pure.test_rights import THEIRS, lines, plan_for, weak

SOURCE = Path(standbyctl.__file__).parent
# What came with which major. Nothing before it may be asked for it but as a key of to_jsonb.
SINCE = {
    "pg_stat_wal": 14,
    "pg_get_wal_replay_pause_state": 14,
    "string_to_table": 14,
    "in_hot_standby": 14,
    "has_parameter_privilege": 15,
    "pg_database_collation_actual_version": 15,
    "datcollversion": 15,
    "daticulocale": 15,
    "datlocprovider": 15,
    "conflicting": 16,
    "inactive_since": 17,
    "invalidation_reason": 17,
    "synced": 17,
    "failover": 17,
    "datlocale": 17,
}
QUERIES = {
    str(path.relative_to(SOURCE)): query
    for path in sorted(SOURCE.rglob("*"))
    if path.suffix in {".sql", ".py"}
    for query in [path.read_text()]
    if path.suffix == ".sql" or re.search(r"-- (\d+\+|<\d+)$", query, re.MULTILINE)
}


@pytest.mark.parametrize("major", SUPPORTED_MAJORS)
@pytest.mark.parametrize("name", QUERIES)
def test_no_major_is_asked_for_what_came_later(name: str, major: int) -> None:
    asked = for_major(QUERIES[name], major * 10000)
    asked = re.sub(r"(?m)^\s*--.*$|->> '\w+'|'\w+',", "", asked)
    later = [word for word, since in SINCE.items() if since > major and re.search(rf"\b{word}\b", asked)]
    assert later == []


def test_a_mark_is_taken_for_one_at_the_end_of_a_line_only() -> None:
    assert for_major("SELECT 1 -- 15+", 140005) == ""
    assert for_major("SELECT 1 -- 15+\n-- since 15\n\nSELECT 2", 150000) == "SELECT 1\n-- since 15\n\nSELECT 2"
    assert for_major("SELECT '-- 15+'", 130000) == "SELECT '-- 15+'"


def said(major: int) -> dict[str, Any]:
    """What a primary of that major has said, just made by initdb."""
    found: dict[str, Any] = json.loads((FOUND / f"primary-{major}.json").read_text())
    return found


def seen(major: int) -> Facts:
    server = parse_server(said(major)["server"], FRESH)
    here = place(bin_version_num=server.version_num)
    return Facts((Node(PRIMARY, server=server), Node(STANDBY, place=here)))


@pytest.mark.parametrize("major", [13, 14, 17])
def test_a_primary_as_its_major_shows_it_gets_a_standby_and_is_as_before_after_a_detach(major: int) -> None:
    before = seen(major)
    plan = plan_attach(before, SAMPLE, TARGET)
    assert codes(plan) == []
    # As on any other; but initdb's own pg_hba.conf lets a standby on this machine in.
    anywhere = kinds(plan_attach(facts(), SAMPLE, TARGET).steps)
    assert kinds(plan.steps) == [kind for kind in anywhere if kind != "AdmitReplication"]
    attached = predict(plan.steps, before)
    assert plan_attach(attached, SAMPLE, TARGET).steps == ()
    options = DetachOptions(True, True)
    back = plan_detach(attached, SAMPLE, TARGET, remember(plan, before), options)
    after = predict(back.steps, attached)
    assert after.server(PRIMARY) == before.server(PRIMARY)


@pytest.mark.parametrize("major", [13, 14, 17])
def test_a_preflight_is_ready_and_says_of_a_major_past_its_end_that_it_is(major: int) -> None:
    words = {"libdir": "/lib", "own": "yes", "wal_link": "", "huge_free": " ", "memory_kb": "", "memory_limit": ""}
    words |= {"available_kb": "", "inodes_free": "", "selinux": ""}
    survey = parse_survey(said(major)["survey"], list(words.items()), None, 0.0)
    assert survey.host == HostRoom()
    # How much WAL there was since the statistics began is counted from 14 on.
    assert (survey.wal == Wal()) == (major == 13)
    assert (survey.collations, survey.collations_recorded) == ((), True)
    found = preflight(seen(major), replace(SAMPLE, survey=survey), TARGET)
    assert found.verdict is Verdict.READY
    [version] = [check for check in found.checks if check.code == "P101"]
    assert (version.status is Status.WARN) == (major < 15), "on the day of the capture"


def test_before_15_nobody_but_a_superuser_alters_parameters_and_that_is_said() -> None:
    old = weak(f"alter {CAP}", "reload", version_num=140023)
    [blocker] = (plan := plan_for(old, THEIRS, bin_version_num=140023)).blockers
    assert blocker.code == "P116"
    assert lines(plan) == (
        'GRANT EXECUTE ON FUNCTION pg_reload_conf() TO "Tool";',
        f"-- Before PostgreSQL 15 only a superuser may alter {CAP}.",
    )
    assert "--settings print" in str(blocker.detail)
    assert "--settings print" not in str(plan_for(weak(f"alter {CAP}")).blockers[0].detail)
    assert grants({"set log_statement"}, "r", 13) == (
        "-- Before PostgreSQL 15 only a superuser may set log_statement.",
    )


def test_before_15_a_start_is_tried_by_a_postmaster_that_ends_before_it_serves_anybody() -> None:
    trial = Trial("/bin", "/pg/db1", "/pg/db1/postgresql.conf", by_start=True)
    assert "-c hba_file=COPY/none (where it ends)" in str(TryStart(PRIMARY, (), trial))
    assert "-C shared_memory_size" in str(TryStart(PRIMARY, (), replace(trial, by_start=False)))


def test_before_14_a_change_of_restore_command_is_said_to_need_a_restart() -> None:
    target = replace(TARGET, restore_command="cp /archive/%f %p")
    old, new = (" ".join(map(str, plan_attach(seen(major), SAMPLE, target).notes)) for major in (13, 14))
    assert "Before PostgreSQL 14 a change needs a restart of the standby" in old
    assert "A change needs a reload of the standby only" in new
