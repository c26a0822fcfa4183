"""What holds of every detach plan, whatever the facts, and whatever the journal says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from standbyctl.domain.facts import Contents, Facts, Passfile
from standbyctl.domain.parameter import setting_of
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import SettingsWay, Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach, recall
from standbyctl.planner.plan import Memory
from standbyctl.steps.base import GiveBack, Impact, predict
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from standbyctl.steps.server import StopStandby
from standbyctl.steps.setting import COMMIT, WAL_KEEP, Alteration, SetByHand
from standbyctl.steps.staging import StageSettings
from tests.pure.examples import CAP, PRIMARY, STANDBY, remember
from tests.pure.situations import Situation, attachable
from tests.pure.strategies import any_facts, any_samples, memories
from tests.pure.strategies import targets as any_targets

KEEP, ASIDE, DELETE = DetachOptions(), DetachOptions(True), DetachOptions(True, True)
options = st.sampled_from([KEEP, ASIDE, DELETE])
# What holds of a chain, too, is in the properties of what is attachable, and in test_chain.
targets = any_targets.map(lambda target: replace(target, head=""))
UNDISTURBED: dict[str, Any] = {
    "running": True,
    "in_recovery": True,
    "follows": True,
    "asked": True,
    "same_timeline": True,
    "elsewhere": False,
    "started_by": STANDBY,
    "downstreams": (),
    "foreign_sessions": 0,
    "resident": None,
    "replaced": None,
}


def quiet(facts: Facts, **changes: Any) -> Facts:
    """The same facts, but that the standby can be stopped; then with some changes."""
    found = facts.server(PRIMARY).settings
    loaded = tuple(replace(s, in_file=None) if s.name == "synchronous_standby_names" else s for s in found)
    calm = facts.with_server(PRIMARY, in_recovery=False, fault="", settings=loaded)
    return calm.with_place(STANDBY, **{**UNDISTURBED, **changes})


@given(any_facts, any_samples, targets, memories, options)
def test_a_plan_has_steps_or_blockers_never_both(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    plan = plan_detach(facts, sample, target, memory, options)
    assert not (plan.steps and plan.blockers)


@given(any_facts, any_samples, targets, memories, options)
def test_what_nobody_else_uses_is_never_refused(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    blockers = plan_detach(quiet(facts), sample, target, memory, options).blockers
    # A mount point cannot be renamed, whoever uses it or not.
    assert facts.place(STANDBY).mount_point or blockers == ()
    assert options is not DELETE or blockers == ()
    assert {blocker.code for blocker in blockers} <= {"A250"}


DISTURBED: list[tuple[str, dict[str, Any]]] = [
    ("A251", {"in_recovery": False}),
    ("A251", {"follows": False}),
    ("A251", {"same_timeline": False}),
    ("A254", {"elsewhere": True}),
    ("A254", {"running": False, "elsewhere": True}),
    ("A259", {"asked": False}),
    ("A253", {"started_by": ""}),
    ("A253", {"started_by": "db3"}),
    ("A254", {"downstreams": ("db3",)}),
    ("A255", {"foreign_sessions": 1}),
    ("A251", {"running": False, "contents": Contents.STANDBY, "in_recovery": False}),
    ("A251", {"running": False, "contents": Contents.STANDBY, "follows": False}),
    ("A251", {"running": False, "contents": Contents.STANDBY, "same_timeline": False}),
]


@pytest.mark.parametrize("disturbed", DISTURBED, ids=str)
@settings(max_examples=10)
@given(any_facts, any_samples, targets, memories, options)
def test_what_is_no_longer_ours_alone_is_never_touched(
    disturbed: tuple[str, dict[str, Any]],
    facts: Facts,
    sample: Sample,
    target: Target,
    memory: Memory,
    options: DetachOptions,
) -> None:
    code, changes = disturbed
    plan = plan_detach(quiet(facts, drafts=(), **changes), sample, target, memory, options)
    assert plan.steps == ()
    assert [(blocker.code, blocker.refused) for blocker in plan.blockers] == [(code, True)]


@given(any_facts, any_samples, targets, memories, options)
def test_nothing_is_taken_from_a_server_that_is_no_primary_any_more(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    plan = plan_detach(facts.with_server(PRIMARY, in_recovery=True), sample, target, memory, options)
    assert plan.steps == ()
    assert "A258" in {blocker.code for blocker in plan.blockers if blocker.refused}


@given(any_facts, any_samples, targets, memories, options)
def test_the_journal_never_authorises_anything(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    with_journal = plan_detach(facts, sample, target, memory, options).blockers
    without = plan_detach(facts, sample, target, (), options).blockers
    # With something to give back there may be a reload, and reasons against that.
    assert [each for each in with_journal if each.refused] == [each for each in without if each.refused]
    assert len(with_journal) >= len(without)


@given(any_facts, any_samples, targets, memories, options)
def test_every_blocker_says_what_why_and_what_to_do(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    for blocker in plan_detach(facts, sample, target, memory, options).blockers:
        assert blocker.refused == (blocker.code[:3] == "A25")
        assert all(str(message) for message in (blocker.what, blocker.detail, blocker.hint))


@given(any_facts, any_samples, targets, memories, options)
def test_only_a_standby_that_attach_started_is_stopped_and_the_primary_feels_no_more_than_a_reload(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    steps = plan_detach(quiet(facts), sample, target, memory, options).steps
    assert [step for step in steps if isinstance(step, StopStandby)] == list(steps[:1])
    assert all(step.felt <= Impact.RELOAD for step in steps if step.place == PRIMARY)


@given(any_facts, any_samples, targets, memories)
def test_a_directory_is_only_touched_when_asked(facts: Facts, sample: Sample, target: Target, memory: Memory) -> None:
    steps = plan_detach(quiet(facts), sample, target, memory, KEEP).steps
    assert predict(steps, quiet(facts)).place(STANDBY).contents is facts.place(STANDBY).contents


@given(any_facts, any_samples, targets, memories, st.sampled_from([ASIDE, DELETE]))
def test_only_a_standby_of_this_primary_is_set_aside(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    plan = plan_detach(quiet(facts), sample, target, memory, options)
    after = predict(plan.steps, quiet(facts))
    before = facts.place(STANDBY).contents
    if plan.blockers:
        assert facts.place(STANDBY).mount_point
    elif before in {Contents.FOREIGN, Contents.CLUSTER, Contents.RESTORED}:
        assert after.place(STANDBY).contents is before
    else:
        assert after.place(STANDBY).contents in {Contents.ABSENT, Contents.EMPTY}


@given(any_facts, any_samples, targets, memories, options)
def test_no_step_is_superfluous_and_then_nothing_is_left_to_do(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    seen = quiet(facts)
    for step in plan_detach(seen, sample, target, memory, options).steps:
        assert not step.satisfied(seen)
        seen = step.after(seen)
        assert step.satisfied(seen)
    assert plan_detach(seen, sample, target, memory, options).steps == ()


@given(any_facts, any_samples, targets, memories, options)
def test_what_is_not_as_we_left_it_is_never_given_back(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    before = quiet(facts)
    # What waits for a restart has a journal of its own.
    memory = tuple(each for each in memory if not isinstance(each.step, StageSettings))
    after = predict(plan_detach(before, sample, target, memory, options).steps, before)
    roles = {role for role in before.server(PRIMARY).roles if not (role.pristine and role.made_for == STANDBY)}
    assert roles <= set(after.server(PRIMARY).roles)
    slots = {slot for slot in before.server(PRIMARY).slots if slot.slot_type != "physical"}
    assert slots <= set(after.server(PRIMARY).slots)
    if before.place(STANDBY).passfile is not Passfile.OURS:
        assert after.place(STANDBY).passfile is before.place(STANDBY).passfile
    changes = [each.step.change for each in memory if isinstance(each.step, Alteration)]
    for setting in before.server(PRIMARY).settings:
        ours = [value for name, value in changes if name == setting.name]
        if setting.auto_conf not in ours and setting.value not in map(setting_of, ours):
            assert after.server(PRIMARY).setting(setting.name) == setting


def one_waits(facts: Facts) -> bool:
    """Whether a value stood in the file and was not loaded: our reload puts it into force, and it stays somebody's."""
    ours = (facts.server(PRIMARY).setting(name) for name in (CAP, WAL_KEEP, COMMIT))
    return any(each.auto_conf is not None and setting_of(each.auto_conf) != each.value for each in ours)


