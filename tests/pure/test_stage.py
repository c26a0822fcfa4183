"""What is staged for a restart: never less than runs, never what a reload can do, nothing that anybody feels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.codec import decode, encode
from standbyctl.domain.errors import Need
from standbyctl.domain.facts import Facts, Server, Setting, Slot
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import STAGED, StagedSetting, Staging, Trial, address_list, level
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Plan, Remembered
from standbyctl.planner.stage import Earlier, plan_stage, plan_unstage
from standbyctl.steps.base import GiveBack, Impact, predict
from standbyctl.steps.staging import StageSettings
from tests.pure.examples import PRIMARY, SAMPLE, TARGET, codes, facts
from tests.pure.restarts import AUTO, CONF, minimal, primary, setting, staged_facts, waiting

UNUSED = Sample()
HERE = Trial("/bin", "/pg/db1", CONF)


def plan(seen: Server | Facts, sample: Sample = UNUSED, **asked: Any) -> Plan:
    where = seen if isinstance(seen, Facts) else staged_facts(seen)
    return plan_stage(where, sample, Staging(PRIMARY, **asked), HERE, Earlier())


def values(made: Plan) -> dict[str, str]:
    """What is staged by a plan that is not blocked."""
    assert made.blockers == ()
    return {each.name: each.value for step in made.steps if isinstance(step, StageSettings) for each in step.settings}


def notes(made: Plan) -> str:
    return "\n".join(map(str, made.notes))


# --- any state, likely or not

_levels = st.sampled_from(["minimal", "replica", "logical"])
_numbers = st.sampled_from(["0", "1", "5", "10", "40"])


@st.composite
def servers(draw: st.DrawFn) -> Server:
    """Any values in force, any in files, any contexts and sources."""
    made = []
    for name in STAGED:
        some = {"wal_level": _levels, "listen_addresses": st.sampled_from(["", "*", "10.0.0.7"])}.get(name, _numbers)
        some = st.sampled_from(["on", "off"]) if name == "wal_log_hints" else some
        value, due = draw(some), draw(st.none() | some)
        made.append(
            setting(
                name,
                value,
                source=draw(st.sampled_from(["default", "configuration file", "command line"])),
                auto_conf=draw(st.sampled_from([None, due])),
                in_file=due,
                file=CONF if due is not None else "",
                pending=due is not None and due != value,
                context=draw(st.sampled_from(["postmaster", "postmaster", "sighup"])),
            )
        )
    return primary(
        *made,
        setting("allow_alter_system", draw(st.sampled_from(["on", "on", "off"]))),
        in_recovery=draw(st.sampled_from([False, False, True])),
        version_num=draw(st.sampled_from([140012, 150007, 160014, 180004])),
        fault=draw(st.sampled_from(["", "", "line 7: syntax error"])),
    )


askings = st.builds(
    Staging,
    primary=st.just(PRIMARY),
    wal_level=st.sampled_from(["", "replica", "logical"]),
    max_wal_senders=st.sampled_from([0, 1, 20, 262143]),
    max_replication_slots=st.sampled_from([0, 1, 20, 262144]),
    listen_addresses=st.sampled_from(["", "*"]),
    wal_log_hints=st.booleans(),
)
samples = st.builds(Sample, wal_senders_in_use=st.integers(0, 12), slots_in_use=st.integers(0, 12))


@given(servers(), samples, askings)
def test_staging_never_lowers_and_never_touches_what_a_reload_can_change(
    seen: Server, sample: Sample, asked: Staging
) -> None:
    made = plan_stage(staged_facts(seen), sample, asked, HERE, Earlier())
    assert not (made.steps and made.blockers)
    assert made.impact(PRIMARY) is Impact.NONE
    if made.blockers:
        return
    for name, value in values(made).items():
        running = seen.setting(name)
        assert running.restart_only
        assert running.source != "command line"
        assert value not in {running.due, "minimal", "0", ""}
        if name == "wal_level":
            assert (level(value) or 0) >= (level(running.value) or 0)
        elif value.isdigit():
            assert int(running.value) <= int(value) < 262143


@given(servers(), samples, askings)
def test_what_was_staged_is_not_staged_again_and_starts(seen: Server, sample: Sample, asked: Staging) -> None:
    before = staged_facts(seen)
    made = plan_stage(before, sample, asked, HERE, Earlier())
    done = predict(made.steps, before)
    memory = tuple(Remembered(step, before) for step in made.steps)
    assert all(step.satisfied(done) for step in made.steps)
    if made.blockers:
        return
    again = plan_stage(done, sample, asked, HERE, Earlier(memory))
    assert (again.steps, again.blockers) == ((), ())
    due = {each.name: each.due for each in done.server(PRIMARY).settings}
    if {"wal_level", "max_wal_senders"} <= {s.name for s in done.server(PRIMARY).settings if s.restart_only}:
        assert due["wal_level"] != "minimal"


@given(servers(), samples, askings)
def test_what_was_staged_is_taken_back_to_the_letter(seen: Server, sample: Sample, asked: Staging) -> None:
    before = staged_facts(seen)
    made = plan_stage(before, sample, asked, HERE, Earlier())
    done = predict(made.steps, before)
    memory = tuple(Remembered(step, before) for step in made.steps)
    back = plan_unstage(done, Sample(), PRIMARY, memory)
    if back.blockers:
        return
    assert back.impact(PRIMARY) is Impact.NONE
    auto = {each.name: each.auto_conf for each in predict(back.steps, done).server(PRIMARY).settings}
    assert auto == {each.name: each.auto_conf for each in seen.settings}


@given(servers(), samples, askings)
def test_every_reason_says_what_why_and_what_to_do(seen: Server, sample: Sample, asked: Staging) -> None:
    for blocker in plan_stage(staged_facts(seen), sample, asked, HERE, Earlier()).blockers:
        for message in (blocker.what, blocker.detail, blocker.hint):
            assert str(message)
            assert "{" not in str(message)


# --- what a standby needs


def test_a_primary_that_can_have_a_standby_has_nothing_to_stage() -> None:
    made = plan(primary())
    assert (made.steps, made.blockers, made.notes) == ((), (), ())


def test_a_primary_without_wal_for_standbys_gets_both_values_in_the_order_in_which_it_starts() -> None:
    made = plan(minimal())
    assert list(values(made).items()) == [("wal_level", "replica"), ("max_wal_senders", "10")]
    [step] = made.steps
    assert [str(effect) for effect in step.effects()][:2] == [
        "ALTER SYSTEM SET wal_level = 'replica';",
        "ALTER SYSTEM SET max_wal_senders = '10';",
    ]
    assert [str(effect) for effect in step.undo(staged_facts(minimal()))] == [
        "ALTER SYSTEM RESET max_wal_senders;",
        "ALTER SYSTEM RESET wal_level;",
    ]


@pytest.mark.parametrize(
    ("running", "used", "staged"), [("1", 0, "10"), ("10", 9, "11"), ("20", 20, "22"), ("3", 1, "")]
)
def test_walsenders_are_raised_where_a_copy_would_find_none(running: str, used: int, staged: str) -> None:
    made = plan(primary(setting("max_wal_senders", running)), Sample(wal_senders_in_use=used))
    assert values(made).get("max_wal_senders", "") == staged


@pytest.mark.parametrize(("running", "used", "staged"), [("0", 0, "10"), ("10", 10, "11"), ("10", 9, "")])
def test_slots_are_raised_where_none_is_free(running: str, used: int, staged: str) -> None:
    made = plan(primary(setting("max_replication_slots", running)), Sample(slots_in_use=used))
    assert values(made).get("max_replication_slots", "") == staged


def test_addresses_are_opened_only_when_asked_and_it_is_said_what_that_means() -> None:
    deaf = primary(setting("listen_addresses", ""))
    silent = plan(deaf)
    assert values(silent) == {}
    assert "give --listen-addresses LIST" in notes(silent)
    loud = plan(deaf, listen_addresses="*")
    assert values(loud) == {"listen_addresses": "*"}
    assert "pg_hba.conf alone decides" in notes(loud)


@pytest.mark.parametrize(
    ("now", "asked"), [("localhost", "localhost, 10.0.0.7"), ("10.0.0.7", "0.0.0.0"), ("*", "::,0.0.0.0"), ("a,b", "*")]
)
def test_more_addresses_than_are_listened_on_are_no_narrowing(now: str, asked: str) -> None:
    assert values(plan(primary(setting("listen_addresses", now)), listen_addresses=asked)) == {
        "listen_addresses": asked
    }


@pytest.mark.parametrize("text", ["127.0.0.1, a b,,c", "a,", ",a", "a b", '"a', '"a"b', ","])
def test_a_list_that_the_server_would_refuse_is_none(text: str) -> None:
    assert address_list(text) is None


def test_standbys_that_stream_are_named_where_they_must_be_raised_first() -> None:
    said = notes(plan(primary(), Sample(wal_senders_in_use=2, streams=("db2", "db3")), max_wal_senders=20))
    assert "db2, db3 stream from db1 now: each must run with max_wal_senders = 20 or more before db1" in said


def test_hints_for_pg_rewind_are_proposed_and_staged_only_when_asked() -> None:
    bare = minimal(setting("data_checksums", "off"))
    proposed = plan(bare)
    assert "wal_log_hints" not in values(proposed)
    assert "--wal-log-hints" in notes(proposed)
    assert values(plan(bare, wal_log_hints=True))["wal_log_hints"] == "on"
    assert "--wal-log-hints" not in notes(plan(minimal()))
    assert values(plan(primary(setting("wal_log_hints", "on")), wal_log_hints=True)) == {}


def test_what_stands_in_a_file_and_will_be_overridden_is_named_with_the_file() -> None:
    seen = minimal(setting("wal_level", "minimal", source="configuration file", in_file="minimal", file=CONF))
    assert f"wal_level = minimal stands in {CONF}" in notes(plan(seen))


def test_where_no_start_can_be_tried_that_is_said() -> None:
    made = plan_stage(staged_facts(minimal()), Sample(), Staging(PRIMARY), Trial(), Earlier())
    assert "not at hand" in notes(made)
    assert "not at hand" not in notes(plan(minimal()))


# --- refusals


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({"wal_level": "replica"}, primary(setting("wal_level", "logical"))),
        ({"max_wal_senders": 9}, primary()),
        ({"listen_addresses": "127.0.0.1"}, primary(setting("listen_addresses", "*"))),
        ({"listen_addresses": "10.0.0.7"}, primary()),
        ({"listen_addresses": "0.0.0.0"}, primary(setting("listen_addresses", "::1, 10.0.0.7"))),
        ({"max_replication_slots": 9}, primary()),
        ({"max_wal_senders": 262143}, primary()),
        ({"max_wal_senders": 262000}, primary(waiting("max_connections", "100", "500"))),
        ({"max_replication_slots": 262144}, primary()),
    ],
)
def test_less_than_runs_and_more_than_starts_is_refused(asked: dict[str, Any], seen: Server) -> None:
    assert codes(plan(seen, **asked)) == ["S304"]


def test_what_somebody_else_has_set_for_the_restart_is_not_overwritten() -> None:
    theirs = primary(waiting("max_wal_senders", "1", "2", AUTO))
    made = plan(theirs, max_wal_senders=20)
    assert codes(made) == ["S302"]
    assert AUTO in str(made.blockers[0].detail)
    # It is, where it was staged from here; and where it is enough, it stays and is named.
    step = StageSettings(PRIMARY, (StagedSetting("max_wal_senders", "1", "2", None),), HERE)
    memory = (Remembered(step, staged_facts(theirs)),)
    again = plan_stage(staged_facts(theirs), Sample(), Staging(PRIMARY, max_wal_senders=20), HERE, Earlier(memory))
    assert values(again) == {"max_wal_senders": "20"}
    enough = plan(minimal(waiting("wal_level", "minimal", "logical"), setting("max_wal_senders", "10")))
    assert values(enough) == {}
    assert "wal_level waits for the restart already: minimal -> logical" in notes(enough)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (minimal(in_recovery=True), "P111"),
        (minimal(version_num=120022), "P101"),
        (minimal(setting("allow_alter_system", "off")), "P115"),
        (minimal(fault="postgresql.conf line 7: syntax error"), "P114"),
        (primary(setting("max_wal_senders", "0", source="command line")), "S305"),
        (minimal(setting("wal_level", "minimal", alterable=False)), "P116"),
    ],
)
def test_where_it_cannot_be_staged_the_reason_is_given(seen: Server, code: str) -> None:
    made = plan(seen)
    assert codes(made) == [code]
    assert codes(plan(primary(in_recovery=seen.in_recovery))) == []


# --- taking back

STEP = StageSettings(
    PRIMARY,
    (StagedSetting("wal_level", "minimal", "replica", None), StagedSetting("max_wal_senders", "0", "10", "0")),
    HERE,
)
MEMORY = (Remembered(STEP, staged_facts(minimal())),)


def in_force(*changed: Setting, **changes: Any) -> Facts:
    """The restart has happened."""
    at = {"auto_conf": "replica", "in_file": "replica", "source": "configuration file"}
    both = setting("wal_level", "replica", **at), setting("max_wal_senders", "10", auto_conf="10", in_file="10")
    return staged_facts(primary(*both, *changed, **changes))


def test_what_is_in_force_and_unused_is_taken_back_and_that_waits_in_its_turn() -> None:
    made = plan_unstage(in_force(), Sample(), PRIMARY, MEMORY)
    assert [type(step) for step in made.steps] == [GiveBack]
    assert "wal_level = replica is in force by now" in notes(made)


@pytest.mark.parametrize(
    ("seen", "sample", "about"),
    [
        (in_force(slots=(Slot("db2"),)), Sample(), ["wal_level"]),
        (in_force(), Sample(wal_senders_in_use=1), ["wal_level", "max_wal_senders"]),
        (in_force(setting("archive_mode", "on")), Sample(), ["wal_level"]),
        (in_force(setting("summarize_wal", "on")), Sample(), ["wal_level"]),
        (in_force(setting("max_wal_senders", "7", auto_conf="7", in_file="7")), Sample(), ["wal_level"]),
    ],
)
def test_what_is_relied_upon_is_not_taken_back(seen: Facts, sample: Sample, about: list[str]) -> None:
    made = plan_unstage(seen, sample, PRIMARY, MEMORY)
    assert codes(made) == ["S307"] * len(about)
    assert all(blocker.refused for blocker in made.blockers)
    assert [str(blocker.what).split()[0] for blocker in made.blockers] == about


def test_a_clone_is_another_server_and_a_journal_of_an_earlier_release_does_not_say() -> None:
    here = Staging(PRIMARY, data_directory="/pg/db1", address="vm:5432")
    assert here.is_of(replace(here, primary="other", wal_log_hints=True))
    assert not here.is_of(replace(here, address="vm:5433"))
    assert not here.is_of(replace(here, data_directory="/pg/clone"))
    old = {key: value for key, value in encode(here).items() if key not in {"data_directory", "address"}}
    assert decode(Staging, old) == Staging(PRIMARY)
    assert here.is_of(decode(Staging, old))


def test_standbys_that_are_only_away_for_the_moment_are_not_lost() -> None:
    away = plan_unstage(in_force(), Sample(), PRIMARY, MEMORY, ("db2",))
    assert codes(away) == ["S307", "S307"]
    assert "db2" in str(away.blockers[0].detail)
    unknown = plan_unstage(in_force(), Sample(), PRIMARY, MEMORY)
    assert "every standby is lost for good" in notes(unknown)
    # Whoever streams is not counted twice.
    step = StageSettings(PRIMARY, (StagedSetting("max_wal_senders", "1", "10", "1"),), HERE)
    memory = (Remembered(step, in_force()),)
    one = Sample(wal_senders_in_use=1, streams=("db2",))
    assert codes(plan_unstage(in_force(), one, PRIMARY, memory, ("db2",))) == []
    assert codes(plan_unstage(in_force(), one, PRIMARY, memory, ("db2", "db3"))) == ["S307"]


def test_logical_slots_on_standbys_are_thought_of_where_there_can_be_some() -> None:
    step = StageSettings(PRIMARY, (StagedSetting("wal_level", "replica", "logical", None),), HERE)
    now = setting("wal_level", "logical", auto_conf="logical")
    for version, said in ((150007, False), (160014, True)):
        seen = staged_facts(primary(now, version_num=version))
        made = plan_unstage(seen, Sample(), PRIMARY, (Remembered(step, seen),))
        assert ("logical slots on standbys" in notes(made)) is said


@pytest.mark.parametrize(("version", "about"), [(160014, ["S307"]), (180004, [])])
def test_replication_origins_take_the_places_of_slots_up_to_17(version: int, about: list[str]) -> None:
    step = StageSettings(PRIMARY, (StagedSetting("max_replication_slots", "1", "10", None),), HERE)
    seen = staged_facts(primary(setting("max_replication_slots", "10", auto_conf="10"), version_num=version))
    memory = (Remembered(step, seen),)
    assert codes(plan_unstage(seen, Sample(origins=4), PRIMARY, memory)) == about
    assert codes(plan_unstage(seen, Sample(origins=1), PRIMARY, memory)) == []
    low = staged_facts(primary(waiting("max_replication_slots", "10", "2"), version_num=version))
    made = plan_stage(low, Sample(origins=4), Staging(PRIMARY), HERE, Earlier())
    assert codes(made) == (["S302"] if about else [])


def test_what_would_be_there_then_is_read_from_the_files_as_they_are_now() -> None:
    step = StageSettings(PRIMARY, (StagedSetting("wal_level", "replica", "logical", None),), HERE)
    memory = (Remembered(step, staged_facts(primary())),)
    now = setting("wal_level", "logical", auto_conf="logical", in_file="logical", beneath="minimal")
    assert codes(plan_unstage(staged_facts(primary(now)), Sample(), PRIMARY, memory)) == ["S307"]
    quiet = staged_facts(primary(now, setting("max_wal_senders", "0")))
    assert "taking it back (minimal)" in notes(plan_unstage(quiet, Sample(), PRIMARY, memory))
    given = replace(now, source="command line")
    assert notes(plan_unstage(staged_facts(primary(given)), Sample(), PRIMARY, memory)) == ""


def test_more_slots_than_there_would_be_and_logical_ones_are_not_left_behind() -> None:
    more = StageSettings(PRIMARY, (StagedSetting("max_replication_slots", "1", "10", None),), HERE)
    level_up = StageSettings(PRIMARY, (StagedSetting("wal_level", "replica", "logical", None),), HERE)
    slots = (Slot("a"), Slot("b", "logical"))
    seen = staged_facts(
        primary(
            setting("wal_level", "logical", auto_conf="logical"), setting("max_replication_slots", auto_conf="10"),
            slots=slots,
        )
    )  # fmt: skip
    memory = (Remembered(more, seen), Remembered(level_up, seen))
    assert codes(plan_unstage(seen, Sample(), PRIMARY, memory)) == ["S307", "S307"]
    fewer = seen.with_server(PRIMARY, slots=slots[:1])
    assert len(plan_unstage(fewer, Sample(), PRIMARY, memory).steps) == 2


def test_what_somebody_has_changed_since_stays_and_is_named() -> None:
    theirs = setting("max_wal_senders", "0", auto_conf="7", in_file="7", pending=True)
    seen = staged_facts(minimal(setting("wal_level", "minimal", auto_conf="replica", pending=True), theirs))
    made = plan_unstage(seen, Sample(), PRIMARY, MEMORY)
    # Alone, wal_level would leave a server that does not start.
    assert codes(made) == ["S307"]
    harmless = setting("max_wal_senders", "0", auto_conf=None)
    seen = staged_facts(minimal(setting("wal_level", "minimal", auto_conf="replica", pending=True), harmless))
    [back] = plan_unstage(seen, Sample(), PRIMARY, MEMORY).steps
    assert [str(effect) for effect in back.effects()] == ["ALTER SYSTEM RESET wal_level;"]
    kept = plan_unstage(staged_facts(minimal(theirs)), Sample(), PRIMARY, MEMORY)
    assert kept.steps == ()
    assert "max_wal_senders is 7: not as it was staged, so it is kept" in notes(kept)


# --- attach, where only a restart would do


def attach_codes(**asked: Any) -> list[tuple[str, Need]]:
    found = facts(replace(primary(), settings=(*facts().server(PRIMARY).settings,)))
    settings = tuple(
        replace(each, context="postmaster") if each.name in STAGED else each
        for each in found.server(PRIMARY).settings
    )  # fmt: skip
    seen = found.with_server(PRIMARY, settings=settings)
    return [(b.code, b.need) for b in plan_attach(seen, SAMPLE, replace(TARGET, **asked)).blockers]


def test_what_was_asked_of_the_primary_and_does_not_run_needs_a_restart() -> None:
    assert attach_codes(wal_level="logical") == [("P102", Need.RESTART)]
    assert attach_codes(max_wal_senders=11) == [("P103", Need.RESTART)]
    assert attach_codes(max_replication_slots=11) == [("P104", Need.RESTART)]
    assert attach_codes(wal_level="replica", max_wal_senders=10, max_replication_slots=3) == []


def test_the_way_to_a_restart_is_named_and_so_is_what_waits_for_it_already() -> None:
    def hint(level_now: Setting) -> str:
        seen = facts().server(PRIMARY)
        settings = tuple(level_now if each.name == "wal_level" else each for each in seen.settings)
        blockers = plan_attach(facts(replace(seen, settings=settings)), SAMPLE, TARGET).blockers
        return str(next(blocker.hint for blocker in blockers if blocker.code == "P102"))

    assert "standbyctl plan --stage-restart" in hint(setting("wal_level", "minimal"))
    assert "waits for the next restart" in hint(waiting("wal_level", "minimal", "replica", AUTO))
