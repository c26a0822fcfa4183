"""What a detach does, in which order, and what it does not begin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from standbyctl.domain.facts import Contents, Draft, Facts
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.plan import Remembered
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from tests.pure.attached import (
    AFTER,
    ASIDE,
    BEFORE,
    DELETE,
    KEEP,
    MEMORY,
    detach,
    names,
    notes,
    on_primary,
)
from tests.pure.examples import DRAFT, PRIMARY, SAMPLE, STANDBY, TARGET, codes, facts, remember


def test_everything_goes_back_in_the_opposite_order() -> None:
    assert names(detach(AFTER).steps) == [
        "StopStandby",
        "-CreateSlot",
        "-CapSlots",
        "-AdmitReplication",
        "-CreateRole",
        "-ProvidePassfile",
    ]


def test_the_directory_stays_and_says_so_unless_it_is_to_go() -> None:
    assert "/pg/db2 stays: it has a standby.signal" in notes(detach(AFTER))
    # It goes last: as long as it is there, it shows that the slot is ours.
    assert names(detach(AFTER, ASIDE).steps)[-2:] == ["-ProvidePassfile", "SetDirectoryAside"]
    assert names(detach(AFTER, DELETE).steps)[-3:] == ["-ProvidePassfile", "SetDirectoryAside", "DeleteDirectory"]
    for options in (ASIDE, DELETE):
        assert notes(detach(AFTER, options)) == ""
    assert notes(detach(BEFORE)) == ""


@pytest.mark.parametrize(
    ("options", "aside"), [(ASIDE, SAMPLE.free_aside), (DELETE, "/pg/db2.standbyctl-deleting")], ids=["aside", "delete"]
)
def test_a_directory_is_known_again_by_its_inode_and_system(options: DetachOptions, aside: str) -> None:
    [step] = [step for step in detach(AFTER, options).steps if isinstance(step, SetDirectoryAside)]
    assert (step.aside, step.identity, step.leave_empty) == (aside, "64768:1001", False)
    assert step.system_identifier == AFTER.server(PRIMARY).system_identifier
    assert step.condemn == options.delete


def test_where_an_empty_directory_was_an_empty_directory_is_left() -> None:
    before = facts(contents=Contents.EMPTY)
    memory = remember(plan_attach(before, SAMPLE, TARGET), before)
    aside = detach(AFTER, ASIDE, memory).steps[-1]
    assert isinstance(aside, SetDirectoryAside)
    assert aside.leave_empty
    # Renamed, and then the run died: the empty directory is still owed, and nothing is deleted for it.
    gone = BEFORE.with_place(STANDBY, contents=Contents.ABSENT)
    assert names(detach(gone, DELETE, memory).steps) == ["SetDirectoryAside"]
    # Without a memory, nothing is owed.
    assert names(detach(gone, DELETE, ()).steps) == []


def condemning(identity: str, *, condemn: bool = True) -> Remembered:
    [aside] = [step for step in detach(AFTER, DELETE).steps if isinstance(step, SetDirectoryAside)]
    return Remembered(replace(aside, identity=identity, condemn=condemn), AFTER)


def test_a_deletion_that_was_begun_is_ended() -> None:
    half, sample = BEFORE.with_place(STANDBY, condemned=True), replace(SAMPLE, condemned_identity="1:7")
    [delete] = detach(half, DELETE, (condemning("1:7"),), sample).steps
    assert isinstance(delete, DeleteDirectory)
    assert (delete.identity, delete.irreversible) == ("1:7", True)
    # Only what is known for the directory that was to be deleted is deleted, and only by who asks for that.
    for options, memory in (
        (KEEP, (condemning("1:7"),)),
        (ASIDE, (condemning("1:7"),)),
        (DELETE, (condemning("1:8"),)),
        (DELETE, (condemning("1:7", condemn=False),)),
        (DELETE, ()),
    ):
        assert names(detach(half, options, memory, sample).steps) == []


def test_drafts_are_cleared_away() -> None:
    plan = detach(facts(drafts=(Draft(DRAFT), Draft(f"{DRAFT}0", whole=True))), KEEP, ())
    assert names(plan.steps) == ["RemoveDraft", "RemoveDraft"]


RELOADS = {
    "P114": on_primary(fault="postgresql.conf, line 7: syntax error"),
    "P110": AFTER.with_server(
        PRIMARY,
        settings=tuple(
            replace(each, in_file="db3") if each.name == "synchronous_standby_names" else each
            for each in AFTER.server(PRIMARY).settings
        ),
    ),
}


@pytest.mark.parametrize(("code", "seen"), RELOADS.items(), ids=RELOADS)
def test_a_reload_that_would_do_more_than_we_want_is_not_made(code: str, seen: Facts) -> None:
    plan = plan_detach(seen, SAMPLE, TARGET, MEMORY, KEEP)
    assert [(blocker.code, blocker.refused) for blocker in plan.blockers] == [(code, False)]
    # Where nothing is reloaded, nothing is in the way.
    assert codes(plan_detach(seen, SAMPLE, TARGET, (), KEEP)) == []


def test_what_our_reload_puts_into_force_too_is_said() -> None:
    unloaded = on_primary(hba=replace(AFTER.server(PRIMARY).hba, loaded=False))
    assert "was changed and not reloaded" in notes(detach(unloaded))
    assert "was changed and not reloaded" not in notes(detach(AFTER))
    assert "was changed and not reloaded" not in notes(detach(unloaded, memory=()))


def test_a_writer_that_lives_is_waited_for_only_where_nothing_runs() -> None:
    busy = facts(drafts=(Draft(DRAFT, alive=True),))
    assert codes(plan_detach(busy, SAMPLE, TARGET, (), KEEP)) == ["A252"]
    running = AFTER.with_place(STANDBY, drafts=(Draft(DRAFT, alive=True),))
    assert codes(plan_detach(running, SAMPLE, TARGET, (), KEEP)) == []


def test_every_reason_is_given_at_once() -> None:
    seen = AFTER.with_place(STANDBY, follows=False, started_by="", downstreams=("db3", "db4"), foreign_sessions=2)
    plan = plan_detach(seen, SAMPLE, TARGET, MEMORY, DELETE)
    assert codes(plan) == ["A251", "A253", "A254", "A255"]
    assert "db3, db4" in str(plan.blockers[2].detail)
    assert ": 2." in str(plan.blockers[3].detail)
    unasked = seen.with_place(STANDBY, asked=False, same_timeline=False, elsewhere=True)
    assert codes(plan_detach(unasked, SAMPLE, TARGET, MEMORY, DELETE))[:4] == ["A254", "A251", "A259", "A253"]
    # A server that takes writes of its own is not described any further.
    promoted = seen.with_place(STANDBY, in_recovery=False)
    assert codes(plan_detach(promoted, SAMPLE, TARGET, MEMORY, DELETE)) == ["A251"]


MOUNTED = AFTER.with_place(STANDBY, mount_point=True)


def test_a_mount_point_is_emptied_and_never_renamed() -> None:
    [*_, aside, delete] = detach(MOUNTED, DELETE).steps
    assert isinstance(aside, SetDirectoryAside)
    assert isinstance(delete, DeleteDirectory)
    assert aside.aside == delete.aside == "/pg/db2/db2.standbyctl-deleting"
    assert aside.leave_empty
    assert aside.after(MOUNTED).place(STANDBY).contents is Contents.EMPTY
    [refused] = plan_detach(MOUNTED, SAMPLE, TARGET, MEMORY, ASIDE).blockers
    assert (refused.code, refused.refused) == ("A250", True)
    assert "SetDirectoryAside" not in names(detach(MOUNTED, KEEP).steps)


def test_a_mount_point_that_was_half_emptied_is_emptied_by_who_began_that_and_nobody_else() -> None:
    half = BEFORE.with_place(STANDBY, mount_point=True, condemned=True, contents=Contents.FOREIGN)
    ours = replace(SAMPLE, directory_identity="1:7", condemned_identity="1:9")
    assert names(detach(half, DELETE, (condemning("1:7"),), ours).steps) == ["SetDirectoryAside", "DeleteDirectory"]
    empty = half.with_place(STANDBY, contents=Contents.EMPTY)
    [delete] = detach(empty, DELETE, (condemning("1:7"),), ours).steps
    assert isinstance(delete, DeleteDirectory)
    assert delete.identity == "1:7"
    for options, memory in ((KEEP, (condemning("1:7"),)), (DELETE, (condemning("1:9"),)), (DELETE, ())):
        assert names(detach(half, options, memory, ours).steps) == []


def test_a_volume_that_is_not_mounted_now_is_said_and_nothing_is_given_back() -> None:
    plan = plan_attach(facts(contents=Contents.EMPTY, mount_point=True), SAMPLE, TARGET)
    memory = remember(plan, facts(contents=Contents.EMPTY, mount_point=True))
    there = AFTER.with_place(STANDBY, contents=Contents.EMPTY, running=False, mount_point=False)
    made = plan_detach(there, SAMPLE, TARGET, memory, DetachOptions(remove_data_directory=True, delete=True))
    assert [(each.code, each.refused) for each in made.blockers] == [("A250", True)]
    assert "nothing is mounted there now" in str(made.blockers[0].what)
    again = plan_attach(there, SAMPLE, TARGET, memory)
    assert "P201" in [each.code for each in again.blockers]
