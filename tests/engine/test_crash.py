"""Die before and after every change of every effect of the real plans; then run the same again, or undo.

The loops find their own end: a new step, or a new effect of an old one, is tested the day it is written.
"""

from __future__ import annotations

import shutil
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import get_args

import pytest

from standbyctl import steps
from standbyctl.domain.effects import (
    Checkpoint,
    DropTestDatabases,
    Effect,
    Fence,
    HandOver,
    MakeTestDatabase,
    Promote,
    Rewind,
    StartAgain,
    TryCopy,
    TryStart,
)
from standbyctl.domain.errors import BlockedError
from standbyctl.domain.facts import Contents, Draft, Facts, HbaFile, HbaRule, Passfile, Role, Setting, Slot
from standbyctl.domain.replacing import Resident
from standbyctl.domain.service import Service
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.planner.detach import DetachOptions
from standbyctl.steps.archive import ReadArchive
from standbyctl.steps.failover import FenceOldPrimary, KeepWal, PromoteStandby, SealPlace
from standbyctl.steps.rewind import EndRewinding, PointAtPrimary, RewindPlace
from standbyctl.steps.roles import AwaitCascade, FollowPrimary, LetGoOfSlots, StartAsStandby, SwitchPrimary
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot
from standbyctl.steps.staging import StageSettings
from tests.engine.deeds import DEEDS
from tests.engine.running import attach, detach, dies, journal_at, toy_of
from tests.engine.toy import Toy
from tests.pure.examples import (
    APP_RULE,
    CAP,
    DRAFT,
    HBA,
    PRIMARY,
    ROLE,
    STANDBY,
    TARGET,
    TUNNEL,
    facts,
    rule,
    server,
    settings,
)

KEEP, ASIDE, DELETE = DetachOptions(), DetachOptions(True), DetachOptions(True, True)


@dataclass(frozen=True)
class Scenario:
    """Where an attach starts from."""

    facts: Facts
    target: Target = TARGET


def hba(*rules: HbaRule, loaded: bool = True) -> HbaFile:
    """A file that can be edited."""
    return HbaFile(HBA, rules, at_hand=True, loaded=loaded)


