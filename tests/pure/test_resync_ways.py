"""The ways in which a node comes back: which of them are open, and which is taken."""

from dataclasses import replace

import pytest

from standbyctl.domain.divergence import Archive, Commit, Divergence, Returning, Way
from standbyctl.domain.facts import Contents
from standbyctl.planner.plan import Remembered
from standbyctl.planner.resync import plan_resync
from standbyctl.steps.rewind import RewindPlace
from tests.pure.examples import PRIMARY, SAMPLE, STANDBY, TARGET, facts, kinds, rule

ALONE = (Commit(768, "0/4015BA0", "2026-11-27 23:10:25.874505"),)
SAME = Divergence(1, fork="0/4000000", hints=True)
AHEAD = replace(SAME, ahead=True)
DEAR = replace(AHEAD, commits=ALONE)


def sealed(**more):
    """A primary that was lost, with its standby.signal."""
    node = facts()
    place = {
        "contents": Contents.CLUSTER,
        "in_recovery": True,
        "running": False,
        "upstream": "",
        "parent_writable": True,
    }
    return node.with_place(STANDBY, **{**place, **more})


def ways(found, seen=None, way=None, *, former=True, memory=()):
    plan, ladder = plan_resync(seen or sealed(), SAMPLE, TARGET, memory, Returning(former, found, way))
    return plan, [rung.way for rung in ladder if rung.open]


@pytest.mark.parametrize(
    ("found", "asked", "open_ways", "step"),
    [
        (SAME, None, ["follow", "clone"], "PointAtPrimary"),
        (AHEAD, None, ["rewind", "clone"], "RewindPlace"),
        (DEAR, None, ["rewind", "clone"], "InstallCopy"),
        (DEAR, Way.REWIND, ["rewind", "clone"], "RewindPlace"),
        (AHEAD, Way.CLONE, ["rewind", "clone"], "InstallCopy"),
        (replace(AHEAD, hints=False), None, ["clone"], "InstallCopy"),
        (replace(AHEAD, full_page_writes=False), None, ["clone"], "InstallCopy"),
        (replace(AHEAD, checkpointed=False), None, ["rewind", "clone"], "RewindPlace"),
        (replace(AHEAD, common=False), None, ["clone"], "InstallCopy"),
        (replace(AHEAD, known=False), None, ["clone"], "InstallCopy"),
        (replace(AHEAD, fork=""), None, ["clone"], "InstallCopy"),
        (None, None, ["clone"], "InstallCopy"),
    ],
)
def test_the_cheapest_that_is_open_and_overwrites_no_commit(found, asked, open_ways, step):
    plan, seen = ways(found, way=asked)
    assert not plan.blockers
    assert seen == open_ways
    steps = kinds(plan.steps)
    assert step in steps
    assert steps[-1] == "StartStandby"
    assert ("SetDirectoryAside" in steps) == (step == "InstallCopy")


def test_who_was_promoted_apart_is_on_no_timeline_of_its_primary_whatever_its_number_is():
    apart = replace(DEAR, split=True)
    for former in (True, False):
        seen = sealed(contents=Contents.STANDBY, same_timeline=True)
        plan, opened = ways(apart, seen, former=former)
        assert opened == ["clone"]
        assert kinds(plan.steps)[:1] == ["SetDirectoryAside"]
    copied = sealed(contents=Contents.STANDBY, never_started=True)
    assert "SetDirectoryAside" not in kinds(ways(apart, copied, former=False)[0].steps)


def test_pg_rewind_of_15_does_not_know_who_was_lost_just_after_its_promotion():
    seen = sealed()
    seen = seen.with_server(PRIMARY, version_num=150018)
    assert ways(replace(AHEAD, checkpointed=False), seen)[1] == ["clone"]
    assert ways(AHEAD, seen)[1] == ["rewind", "clone"]


def test_pg_rewind_needs_the_wal_back_to_the_last_checkpoint_that_both_have_had():
    assert ways(AHEAD)[1] == ["rewind", "clone"]
    assert ways(replace(AHEAD, common=False))[1] == ["clone"]


def test_a_way_that_is_closed_is_refused_with_its_reason():
    plan, _ = ways(DEAR, way=Way.FOLLOW)
    assert [each.code for each in plan.blockers] == ["R453"]
    assert "0/4000000" in str(plan.blockers[0].detail)


def test_a_rewind_that_did_not_come_to_its_end_is_copied_anew_and_what_it_left_is_taken_back():
    [rewind] = [each for each in ways(AHEAD)[0].steps if isinstance(each, RewindPlace)]
    begun = (Remembered(rewind, sealed()),)
    seen = sealed(rewinding=True)
    hba = seen.server(PRIMARY).hba
    left = rule(1, users=(rewind.role,), databases=("postgres",))
    seen = seen.with_server(PRIMARY, hba=replace(hba, rules=(*hba.rules, left)))
    plan, open_ways = ways(AHEAD, seen, memory=begun)
    assert open_ways == ["clone"]
    steps = kinds(plan.steps)
    assert steps.index("EndRewinding") < steps.index("SetDirectoryAside") < steps.index("InstallCopy")


