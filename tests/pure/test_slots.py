"""Slots made and dropped, and what bounds them: never one that is read or needed, no limit that loses one unsaid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.app.values import slots_bound
from standbyctl.domain.codec import decode, encode
from standbyctl.domain.errors import Need, UsageError
from standbyctl.domain.facts import Facts, Node, Server, Setting, Slot
from standbyctl.domain.parameter import setting_of
from standbyctl.domain.slots import (
    CAP,
    RECENT_SECONDS,
    SYNCHRONIZED,
    WAL_KEEP,
    Bound,
    Known,
    NewSlot,
    OldSlot,
    SlotSeen,
    SlotsOf,
    SlotsSample,
    Stream,
)
from standbyctl.observe.slots import parse_slots, parse_slots_sample
from standbyctl.planner.blockers.keeping import bound_megabytes
from standbyctl.planner.keeping import plan_bound
from standbyctl.planner.plan import Plan, Remembered
from standbyctl.planner.slots import plan_create, plan_drop
from standbyctl.steps.base import GiveBack, Impact, predict
from standbyctl.steps.setting import SetParameter
from standbyctl.steps.slot import CreateSlot
from standbyctl.steps.slots import CreateLogicalSlot, DropSlot
from standbyctl.ui.slot_plans import render_work, work_record
from tests.pure.examples import GB, PRIMARY, codes, server

MB = 1 << 20
_DEFAULTS = {
    CAP: "-1",
    WAL_KEEP: "0",
    "max_replication_slots": "10",
    "max_wal_size": "1024",
    "synchronous_standby_names": "",
    "wal_level": "replica",
    "wal_segment_size": str(16 * MB),
}
CAPPED = {CAP: "20480"}


def has(*slots: SlotSeen, **changes: Any) -> tuple[Facts, SlotsSample]:
    """A server with these slots, and other settings or fields."""
    given = {name: changes.pop(name) for name in [*changes] if name in {*_DEFAULTS, "allow_alter_system", SYNCHRONIZED}}
    more = {name: changes.pop(name) for name in [*changes] if name in SlotsSample.__dataclass_fields__}
    made = [
        value if isinstance(value, Setting) else Setting(name, value, "default")
        for name, value in (_DEFAULTS | given).items()
    ]
    permanent = tuple(Slot(each.name, each.slot_type, each.lost) for each in slots if not each.temporary)
    where = replace(server(), settings=tuple(made), slots=permanent, **changes)
    return Facts((Node(PRIMARY, server=where),)), SlotsSample(slots=slots, **more)


def create(seen: tuple[Facts, SlotsSample], name: str = "new", **asked: Any) -> Plan:
    return plan_create(*seen, PRIMARY, NewSlot(name, **asked))


def drop(seen: tuple[Facts, SlotsSample], name: str = "old", *abandon: str, **asked: Any) -> Plan:
    return plan_drop(*seen, PRIMARY, OldSlot(name, abandon, **asked))


def bound(seen: tuple[Facts, SlotsSample], value: str | None, name: str = CAP, memory: Any = (), **asked: Any) -> Plan:
    return plan_bound(*seen, PRIMARY, Bound(name, value, **asked), memory)


def said(made: Plan) -> str:
    return "\n".join([*map(str, made.notes), *(f"{b.what} {b.detail} {b.hint}" for b in made.blockers)])


# --- any state, likely or not

_held = st.sampled_from([None, 0, 10 * MB, 300 * MB, 30 * GB])
slots_seen = st.builds(
    SlotSeen,
    name=st.sampled_from(["old", "new", "db2", "sub"]),
    slot_type=st.sampled_from(["physical", "physical", "logical"]),
    active=st.booleans(),
    wal_status=st.sampled_from(["reserved", "extended", "unreserved", "lost"]),
    held_bytes=_held,
    temporary=st.sampled_from([False, False, True]),
    synced=st.sampled_from([False, False, True]),
    failover=st.booleans(),
    idle_seconds=st.sampled_from([None, 5.0, 3600.0, 90000.0]),
    xmin_age=st.sampled_from([None, 7]),
    pid=st.sampled_from([None, 77]),
).map(lambda slot: replace(slot, plugin="pgoutput", database="app") if slot.slot_type == "logical" else slot)
_settings = st.fixed_dictionaries(
    {
        CAP: st.sampled_from(["-1", "64", "20480"]),
        WAL_KEEP: st.sampled_from(["0", "512"]),
        "max_replication_slots": st.sampled_from(["0", "1", "10"]),
        "wal_level": st.sampled_from(["minimal", "replica", "logical"]),
        SYNCHRONIZED: st.sampled_from(["", "", "other, old"]),
    }
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Facts, SlotsSample]:
    slots = draw(st.lists(slots_seen, max_size=3, unique_by=lambda slot: slot.name))
    return has(
        *slots,
        **draw(_settings),
        in_recovery=draw(st.booleans()),
        version_num=draw(st.sampled_from([130023, 150018, 180004])),
        fault=draw(st.sampled_from(["", "", "line 7: syntax error"])),
        known=draw(st.sampled_from([(), (Known("db2", "db2"),), (Known("db3", "old"),)])),
        streams=draw(st.sampled_from([(), (Stream("db2"),), (Stream("old"), Stream("db3", "x"))])),
        managers=draw(st.sampled_from([(), (("patroni", "file postgresql.base.conf"),)])),
        free_bytes=draw(st.sampled_from([None, GB, 100 * GB])),
        rate_bytes=draw(st.sampled_from([None, 0.0, 1e6])),
        unread=draw(st.sampled_from([(), ("old",)])),
    )


_despite = st.sampled_from([(), ("patroni",)])
new_slots = st.builds(
    NewSlot,
    st.sampled_from(["new", "old"]),
    st.sampled_from(["", "", "pgoutput"]),
    st.just("app"),
    st.booleans(),
    st.booleans(),
    _despite,
).map(lambda asked: asked if asked.plugin else replace(asked, database="", failover=False))
old_slots = st.builds(
    OldSlot, st.sampled_from(["old", "db2"]), st.sampled_from([(), ("old",), ("db2", "db3")]), _despite
)
bounds = st.builds(
    Bound,
    st.sampled_from([CAP, WAL_KEEP]),
    st.sampled_from(["64MB", "512MB", "20GB", "-1"]),
    st.sampled_from([(), ("old",), ("old", "db2", "new", "sub")]),
    _despite,
).map(lambda asked: replace(asked, value="0") if asked.parameter == WAL_KEEP and asked.value == "-1" else asked)


def plan_of(seen: tuple[Facts, SlotsSample], asked: NewSlot | OldSlot | Bound) -> Plan:
    if isinstance(asked, Bound):
        return plan_bound(*seen, PRIMARY, asked, ())
    return plan_create(*seen, PRIMARY, asked) if isinstance(asked, NewSlot) else plan_drop(*seen, PRIMARY, asked)


@given(situations(), new_slots | old_slots | bounds)
def test_there_are_steps_or_blockers_and_following_the_steps_leaves_nothing_to_do(
    seen: tuple[Facts, SlotsSample], asked: NewSlot | OldSlot | Bound
) -> None:
    made = plan_of(seen, asked)
    assert not (made.steps and made.blockers)
    assert made == plan_of(seen, asked)
    assert made.impact(PRIMARY) <= Impact.RELOAD
    facts = seen[0]
    for step in made.steps:
        assert not step.satisfied(facts)
        facts = step.after(facts)
        assert step.satisfied(facts)
    if made.steps:
        assert not plan_of((facts, after(seen[1], asked)), asked).steps
        assert not plan_of((facts, after(seen[1], asked)), asked).blockers
    assert render_work(made, asked, PRIMARY, "slots x")
    assert work_record(made, asked, PRIMARY, "7", did=False, undo="slots x")["schema"] == "standbyctl.slots/1"


def after(sample: SlotsSample, asked: NewSlot | OldSlot | Bound) -> SlotsSample:
    """What a look sees when it is done."""
    others = tuple(slot for slot in sample.slots if isinstance(asked, Bound) or slot.name != asked.name)
    if isinstance(asked, NewSlot):
        made = SlotSeen(
            asked.name,
            asked.slot_type,
            held_bytes=0,
            plugin=asked.plugin,
            database=asked.database,
            failover=asked.failover,
        )
        return replace(sample, slots=(*others, made))
    return replace(sample, slots=others)


@given(situations(), old_slots)
def test_no_slot_is_dropped_that_is_read_synced_or_needed_by_somebody_who_was_not_named(
    seen: tuple[Facts, SlotsSample], asked: OldSlot
) -> None:
    made = plan_drop(*seen, PRIMARY, asked)
    for step in made.steps:
        assert isinstance(step, DropSlot)
        slot = seen[1].slot(step.slot)
        assert slot is not None
        assert not slot.active
        assert not (slot.synced and seen[0].server(PRIMARY).in_recovery)
        needing = {each.name for each in seen[1].known if each.slot == slot.name}
        assert slot.lost or needing <= set(asked.abandon)
        known = slot.idle_seconds is not None and slot.idle_seconds >= RECENT_SECONDS
        assert slot.lost or known or step.unread or {slot.name, *needing} & set(asked.abandon)
        [effect] = step.effects()
        assert "AND NOT active" in str(effect)
        assert step.lost == slot.lost == ("wal_status = 'lost'" in str(effect))
        assert step.lost or step.anyway or "pg_stat_replication" in str(effect)
        assert step.lost or step.anyway or step.unread or "inactive_since" in str(effect)
        assert step.lost or step.listed or SYNCHRONIZED in str(effect)
        assert not step.listed or step.lost or slot.name in asked.abandon


@given(situations(), bounds)
def test_no_slot_is_lost_over_a_limit_that_was_not_named(seen: tuple[Facts, SlotsSample], asked: Bound) -> None:
    made = plan_bound(*seen, PRIMARY, asked, ())
    now = bound_megabytes(seen[0].server(PRIMARY))
    then = bound_megabytes(predict(made.steps, seen[0]).server(PRIMARY))
    if not made.steps or then is None:
        return
    for slot in seen[1].slots:
        lost = not slot.lost and (slot.held_bytes or 0) >= then * MB
        before = now is not None and (slot.held_bytes or 0) >= now * MB
        assert not lost or before or slot.name in asked.lose


# --- creating


def test_a_physical_slot_reserves_wal_at_once_and_a_logical_one_is_made_in_its_database() -> None:
    [physical] = create(has(**CAPPED)).steps
    assert physical == CreateSlot(PRIMARY, "new", "new")
    made = create(has(wal_level="logical", **CAPPED), plugin="pgoutput", database="o'd", failover=True)
    assert made.blockers[0].code == "S319" or made.steps
    [logical] = create(
        has(wal_level="logical", version_num=170009, **CAPPED), plugin="pgoutput", database="o'd", failover=True
    ).steps
    assert isinstance(logical, CreateLogicalSlot)
    [effect] = logical.effects()
    assert str(effect).splitlines()[0] == '\\connect "o\'d"'
    assert "failover => true" in str(effect)


@pytest.mark.parametrize(
    ("changes", "asked", "code"),
    [
        ({}, {}, "S315"),
        ({"wal_level": "minimal", **CAPPED}, {}, "P102"),
        (CAPPED, {"plugin": "pgoutput", "database": "app"}, "P102"),
        ({"max_replication_slots": "0", **CAPPED}, {}, "P104"),
        ({"lacks": ("replication",), "superuser": False, **CAPPED}, {}, "P116"),
        ({"managers": (("patroni", "x"),), **CAPPED}, {}, "P118"),
        ({"managed": (("Neon", "role neon_superuser"),), **CAPPED}, {}, "P117"),
        ({"wal_level": "logical", "in_recovery": True, **CAPPED}, {"plugin": "pgoutput", "database": "app"}, "S319"),
        (
            {"wal_level": "logical", "version_num": 160014, **CAPPED},
            {"plugin": "pgoutput", "database": "app", "failover": True},
            "S319",
        ),
    ],
)  # fmt: skip
def test_what_keeps_a_slot_from_being_made(changes: dict[str, Any], asked: dict[str, Any], code: str) -> None:
    assert codes(create(has(**changes), **asked)) == [code]


def test_no_limit_is_accepted_by_name_and_a_ruler_is_overridden_by_his() -> None:
    assert "--no-cap" in said(create(has(), no_cap=True))
    assert create(has(), no_cap=True).steps
    assert create(has(managers=(("patroni", "x"),), **CAPPED), despite=("patroni",)).steps


def test_a_slot_that_is_there_is_left_alone_and_another_of_its_name_is_in_the_way() -> None:
    same = create(has(SlotSeen("new", held_bytes=None, active=True, application="x", pid=7)))
    assert not same.steps
    assert "reserves no WAL" in said(same)
    assert "application_name x; pid 7" in said(same)
    for other, words in (
        (SlotSeen("new", "logical", plugin="pgoutput", database="app"), "logical (pgoutput, database app)"),
        (SlotSeen("new", wal_status="lost"), "slots drop new"),
        (SlotSeen("new", temporary=True, pid=7), "pid 7"),
    ):
        made = create(has(other))
        assert codes(made) == ["S310"]
        assert words in said(made)


def test_a_slot_that_is_synced_to_no_standby_is_not_the_failover_slot_that_was_asked_for() -> None:
    asked = {"plugin": "pgoutput", "database": "app"}
    plain = SlotSeen("new", "logical", plugin="pgoutput", database="app")
    made = create(has(plain), failover=True, **asked)
    assert codes(made) == ["S310"]
    assert "no failover slot" in said(made)
    assert "ALTER SUBSCRIPTION NAME SET (failover = true)" in said(made)
    assert "slots drop new" in said(create(has(replace(plain, wal_status="lost")), failover=True, **asked))
    for failover in (False, True):  # more than was asked for is no harm
        found = create(has(replace(plain, failover=True)), failover=failover, **asked)
        assert found.steps == found.blockers == ()


def test_a_new_slot_says_when_it_would_be_lost() -> None:
    facts, sample = has(**CAPPED)
    idle = Setting("idle_replication_slot_timeout", "86400", "default")
    seen = facts.with_server(PRIMARY, settings=(*facts.server(PRIMARY).settings, idle))
    words = said(plan_create(seen, sample, PRIMARY, NewSlot("new")))
    assert "up to max_slot_wal_keep_size = 20 GB" in words
    assert "idle_replication_slot_timeout = 1 d 0 h" in words


# --- dropping


def test_what_a_drop_costs_is_said_before() -> None:
    slot = SlotSeen("old", held_bytes=30 * GB, xmin_age=12345, idle_seconds=500000.0)
    words = said(drop(has(slot, SlotSeen("db2", held_bytes=2 * GB))))
    assert "up to 28 GB are freed at the next checkpoint" in words
    assert "by 12345 transactions" in words
    assert "nobody has read it for 5 d 18 h" in words
    assert 'nothing is freed: the slot "db2"' in said(drop(has(slot, SlotSeen("db2", held_bytes=40 * GB))))
    assert "up to 25 GB are freed" in said(drop(has(slot, **{WAL_KEEP: "5120"})))
    assert "keeps no WAL" in said(drop(has(SlotSeen("old", idle_seconds=900.0))))
    assert "is not known" in said(drop(has(SlotSeen("old", idle_seconds=None)), "old", "old"))
    logical = SlotSeen("old", "logical", plugin="x", database="app", idle_seconds=900.0)
    assert "copied anew" in said(drop(has(logical)))
    assert "lost already" in said(drop(has(SlotSeen("old", wal_status="lost"))))


def test_who_reads_needs_or_has_just_let_go_of_a_slot_is_named() -> None:
    read = SlotSeen("old", active=True, pid=9, application="db9", client="10.0.0.9", since="2026-11-27 08:00:00+00")
    made = drop(has(read), "old", "old", "db9")
    assert codes(made) == ["S311"]
    assert "application_name db9; from 10.0.0.9; pid 9; since 2026-11-27 08:00:00+00" in said(made)
    known = drop(has(read, known=(Known("db2", "old"),)))
    assert "standbyctl detach db2" in said(known)
    unseen = has(SlotSeen("old", active=True), monitor=False, user='"tool"')
    assert 'GRANT pg_monitor TO "tool";' in said(drop(unseen))
    assert "Read by: somebody" in said(drop(unseen))

    away = has(SlotSeen("old", held_bytes=GB, idle_seconds=900.0), known=(Known("db2", "old"),))
    assert codes(drop(away)) == ["S312"]
    assert all(blocker.refused for blocker in drop(away).blockers)
    assert codes(drop(away, "old", "old")) == ["S312"]
    assert drop(away, "old", "db2").steps
    elsewhere = has(SlotSeen("old", idle_seconds=900.0), streams=(Stream("old", "other"),))
    assert codes(drop(elsewhere)) == ["S312"]
    assert "by the name old, without it" in said(drop(elsewhere))
    assert "does not read" not in said(drop(elsewhere))
    both = has(SlotSeen("old"), known=(Known("db2", "old"),), streams=(Stream("db2"),))
    assert "but not from this slot" in said(drop(both))

    recent = has(SlotSeen("old", idle_seconds=20.0))
    assert codes(drop(recent)) == ["S313"]
    assert drop(recent, "old", "old").steps
    assert drop((recent[0], replace(recent[1], unread=("old",)))).steps


def test_where_it_is_not_known_since_when_a_slot_is_idle_it_goes_only_by_a_name() -> None:
    unknown = has(SlotSeen("old", idle_seconds=None), version_num=160014)
    made = drop(unknown)
    assert codes(made) == ["S313"]
    assert made.blockers[0].refused
    assert "cannot be known on PostgreSQL 16" in said(made)
    assert drop(unknown, "old", "old").steps
    assert drop((unknown[0], replace(unknown[1], unread=("old",)))).steps
    assert drop(has(SlotSeen("old", wal_status="lost"), version_num=160014)).steps
    needed = (unknown[0], replace(unknown[1], known=(Known("db2", "old"),)))
    assert codes(drop(needed)) == ["S312", "S313"]
    assert drop(needed, "old", "db2").steps


@pytest.mark.parametrize("value", ["old", 'db2, "old"', "db2,OLD"])
def test_a_slot_that_failover_slots_wait_for_goes_only_by_its_own_name(value: str) -> None:
    seen = has(SlotSeen("old", idle_seconds=90000.0), version_num=180004, **{SYNCHRONIZED: value})
    made = drop(seen)
    assert codes(made) == ["S312"]
    assert made.blockers[0].refused
    assert f"synchronized_standby_slots = {value}" in said(made)
    by_name = drop(seen, "old", "old")
    assert "synchronized_standby_slots names it" in said(by_name)
    assert "current_setting" not in str(by_name.steps[0].effects())
    for other in ("older, db2", "", "db_old"):
        assert drop(has(SlotSeen("old", idle_seconds=90000.0), **{SYNCHRONIZED: other})).steps
    # Its standby's name says nothing about those.
    known = (seen[0], replace(seen[1], known=(Known("db2", "old"),)))
    assert codes(drop(known, "old", "db2")) == ["S312"]


def test_a_synced_slot_is_its_primarys_and_one_of_a_primary_is_its_own() -> None:
    synced = SlotSeen("old", "logical", synced=True, idle_seconds=900.0)
    assert codes(drop(has(synced, in_recovery=True), "old", "old")) == ["S314"]
    assert drop(has(synced)).steps


def test_a_slot_that_is_gone_leaves_nothing_to_do() -> None:
    made = drop(has(SlotSeen("db2")))
    assert made.steps == made.blockers == ()
    assert "slots of db1: db2" in said(made)


def test_what_was_planned_for_a_slot_that_is_lost_is_not_the_plan_for_one_that_is_not() -> None:
    idle = 90000.0
    plain, lost = (drop(has(SlotSeen("old", wal_status=status, idle_seconds=idle))) for status in ("extended", "lost"))
    assert plain.gist != lost.gist
    assert "wal_status = 'lost'" in str(lost.steps[0].effects())
    assert "inactive_since" in str(plain.steps[0].effects())
    named = drop(has(SlotSeen("old", idle_seconds=idle)), "old", "old")
    assert named.gist != plain.gist


# --- bounds


def test_a_limit_that_is_in_force_and_stays_so_leaves_nothing_to_do() -> None:
    assert not bound(has(**CAPPED), "20GB").steps
    waits = Setting(CAP, "20480", "configuration file", "1GB", in_file="1GB")
    assert bound(has(**{CAP: waits}), "20GB").steps
    written = Setting(CAP, "20480", "configuration file", None, in_file="20GB")
    assert not bound(has(**{CAP: written}), "20GB").steps
    assert not bound(has(), "-1").steps


@pytest.mark.parametrize(
    ("changes", "value", "name", "code"),
    [
        ({}, "32MB", CAP, "S317"),
        ({"wal_segment_size": str(64 * MB)}, "96MB", CAP, "S317"),
        ({"free_bytes": GB}, "2GB", WAL_KEEP, "S318"),
        ({"allow_alter_system": "off"}, "1GB", CAP, "P115"),
        ({CAP: Setting(CAP, "-1", "command line")}, "1GB", CAP, "P115"),
        ({"synchronous_standby_names": Setting("synchronous_standby_names", "", "x", in_file="*")}, "1GB", CAP, "P110"),
        ({"fault": "line 7: syntax error"}, "1GB", CAP, "P114"),
        ({"lacks": ("monitor", f"alter {CAP}"), "superuser": False}, "1GB", CAP, "P116"),
        ({"managers": (("patroni", "x"),)}, "1GB", CAP, "P118"),
    ],
)  # fmt: skip
def test_what_keeps_a_bound_from_being_set(changes: dict[str, Any], value: str, name: str, code: str) -> None:
    assert codes(bound(has(**changes), value, name)) == [code]


def test_rights_before_15_are_said_to_be_a_superusers() -> None:
    lacking = has(lacks=("reload", f"alter {CAP}"), superuser=False, version_num=140012, user="tool")
    words = str(bound(lacking, "1GB").blockers[0].hint)
    assert "Before PostgreSQL 15 only a superuser may alter max_slot_wal_keep_size." in words
    assert "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO tool;" in words


def test_the_slots_that_a_limit_would_lose_are_named_with_what_they_hold_and_what_keeps_them() -> None:
    seen = has(SlotSeen("a", held_bytes=30 * GB), SlotSeen("b", held_bytes=40 * GB), SlotSeen("c", held_bytes=GB))
    made = bound(seen, "20GB")
    assert codes(made) == ["S316"]
    assert made.blockers[0].refused
    assert made.blockers[0].need is Need.WAY
    assert "a (30 GB), b (40 GB)" in said(made)
    assert "40992MB" in said(made)  # and two segments of 16 MB
    assert "--lose a --lose b" in said(made)
    assert codes(bound(seen, "20GB", lose=("a",))) == ["S316"]
    assert "b keeps 40 GB: it is lost" in said(bound(seen, "20GB", lose=("a", "b")))
    assert codes(bound(seen, "40991MB", lose=("a",))) == ["S316"]
    assert bound(seen, "40992MB").steps


@pytest.mark.parametrize(
    ("held", "value", "least"),
    [
        (97, "100MB", "128MB"),
        (95, "100MB", "112MB"),
        (80, "100MB", "112MB"),
        (50, "64MB", "80MB"),
        (20, "32MB", "64MB"),
    ],
)
def test_a_limit_is_counted_in_whole_segments(held: int, value: str, least: str) -> None:
    seen = has(SlotSeen("a", held_bytes=held * MB))
    made = bound(seen, value)
    assert "S316" in codes(made)
    assert f"The smallest that keeps them all is {least} now" in said(made)
    assert f"with max_slot_wal_keep_size = {value}, " in said(made)
    assert bound(seen, least).steps


def test_a_limit_of_as_many_segments_loses_nobody_else() -> None:
    held = SlotSeen("a", held_bytes=97 * MB)
    assert bound(has(held, **{CAP: "110"}), "100MB").steps
    assert codes(bound(has(held, **{CAP: "112"}), "100MB")) == ["S316"]
    assert "a keeps 79 MB" not in said(bound(has(SlotSeen("a", held_bytes=79 * MB)), "100MB"))
    # What is lost at once is not said to be lost later too.
    soon = bound(has(held, rate_bytes=float(MB)), "100MB", lose=("a",))
    assert "lost at the next checkpoint" in said(soon)
    assert "which nobody reads" not in said(soon)


def test_what_wal_keep_size_keeps_is_kept_for_slots_too() -> None:
    held = SlotSeen("a", held_bytes=2 * GB)
    made = bound(has(held, **{WAL_KEEP: "4096"}), "1GB")
    assert made.steps
    assert "wal_keep_size keeps more than that" in said(made)
    assert codes(bound(has(held, **{WAL_KEEP: "4096", CAP: "1024"}), "512MB", WAL_KEEP)) == ["S316"]
    # Raised, it loses nobody: who keeps too much for it was lost before.
    assert bound(has(held, **{CAP: "512"}), "1GB").steps


def test_how_long_it_lasts_and_whether_there_is_room_is_said() -> None:
    seen = has(SlotSeen("a", held_bytes=GB), rate_bytes=float(10 * MB), free_bytes=2 * GB)
    words = said(bound(seen, "20GB"))
    assert "10 MB/s, a slot is lost 34 min 8 s after its reader has stopped" in words
    assert "a, which nobody reads, is lost in 32 min 26 s then" in words
    assert "has 2 GB free: it is full before" in words
    assert "less than max_wal_size (1 GB)" in said(bound(seen, "512MB", lose=("a",)))
    assert "cannot be told" in said(bound(has(rate_bytes=0.0), "20GB"))
    assert "until the disk is full" in said(bound(has(**CAPPED), "-1"))
    lower = bound(has(streams=(Stream("db9"), Stream("db2", "db2")), **{WAL_KEEP: "1024"}), "512MB", WAL_KEEP)
    assert "without a slot rely on it: db9" in said(lower)


def set_from_here(facts: Facts, *values: str) -> tuple[Facts, tuple[Remembered, ...]]:
    memory = []
    for value in values:
        step = SetParameter(PRIMARY, CAP, value, facts.server(PRIMARY).setting(CAP).value)
        memory.append(Remembered(step, facts))
        facts = step.after(facts)
    return facts, tuple(memory)


def test_what_was_set_is_given_back_step_by_step_and_only_while_it_is_ours() -> None:
    before, sample = has()
    facts, memory = set_from_here(before, "1GB", "2GB")
    made = bound((facts, sample), None, memory=memory)
    assert [type(step) for step in made.steps] == [GiveBack, GiveBack]
    assert predict(made.steps, facts) == before
    assert "= -1 (no limit) is in force then" in said(made)
    theirs = facts.with_server(
        PRIMARY,
        settings=tuple(
            replace(each, value="5120", auto_conf="5GB") if each.name == CAP else each
            for each in facts.server(PRIMARY).settings
        ),
    )
    kept = bound((theirs, sample), None, memory=memory)
    assert not kept.steps
    assert "is 5GB: not as it was set from here" in said(kept)
    assert bound((before, sample), None).notes == ()


def test_giving_back_a_smaller_limit_may_lose_a_slot_too() -> None:
    before, _ = has(**CAPPED)
    facts, memory = set_from_here(before, "100GB")
    sample = SlotsSample(slots=(SlotSeen("a", held_bytes=50 * GB),))
    assert codes(bound((facts, sample), None, memory=memory)) == ["S316"]
    assert bound((facts, sample), None, memory=memory, lose=("a",)).steps


# --- what is written down, and read


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (CAP, "20GB", "20GB"),
        (CAP, "none", "-1"),
        (WAL_KEEP, "none", "0"),
        (WAL_KEEP, "1536MB", "1536MB"),
        (CAP, "1 TB", "1024GB"),
    ],
)
def test_a_size_is_written_as_postgresql_conf_has_it(name: str, text: str, value: str) -> None:
    assert slots_bound(name, text) == value


@pytest.mark.parametrize(("name", "text"), [(CAP, "20"), (CAP, "100kB"), (CAP, "auto"), (WAL_KEEP, "1MB"), (CAP, "-1")])
def test_what_is_no_size_is_misuse(name: str, text: str) -> None:
    with pytest.raises(UsageError):
        slots_bound(name, text)


def test_whose_slots_they_are_survives_json_and_tells_servers_of_one_system_apart() -> None:
    one = SlotsOf("db1", "/pg/db1", "host:5432")
    assert decode(SlotsOf, encode(one)) == one
    assert one.is_of(SlotsOf("other", "", "host:5432"))
    assert not one.is_of(SlotsOf("db1", "/pg/db1", "host:5433"))
    assert not one.is_of(SlotsOf("db1", "/pg/db2", "host:5432"))


def test_what_the_server_says_becomes_facts_and_a_sample() -> None:
    slot = {
        "name": "a", "slot_type": "physical", "active": True, "wal_status": "lost", "held_bytes": None, "plugin": "",
        "database": "", "temporary": False, "synced": False, "failover": False, "idle_seconds": None, "xmin_age": None,
        "pid": 7, "application": "db9", "client": "local", "since": "",
    }  # fmt: skip
    raw = {
        "version_num": 150018, "system_identifier": "7", "in_recovery": False, "started_at": "then", "fault": None,
        "superuser": False, "user": "tool", "database": "postgres", "lacks": ["monitor"],
        "settings": [{"name": CAP, "value": "-1", "source": "default", "context": "sighup", "pending": False,
                      "file": "", "auto_conf": None, "in_file": None}],
        "slots": [slot, slot | {"name": "b", "temporary": True, "wal_status": ""}],
        "streams": [{"application": "db9", "slot": "a", "client": ""}],
        "roles": ["stolon"], "extensions": [], "functions": [], "applications": [], "sourcefiles": [],
    }  # fmt: skip
    seen: Server = parse_slots(raw)
    assert seen.slots == (Slot("a", lost=True),)
    sample = parse_slots_sample(raw)
    assert [each.name for each in sample.slots] == ["a", "b"]
    assert sample.managers == (("stolon", "role stolon"),)
    assert not sample.monitor
    assert setting_of(seen.setting(CAP).value) == "-1"