def taken_out(after: Facts, before: Facts, at: Situation) -> Facts:
    """What a person has set, a person takes out again."""
    if at.target.settings is SettingsWay.ALTER:
        return after
    return after.with_server(PRIMARY, settings=before.server(PRIMARY).settings)


@given(attachable(fresh=True), options)
def test_detach_gives_back_what_attach_took(at: Situation, options: DetachOptions) -> None:
    assume(not one_waits(at.facts))
    plan = plan_attach(at.facts, at.sample, at.target)
    attached = predict(plan.steps, at.facts)
    given_back = plan_detach(attached, at.sample, at.target, remember(plan, at.facts), options)
    by_hand = [each for step in plan.steps if isinstance(step, SetByHand) for each in step.wanted]
    said = "\n".join(map(str, given_back.notes))
    assert all(f"take this out of {each.file} again: {each}" in said for each in by_hand)
    after = taken_out(predict(given_back.steps, attached), at.facts, at)
    assert after.server(PRIMARY) == at.facts.server(PRIMARY)
    assert after.server(at.target.writer) == at.facts.server(at.target.writer)
    if options.remove_data_directory:
        # Whether a role of somebody else still gets in without our line is known only by trying.
        admitted = after.place(STANDBY).admitted if not at.target.own_role else False
        if at.target.from_restored:
            # Renamed aside, as was asked: what was done to it is not undone.
            assert after.place(STANDBY).contents is Contents.ABSENT
            after = after.with_place(STANDBY, contents=Contents.RESTORED)
        assert after == at.facts.with_place(STANDBY, admitted=admitted)