FRESH = Scenario(facts())
# An empty directory, a draft that died, rules that may or may not decide, and another cap by ALTER SYSTEM.
CROWDED = Scenario(
    facts(
        server(
            hba=hba(APP_RULE, rule(2, type="hostssl"), rule(3, users=("+ops",))),
            settings=settings(**{CAP: Setting(CAP, "2048", "configuration file", "2GB", in_file="2GB")}),
        ),
        contents=Contents.EMPTY,
        drafts=(Draft(DRAFT),),
    ),
    replace(TARGET, wal_cap="1GB", verify_backup=True),
)
# A person edits pg_hba.conf, the role and its passfile are the operator's, and postgresql.conf has a cap.
BY_HAND = Scenario(
    facts(
        server(
            roles=(Role(ROLE, True, True),),
            settings=settings(**{CAP: Setting(CAP, "2048", "configuration file", in_file="2GB")}),
        ),
        passfile=Passfile.FOREIGN,
    ),
    replace(TARGET, own_role=False, hba=HbaWay.WAIT, wal_cap="1GB"),
)
# A finished copy that its slot no longer covers, and a rule that would do if it were loaded.
STALE = Scenario(
    facts(
        server(slots=(Slot(STANDBY, lost=True),), hba=hba(rule(1), loaded=False)),
        contents=Contents.STANDBY,
        follows=True,
        never_started=True,
        covered=False,
    )
)
# No slot is to be had, one walsender is free, and the runbook has wishes; wal_keep_size is set by ALTER SYSTEM already.
SLOTLESS = Scenario(
    facts(
        server(
            settings=settings(
                max_replication_slots="0",
                max_wal_senders="1",
                wal_keep_size=Setting("wal_keep_size", "512", "configuration file", "512MB", in_file="512MB"),
            )
        )
    ),
    replace(
        TARGET,
        slot="",
        wal_method="fetch",
        wal_keep_size="2GB",
        synchronous_commit="off",
        auth_method="md5",
        restore_command="cp /archive/%f %p",
    ),
)
# The server edits the file, for a role that is no superuser.
BY_SQL = Scenario(
    facts(server(roles=(Role(ROLE, True, True),), superuser=False, user="tool"), passfile=Passfile.FOREIGN),
    replace(TARGET, own_role=False, hba=HbaWay.SQL),
)
# Somebody else keeps the settings, and is shown what to write.
PRINTED = Scenario(
    facts(server(settings=settings(allow_alter_system="off"))),
    replace(TARGET, settings=SettingsWay.PRINT, wal_keep_size="2GB", synchronous_commit="local"),
)
# A standby is copied, so as to spare the primary.
SPARED = Scenario(facts(), replace(TARGET, copy_from="db9", copy_host="127.0.0.1", copy_port=5999))
# What installing PostgreSQL has made, empty and running, stands where the standby goes.
DEBIAN = Service("postgresql@16-main", "/etc/postgresql/16/main/postgresql.conf", as_root=True)
REPLACED = Scenario(
    facts(contents=Contents.CLUSTER, running=True, in_recovery=False, resident=Resident("73", holds=())),
    replace(TARGET, service=DEBIAN, replace_cluster=True),
)
# The packages of PGDG: a unit that is off until somebody enables it.
PGDG = Scenario(facts(at_boot=False), replace(TARGET, service=Service("postgresql-16.service", as_root=True)))
# The primary listens on its own host only.
TUNNELLED = Scenario(facts(), replace(TARGET, tunnel=TUNNEL))
# A backup was restored where the standby goes.
RESTORED = Scenario(facts(contents=Contents.RESTORED), replace(TARGET, from_restored=True))
# A volume is mounted at the data directory itself.
MOUNTED = Scenario(facts(contents=Contents.EMPTY, mount_point=True))
RESTORED_THERE = Scenario(facts(contents=Contents.RESTORED, mount_point=True), replace(TARGET, from_restored=True))
EVERY = {
    "fresh": FRESH,
    "crowded": CROWDED,
    "by hand": BY_HAND,
    "stale": STALE,
    "slotless": SLOTLESS,
    "printed": PRINTED,
    "by sql": BY_SQL,
    "spared": SPARED,
    "replaced": REPLACED,
    "pgdg": PGDG,
    "tunnelled": TUNNELLED,
    "restored": RESTORED,
    "mounted": MOUNTED,
    "restored on a mount point": RESTORED_THERE,
}
every_scenario = pytest.mark.parametrize("at", EVERY.values(), ids=EVERY)


def assert_attached(toy: Toy) -> None:
    """Streaming, covered, proven; nothing lies about."""
    place, primary = toy.look().place(STANDBY), toy.look().server(PRIMARY)
    assert place.running
    assert place.upstream == PRIMARY
    assert place.covered
    assert place.drafts == ()
    assert primary.slots == ((Slot(STANDBY),) if toy.target.slot else ())
    if asked := toy.target.synchronous_commit:
        assert primary.setting("synchronous_commit").value == asked
        assert primary.setting("wal_keep_size").value == "2048"
    assert primary.hba.loaded
    assert toy.proofs >= 1, "a marked commit must have been seen replayed"


