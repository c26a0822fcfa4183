"""What a detach leaves alone because it is not as we left it, or because nothing shows that it is ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from standbyctl.domain.facts import Contents, Draft, Facts, Passfile, Setting, Slot
from standbyctl.domain.target import HbaWay
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import recall
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import predict
from standbyctl.steps.clone.basebackup import CopyByBasebackup, InstallCopy
from standbyctl.steps.server import StartStandby
from standbyctl.steps.slot import CapSlots
from tests.pure.attached import (
    AFTER,
    ASIDE,
    ATTACH,
    BEFORE,
    KEEP,
    MEMORY,
    changed_role,
    detach,
    names,
    notes,
    on_primary,
    with_cap,
)
from tests.pure.examples import CAP, DRAFT, PRIMARY, SAMPLE, STANDBY, TARGET, kinds, remember

CHANGES: dict[str, tuple[Facts, str, str, Callable[[Facts], object]]] = {
    "role changed": (changed_role(pristine=False), "-CreateRole", "role", lambda f: f.server(PRIMARY).roles),
    "role without login": (changed_role(login=False), "-CreateRole", "role", lambda f: f.server(PRIMARY).roles),
    "role of others": (changed_role(made_for=""), "-CreateRole", "role", lambda f: f.server(PRIMARY).roles),
    "passfile changed": (
        AFTER.with_place(STANDBY, passfile=Passfile.CHANGED),
        "-ProvidePassfile",
        "passfile: not as we left it, so it is kept as it is",
        lambda f: f.place(STANDBY).passfile,
    ),
    "another cap": (
        with_cap(Setting(CAP, "5120", "configuration file", "5GB", in_file="5GB")),
        "-CapSlots",
        "max_slot_wal_keep_size is 5GB: not as attach left it, so it is kept",
        lambda f: f.server(PRIMARY).setting(CAP),
    ),
    "logical slot": (
        on_primary(slots=(Slot(STANDBY, "logical"),)),
        "-CreateSlot",
        "slot: not as we left it, so it is kept as it is",
        lambda f: f.server(PRIMARY).slots,
    ),
}


@pytest.mark.parametrize(("seen", "step", "label", "thing"), CHANGES.values(), ids=CHANGES)
def test_what_somebody_has_changed_is_kept_and_mentioned(
    seen: Facts, step: str, label: str, thing: Callable[[Facts], object]
) -> None:
    plan = detach(seen)
    assert step not in names(plan.steps)
    assert label in notes(plan)
    assert thing(predict(plan.steps, seen)) == thing(seen)
    # Everything else is given back all the same; but a slot that stays relies on the cap.
    left = {step, "-CapSlots"} if step == "-CreateSlot" else {step}
    assert set(names(plan.steps)) == set(names(detach(AFTER).steps)) - left


GONE = {
    "-CreateRole": on_primary(roles=()),
    "-CreateSlot": on_primary(slots=()),
    "-ProvidePassfile": AFTER.with_place(STANDBY, passfile=Passfile.ABSENT),
    "-AdmitReplication": on_primary(hba=replace(AFTER.server(PRIMARY).hba, has_line=False)),
    "-CapSlots": with_cap(BEFORE.server(PRIMARY).setting(CAP)),
}


@pytest.mark.parametrize(("step", "seen"), GONE.items(), ids=GONE)
def test_what_somebody_has_taken_away_is_not_taken_away_again(step: str, seen: Facts) -> None:
    plan = detach(seen, ASIDE)
    assert step not in names(plan.steps)
    assert notes(plan) == ""


def test_a_line_that_a_person_has_put_there_a_person_takes_out() -> None:
    target = replace(TARGET, hba=HbaWay.WAIT)
    attach = plan_attach(BEFORE, SAMPLE, target)
    after, memory = predict(attach.steps, BEFORE), remember(attach, BEFORE)
    hba = after.server(PRIMARY).hba
    words = "was edited by hand; take this line out again: host replication repl_db2"
    for has_line, digest, said in ((True, "0f1e", True), (False, "0f1e", False), (False, "", True)):
        # Where the file cannot be read from here, the line may or may not stand there.
        seen = after.with_server(PRIMARY, hba=replace(hba, has_line=has_line, digest=digest))
        plan = detach(seen, ASIDE, memory)
        assert "-AdmitReplication" not in names(plan.steps)
        assert (words in notes(plan)) == said


WHOLE = (Draft(DRAFT, whole=True),)


@pytest.mark.parametrize(
    ("place", "slot", "given_back"),
    [
        ({}, Slot(STANDBY), True),
        # The copy is there and is ours, but the slot does not reach back to it: somebody has made it anew.
        ({"covered": False}, Slot(STANDBY), False),
        # The copy is gone, or has become somebody else's: nothing shows any more whose the slot is.
        ({"contents": Contents.ABSENT, "follows": False}, Slot(STANDBY), False),
        ({"contents": Contents.CLUSTER, "follows": False}, Slot(STANDBY), False),
        # A lost slot keeps nothing for anybody; a whole draft is known to be covered by it.
        ({"covered": False}, Slot(STANDBY, lost=True), True),
        ({"contents": Contents.ABSENT, "follows": False, "drafts": WHOLE}, Slot(STANDBY), True),
    ],
)
def test_a_slot_is_given_back_only_while_something_shows_that_it_is_ours(
    place: dict[str, Any], slot: Slot, given_back: bool
) -> None:
    seen = on_primary(slots=(slot,)).with_place(STANDBY, running=False, **place)
    plan = detach(seen)
    assert ("-CreateSlot" in names(plan.steps)) == given_back
    words = 'the slot "db2" is kept: nothing shows any more that it is that of db2'
    assert (words in notes(plan)) == (not given_back)
    assert "slot: not as we left it" not in notes(plan)
    # What stays must not be without a cap.
    assert ("-CapSlots" in names(plan.steps)) == given_back
    assert ("slots made since then rely on it (db2)" in notes(plan)) == (not given_back)


def test_a_slot_that_is_gone_is_not_spoken_of() -> None:
    gone = on_primary(slots=()).with_place(STANDBY, running=False, covered=False)
    assert "slot" not in notes(detach(gone, ASIDE))


def test_before_a_copy_was_installed_the_slot_needs_no_other_proof() -> None:
    memory = tuple(entry for entry in MEMORY if not isinstance(entry.step, InstallCopy | StartStandby))
    begun = predict([entry.step for entry in memory if not isinstance(entry.step, CopyByBasebackup)], BEFORE)
    assert "-CreateSlot" in names(detach(begun, KEEP, memory).steps)


def test_a_cap_that_later_slots_rely_on_is_kept() -> None:
    plan = detach(on_primary(slots=(Slot(STANDBY), Slot("db3"))))
    assert "-CapSlots" not in names(plan.steps)
    assert "slots made since then rely on it (db3)" in notes(plan)
    assert "not as we left it" not in notes(plan)
    # Nobody relies on a cap that is not in force any more.
    bare = with_cap(BEFORE.server(PRIMARY).setting(CAP)).with_server(PRIMARY, slots=(Slot("db3"),))
    assert notes(detach(bare, ASIDE)) == ""


def test_slots_that_were_there_before_rely_on_nothing() -> None:
    before = BEFORE.with_server(PRIMARY, slots=(Slot("a"),))
    seen = on_primary(slots=(Slot("a"), Slot(STANDBY)))
    assert "-CapSlots" in names(detach(seen, memory=remember(ATTACH, before)).steps)


def test_the_cap_of_every_attempt_is_known_for_ours() -> None:
    attempts = (Remembered(CapSlots(PRIMARY, 100, "-1"), BEFORE), Remembered(CapSlots(PRIMARY, 90, "-1"), BEFORE))
    for text in ("100MB", "90MB"):
        found = Setting(CAP, text.removesuffix("MB"), "configuration file", text, in_file=text)
        seen = with_cap(found).with_server(PRIMARY, slots=())
        plan = detach(seen, ASIDE, attempts)
        assert names(plan.steps).count("-CapSlots") == 1
        assert notes(plan) == ""
        assert predict(plan.steps, seen).server(PRIMARY).setting(CAP).auto_conf is None
    other = Setting(CAP, "70", "configuration file", "70MB", in_file="70MB")
    strange = with_cap(other).with_server(PRIMARY, slots=())
    assert (
        notes(detach(strange, ASIDE, attempts))
        == "max_slot_wal_keep_size is 70MB: not as attach left it, so it is kept"
    )


def test_a_cap_that_stood_in_the_file_before_without_being_in_force_is_left_there() -> None:
    waiting = Setting(CAP, "-1", "default", "1GB", in_file="1GB")
    before = BEFORE.with_server(PRIMARY, settings=with_cap(waiting).server(PRIMARY).settings)
    seen = with_cap(Setting(CAP, "1024", "configuration file", "1GB", in_file="1GB")).with_server(PRIMARY, slots=())
    plan = detach(seen, ASIDE, (Remembered(CapSlots(PRIMARY, 1024, "-1"), before),))
    assert "-CapSlots" not in names(plan.steps)


def test_without_the_journal_everything_that_is_marked_is_found() -> None:
    memory = recall(AFTER, TARGET)
    assert kinds(tuple(entry.step for entry in memory)) == [
        "ProvidePassfile",
        "CreateRole",
        "AdmitReplication",
        "CreateSlot",
    ]
    [bare] = {entry.before for entry in memory}
    assert bare.server(PRIMARY).roles == bare.server(PRIMARY).slots == ()
    assert (bare.place(STANDBY).passfile, bare.server(PRIMARY).hba.has_line) == (Passfile.ABSENT, False)
    assert names(detach(AFTER, KEEP, memory).steps) == [
        "StopStandby",
        "-CreateSlot",
        "-AdmitReplication",
        "-CreateRole",
        "-ProvidePassfile",
    ]


def recalled(seen: Facts) -> list[str]:
    return kinds(tuple(entry.step for entry in recall(seen, TARGET)))


def test_a_name_alone_is_no_proof_that_something_is_ours() -> None:
    # Another directory may hold the standby that these were made for.
    gone = AFTER.with_place(STANDBY, contents=Contents.ABSENT, follows=False, password_set=False)
    assert recalled(gone) == ["ProvidePassfile"]
    assert recalled(gone.with_place(STANDBY, passfile=Passfile.ABSENT)) == []
    # The password that is in force stands in the passfile here; or an unfinished copy does.
    assert recalled(gone.with_place(STANDBY, password_set=True)) == [
        "ProvidePassfile",
        "CreateRole",
        "AdmitReplication",
    ]
    drafted = gone.with_place(STANDBY, drafts=(Draft(DRAFT),))
    assert recalled(drafted) == ["ProvidePassfile", "AdmitReplication", "CreateSlot"]
    # A standby stands here, and names the primary and the slot.
    used = gone.with_place(STANDBY, contents=Contents.STANDBY, follows=True)
    assert recalled(used) == ["ProvidePassfile", "CreateRole", "AdmitReplication", "CreateSlot"]
    assert recalled(used.with_place(STANDBY, follows=False)) == ["ProvidePassfile"]


def test_what_is_not_there_is_not_recalled() -> None:
    there = recalled(AFTER)
    for missing, seen in (
        ("ProvidePassfile", AFTER.with_place(STANDBY, passfile=Passfile.CHANGED)),
        ("CreateRole", on_primary(roles=())),
        ("CreateRole", changed_role(made_for="db3")),
        ("AdmitReplication", on_primary(hba=replace(AFTER.server(PRIMARY).hba, has_line=False))),
        ("CreateSlot", on_primary(slots=(Slot("db3"),))),
    ):
        assert recalled(seen) == [kind for kind in there if kind != missing]
