"""Promote names the command that can work, and only nodes that are there."""

import pytest

from standbyctl.app.promotion import Known
from standbyctl.domain.errors import UsageError
from standbyctl.domain.record import replace
from tests.pure.examples import TARGET


def run(name, **more):
    return replace(TARGET, primary="db1", name=name, slot=name, **more), "host=h1", "1"


RUNS = {"db2": run("db2"), "db3": run("db3"), "db4": run("db4", head="db1")}
RUNS["db4"] = replace(RUNS["db4"][0], primary="db2"), *RUNS["db4"][1:]
ALIVE = Known(RUNS, {}, "db1", ("db1",), frozenset({"db1", "db2", "db3", "db4"}))
GONE = replace(ALIVE, primaries=(), there=frozenset({"db2", "db3", "db4"}))


def said(known, name):
    return str(known.advise(name))


def test_a_standby_of_a_primary_that_lives_is_switched_to():
    assert said(ALIVE, "db2").endswith("no commit need be lost: standbyctl switchover --to db2")


def test_a_standby_whose_primary_is_gone_takes_over():
    assert said(GONE, "db2").endswith("standbyctl failover --to db2")


def test_a_standby_of_a_standby_is_not_named_in_a_command():
    assert said(ALIVE, "db4").endswith("Make db2 the primary first: standbyctl switchover --to db2")
    assert said(GONE, "db4").endswith("Make db2 the primary first: standbyctl failover --to db2")


def test_a_primary_that_is_gone_is_not_promoted_but_one_of_its_standbys():
    told = said(GONE, "db1")
    assert "db1 is the primary that is known here, and does not answer" in told
    assert told.endswith("standbyctl failover --to db2; standbyctl failover --to db3")


def test_a_primary_that_is_gone_and_had_no_standby_is_only_to_be_started():
    assert said(replace(GONE, runs={}), "db1").endswith("does not answer. Start it.")


def test_a_primary_that_was_replaced_comes_back_first():
    assert said(replace(ALIVE, lost={"db0": "db1"}), "db0").endswith("standbyctl resync db0")


def test_a_standby_that_is_down_is_not_promoted_where_another_answers():
    known = replace(GONE, there=frozenset({"db3", "db4"}))
    assert "Neither a primary nor db2 answers" in said(known, "db2")
    assert said(known, "db2").endswith("standbyctl failover --to db3")
    assert said(replace(GONE, there=frozenset()), "db2").endswith("Start db2, then: standbyctl failover --to db2")


@pytest.mark.parametrize(("known", "verb"), [(ALIVE, "switchover"), (GONE, "failover")])
def test_a_name_that_nobody_has_is_in_no_command(known, verb):
    with pytest.raises(UsageError) as raised:
        known.advise("db9")
    hint = str(raised.value.hint)
    assert f"standbyctl {verb} --to db2; standbyctl {verb} --to db3" in hint
    assert "db9" not in hint
    assert "db4" not in hint


def test_where_nothing_is_attached_no_command_is_named():
    with pytest.raises(UsageError) as raised:
        replace(ALIVE, runs={}).advise("db9")
    assert str(raised.value.hint) == "One that was not attached from here: attach it first."