def assert_given_back(toy: Toy, at: Scenario, options: DetachOptions) -> None:
    """The primary is as it was; the standby too, but for what was asked to stay."""
    before, after = toy_of(at.facts, at.target).look(), toy.look()
    was, now = before.server(PRIMARY), after.server(PRIMARY)
    if at.target.hba is HbaWay.WAIT:
        # A person has put the line there, and takes it out.
        now = replace(now, hba=was.hba)
    if at.target.settings is SettingsWay.PRINT:
        assert all(each.auto_conf is None for each in now.settings)
        now = replace(now, settings=was.settings)
    # A lost slot is of no use to anybody; a reload puts into force whatever the file says.
    was, now = (replace(each, slots=tuple(slot for slot in each.slots if not slot.lost)) for each in (was, now))
    assert replace(now, hba=replace(now.hba, loaded=was.hba.loaded)) == was
    place = after.place(STANDBY)
    if at is REPLACED:
        assert place == replace(before.place(STANDBY), admitted=place.admitted)
        return
    assert not place.running
    assert (place.drafts, place.condemned) == ((), False)
    assert place.passfile is before.place(STANDBY).passfile
    assert place.tunnel == before.place(STANDBY).tunnel
    if options.remove_data_directory:
        wanted = before.place(STANDBY).contents
        if at.target.from_restored and place.contents is Contents.RESTORED:
            return  # nothing of it is ours yet
        there = Contents.EMPTY if place.mount_point else Contents.ABSENT
        wanted = there if at.target.from_restored else wanted
        assert place.contents is (Contents.ABSENT if wanted is Contents.STANDBY else wanted)


@every_scenario
def test_an_attach_that_died_anywhere_goes_on(at: Scenario, tmp_path: Path) -> None:
    for fuse in count():
        toy, journal = toy_of(at.facts, at.target), journal_at(tmp_path / str(fuse))
        died = dies(toy, journal, fuse, attach)
        attach(toy, journal)
        assert_attached(toy)
        if not died:
            break


@every_scenario
def test_an_attach_that_died_anywhere_can_be_given_back_at_once(at: Scenario, tmp_path: Path) -> None:
    for fuse in count():
        toy, journal = toy_of(at.facts, at.target), journal_at(tmp_path / str(fuse))
        died = dies(toy, journal, fuse, attach)
        detach(toy, journal, DELETE)
        assert_given_back(toy, at, DELETE)
        if not died:
            break


def test_an_attach_that_died_twice_and_went_on_leaves_nothing_behind(tmp_path: Path) -> None:
    at = CROWDED
    for fuse in count(step=2):
        toy, journal = toy_of(at.facts, at.target), journal_at(tmp_path / str(fuse))
        died = dies(toy, journal, fuse, attach)
        # The second time it dies sooner or later after that, elsewhere for every first time.
        dies(toy, journal, fuse * 5 % 7, attach)
        attach(toy, journal)
        assert_attached(toy)
        assert attach(toy, journal).steps == ()
        detach(toy, journal, ASIDE)
        assert_given_back(toy, at, ASIDE)
        assert journal.memory() == ()
        if not died:
            break


# Without the journal nobody knows what was there before: that one begins where nothing was.
@pytest.mark.parametrize(
    ("at", "options", "journaled"),
    [
        pytest.param(FRESH, DELETE, True, id="fresh, directory deleted"),
        pytest.param(CROWDED, DELETE, True, id="crowded, directory deleted"),
        pytest.param(BY_HAND, KEEP, True, id="by hand, directory kept"),
        pytest.param(STALE, ASIDE, True, id="stale, directory renamed"),
        pytest.param(SLOTLESS, DELETE, True, id="slotless, directory deleted"),
        pytest.param(PRINTED, ASIDE, True, id="printed, directory renamed"),
        pytest.param(SPARED, DELETE, True, id="spared, directory deleted"),
        pytest.param(FRESH, DELETE, False, id="fresh, journal lost"),
        pytest.param(REPLACED, KEEP, True, id="replaced, put back"),
        pytest.param(REPLACED, DELETE, True, id="replaced, directory deleted, put back"),
        pytest.param(REPLACED, KEEP, False, id="replaced, journal lost"),
        pytest.param(RESTORED, KEEP, True, id="restored, directory kept"),
        pytest.param(RESTORED, ASIDE, True, id="restored, directory renamed"),
        pytest.param(MOUNTED, KEEP, True, id="mounted, files kept"),
        pytest.param(MOUNTED, DELETE, True, id="mounted, emptied"),
        pytest.param(RESTORED_THERE, DELETE, True, id="restored on a mount point, emptied"),
        pytest.param(TUNNELLED, DELETE, True, id="tunnelled, directory deleted"),
        pytest.param(TUNNELLED, DELETE, False, id="tunnelled, journal lost"),
    ],
)
def test_a_detach_that_died_anywhere_goes_on(
    at: Scenario, options: DetachOptions, journaled: bool, tmp_path: Path
) -> None:
    attached, first = toy_of(at.facts, at.target), journal_at(tmp_path / "attach")
    attach(attached, first)
    for fuse in count():
        toy, journal = deepcopy(attached), journal_at(tmp_path / str(fuse))
        if journaled:
            shutil.copytree(tmp_path / "attach", tmp_path / str(fuse))
        died = dies(toy, journal, fuse, detach, options)
        detach(toy, journal, options)
        if not journaled:
            # Nobody knows any more what the cap was.
            toy.set_auto(CAP, None)
            toy.reload()
        assert_given_back(toy, at, options)
        if not died:
            break


