"""A preflight's answer is the plan's; what its lines say and from where on they warn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from standbyctl.domain.check import Status
from standbyctl.domain.errors import Need
from standbyctl.domain.facts import Facts, Setting
from standbyctl.domain.progress import Trial
from standbyctl.domain.sample import Sample
from standbyctl.domain.survey import Archiver, Collation, HostRoom, Sessions, SlotUse, Survey, Wal
from standbyctl.domain.target import Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.checks import PRIMARY_LINES, STANDBY_LINES, restored, tunnel
from standbyctl.planner.plan import Memory
from standbyctl.planner.preflight import Preflight, Verdict, preflight
from tests.pure.examples import ATTACHED, GB, OUR_ROLE, SAMPLE, TARGET, facts, server, settings
from tests.pure.situations import Situation, attachable
from tests.pure.strategies import any_facts, any_samples, memories, targets

TUNNEL_CODES = [line.code for line in (*tunnel.PRIMARY_LINES, *tunnel.STANDBY_LINES)]
RESTORED_CODES = [line.code for line in restored.LINES]
CODES = [line.code for line in (*PRIMARY_LINES, *STANDBY_LINES)]
OF_TWO_HOSTS = {line.code for line in STANDBY_LINES if line.apart}


@given(any_facts, any_samples, targets, memories)
def test_ready_is_exactly_a_plan_without_blockers(facts: Facts, sample: Sample, target: Target, memory: Memory) -> None:
    plan = plan_attach(facts, sample, target, memory)
    found = preflight(facts, sample, target, memory)
    assert (found.verdict is Verdict.READY) == (plan.blockers == ())
    assert found.blockers == plan.blockers
    # Every blocker is seen in a line of its own, and no line blocks for itself.
    blocking = {check.code for check in found.checks if check.status is Status.BLOCK}
    assert blocking == {blocker.code for blocker in plan.blockers}
    alone = sample.survey.likeness is None
    expected = [code for code in CODES if not (alone and code in OF_TWO_HOSTS)]
    expected += TUNNEL_CODES if target.tunnel.used else ()
    expected += ["P139"] if target.head else ()
    expected += RESTORED_CODES if target.from_restored else ()
    assert sorted(check.code for check in found.checks) == sorted(expected)


@given(attachable())
def test_every_line_that_is_to_be_mended_names_a_step_of_the_plan(at: Situation) -> None:
    found = preflight(at.facts, at.sample, at.target, at.memory)
    steps = plan_attach(at.facts, at.sample, at.target, at.memory).steps
    for check in found.checks:
        if check.status is Status.FIX:
            number = int(str(check.remedy).split()[2].rstrip(","))
            assert 1 <= number <= len(steps)
            assert check.node in {steps[number - 1].place, at.target.primary}


def look(survey: Survey | None = None, target: Target = TARGET, **changes: Any) -> Preflight:
    """One preflight, with some things of the survey or the sample other than plain."""
    sample = replace(SAMPLE, survey=survey or Survey(today="2026-11-23"), **changes)
    return preflight(facts(), sample, target)


def line(found: Preflight, code: str) -> tuple[str, str]:
    """Status and words of one line."""
    [check] = [check for check in found.checks if check.code == code]
    return check.status.value, str(check.seen)


def setting(name: str, value: str) -> Survey:
    """A survey in which one setting is so."""
    return Survey(settings=(Setting(name, value, "default"),))


@pytest.mark.parametrize(
    ("today", "status"), [("2026-11-23", "OK"), ("2028-11-09", "OK"), ("2028-11-10", "WARN"), ("", "OK")]
)
def test_a_major_past_its_end_of_life_is_noted(today: str, status: str) -> None:
    assert line(look(Survey(today=today)), "P101")[0] == status


@pytest.mark.parametrize(
    ("code", "survey", "status", "words"),
    [
        ("P109", setting("full_page_writes", "off"), "WARN", "torn page"),
        ("P109", setting("wal_log_hints", "on"), "OK", "wal_log_hints is on"),
        ("P109", setting("data_checksums", "on"), "OK", "checksums are on"),
        ("P109", Survey(), "OK", "copied anew"),
        ("P116", Survey(superuser=False), "OK", "no superuser"),
        ("P119", Survey(foreign_files=(("puppet", "/x.conf"),)), "WARN", "/x.conf carries a mark of puppet"),
        ("P122", Survey(sessions=Sessions(backups=1)), "WARN", "1 running"),
        ("P123", Survey(sessions=Sessions(oldest_transaction=899.0)), "OK", "none is older"),
        ("P123", Survey(sessions=Sessions(oldest_transaction=900.0)), "WARN", "open for 15 min"),
        ("P123", Survey(sessions=Sessions(idle_in_transaction=4000.0)), "WARN", "idle in transaction for 1 h"),
        ("P123", Survey(sessions=Sessions(prepared=1, oldest_prepared=1.0)), "OK", "1 prepared"),
        ("P123", Survey(sessions=Sessions(prepared=1, oldest_prepared=901.0)), "WARN", "a prepared one"),
        ("P124", Survey(slots=(SlotUse("db2", "physical", False, "reserved", GB),)), "OK", "none"),
        ("P124", Survey(slots=(SlotUse("a", "physical", True, "reserved", GB),)), "OK", "1, all in use"),
        ("P124", Survey(slots=(SlotUse("a", "physical", False, "reserved", GB),)), "WARN", "keeps 1 GB"),
        ("P124", Survey(slots=(SlotUse("a", "physical", False, "", None),)), "OK", "1, all in use"),
        ("P124", Survey(slots=(SlotUse("a", "physical", False, "lost", None),)), "WARN", "a is lost"),
        (
            "P124",
            Survey(slots=(SlotUse("a", "logical", True, "reserved", GB, xmin_age=100_000_001),)),
            "WARN",
            "holds back vacuum",
        ),
        ("P125", Survey(), "UNKNOWN", "not known"),
        ("P125", Survey(wal=Wal(now_bytes=1024.0)), "OK", "1 kB/s"),
        ("P126", setting("idle_replication_slot_timeout", "3600"), "WARN", "loses its slot"),
        (
            "P127",
            Survey(slots=(SlotUse("d", "logical", True, "reserved", 0, failover=True),)),
            "OK",
            "1, with failover",
        ),
        ("P127", Survey(slots=(SlotUse("d", "logical", True, "reserved", 0),)), "WARN", "d: not on the standby"),
        ("P129", setting("wal_sender_timeout", "0"), "WARN", "never noticed"),
        ("P132", Survey(collations=(Collation("app", "2.31", "2.36"),)), "WARN", "app 2.31 -> 2.36"),
        ("P132", Survey(collations_recorded=False), "OK", "same machine"),
        ("P208", Survey(), "UNKNOWN", "not known"),
        ("P210", setting("shared_preload_libraries", "pg_cron"), "WARN", "pg_cron comes with the copy"),
        ("P211", Survey(host=HostRoom(selinux="1")), "WARN", "semanage"),
        ("P211", Survey(host=HostRoom(selinux="0")), "OK", "not enforcing"),
        ("P212", Survey(host=HostRoom(inodes_free=10, inodes_needed=2000)), "BLOCK", "too few inodes"),
    ],
)
def test_a_line_says_what_was_seen_and_from_where_on_it_matters(
    code: str, survey: Survey, status: str, words: str
) -> None:
    seen = line(look(survey), code)
    assert seen[0] == status
    assert words in seen[1]


def test_memory_that_is_there_but_not_free_is_a_warning_and_more_than_all_of_it_a_blocker() -> None:
    def with_buffers(blocks: int) -> tuple[str, str]:
        room = HostRoom(memory_bytes=8 * GB, available_bytes=2 * GB)
        return line(look(replace(setting("shared_buffers", str(blocks)), host=room)), "P208")

    block = GB // 8192
    assert with_buffers(block)[0] == "OK"
    assert with_buffers(3 * block)[0] == "WARN"
    assert with_buffers(9 * block)[0] == "BLOCK"


def test_a_failing_archiver_is_a_warning_only_where_archiving_is_on() -> None:
    survey = Survey(archiver=Archiver(failing=True, failures=3, last_failed_wal="00000001000000000000000A"))
    assert line(look(survey), "P121")[0] == "OK"
    archiving = server(
        settings=tuple(replace(s, value="on") if s.name == "archive_mode" else s for s in server().settings)
    )
    found = preflight(facts(archiving), replace(SAMPLE, survey=survey), TARGET)
    assert line(found, "P121")[0] == "WARN"


def test_tls_that_is_off_is_a_warning_only_between_machines() -> None:
    away = replace(TARGET, source_address="10.0.0.7", primary_host="10.0.0.5")

    def with_ssl(value: str, target: Target = TARGET) -> str:
        return line(preflight(facts(server(settings=settings(ssl=value))), SAMPLE, target), "P130")[0]

    assert with_ssl("off") == "OK"
    assert with_ssl("off", away) == "WARN"
    assert with_ssl("on", away) == "OK"


def test_the_hardest_need_is_the_one_that_is_said() -> None:
    found = look(Survey(managed=(("Amazon RDS", "role rds_superuser"),)))
    [check] = [check for check in found.checks if check.code == "P117"]
    assert str(check.remedy) == Need.IMPOSSIBLE.value
    assert not found.restart


def test_a_forecast_is_made_of_the_limit_the_trial_and_the_wal() -> None:
    wal = Survey(wal=Wal(now_bytes=1024.0**2))
    unknown = look(wal).forecast
    assert (unknown.seconds, unknown.wal_bytes, unknown.slot_survives) == (None, None, None)
    limited = look(wal, replace(TARGET, max_rate="10M")).forecast
    assert limited.limited
    assert limited.seconds == pytest.approx(102.4)
    assert limited.wal_bytes == pytest.approx(102.4 * 1024**2)
    assert limited.slot_survives
    sample = replace(SAMPLE, survey=wal)
    tried = preflight(facts(), sample, replace(TARGET, max_rate="10M"), (), Trial(5 << 20, 1.0)).forecast
    assert not tried.limited
    assert tried.seconds == pytest.approx(204.8)
    assert tried.catches_up


def test_a_standby_that_can_never_catch_up_is_said_to() -> None:
    sample = replace(SAMPLE, survey=Survey(wal=Wal(average_bytes=100 * 1024.0**2)))
    found = preflight(facts(), sample, TARGET, (), Trial(50 << 20, 1.0))
    assert line(found, "P125")[0] == "WARN"
    assert "never catch up" in line(found, "P125")[1]
    assert found.verdict is Verdict.READY


def test_what_streams_already_has_nothing_to_mend() -> None:
    attached = server(roles=(OUR_ROLE,), slots=())
    from standbyctl.domain.facts import Slot

    found = preflight(facts(replace(attached, slots=(Slot("db2"),)), **ATTACHED), SAMPLE, TARGET)
    assert found.verdict is Verdict.READY
    assert found.steps == ()
    assert found.forecast.copy_bytes is None
    assert found.count(Status.FIX) == 0
