"""Plans of a switchover and of a failover, from facts and samples that are made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from standbyctl.domain.facts import Facts, Node
from standbyctl.domain.member import Member, Power
from standbyctl.domain.roles import Cascade, RoleChange, Seat
from standbyctl.domain.switching import FIVE, Around, LastSeen, RoleSample, Sender, SlotUse
from standbyctl.planner.failover import plan_followers, plan_takeover
from standbyctl.planner.switchover import plan_ready, plan_switchover
from standbyctl.steps.base import predict
from standbyctl.steps.failover import KeepWal
from standbyctl.steps.roles import SwitchPrimary
from tests.pure.examples import BIN, SAMPLE, STANDBY, SYSTEM, TARGET, codes, facts, kinds

OLD, NEW, OTHER, BELOW = "db1", "db2", "db3", "db4"
SETTINGS = dict.fromkeys(FIVE, "10") | {"wal_level": "replica"}
LSN = 0x5000000


def seat(name: str) -> Seat:
    return Seat(name, f"/pg/{name}", BIN, 5432, "postgres", f"host={name}")


def follower(name: str) -> Any:
    return replace(TARGET, primary=NEW, name=name, slot=name)


CHANGE = RoleChange(
    old=OLD,
    new=NEW,
    seats=tuple(seat(name) for name in (OLD, NEW, OTHER, BELOW)),
    followers=(follower(OLD), follower(OTHER)),
    conninfos=(f"host={NEW} user=repl_{OLD}", f"host={NEW} user=repl_{OTHER}"),
    left_slots=(NEW, OTHER),
    cascades=(Cascade(BELOW, OTHER, BELOW),),
)
UNPLANNED = replace(
    CHANGE, followers=CHANGE.followers[1:], conninfos=CHANGE.conninfos[1:], left_slots=(), unplanned=True
)
FENCED = replace(UNPLANNED, fence=("/usr/local/bin/fence", "{node}"))
STEPS = ["SwitchPrimary", "StartAsStandby", "FollowPrimary", "AwaitCascade", "LetGoOfSlots"]
STANDS: dict[str, dict[str, Any]] = {
    OLD: {"in_recovery": False, "slots": (NEW, OTHER)},
    NEW: {"in_recovery": True, "sealed": True, "follows": OLD, "upstream": OLD},
    OTHER: {"in_recovery": True, "sealed": True, "follows": OLD, "upstream": OLD},
    BELOW: {"in_recovery": True, "sealed": True, "follows": OTHER, "upstream": OTHER},
}
STOPPED: dict[str, Any] = {"power": Power.SHUT_DOWN, "in_recovery": None, "sealed": True, "follows": NEW}
PROMOTED: dict[str, Any] = {"in_recovery": False, "timeline": 2, "upstream": ""}


CAPPED = {"max_slot_wal_keep_size": "4096"}


def cluster(**changes: dict[str, Any]) -> Facts:
    """As before a change of roles, but for some of what some members are."""
    made = [
        Node(
            name,
            member=Member(
                **{
                    "data_directory": f"/pg/{name}",
                    "system_identifier": SYSTEM,
                    "power": Power.RUNNING,
                    "timeline": 1,
                    **stands,
                    **changes.get(name, {}),
                }
            ),
        )
        for name, stands in STANDS.items()
    ]
    return Facts(tuple(made))


def around(**changes: Any) -> Around:
    return replace(Around(lsn=LSN, received=LSN, version_num=160014, settings=SETTINGS | CAPPED), **changes)


def sample(**arounds: dict[str, Any]) -> RoleSample:
    """Everybody answers, but for some of what some say."""
    return RoleSample({name: around(**arounds.get(name, {})) for name in STANDS})


def without(*names: str, **changes: Any) -> RoleSample:
    """These do not answer."""
    answers = {name: around() for name in STANDS if name not in names}
    return RoleSample(answers, **changes)


SITUATIONS = {
    "as before": (cluster(), STEPS),
    "stopped by somebody": (cluster(db1={"power": Power.SHUT_DOWN, "in_recovery": None}), STEPS),
    "old one sealed": (cluster(db1=STOPPED), STEPS),
    "old one runs as a standby already": (
        cluster(db1={**STOPPED, "power": Power.RUNNING, "in_recovery": True}),
        STEPS,
    ),
    "new one promoted": (cluster(db1=STOPPED, db2=PROMOTED), STEPS[1:]),
    "old one follows": (
        cluster(
            db1={"in_recovery": True, "sealed": True, "follows": NEW, "upstream": NEW, "timeline": 2},
            db2=PROMOTED,
        ),
        STEPS[2:],
    ),
    "all follow": (
        cluster(
            db1={"in_recovery": True, "sealed": True, "follows": NEW, "upstream": NEW, "timeline": 2},
            db2=PROMOTED,
            db3={"follows": NEW, "upstream": NEW, "timeline": 2},
            db4={"timeline": 2},
        ),
        STEPS[4:],
    ),
    "done": (
        cluster(
            db1={
                "in_recovery": True,
                "sealed": True,
                "follows": NEW,
                "upstream": NEW,
                "timeline": 2,
                "slots": (),
            },
            db2=PROMOTED,
            db3={"follows": NEW, "upstream": NEW, "timeline": 2},
            db4={"timeline": 2},
        ),
        [],
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_switchover_takes_what_is_left_and_reaches_the_goal(situation: str) -> None:
    seen, expected = SITUATIONS[situation]
    plan = plan_switchover(seen, sample(), CHANGE)
    assert not plan.blockers
    assert kinds(plan.steps) == expected
    reached = predict(plan.steps, seen)
    old, new, other, below = (reached.member(name) for name in STANDS)
    assert new.writes
    assert [name for name in STANDS if reached.member(name).writes] == [NEW]
    assert {member.timeline for member in (old, new, other, below)} == {2}
    assert (old.sealed, old.slots) == (True, ())
    assert [member.upstream for member in (old, new, other, below)] == [NEW, "", NEW, OTHER]
    again = plan_switchover(reached, sample(), CHANGE)
    assert (again.steps, again.blockers, again.notes) == ((), (), ())


@pytest.mark.parametrize("done", range(len(STEPS)))
def test_a_switchover_that_is_cut_short_goes_on_with_the_rest(done: int) -> None:
    whole = plan_switchover(cluster(), sample(), CHANGE)
    seen = predict(whole.steps[:done], cluster())
    assert plan_switchover(seen, sample(), CHANGE).steps == whole.steps[done:]


def test_a_primary_that_is_stopped_is_not_asked_for_a_checkpoint() -> None:
    for seen, running in ((cluster(), True), (cluster(db1=STOPPED), False)):
        switch = plan_switchover(seen, sample(), CHANGE).steps[0]
        assert isinstance(switch, SwitchPrimary)
        assert switch.running == running
        assert (switch.timeline, dict(switch.settings)["primary_slot_name"]) == (1, OLD)
        assert [type(effect).__name__ for effect in switch.effects()] == ["Checkpoint"] * 2 * running + ["HandOver"]


ENDED: dict[str, Any] = {"power": Power.ENDED, "in_recovery": None}
REFUSED: dict[str, tuple[Facts, RoleSample, str]] = {
    "another system": (cluster(db2={"system_identifier": "73"}), sample(), "R406"),
    "two primaries": (cluster(db2=PROMOTED), sample(), "R419"),
    "ended uncleanly": (cluster(db1=ENDED), sample(), "R409"),
    "ended uncleanly, new one promoted": (cluster(db1=ENDED, db2=PROMOTED), sample(), "R409"),
    "stopped on another timeline": (cluster(db1={**STOPPED, "timeline": 2}), sample(), "R409"),
    "candidate down": (cluster(db2=ENDED), sample(), "R402"),
    "old one unsettled": (cluster(db1={"in_recovery": None}), sample(), "R402"),
    "old one on a silent host": (cluster(db1={"power": Power.UNKNOWN, "in_recovery": None}), sample(), "R402"),
    "old one follows another": (cluster(db1={"in_recovery": True, "sealed": True}), sample(), "R402"),
    "not streaming": (cluster(db2={"upstream": ""}), sample(), "R402"),
    "paused": (cluster(), sample(db2={"paused": True}), "R404"),
    "delayed": (cluster(), sample(db2={"settings": SETTINGS | {"recovery_min_apply_delay": "5"}}), "R405"),
    "far behind": (cluster(), sample(db2={"lsn": LSN - (17 << 20)}), "R403"),
    "lower there": (cluster(), sample(db1={"settings": SETTINGS | {"max_connections": "9"}}), "R414"),
    "no free walsender": (cluster(), sample(db2={"senders": (Sender("x", "streaming", ""),) * 9}), "R415"),
    "silent": (cluster(), sample(db1={"senders": (Sender(OTHER, "streaming", OTHER, silent_seconds=30),)}), "R408"),
    "wal_level": (cluster(), sample(db2={"settings": SETTINGS | {"wal_level": "logical"}}), "R417"),
    "prepared": (cluster(), sample(db1={"prepared": 1}), "R424"),
    "strangers": (cluster(), replace(sample(), strangers=("db9",)), "R413"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_switchover_that_would_lose_or_hang_is_not_begun(case: str) -> None:
    seen, about, code = REFUSED[case]
    plan = plan_switchover(seen, about, CHANGE)
    assert (codes(plan), plan.steps) == ([code], ())


def test_a_little_behind_is_said_and_no_obstacle() -> None:
    plan = plan_switchover(cluster(), sample(db2={"lsn": LSN - (1 << 20)}), CHANGE)
    assert not plan.blockers
    assert "db2 is 1" in " ".join(map(str, plan.notes))


GONE = cluster(db1={"power": Power.UNKNOWN, "in_recovery": None})
DOWN = cluster(db1=ENDED)


@pytest.mark.parametrize(
    ("seen", "change", "expected"),
    [
        (DOWN, UNPLANNED, ["FenceOldPrimary", "PromoteStandby"]),
        (GONE, FENCED, ["FenceOldPrimary", "PromoteStandby"]),
        (GONE, replace(UNPLANNED, fenced=True), ["PromoteStandby"]),
        (cluster(db1={**ENDED, "sealed": True, "fenced": True}), UNPLANNED, ["PromoteStandby"]),
        (cluster(db1=ENDED, db2=PROMOTED), UNPLANNED, []),
    ],
)
def test_a_failover_fences_before_it_promotes_and_then_the_rest_follows(
    seen: Facts, change: RoleChange, expected: list[str]
) -> None:
    plan = plan_takeover(seen, without(OLD), change)
    assert not plan.blockers
    assert kinds(plan.steps) == expected
    reached = predict(plan.steps, seen)
    assert (reached.member(NEW).writes, reached.member(NEW).timeline) == (True, 2)
    assert not plan_takeover(reached, without(OLD), change).steps
    rest = plan_followers(reached, without(OLD), change)
    assert kinds(rest.steps) == ["FollowPrimary", "AwaitCascade", "KeepWal"]
    assert not plan_followers(predict(rest.steps, reached), without(OLD), change).steps


def test_an_old_primary_that_is_ended_where_it_is_cannot_start_as_one() -> None:
    old = predict(plan_takeover(DOWN, without(OLD), UNPLANNED).steps, DOWN).member(OLD)
    assert (old.sealed, old.fenced, old.writes) == (True, True, False)
    away = predict(plan_takeover(GONE, without(OLD), FENCED).steps, GONE).member(OLD)
    assert (away.sealed, away.fenced, away.power) == (False, True, Power.UNKNOWN)


MORE = RoleSample({NEW: around(), OTHER: around(received=LSN + 1), BELOW: around()})
HEARS = RoleSample({NEW: around(), OTHER: around(heard_seconds=0.5), BELOW: around()})


@pytest.mark.parametrize(
    ("seen", "about", "change", "most", "code"),
    [
        (cluster(), sample(), UNPLANNED, None, "R440"),
        (GONE, HEARS, FENCED, None, "R442"),
        (GONE, without(OLD), UNPLANNED, None, "R443"),
        (DOWN, MORE, UNPLANNED, None, "R444"),
        (DOWN, without(OLD, OTHER), UNPLANNED, None, "R444"),
        (DOWN, without(OLD), UNPLANNED, 1 << 30, "R445"),
        (DOWN, without(OLD, last_seen=LastSeen(LSN + 2, 3.0)), UNPLANNED, 1, "R445"),
    ],
)
def test_nobody_is_promoted_who_should_not_be(
    seen: Facts, about: RoleSample, change: RoleChange, most: int | None, code: str
) -> None:
    plan = plan_takeover(seen, about, change, most)
    assert (codes(plan), plan.steps) == ([code], ())


def test_a_loss_that_is_known_and_accepted_is_said() -> None:
    about = without(OLD, last_seen=LastSeen(LSN + 2, 3.0))
    for most in (None, 2):
        plan = plan_takeover(DOWN, about, UNPLANNED, most)
        assert not plan.blockers
        assert str(plan.notes[0]).startswith("lost: 2")
    unknown = plan_takeover(DOWN, without(OLD), UNPLANNED).notes
    assert str(unknown[0]).startswith("what is lost is not known")


def test_nobody_is_promoted_where_another_standby_was_already() -> None:
    plan = plan_takeover(cluster(db1=ENDED, db3={"in_recovery": False, "timeline": 2}), without(OLD), UNPLANNED)
    assert "R419" in [each.code for each in plan.blockers]
    assert "db3 is a primary already" in str(plan.blockers[0].what)


def test_who_is_on_a_later_timeline_has_more_whatever_its_lsn_is() -> None:
    seen = without(OLD)
    seen = replace(seen, around={**seen.around, "db3": around(received=LSN - 100)})
    plan = plan_takeover(cluster(db1=ENDED, db3={"timeline": 2}), seen, UNPLANNED)
    assert [each.code for each in plan.blockers] == ["R444"]


def test_the_slot_of_who_may_never_come_back_has_a_cap_or_is_not_made() -> None:
    uncapped = replace(without(OLD), around={name: around(settings=SETTINGS) for name in STANDS if name != OLD})
    reached = predict(plan_takeover(DOWN, uncapped, UNPLANNED).steps, DOWN)
    assert "KeepWal" not in kinds(plan_followers(reached, uncapped, UNPLANNED).steps)
    assert "no slot keeps WAL for db1" in "".join(map(str, plan_takeover(DOWN, uncapped, UNPLANNED).notes))


def test_who_is_left_out_is_asked_by_nobody_and_follows_nobody() -> None:
    change = UNPLANNED.without([OTHER])
    assert ([seat.name for seat in change.left_out], OTHER in change.names) == ([OTHER], False)
    gone = predict(plan_takeover(DOWN, without(OLD, OTHER), change).steps, DOWN)
    steps = plan_followers(gone, without(OLD, OTHER), change).steps
    assert not [step for step in steps if step.place == OTHER]
    assert {step.slot for step in steps if isinstance(step, KeepWal)} == {OLD, OTHER}
    notes = map(str, plan_takeover(DOWN, without(OLD, OTHER), change).notes)
    assert any(note.startswith(f"{OTHER} is left out") for note in notes)


def test_what_streams_from_who_is_left_out_stays_where_it_is() -> None:
    chain = (Cascade("one", OTHER, "one"), Cascade("two", "one", "two"), Cascade("three", NEW, "three"))
    assert [each.name for each in replace(UNPLANNED, cascades=chain).without([OTHER]).cascades] == ["three"]


def test_a_failover_slot_comes_along_only_where_it_is_there() -> None:
    use = SlotUse("sub", "logical", active=False, failover=True)
    seen = sample(db1={"slots": (use,)})
    assert "R423" in [each.code for each in plan_switchover(cluster(), seen, CHANGE).blockers]
    seen = sample(db1={"slots": (use,)}, db2={"slots": (use,)})
    assert not plan_switchover(cluster(), seen, CHANGE).blockers


@pytest.mark.parametrize(
    ("stands", "code"),
    [({"power": Power.ENDED, "in_recovery": None}, "R402"), ({"in_recovery": False, "timeline": 2}, "R419")],
)
def test_who_is_to_follow_is_asked_before_the_stop(stands: dict[str, Any], code: str) -> None:
    plan = plan_switchover(cluster(db3=stands), sample(), CHANGE)
    assert code in [each.code for each in plan.blockers]
    assert "db3" in str(plan.blockers[0].what)


def test_a_restore_command_of_the_new_primary_is_a_warning() -> None:
    slow = sample(db2={"settings": SETTINGS | CAPPED | {"restore_command": "fetch %f %p"}})
    notes = "".join(map(str, plan_switchover(cluster(), slow, CHANGE).notes))
    assert "WARNING: db2 has a restore_command" in notes
    assert "restore_command" not in "".join(map(str, plan_switchover(cluster(), sample(), CHANGE).notes))


def test_who_is_to_follow_needs_a_place_for_its_passfile_and_none_once_it_is_there():
    closed = facts().with_place(STANDBY, parent_writable=False)
    refused = plan_ready(closed, SAMPLE, TARGET)
    assert codes(refused) == ["P201"]
    assert refused.steps == ()
    open_ = plan_ready(facts(), SAMPLE, TARGET)
    there = predict(open_.steps, facts()).with_place(STANDBY, parent_writable=False)
    assert codes(plan_ready(there, SAMPLE, TARGET)) == []