@given(attachable(), options)
def test_an_attach_that_died_anywhere_is_given_back_whole(at: Situation, options: DetachOptions) -> None:
    assume(not one_waits(at.facts))
    plan = plan_attach(at.facts, at.sample, at.target, at.memory)
    facts = at.facts
    for begun, step in enumerate(plan.steps, 1):
        memory = (*at.memory, *remember(plan, at.facts)[:begun])
        if not facts.place(STANDBY).running:
            detach = plan_detach(facts, at.sample, at.target, memory, options)
            assert detach.blockers == ()
            after = predict(detach.steps, facts).server(PRIMARY)
            # A slot that does not reach back to the copy cannot be told from one that somebody else has made.
            assert after.slot(at.target.slot) is None or not facts.place(STANDBY).covered
            assert not after.hba.has_line
            if at.target.settings is SettingsWay.ALTER:
                assert after.settings == at.facts.server(PRIMARY).settings
        facts = step.after(facts)


@given(attachable(fresh=True), options)
def test_without_the_journal_our_marks_are_found(at: Situation, options: DetachOptions) -> None:
    attached = predict(plan_attach(at.facts, at.sample, at.target).steps, at.facts)
    plan = plan_detach(attached, at.sample, at.target, recall(attached, at.target), options)
    assert plan.blockers == ()
    after = predict(plan.steps, attached)
    server = after.server(PRIMARY)
    assert server.slots == at.facts.server(PRIMARY).slots
    assert server.roles == at.facts.server(PRIMARY).roles
    assert after.server(at.target.writer).roles == at.facts.server(at.target.writer).roles
    assert server.hba == at.facts.server(PRIMARY).hba
    assert after.place(STANDBY).passfile is at.facts.place(STANDBY).passfile
    # What a setting was before is known to the journal alone.
    assert server.settings == attached.server(PRIMARY).settings


@given(attachable(fresh=True))
def test_where_nothing_is_ours_there_is_nothing_to_recall(at: Situation) -> None:
    assert recall(at.facts, at.target) == ()
    plan = plan_detach(at.facts, at.sample, at.target, (), DELETE)
    assert (plan.steps, plan.blockers, plan.notes) == ((), (), ())


@given(any_facts, any_samples, targets, memories, options)
def test_the_same_facts_make_the_same_plan(
    facts: Facts, sample: Sample, target: Target, memory: Memory, options: DetachOptions
) -> None:
    seen = quiet(facts)
    assert plan_detach(seen, sample, target, memory, options) == plan_detach(seen, sample, target, memory, options)


@given(any_facts, any_samples, targets, memories)
def test_a_server_is_stopped_before_its_directory_is_renamed(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    steps = plan_detach(quiet(facts, contents=Contents.STANDBY), sample, target, memory, DELETE).steps
    assert isinstance(steps[0], StopStandby)
    assert any(isinstance(step, SetDirectoryAside) for step in steps[1:])
    # The copy goes last: while it is there, it shows that the slot is ours.
    last = max((n for n, step in enumerate(steps) if isinstance(step, GiveBack)), default=0)
    assert not any(isinstance(step, SetDirectoryAside | DeleteDirectory) for step in steps[:last])
