"""What holds of every step, of those too that are not written yet: they are taken from the list of all."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limit
from hypothesis import strategies as st

from standbyctl import steps as known
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.effects import AlterSystem, Effect
from standbyctl.domain.facts import Contents, Facts, Passfile, Setting, Slot
from standbyctl.steps.base import GiveBack, Impact, Step, predict
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.directory import DeleteDirectory, SetDirectoryAside
from standbyctl.steps.failover import FenceOldPrimary, PromoteStandby
from standbyctl.steps.hba import AdmitReplication
from standbyctl.steps.rewind import RewindPlace
from standbyctl.steps.role import CreateRole, ProvidePassfile
from standbyctl.steps.roles import SwitchPrimary
from standbyctl.steps.server import StartStandby
from standbyctl.steps.slot import CapSlots, CreateSlot
from standbyctl.steps.slots import DropSlot
from tests.pure.examples import (
    BIN,
    CAP,
    DATA,
    HBA,
    HEAD,
    OUR_ROLE,
    PASSFILE,
    PRIMARY,
    ROLE,
    STANDBY,
    facts,
    place,
    server,
    settings,
)
from tests.pure.strategies import any_facts, any_steps, befores, steps

# A password, or what could hide one: the word and then anything but stars.
PASSWORD = re.compile(r"password\b[ =]*'?(?!'?\*{8})\w", re.IGNORECASE)
every_kind = pytest.mark.parametrize("kind", known.ALL, ids=lambda kind: kind.__name__)
few = limit(max_examples=25)  # of each kind


@every_kind
@few
@given(st.data(), any_facts)
def test_a_step_once_done_is_done(kind: type[Step], data: st.DataObject, facts: Facts) -> None:
    step: Step = data.draw(steps(kind))
    done = step.after(facts)
    assert step.satisfied(done)
    assert step.after(done) == done
    assert step.satisfied(facts) == (done == facts)


@every_kind
@few
@given(st.data(), any_facts, befores)
def test_what_is_given_back_is_gone_and_stays_gone(
    kind: type[Step], data: st.DataObject, facts: Facts, before: Facts
) -> None:
    step: Step = data.draw(steps(kind))
    back = step.returned(facts, before)
    assert step.returned(back, before) == back
    given_back = GiveBack(step, before)
    assert given_back.after(facts) == back
    assert given_back.satisfied(back)
    # Whatever is predicted to be given back has an effect that gives it back.
    assert back == facts or given_back.effects()
    assert given_back.effects() == step.undo(before)


@every_kind
@few
@given(st.data())
def test_a_step_survives_json(kind: type[Step], data: st.DataObject) -> None:
    step: Step = data.draw(steps(kind))
    read: Any = decode_tagged(known.ALL, json.loads(json.dumps(encode_tagged(step))))
    assert read == step
    assert hash(read) == hash(step)


@every_kind
@few
@given(st.data(), befores)
def test_a_step_says_what_it_does_and_what_gives_it_back(kind: type[Step], data: st.DataObject, before: Facts) -> None:
    step: Step = data.draw(steps(kind))
    given_back = GiveBack(step, before)
    for each in (step, given_back):
        assert str(each.title)
        assert str(each.text)
        assert str(each.undo_text)
        assert each.place in {PRIMARY, STANDBY, HEAD}
        assert each.felt in Impact
    assert given_back.text == step.undo_text
    assert (given_back.title, given_back.place, given_back.felt) == (step.title, step.place, step.felt)


@every_kind
@few
@given(st.data())
def test_two_attempts_at_the_same_thing_have_one_gist(kind: type[Step], data: st.DataObject) -> None:
    step: Step = data.draw(steps(kind))
    assert step.gist.gist == step.gist
    assert type(step.gist) is kind
    assert step.gist.place == step.place


@every_kind
@few
@given(st.data(), befores)
def test_effects_are_the_same_every_time_and_hold_no_password(
    kind: type[Step], data: st.DataObject, before: Facts
) -> None:
    step: Step = data.draw(steps(kind))
    assert step.effects()
    assert step.effects() == step.effects()
    assert step.undo(before) == step.undo(before)
    for effect in (*step.effects(), *step.undo(before)):
        assert isinstance(effect, Effect)
        assert effect.node in {PRIMARY, STANDBY, HEAD}
        assert str(effect)
        assert not PASSWORD.search(str(effect))


@given(any_facts)
def test_facts_survive_json(facts: Facts) -> None:
    assert decode(Facts, json.loads(json.dumps(encode(facts)))) == facts


@given(any_facts, st.lists(any_steps, max_size=3))
def test_a_prediction_is_one_step_after_another(facts: Facts, some: list[Step]) -> None:
    one_by_one = facts
    for step in some:
        one_by_one = step.after(one_by_one)
    assert predict(some, facts) == one_by_one


def test_a_lost_slot_is_dropped_before_it_is_made_anew_and_only_while_nobody_uses_it() -> None:
    plain, anew = CreateSlot(PRIMARY, STANDBY, "db2"), CreateSlot(PRIMARY, STANDBY, "db2", replace_lost=True)
    [create] = plain.effects()
    drop, create_again = anew.effects()
    assert create == create_again
    assert "wal_status = 'lost' AND NOT active" in str(drop)
    assert "NOT EXISTS" in str(create)
    assert plain.gist == anew.gist


def test_a_slot_in_use_and_a_role_without_our_mark_are_not_dropped() -> None:
    idle, drop = CreateSlot(PRIMARY, STANDBY, "db2").undo(facts())
    assert "slot_name = 'db2' AND active" in str(idle)
    assert "slot_type = 'physical' AND NOT active" in str(drop)
    [guarded] = CreateRole(PRIMARY, STANDBY, 'o"dd', PASSFILE).undo(facts())
    assert "'standbyctl: db2,'" in str(guarded)
    assert "DROP ROLE %I" in str(guarded)


def test_a_new_passfile_asks_for_a_new_password() -> None:
    step = ProvidePassfile(STANDBY, PASSFILE, ROLE)
    assert not step.after(facts(password_set=True)).place(STANDBY).password_set
    kept = facts(passfile=Passfile.OURS, password_set=True)
    assert step.satisfied(kept)


def test_a_role_that_is_ready_is_left_alone_and_any_other_is_made() -> None:
    step = CreateRole(PRIMARY, STANDBY, ROLE, PASSFILE)
    ready = facts(server(roles=(OUR_ROLE,)), password_set=True)
    assert step.satisfied(ready)
    for role in (replace(OUR_ROLE, login=False), replace(OUR_ROLE, replication=False)):
        assert step.after(facts(server(roles=(role,)), password_set=True)).server(PRIMARY).roles == (OUR_ROLE,)
    assert step.after(facts(server(roles=(OUR_ROLE,)))).place(STANDBY).password_set
    other = replace(OUR_ROLE, name="other")
    assert step.after(facts(server(roles=(other,)))).server(PRIMARY).roles == (other, OUR_ROLE)


def test_slots_stay_sorted_as_the_server_shows_them() -> None:
    step = CreateSlot(PRIMARY, STANDBY, "db2")
    seen = facts(server(slots=(Slot("a"), Slot("z"))))
    assert [slot.name for slot in step.after(seen).server(PRIMARY).slots] == ["a", "db2", "z"]
    assert step.returned(step.after(seen), seen) == seen


@pytest.mark.parametrize(
    ("now", "given_back"),
    [
        (Setting(CAP, "64", "configuration file", "64MB", in_file="64MB"), True),
        # Taken out of the file and not yet reloaded.
        (Setting(CAP, "64", "configuration file", None, in_file=None), True),
        # Somebody has set another; or has put the same value elsewhere, which we must not take for ours.
        (Setting(CAP, "2048", "configuration file", "2GB", in_file="2GB"), False),
        (Setting(CAP, "64", "configuration file", None, in_file="64MB"), False),
        (Setting(CAP, "-1", "default", None, in_file=None), False),
    ],
)
def test_a_cap_is_given_back_only_while_it_is_ours(now: Setting, given_back: bool) -> None:
    before = facts()
    seen = facts(server(settings=settings(**{CAP: now})))
    step = CapSlots(PRIMARY, 64, "-1")
    back = step.returned(seen, before)
    assert (back != seen) == given_back
    assert not given_back or back.server(PRIMARY).setting(CAP).value == "-1"
    take_out, reload = step.undo(before)
    assert str(take_out) == f"ALTER SYSTEM RESET {CAP};"
    # It is taken out only where ours still stands at that very moment.
    assert isinstance(take_out, AlterSystem)
    assert take_out.expected == "64MB"
    assert str(reload) == "SELECT pg_reload_conf();"


def test_a_cap_that_stood_in_the_file_before_is_put_back_into_it() -> None:
    before = facts(server(settings=settings(**{CAP: Setting(CAP, "2048", "configuration file", "it's")})))
    put_back, _ = CapSlots(PRIMARY, 64, "2048").undo(before)
    assert str(put_back) == f"ALTER SYSTEM SET {CAP} = 'it''s';"


@pytest.mark.parametrize(("previous", "text"), [("-1", "-1 (no limit) -> 64MB"), ("2048", "2048MB -> 64MB")])
def test_a_cap_says_what_it_was(previous: str, text: str) -> None:
    assert text in str(CapSlots(PRIMARY, 64, previous).text)


def test_a_line_says_where_it_goes_or_who_must_put_it_there() -> None:
    step = AdmitReplication(PRIMARY, STANDBY, HBA, "host x", 7, "0f1e", False, BIN, "host=db1")
    assert "line 7: host x" in str(step.text)
    assert "as line 7: host x" in str(step.effects()[0])
    at_end = replace(step, before_line=None)
    assert "at the end: host x" in str(at_end.text)
    assert "at the end: host x" in str(at_end.effects()[0])
    by_sql = replace(step, by_sql=True)
    assert "line 7 (by COPY TO PROGRAM): host x" in str(by_sql.text)
    assert "COPY" in str(by_sql.effects()[0])
    assert ["COPY" in str(effect) for effect in by_sql.undo(facts())] == [True, False, False]
    by_hand = replace(step, by_hand=True)
    assert "wait for a person" in str(by_hand.text)
    assert "until somebody" in str(by_hand.effects()[0])
    # What a person has put there, a person takes out.
    assert by_hand.returned(facts(), facts()) == facts()
    assert not by_hand.after(facts()).server(PRIMARY).hba.has_line


def test_a_line_that_is_gone_but_not_from_what_is_loaded_is_still_taken_back() -> None:
    step = AdmitReplication(PRIMARY, STANDBY, HBA, "host x", 7, "0f1e", False, BIN, "host=db1")
    hba = server().hba
    half_way = facts(server(hba=replace(hba, has_line=False, loaded=False)))
    assert step.returned(half_way, facts()).server(PRIMARY).hba.loaded
    assert step.returned(facts(), facts()) == facts()
    # The node's name may have moved to another server, whose file we never touched.
    moved = facts(server(hba=replace(hba, path="/other/pg_hba.conf", has_line=True)))
    assert step.returned(moved, facts()) == moved


def test_a_rate_limit_is_said_and_passed_on() -> None:
    step = CopyByBasebackup(PRIMARY, STANDBY, "/d", DATA, BIN, "host=db1", "db2", "fast", "10M", ())
    assert "at most 10M/s" in str(step.text)
    idle, copy, *_ = step.effects()
    assert "slot_name = 'db2' AND active" in str(idle)
    assert "--max-rate 10M" in str(copy)
    free = replace(step, max_rate="")
    assert "no rate limit" in str(free.text)
    assert "--max-rate" not in str(free.effects()[1])


def test_a_standby_that_runs_keeps_the_name_of_who_started_it() -> None:
    step = StartStandby(PRIMARY, STANDBY, DATA, BIN, "db2")
    assert step.after(facts(running=True, started_by="")).place(STANDBY).started_by == ""
    assert step.after(facts()).place(STANDBY).started_by == STANDBY


@pytest.mark.parametrize("contents", Contents)
def test_only_a_standby_is_condemned_by_being_set_aside(contents: Contents) -> None:
    step = SetDirectoryAside(STANDBY, DATA, "/aside", BIN, "7", "1:2", leave_empty=True, condemn=True)
    after = step.after(facts(contents=contents)).place(STANDBY)
    assert after.condemned == (contents is Contents.STANDBY)
    assert after.contents is Contents.EMPTY
    assert not after.follows


def test_only_what_is_deleted_dropped_or_promoted_is_past_the_point_of_no_return() -> None:
    irreversible = [DeleteDirectory, DropSlot, SwitchPrimary, FenceOldPrimary, PromoteStandby, RewindPlace]
    assert [kind for kind in known.ALL if kind.irreversible] == irreversible


def test_facts_of_a_node_that_was_not_observed_are_not_made_up() -> None:
    for missing in (
        lambda: facts().server("db3"),
        lambda: facts().server(STANDBY),
        lambda: facts().place(PRIMARY),
        lambda: facts().server(PRIMARY).setting("fsync"),
        lambda: facts().with_place(PRIMARY, running=True),
    ):
        with pytest.raises(KeyError):
            missing()
    assert facts().with_place(STANDBY, running=True).place(STANDBY) == place(running=True)
