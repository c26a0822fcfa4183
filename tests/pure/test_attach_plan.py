"""What an attach does from where, step by step; what it says beside that; and how the standby is set up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from standbyctl.domain.facts import Contents, Draft, HbaFile, HbaRule, Passfile, Role, Setting, Slot
from standbyctl.domain.names import draft_prefix
from standbyctl.domain.target import HbaWay
from standbyctl.planner.attach import (
    next_draft,
    plan_attach,
)
from standbyctl.planner.plan import Plan, Remembered, has
from standbyctl.steps.base import Impact
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy, RemoveDraft
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.slot import CapSlots, CreateSlot
from tests.pure.examples import (
    APP_RULE,
    ATTACHED,
    CAP,
    DRAFT,
    GB,
    HBA,
    OUR_ROLE,
    PRIMARY,
    ROLE,
    SAMPLE,
    STANDBY,
    TARGET,
    facts,
    kinds,
    rule,
    server,
    settings,
)

FRESH = [
    "ProvidePassfile",
    "CreateRole",
    "AdmitReplication",
    "CapSlots",
    "CreateSlot",
    "CopyByBasebackup",
    "InstallCopy",
    "StartStandby",
]
READY = {"passfile": Passfile.OURS, "password_set": True, "admitted": True}


def plan_for(primary: Any = None, target: Any = TARGET, sample: Any = SAMPLE, **place: Any) -> Plan:
    plan = plan_attach(facts(primary, **place), sample, target)
    assert plan.blockers == ()
    return plan


def capped(**changes: Any) -> Any:
    return server(settings=settings(**{CAP: "2048"}), **changes)


def ours(*slots: Slot, **changes: Any) -> Any:
    """A primary on which a run was before."""
    return capped(roles=(OUR_ROLE,), slots=slots, **changes)


def admission(plan: Plan) -> AdmitReplication:
    [step] = [step for step in plan.steps if isinstance(step, AdmitReplication)]
    return step


def hba(*rules: HbaRule, **changes: Any) -> HbaFile:
    return replace(HbaFile(HBA, rules, at_hand=True, digest="0f1e"), **changes)


def test_a_fresh_attach_takes_eight_steps() -> None:
    plan = plan_for()
    assert kinds(plan.steps) == FRESH
    assert plan.impact(PRIMARY) is Impact.RELOAD
    assert plan.impact(STANDBY) is Impact.NONE
    assert plan.impact("db3") is Impact.NONE


def test_where_everything_is_there_nothing_is_done() -> None:
    assert plan_for(ours(Slot(STANDBY)), **ATTACHED).steps == ()


def test_a_role_and_passfile_of_the_operators_are_used_as_they_are() -> None:
    theirs = server(roles=(Role(ROLE, login=True, replication=True),))
    plan = plan_for(theirs, replace(TARGET, own_role=False), passfile=Passfile.FOREIGN)
    assert kinds(plan.steps) == FRESH[2:]


def test_a_cap_that_is_there_stays_unless_another_is_asked_for() -> None:
    assert kinds(plan_for(capped()).steps) == [kind for kind in FRESH if kind != "CapSlots"]
    [cap] = [step for step in plan_for(capped(), replace(TARGET, wal_cap="3GB")).steps if isinstance(step, CapSlots)]
    assert (cap.megabytes, cap.previous) == (3072, "2048")
    assert not has(plan_for(capped(), replace(TARGET, wal_cap="2GB")).steps, CapSlots)


@pytest.mark.parametrize(
    ("free", "megabytes"),
    [(40 * GB, 20 * 1024), (41 * GB + 5, 20 * 1024), (4 * GB, 2048), (3 * GB, 1536), (128 << 20, 64)],
)
def test_the_proposed_cap_is_half_of_what_is_free_and_whole_gigabytes_where_there_are_some(
    free: int, megabytes: int
) -> None:
    [cap] = [s for s in plan_for(sample=replace(SAMPLE, wal_free_bytes=free)).steps if isinstance(s, CapSlots)]
    assert cap.megabytes == megabytes


def test_a_cap_that_waits_for_its_reload_is_not_proposed_anew() -> None:
    waiting = server(settings=settings(**{CAP: Setting(CAP, "-1", "default", "7GB", in_file="7GB")}))
    [cap] = [step for step in plan_for(waiting).steps if isinstance(step, CapSlots)]
    assert cap.megabytes == 7 * 1024


def test_a_cap_of_less_than_a_megabyte_is_one_megabyte() -> None:
    plan = plan_attach(facts(), SAMPLE, replace(TARGET, wal_cap="3kB"))
    assert "a cap of 1MB is too little" in str(plan.blockers[0].what)


def test_a_lost_slot_of_a_copy_that_never_ran_is_made_anew_and_the_copy_too() -> None:
    plan = plan_for(
        server(roles=(OUR_ROLE,), slots=(Slot(STANDBY, lost=True),)),
        **READY,
        contents=Contents.STANDBY,
        follows=True,
        covered=False,
        never_started=True,
    )
    assert kinds(plan.steps) == [
        "CapSlots",
        "CreateSlot",
        "SetDirectoryAside",
        "CopyByBasebackup",
        "InstallCopy",
        "StartStandby",
    ]
    [slot] = [step for step in plan.steps if isinstance(step, CreateSlot)]
    assert slot.replace_lost
    aside = plan.steps[2].effects()[0]
    assert str(aside) == f"mv /pg/db2 {SAMPLE.free_aside}"


def test_a_copy_that_its_slot_covers_is_started_as_it_is_and_drafts_are_cleared_away() -> None:
    plan = plan_for(
        ours(Slot(STANDBY)),
        **READY,
        contents=Contents.STANDBY,
        follows=True,
        never_started=True,
        drafts=(Draft(DRAFT, whole=True),),
    )
    assert kinds(plan.steps) == ["RemoveDraft", "StartStandby"]


def test_a_standby_that_has_run_and_is_covered_is_started_again() -> None:
    plan = plan_for(ours(Slot(STANDBY)), **READY, contents=Contents.STANDBY, follows=True)
    assert kinds(plan.steps) == ["StartStandby"]


def test_a_whole_draft_is_used_and_any_other_is_removed() -> None:
    dead, whole = Draft(DRAFT), Draft("/pg/.db2.standbyctl-2", whole=True)
    seen = facts(ours(Slot(STANDBY)), **READY, drafts=(dead, whole))
    plan = plan_attach(seen, SAMPLE, TARGET, (Remembered(CreateSlot(PRIMARY, STANDBY, STANDBY), facts()),))
    assert kinds(plan.steps) == ["RemoveDraft", "InstallCopy", "StartStandby"]
    assert plan.steps[:2] == (
        RemoveDraft(STANDBY, DRAFT),
        InstallCopy(STANDBY, whole.path, TARGET.data_directory),
    )


def test_every_attempt_has_a_draft_of_its_own() -> None:
    plan = plan_for(drafts=(Draft(DRAFT), Draft("/pg/.db2.standbyctl-2")))
    assert [step.draft for step in plan.steps if isinstance(step, RemoveDraft)] == [DRAFT, "/pg/.db2.standbyctl-2"]
    [copy] = [step for step in plan.steps if isinstance(step, CopyByBasebackup)]
    assert copy.draft == "/pg/.db2.standbyctl-3"
    assert next_draft(draft_prefix("/a/b"), set()) == "/a/.b.standbyctl-1"


def test_the_line_goes_above_the_first_rule_that_may_decide() -> None:
    step = admission(plan_for(server(hba=hba(APP_RULE, rule(95, type="hostssl"), rule(96, users=("+ops",))))))
    assert (step.before_line, step.by_hand, step.digest) == (95, False, "0f1e")
    assert step.line == "host replication repl_db2 127.0.0.1/32 scram-sha-256 # standbyctl: db2"
    assert admission(plan_for()).before_line is None


def test_a_rule_that_lets_it_in_already_is_enough_once_it_is_in_force() -> None:
    admitting = hba(rule(95))
    assert not has(plan_for(server(hba=admitting)).steps, AdmitReplication)
    assert has(plan_for(server(hba=replace(admitting, loaded=False))).steps, AdmitReplication)


@pytest.mark.parametrize(
    ("loaded", "rules", "cap", "needed"),
    [
        (True, (), "-1", False),
        (False, (rule(95),), "-1", False),
        (False, (), "2048", False),
        # It gets in by a rule that is no longer in the file, and setting the cap will reload.
        (False, (), "-1", True),
    ],
)
def test_who_gets_in_now_must_still_get_in_after_our_own_reload(
    loaded: bool, rules: tuple[HbaRule, ...], cap: str, needed: bool
) -> None:
    primary = server(roles=(OUR_ROLE,), hba=hba(*rules, loaded=loaded), settings=settings(**{CAP: cap}))
    assert has(plan_for(primary, **READY).steps, AdmitReplication) == needed


@pytest.mark.parametrize(
    ("way", "at_hand", "by_hand"),
    [
        (HbaWay.AUTO, True, False),
        (HbaWay.AUTO, False, True),
        (HbaWay.WAIT, True, True),
        (HbaWay.WAIT, False, True),
        (HbaWay.FILE, True, False),
    ],
)
def test_the_file_is_edited_by_us_or_by_hand(way: HbaWay, at_hand: bool, by_hand: bool) -> None:
    step = admission(plan_for(server(hba=hba(APP_RULE, at_hand=at_hand)), replace(TARGET, hba=way)))
    assert step.by_hand == by_hand


def test_on_a_mount_point_the_copy_is_built_within_and_moved_up() -> None:
    there: dict[str, Any] = {"contents": Contents.EMPTY, "mount_point": True}
    plan = plan_for(**there)
    assert kinds(plan.steps) == FRESH
    [copy] = [step for step in plan.steps if isinstance(step, CopyByBasebackup)]
    [install] = [step for step in plan.steps if isinstance(step, InstallCopy)]
    assert copy.draft == install.draft == "/pg/db2/.db2.standbyctl-1"
    assert "built within it, moved up when whole" in str(copy.text)
    assert str(install.text).startswith("move up to /pg/db2")
    assert str(install.effects()[0]) == "mv /pg/db2/.db2.standbyctl-1/data/* /pg/db2, global last"
    # Killed in the middle: what is on its way is the draft's still.
    again = plan_for(**there, drafts=(Draft(copy.draft, whole=True),))
    assert "CopyByBasebackup" not in kinds(again.steps)
    assert plan_for(**{**there, "contents": Contents.STANDBY, "follows": True})
