"""What holds of every attach plan, whatever the facts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, event, given
from hypothesis import strategies as st

from standbyctl.domain.effects import AlterSystem
from standbyctl.domain.facts import Contents, Draft, Facts, Passfile, Role, Slot
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import SettingsWay, Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.parameters import SENSIBLE_MB, asked_megabytes
from standbyctl.planner.plan import Memory, has
from standbyctl.steps.base import Impact, Step, predict
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.cluster import ReplaceCluster
from standbyctl.steps.directory import SetDirectoryAside
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.setting import COMMIT, WAL_KEEP, Alteration, SetByHand
from standbyctl.steps.slot import CapSlots, CreateSlot
from tests.pure.examples import CAP, HEAD, PRIMARY, STANDBY, kinds
from tests.pure.situations import Situation, attachable
from tests.pure.strategies import any_facts, any_samples, memories, targets


@given(any_facts, any_samples, targets, memories)
def test_a_plan_has_steps_or_blockers_never_both(facts: Facts, sample: Sample, target: Target, memory: Memory) -> None:
    plan = plan_attach(facts, sample, target, memory)
    assert not (plan.steps and plan.blockers)


@given(attachable())
def test_what_stands_in_nobodys_way_is_never_blocked(at: Situation) -> None:
    plan = plan_attach(at.facts, at.sample, at.target, at.memory)
    event(", ".join(kinds(plan.steps)))
    assert plan.blockers == ()


@given(attachable())
def test_following_the_plan_reaches_the_goal(at: Situation) -> None:
    reached = predict(plan_attach(at.facts, at.sample, at.target, at.memory).steps, at.facts)
    server, standby = reached.server(PRIMARY), reached.place(STANDBY)
    assert standby.running
    assert standby.in_recovery
    assert standby.follows
    assert standby.upstream == PRIMARY
    assert standby.contents is Contents.STANDBY
    assert standby.timeline == server.timeline
    assert standby.drafts == ()
    if at.target.slot:
        slot = server.slot(at.target.slot)
        assert slot
        assert not slot.lost
        assert slot.slot_type == "physical"
    else:
        assert server.slots == at.facts.server(PRIMARY).slots
        assert int(server.setting(WAL_KEEP).value) >= asked_megabytes(at.target) > 0
    assert server.setting(COMMIT).value in {at.target.synchronous_commit or server.setting(COMMIT).value}
    role = server.role(at.target.role)
    assert role
    assert role.login
    assert role.replication
    assert not at.target.own_role or (standby.passfile is Passfile.OURS and standby.password_set)


@given(attachable())
def test_attaching_twice_changes_nothing_the_second_time(at: Situation) -> None:
    reached = predict(plan_attach(at.facts, at.sample, at.target, at.memory).steps, at.facts)
    again = plan_attach(reached, at.sample, at.target, at.memory)
    assert (again.steps, again.blockers) == ((), ())


@given(attachable())
def test_no_step_is_superfluous_at_its_turn(at: Situation) -> None:
    facts = at.facts
    for step in plan_attach(facts, at.sample, at.target, at.memory).steps:
        assert not step.satisfied(facts)
        facts = step.after(facts)
        assert step.satisfied(facts)


@given(any_facts, any_samples, targets, memories)
def test_the_primary_never_feels_more_than_a_reload(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    assert plan_attach(facts, sample, target, memory).impact(PRIMARY) <= Impact.RELOAD


@given(attachable())
def test_where_an_attach_can_start_the_primary_feels_no_more_than_a_reload(at: Situation) -> None:
    plan = plan_attach(at.facts, at.sample, at.target, at.memory)
    assert plan.impact(PRIMARY) <= Impact.RELOAD
    replaces = has(plan.steps, ReplaceCluster)
    assert plan.impact(STANDBY) is (Impact.RESTART if replaces else Impact.NONE)
    assert not replaces or (at.target.replace_cluster and at.facts.place(STANDBY).contents is Contents.CLUSTER)
    assert plan.impact(HEAD) is Impact.NONE
    assert {step.place for step in plan.steps} <= {PRIMARY, STANDBY, HEAD}
    assert {type(step) for step in plan.steps if step.place == HEAD} <= {CreateRole}


@given(attachable(), st.sampled_from(["*", "db2", "DB2", '"*"', "ANY 1 (x, db2)", "FIRST 2(db2_copy,x)", ' "Db2" ']))
def test_no_attach_ever_makes_a_commit_wait(at: Situation, names: str) -> None:
    assume(not at.target.head)  # a standby has no commits, and a reload of it makes none of its primary's wait
    settings = at.facts.server(PRIMARY).settings
    changed = tuple(replace(s, value=names) if s.name == "synchronous_standby_names" else s for s in settings)
    facts = at.facts.with_server(PRIMARY, settings=changed)
    would_have = plan_attach(at.facts, at.sample, at.target, at.memory).steps
    plan = plan_attach(facts, at.sample, at.target, at.memory)
    assert plan.steps == ()
    assert [blocker.code for blocker in plan.blockers] == (["P110"] if would_have else [])


@given(any_facts, any_samples, targets, memories, st.sampled_from([Contents.FOREIGN, Contents.CLUSTER]))
def test_what_somebody_else_put_there_always_refuses(
    facts: Facts, sample: Sample, target: Target, memory: Memory, contents: Contents
) -> None:
    taken = facts.with_place(STANDBY, contents=contents, is_primary_directory=False)
    plan = plan_attach(taken, sample, replace(target, replace_cluster=False), memory)
    assert "P201" in {blocker.code for blocker in plan.blockers if blocker.refused}


@given(any_facts, any_samples, targets, memories)
def test_the_directory_of_the_primary_itself_always_refuses(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    # Where all is done already there is nothing to refuse; nobody can be at that point in this directory.
    mine = facts.with_place(STANDBY, is_primary_directory=True, upstream="")
    plan = plan_attach(mine, sample, target, memory)
    assert "P201" in {blocker.code for blocker in plan.blockers if blocker.refused}


@given(any_facts, any_samples, targets, memories)
def test_a_copy_that_is_still_being_written_always_refuses(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    drafts = (*facts.place(STANDBY).drafts[:1], Draft("/pg/.db2.standbyctl-7", alive=True))
    busy = facts.with_place(STANDBY, is_primary_directory=False, upstream="", drafts=drafts)
    plan = plan_attach(busy, sample, target, memory)
    assert "P204" in {blocker.code for blocker in plan.blockers if blocker.refused}


@given(any_facts, any_samples, targets, memories)
def test_every_blocker_says_what_why_and_what_to_do(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    for blocker in plan_attach(facts, sample, target, memory).blockers:
        assert blocker.code[0] == "P"
        for message in (blocker.what, blocker.detail, blocker.hint):
            assert str(message)
            assert "{" not in str(message)


@given(any_facts, any_samples, targets, memories)
def test_the_journal_only_tells_whose_the_slot_is(facts: Facts, sample: Sample, target: Target, memory: Memory) -> None:
    with_memory = plan_attach(facts, sample, target, memory).blockers
    without = plan_attach(facts, sample, target).blockers
    missing = {blocker.code for blocker in without} - {blocker.code for blocker in with_memory}
    assert missing <= {"P104"}


@given(any_facts, any_samples, targets, memories)
def test_a_logical_slot_is_never_taken_for_ours(facts: Facts, sample: Sample, target: Target, memory: Memory) -> None:
    logical = facts.with_server(PRIMARY, slots=(Slot(target.slot, "logical"),))
    # A standby that has fallen behind is told only that: its slot is of no use to it, whosever it is.
    assert {"P104", "P203"} & {blocker.code for blocker in plan_attach(logical, sample, target, memory).blockers}


@given(attachable())
def test_the_same_facts_make_the_same_plan(at: Situation) -> None:
    assert plan_attach(at.facts, at.sample, at.target, at.memory) == plan_attach(
        at.facts, at.sample, at.target, at.memory
    )


@given(attachable())
def test_the_cap_stands_before_the_slot_does(at: Situation) -> None:
    steps = plan_attach(at.facts, at.sample, at.target, at.memory).steps
    caps = [n for n, step in enumerate(steps) if caps_slots(step)]
    slots = [n for n, step in enumerate(steps) if isinstance(step, CreateSlot)]
    assert all(cap < slot for cap in caps for slot in slots)


@given(any_facts, any_samples, targets, memories)
def test_no_slot_is_ever_made_without_a_cap_unless_the_operator_accepts_that(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    plan = plan_attach(facts, sample, replace(target, wal_cap="auto"), memory)
    if has(plan.steps, CreateSlot):
        assert facts.server(PRIMARY).setting(CAP).value != "-1" or any(map(caps_slots, plan.steps))


@given(attachable())
def test_a_slot_that_is_made_or_made_anew_gets_its_cap(at: Situation) -> None:
    plan = plan_attach(at.facts, at.sample, replace(at.target, wal_cap="auto"), at.memory)
    bare = at.facts.server(PRIMARY).setting(CAP).value == "-1"
    assert any(map(caps_slots, plan.steps)) == (bare and has(plan.steps, CreateSlot))


@given(attachable())
def test_where_somebody_else_keeps_the_settings_none_is_altered(at: Situation) -> None:
    printing = replace(at.target, settings=SettingsWay.PRINT)
    altering = replace(at.target, settings=SettingsWay.ALTER)
    by_hand = plan_attach(at.facts, at.sample, printing, at.memory).steps
    altered = plan_attach(at.facts, at.sample, altering, at.memory).steps
    assert not any(isinstance(effect, AlterSystem) for step in by_hand for effect in step.effects())
    wanted = {(each.parameter, each.value) for step in by_hand if isinstance(step, SetByHand) for each in step.wanted}
    assert wanted == {step.change for step in altered if isinstance(step, Alteration)}
    assert sum(isinstance(step, SetByHand) for step in by_hand) <= 1, "a person edits once"


@given(attachable())
def test_wal_keep_size_is_only_ever_raised(at: Situation) -> None:
    reached = predict(plan_attach(at.facts, at.sample, at.target, at.memory).steps, at.facts)
    before, after = (int(facts.server(PRIMARY).setting(WAL_KEEP).value) for facts in (at.facts, reached))
    assert after >= before


@given(any_facts, any_samples, targets, memories)
def test_without_a_slot_no_copy_is_made_that_nothing_keeps_wal_for(
    facts: Facts, sample: Sample, target: Target, memory: Memory
) -> None:
    plan = plan_attach(facts, sample, replace(target, slot=""), memory)
    assert not has(plan.steps, CreateSlot)
    assert not any(map(caps_slots, plan.steps))
    if has(plan.steps, CopyByBasebackup):
        assert target.wal_keep_size or int(facts.server(PRIMARY).setting(WAL_KEEP).value) >= SENSIBLE_MB


@given(attachable(), st.integers(0, 10))
def test_one_walsender_is_enough_for_a_copy_that_fetches_and_two_for_one_that_streams(at: Situation, used: int) -> None:
    assume(not at.target.from_restored)
    at = replace(at, target=replace(at.target, copy_from=""))  # a copy of a standby needs one in any case
    sample = replace(at.sample, wal_senders_in_use=used)
    plan = plan_attach(at.facts, sample, at.target, at.memory)
    copies = has(plan_attach(at.facts, at.sample, at.target, at.memory).steps, CopyByBasebackup)
    needs = 1 if at.target.wal_method == "fetch" else 2
    few = copies and int(at.facts.server(PRIMARY).setting("max_wal_senders").value) - used < needs
    assert ["P103" for _ in range(few)] == [blocker.code for blocker in plan.blockers]
    if few and needs == 2:
        fetches = plan_attach(at.facts, sample, replace(at.target, wal_method="fetch"), at.memory)
        assert ("--wal-method fetch" in str(plan.blockers[0].hint)) == (fetches.blockers == ())


def caps_slots(step: Step) -> bool:
    """Whether it brings a cap, by itself or by a person."""
    by_hand = isinstance(step, SetByHand) and any(each.parameter == CAP for each in step.wanted)
    return by_hand or isinstance(step, CapSlots)


@given(attachable())
def test_the_password_is_in_a_file_before_it_is_in_force(at: Situation) -> None:
    steps = plan_attach(at.facts, at.sample, at.target, at.memory).steps
    roles = [n for n, step in enumerate(steps) if isinstance(step, CreateRole)]
    files = [n for n, step in enumerate(steps) if isinstance(step, ProvidePassfile)]
    assert all(file < role for file in files for role in roles)
    # A new file has a new password, which the role must get.
    assert bool(roles) or not files


@given(attachable())
def test_the_directory_of_a_server_that_runs_is_never_renamed(at: Situation) -> None:
    running = at.facts.with_place(STANDBY, contents=Contents.STANDBY, running=True, follows=True, covered=False)
    assert not has(plan_attach(running, at.sample, at.target, at.memory).steps, SetDirectoryAside)


@given(attachable(), st.sampled_from([("", True), ("db3", True), (STANDBY, False)]))
def test_a_role_that_is_not_ours_or_was_changed_is_never_altered(at: Situation, made: tuple[str, bool]) -> None:
    role = Role(at.target.role, login=True, replication=True, made_for=made[0], pristine=made[1])
    facts = at.facts.with_server(at.target.writer, roles=(role,)).with_place(STANDBY, password_set=False)
    plan = plan_attach(facts, at.sample, at.target, at.memory)
    assert not has(plan.steps, CreateRole)
    assert bool(plan.blockers) == at.target.own_role