def test_a_standby_that_keeps_its_history_goes_on_where_it_is():
    seen = facts().with_place(
        STANDBY, contents=Contents.STANDBY, follows=True, running=False, upstream="", covered=True
    )
    plan, open_ways = ways(None, seen, former=False)
    assert open_ways[0] == "reconnect"
    assert "CopyByBasebackup" not in kinds(plan.steps)


@pytest.mark.parametrize("way", [None, Way.REWIND])
def test_what_was_rewound_has_only_to_follow(way):
    # Killed just after: its newest WAL is of its primary's timeline, which its primary has not left.
    plan, open_ways = ways(replace(SAME, timeline=2, fork=""), sealed(rewound=True), way)
    assert open_ways == ["rewind", "clone"]
    assert not {"RewindPlace", "SetDirectoryAside", "InstallCopy"} & {*kinds(plan.steps)}
    assert "PointAtPrimary" in kinds(plan.steps)
    assert "is kept in" not in "".join(map(str, plan.notes))


FILE = "0000000100000000000000{:02X}".format
BRINGS = Archive("cp /wal/%f %p", first=FILE(5), last=FILE(8))


def behind(archive, way=None, **more):
    """A standby whose slot was lost."""
    place = {"contents": Contents.STANDBY, "follows": True, "covered": False, "upstream": "", "running": False}
    seen = facts().with_place(STANDBY, **{**place, **more})
    asked = replace(TARGET, restore_command=archive.command if archive and archive.opens else "")
    plan, ladder = plan_resync(seen, SAMPLE, asked, (), Returning(former=False, way=way, archive=archive))
    return plan, {rung.way: rung for rung in ladder}


@pytest.mark.parametrize(
    ("archive", "running", "steps"),
    [
        (BRINGS, False, ["ReadArchive", "CreateSlot", "StartStandby"]),
        (BRINGS, True, ["StopStandby", "ReadArchive", "CreateSlot", "StartStandby"]),
        (replace(BRINGS, configured=True), True, ["CreateSlot", "StartStandby"]),
    ],
)
def test_what_the_primary_has_no_more_comes_out_of_an_archive_that_brings_it(archive, running, steps):
    plan, ladder = behind(archive, running=running)
    assert ladder[Way.ARCHIVE].open
    assert ladder[Way.ARCHIVE].copied_bytes == 4 * 16 << 20
    taken = [kind for kind in kinds(plan.steps) if kind in {*steps, "SetDirectoryAside", "InstallCopy"}]
    assert sorted(taken) == sorted(steps)
    assert taken[-1] == "StartStandby"


@pytest.mark.parametrize("archive", [None, Archive(""), replace(BRINGS, missing=f"{FILE(5)}: exit 1"), Archive("x")])
def test_an_archive_that_brings_nothing_is_no_way(archive):
    plan, ladder = behind(archive)
    assert not ladder[Way.ARCHIVE].open
    assert "InstallCopy" in kinds(plan.steps)
    closed, _ = behind(archive, Way.ARCHIVE)
    assert [each.code for each in closed.blockers] == ["R453"]


def test_an_archive_is_not_asked_for_where_the_primary_keeps_it_all():
    plan, ladder = behind(BRINGS, covered=True)
    assert not ladder[Way.ARCHIVE].open
    assert ladder[Way.RECONNECT].open
    assert "ReadArchive" not in kinds(plan.steps)


def test_one_of_a_kind_is_said_as_one():
    one = (
        AHEAD,
        ALONE,
        "has 1 commit that db1 has not, of 2026-11-27 23:10:25.874505 UTC",
        "overwrites 1 commit that is",
    )
    same = AHEAD, ALONE * 2, "has 2 commits that db1 has not, of 2026-11-27", "overwrites 2 commits that are"
    later = replace(ALONE[0], at="2026-11-27 23:11:00")
    two = AHEAD, (*ALONE, later), "from 2026-11-27 23:10:25.874505 to 2026-11-27 23:11:00 UTC", "overwrites 2 commits"
    for found, commits, note, why in (one, same, two):
        returning = Returning(True, replace(found, commits=commits))
        plan, ladder = plan_resync(sealed(), SAMPLE, TARGET, (), returning)
        assert note in str(plan.notes[0])
        assert str(next(rung.why for rung in ladder if rung.way is Way.REWIND)).startswith(why)
    _, ladder = behind(replace(BRINGS, last=BRINGS.first))
    assert str(ladder[Way.ARCHIVE].why) == f"{BRINGS.first} is there"