def test_an_attach_after_a_detach_that_died_remembers_how_it_was_at_first(tmp_path: Path) -> None:
    at = CROWDED
    attached, first = toy_of(at.facts, at.target), journal_at(tmp_path / "attach")
    attach(attached, first)
    for fuse in count(step=2):
        toy, journal = deepcopy(attached), journal_at(tmp_path / str(fuse))
        shutil.copytree(tmp_path / "attach", tmp_path / str(fuse))
        if not dies(toy, journal, fuse, detach, DELETE):
            break
        if toy.look().place(STANDBY).covered:
            attach(toy, journal)
            assert_attached(toy)
        else:
            # The slot is gone already: no other can be known to keep what the copy needs next.
            with pytest.raises(BlockedError, match="has fallen behind"):
                attach(toy, journal)
        detach(toy, journal, DELETE)
        assert_given_back(toy, at, DELETE)


def test_while_the_writer_of_a_draft_lives_neither_attach_nor_detach_touches_anything(tmp_path: Path) -> None:
    toy, journal = toy_of(facts()), journal_at(tmp_path)
    for fuse in count():
        if not dies(toy, journal, fuse, attach):
            pytest.fail("it never died while it was copying")
        if toy.drafts:
            break
    toy.living = frozenset(toy.drafts)
    before = deepcopy(toy.facts)
    for run, code in ((attach, "P204"), (lambda *of: detach(*of, DELETE), "A252")):
        with pytest.raises(BlockedError) as refused:
            run(toy, journal)
        assert (refused.value.code, refused.value.status) == (code, 4)
    assert toy.facts == before
    toy.living = frozenset()
    attach(toy, journal)
    assert_attached(toy)


def test_every_step_and_every_effect_is_crash_tested(tmp_path: Path) -> None:
    done = set()
    for n, at in enumerate(EVERY.values()):
        toy, journal = toy_of(at.facts, at.target), journal_at(tmp_path / str(n))
        attach(toy, journal)
        detach(toy, journal, DELETE)
        done |= toy.kinds
    # What waits for a restart has a world of its own: test_staging; and what no attach does to slots: test_slots.
    # A change of roles is killed on real servers only: tests/faults/test_roles.py.
    roles = {SwitchPrimary, StartAsStandby, FollowPrimary, AwaitCascade, LetGoOfSlots, ReadArchive}
    roles |= {FenceOldPrimary, PromoteStandby, SealPlace, KeepWal, PointAtPrimary, RewindPlace, EndRewinding}
    assert done | {StageSettings, CreateLogicalSlot, DropSlot} | roles == set(steps.ALL)
    # No attach has these. A trial leaves nothing behind that a run could find; a test table, when it is killed, what
    # tests/live/test_verify.py finds.
    changes = {Checkpoint, HandOver, StartAgain, Fence, Promote, Rewind}
    assert {*DEEDS, TryCopy, TryStart, MakeTestDatabase, DropTestDatabases} | changes == set(get_args(Effect))
