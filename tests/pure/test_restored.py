"""A copy that something else has put in place: which are attached, which are refused, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from standbyctl.domain.facts import Contents, Slot
from standbyctl.domain.restored import Label, RestoredSeen
from standbyctl.domain.sample import Sample
from standbyctl.domain.survey import SlotUse, Survey
from standbyctl.observe.reading import parse_place
from standbyctl.observe.restored import parse_restored
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Plan
from standbyctl.planner.preflight import preflight
from standbyctl.steps.base import predict
from tests.pure.examples import (
    COPY,
    DATA,
    PRIMARY,
    SAMPLE,
    STANDBY,
    TARGET,
    codes,
    facts,
    kinds,
    remember,
    server,
    settings,
)
from tests.pure.said import ATTACHED, PRIMARY_SAID, question

ASKED = replace(TARGET, from_restored=True)
THERE = facts(contents=Contents.RESTORED)
GONE = "000000010000000000000004"


def sample(**changes: Any) -> Sample:
    return replace(SAMPLE, restored=replace(COPY, **changes))


def planned(at: Any = THERE, target: Any = ASKED, **changes: Any) -> Plan:
    return plan_attach(at, sample(**changes), target)


def said(plan: Plan) -> str:
    return " ".join(f"{each.what} {each.detail} {each.hint}" for each in plan.blockers)


def notes(plan: Plan) -> str:
    return " ".join(map(str, plan.notes))


def test_nothing_is_copied_moved_or_set_aside() -> None:
    plan = planned()
    assert kinds(plan.steps) == [
        "ProvidePassfile", "CreateRole", "AdmitReplication", "CapSlots", "CreateSlot", "SetUpRestored", "StartStandby",
    ]  # fmt: skip
    check, adopt, conf = plan.steps[-2].effects()
    assert [type(each).__name__ for each in (check, adopt, conf)] == ["CheckWal", "AdoptCopy", "SetConf"]
    assert "substr(name, 9) = '0000000000000002'" in str(check)
    assert f"{DATA}/standbyctl.before-c0ffee00/" in str(adopt)
    settled = dict(getattr(conf, "settings"))  # noqa: B009 the union has other members
    assert settled["restore_command"] == settled["recovery_target_time"] == settled["recovery_target"] == ""
    # What the backup's files say is older than what the primary runs with.
    assert (settled["max_connections"], settled["max_wal_senders"]) == ("100", "10")
    assert (settled["recovery_min_apply_delay"], settled["archive_cleanup_command"]) == ("0", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shared": (f"{DATA}/pg_wal",)}, "/pg/db2/pg_wal is that of db1 itself."),
        ({"missing": ("PG_VERSION", "global/pg_control")}, "PG_VERSION, global/pg_control is not there."),
        ({"major": "15"}, "It is of PostgreSQL 15, and db1 runs 16."),
        ({"system_identifier": "73"}, "its system identifier is 73, that of db1"),
        ({"label": Label(1, 1 << 24, incremental=True)}, "pg_combinebackup"),
        ({"foreign": (f"{DATA}/base",)}, "postgres does not own /pg/db2/base."),
        ({"mode": "755"}, "Its mode is 0755"),
    ],
)
def test_what_is_no_copy_of_this_primary_is_refused(changes: dict[str, Any], words: str) -> None:
    plan = planned(**changes)
    assert codes(plan) == ["P219"]
    assert words in said(plan)
    assert plan.blockers[0].refused


def test_every_reason_is_said_at_once() -> None:
    assert codes(planned(mode="755", foreign=("/x",), system_identifier="73")) == ["P219"] * 3


@pytest.mark.parametrize(("contents", "code"), [(Contents.ABSENT, "P219"), (Contents.EMPTY, "P219")])
def test_nothing_there_is_no_copy(contents: Contents, code: str) -> None:
    assert codes(planned(facts(contents=contents))) == [code]


def test_a_server_that_runs_on_it_is_left_alone() -> None:
    runs = facts(contents=Contents.RESTORED, running=True, in_recovery=False)
    plan = planned(runs)
    assert codes(plan) == ["P219"]
    assert "A server runs on it." in said(plan)


NO_LABEL: dict[str, Any] = {"label": None, "redo": 0x3000028, "checkpoint": 0x3000060}


@pytest.mark.parametrize(
    ("changes", "blocked"),
    [
        ({}, False),
        ({**NO_LABEL, "same_wal": True}, False),
        ({**NO_LABEL, "same_wal": True, "state": "shut down"}, False),
        ({**NO_LABEL, "same_wal": False}, True),
        ({**NO_LABEL, "same_wal": None}, True),
        ({**NO_LABEL, "same_wal": None, "state": "shut down in recovery"}, False),
        ({**NO_LABEL, "same_wal": None, "state": "in archive recovery"}, False),
        # Ahead of its primary, whatever else it says.
        ({"checkpoint": 0x6000000}, True),
        ({"minimum": 0x6000000}, True),
        ({**NO_LABEL, "same_wal": True, "checkpoint": 0x6000000}, True),
    ],
)
def test_what_may_have_written_for_itself_is_refused(changes: dict[str, Any], blocked: bool) -> None:
    plan = planned(**changes)
    assert codes(plan) == (["P220"] if blocked else [])
    assert all(blocker.refused for blocker in plan.blockers)


@pytest.mark.parametrize(
    ("history", "blocked", "words"),
    [
        (((1, 0x3000000),), False, ""),
        (((1, 0x2000060),), False, ""),
        (
            ((1, 0x2000059),),
            True,
            "left timeline 1 at 0/2000059, and the copy holds what was written on it up to 0/2000060",
        ),
        (((2, 0x3000000),), True, "timeline 1, which db1, on 3, never was on"),
        (None, True, "could not be read"),
    ],
)
def test_an_earlier_timeline_will_do_where_the_primary_left_it_later(
    history: tuple[tuple[int, int], ...] | None, blocked: bool, words: str
) -> None:
    at = facts(server(timeline=3), contents=Contents.RESTORED)
    plan = planned(at, history=history)
    assert codes(plan) == (["P220"] if blocked else [])
    assert words in said(plan)


def test_two_that_were_promoted_each_for_itself_have_timelines_of_one_number() -> None:
    at = facts(server(timeline=2), contents=Contents.RESTORED)
    same: dict[str, Any] = {"timeline": 2, "history": ((1, 0x1000000),)}
    assert codes(planned(at, **same, own_history=((1, 0x1000000),))) == []
    assert codes(planned(at, **same)) == []
    plan = planned(at, **same, own_history=((1, 0x1000100),))
    assert codes(plan) == ["P220"]
    assert "each for itself" in said(plan)


def test_a_later_timeline_is_somebody_elses() -> None:
    assert codes(planned(timeline=2)) == ["P220"]


def test_wal_that_is_gone_is_refused_with_the_numbers() -> None:
    plan = planned(oldest=GONE, restore_command="get %f %p")
    assert codes(plan) == ["P221"]
    assert not plan.blockers[0].refused
    assert "needs WAL from 0/2000028 on, in 000000010000000000000002; the oldest file of db1 is " + GONE in said(plan)
    assert "--restore-command 'get %f %p' (it came with the copy)" in said(plan)
    assert "--wal-keep-size 1071MB or more" in said(plan)


def test_an_archive_may_have_it_and_that_is_not_checked() -> None:
    plan = planned(target=replace(ASKED, restore_command="get %f %p"), oldest=GONE)
    assert plan.blockers == ()
    assert "is not checked" in notes(plan)
    assert [type(each).__name__ for each in plan.steps[-2].effects()] == ["AdoptCopy", "SetConf"]


@pytest.mark.parametrize(
    ("changes", "size", "keep", "luck"),
    [
        ({}, "", "0", True),
        ({}, "2GB", "0", False),
        ({}, "", "64", False),
        ({}, "", "16", True),
        ({"slot_lsn": 0x2000028}, "", "0", False),
        ({"slot_lsn": 0x2000029}, "", "0", True),
    ],
)
def test_it_is_said_where_only_luck_keeps_the_wal(changes: dict[str, Any], size: str, keep: str, luck: bool) -> None:
    at = facts(server(settings=settings(wal_keep_size=keep)), contents=Contents.RESTORED)
    target = replace(ASKED, wal_keep_size=size)
    assert ("nothing keeps it until the standby streams" in notes(planned(at, target, **changes))) == luck
    [line] = [check for check in preflight(at, sample(**changes), target).checks if check.code == "P221"]
    assert (line.status.value == "WARN") == luck


def test_a_restore_command_that_came_along_is_taken_out_and_named() -> None:
    assert "restore_command = 'get %f %p': it is taken out" in notes(planned(restore_command="get %f %p"))


def test_one_walsender_is_enough() -> None:
    one = facts(server(settings=settings(max_wal_senders="1")), contents=Contents.RESTORED)
    assert planned(one).blockers == ()
    none = plan_attach(one, replace(sample(), wal_senders_in_use=1), ASKED)
    assert codes(none) == ["P103"]


def test_a_mount_point_will_do_for_nothing_is_renamed() -> None:
    assert planned(facts(contents=Contents.RESTORED, mount_point=True)).blockers == ()


@pytest.mark.parametrize(
    ("slot", "read", "taken"),
    [
        (Slot(STANDBY), False, True),
        (Slot(STANDBY), True, False),
        (Slot(STANDBY, lost=True), False, False),
        (Slot(STANDBY, "logical"), False, False),
    ],
)
def test_a_slot_that_was_made_before_the_backup_is_used(slot: Slot, read: bool, taken: bool) -> None:
    at = facts(server(slots=(slot,)), contents=Contents.RESTORED)
    uses = (SlotUse(STANDBY, slot.slot_type, read, "reserved", 0),)
    plan = plan_attach(at, replace(sample(), survey=Survey(slots=uses)), ASKED)
    assert codes(plan)[:1] == ([] if taken else ["P104"])
    assert ("CreateSlot" not in kinds(plan.steps)) or not taken


@pytest.mark.parametrize("before", [True, False])
def test_detach_keeps_a_slot_that_it_has_not_made(before: bool) -> None:
    at = facts(server(slots=(Slot(STANDBY),) if before else ()), contents=Contents.RESTORED)
    plan = plan_attach(at, sample(), ASKED)
    attached = predict(plan.steps, at).with_place(STANDBY, started_by=STANDBY)
    back = plan_detach(attached, sample(), ASKED, remember(plan, at), DetachOptions())
    after = predict(back.steps, attached)
    assert after.server(PRIMARY) == at.server(PRIMARY)
    assert after.place(STANDBY).contents is Contents.STANDBY


def test_a_copy_that_was_set_up_and_not_started_is_never_set_aside() -> None:
    waits = facts(
        server(slots=(Slot(STANDBY),)), contents=Contents.STANDBY, follows=True, never_started=True, covered=False
    )
    plan = planned(waits, oldest=GONE)
    assert codes(plan) == ["P221"]
    on = planned(waits, replace(ASKED, restore_command="get %f %p"), oldest=GONE)
    assert "StartStandby" in kinds(on.steps)
    assert not {"SetDirectoryAside", "CopyByBasebackup", "RemoveDraft", "InstallCopy"} & set(kinds(on.steps))


# --- what the host says

FOUND = {key: value for key, value in ATTACHED.items() if key not in {"conninfo", "slot_name"}} | {
    "running": "no",
    "signal": "no",
    "recovery_signal": "no",
    "label": "yes",
    "label_lsn": "0/2000028",
    "control_state": "in production",
    "control_redo": "0/2000028",
}
OURS = {"conninfo": ATTACHED["conninfo"], "slot_name": "db2", "signal": "yes"}
SLOT = {"slot_name": "db2", "slot_type": "physical", "wal_status": "reserved", "restart_lsn": "0/5000000"}
QUIET: dict[str, Any] = {"streaming": [], "slots": [SLOT], "oldest_of_all": "000000010000000000000002"}


SNAPSHOT = {"label": "no", "label_lsn": "", "control_redo": "0/3000028"}
HAS_RUN = {"label": "no", "control_state": "shut down in recovery"}


def found(primary: dict[str, Any] | None = None, **probe: str) -> Any:
    asked = question(from_restored=True)
    return parse_place(PRIMARY_SAID | QUIET | (primary or {}), FOUND | probe, (), {}, asked, "postgres")


@pytest.mark.parametrize(
    ("probe", "contents"),
    [
        ({}, Contents.RESTORED),
        ({"system_identifier": ""}, Contents.RESTORED),
        (OURS, Contents.STANDBY),
        # A backup of that very standby, as pgBackRest restores it: it names us, and is not set up.
        ({**OURS, "signal": "no"}, Contents.RESTORED),
        ({**OURS, "recovery_signal": "yes"}, Contents.RESTORED),
        ({**OURS, "system_identifier": "73"}, Contents.RESTORED),
        ({**OURS, "slot_name": "other"}, Contents.RESTORED),
        ({"contents": "empty"}, Contents.EMPTY),
    ],
)
def test_a_copy_is_a_standby_once_it_is_set_up(probe: dict[str, str], contents: Contents) -> None:
    assert found(**probe).contents is contents


@pytest.mark.parametrize(
    ("primary", "probe", "covered"),
    [
        ({}, {}, True),
        ({"oldest_of_all": "000000010000000000000003"}, {}, False),
        ({"oldest_of_all": "000000020000000000000002"}, {}, True),
        ({"oldest_of_all": None}, {}, False),
        ({"oldest_of_all": None, "slots": [SLOT | {"restart_lsn": "0/2000500"}]}, {}, True),
        ({"oldest_of_all": None, "slots": [SLOT | {"restart_lsn": "0/2000500", "wal_status": "lost"}]}, {}, False),
        ({}, SNAPSHOT, True),
        ({"oldest_of_all": GONE}, SNAPSHOT, False),
        # It has run as a standby: it goes on where it has written last.
        ({"oldest_of_all": GONE}, HAS_RUN | {"written_wal": "000000010000000000000005"}, True),
        ({}, HAS_RUN | {"written_wal": "000000010000000000000004"}, False),
    ],
)
def test_a_copy_is_covered_while_the_wal_it_needs_is_there(
    primary: dict[str, Any], probe: dict[str, str], covered: bool
) -> None:
    assert found(primary, **{**OURS, **probe}).covered == covered


def test_a_copy_of_an_earlier_timeline_has_not_left_it_before_it_runs() -> None:
    assert found({"timeline": 2}, **OURS).same_timeline
    assert not found({"timeline": 2}, **OURS, label="no", control_state="shut down in recovery").same_timeline


def test_what_the_host_says_of_a_copy_is_read() -> None:
    seen = parse_restored(
        [
            ("major", "16"), ("mode", "700"), ("foreign", "/pg/db2/base"), ("missing", "pg_wal"),
            ("system_identifier", "73"), ("state", "in production"), ("timeline", "3"), ("checkpoint", "0/2000060"),
            ("redo", "0/2000028"), ("minimum", "0/0"), ("segment_bytes", "16777216"), ("control", "ab"),
            ("label", "yes"), ("label_lsn", "0/1000028"), ("label_timeline", "2"),
            ("restore_command", "first"), ("restore_command", "cp ''/a b/%f'' %p"),
        ]
    )  # fmt: skip
    assert (seen.label, seen.needs) == (Label(2, 0x1000028), "000000020000000000000001")
    assert (seen.foreign, seen.missing, seen.reach) == (("/pg/db2/base",), ("pg_wal",), 0x2000060)
    assert seen.restore_command == "cp '/a b/%f' %p"
    assert parse_restored([("missing", "PG_VERSION"), ("control", "")]) == RestoredSeen(
        missing=("PG_VERSION",), mode=""
    )


def test_segments_of_another_size_have_other_names() -> None:
    assert replace(COPY, segment_bytes=1 << 20).needs == "000000010000000000000020"
