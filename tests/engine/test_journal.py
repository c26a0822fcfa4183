"""The journal on real files: what it remembers, in which order it is written, and what a crash can do to it."""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Contents
from standbyctl.engine.journal import SCHEMA, Journal
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import GiveBack
from standbyctl.steps.role import CreateRole
from standbyctl.steps.server import StopStandby
from standbyctl.steps.slot import CapSlots, CreateSlot
from tests.engine.running import TORN, journal_at
from tests.pure.examples import BIN, DATA, PASSFILE, PRIMARY, ROLE, STANDBY, SYSTEM, TARGET, facts

ROLE_STEP = CreateRole(PRIMARY, STANDBY, ROLE, PASSFILE)
SLOT_STEP = CreateSlot(PRIMARY, STANDBY, STANDBY)
EARLY, LATE = facts(), facts(contents=Contents.EMPTY)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return journal_at(tmp_path)


def test_where_there_is_no_journal_nothing_is_remembered_and_nothing_is_written(journal: Journal) -> None:
    assert journal.memory() == ()
    assert journal.run() is None
    assert not journal.unproven()
    assert not journal.path.parent.exists()


def test_what_was_begun_is_remembered_with_the_facts_before_it_oldest_first(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    journal.done(ROLE_STEP)
    journal.begin(SLOT_STEP, LATE)
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY), Remembered(SLOT_STEP, LATE))


def test_the_first_memory_of_a_step_wins(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    journal.begin(ROLE_STEP, LATE)
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY),)


def test_what_was_inherited_comes_last_and_is_no_step_that_waits_for_its_proof(journal: Journal) -> None:
    journal.begin(ROLE_STEP, LATE)
    journal.done(ROLE_STEP)
    for _ in range(2):
        journal.inherit(Remembered(SLOT_STEP, EARLY))
    assert journal.memory() == (Remembered(ROLE_STEP, LATE), Remembered(SLOT_STEP, EARLY, inherited=True))
    assert not journal.unproven()
    journal.close()
    assert journal.memory() == ()


def test_attempts_that_differ_are_all_remembered_with_what_was_before_the_first(journal: Journal) -> None:
    # The second run may propose another cap; whichever of them stands in the file is ours to give back.
    first, second = CapSlots(PRIMARY, 1000, "-1"), CapSlots(PRIMARY, 990, "-1")
    journal.begin(first, EARLY)
    journal.begin(second, LATE)
    assert journal.memory() == (Remembered(first, EARLY), Remembered(second, EARLY))


def test_what_was_given_back_is_no_memory_of_its_own(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    journal.begin(GiveBack(ROLE_STEP, EARLY), LATE)
    journal.done(GiveBack(ROLE_STEP, EARLY))
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY),)
    assert [each["event"] for each in records(journal)] == ["begun", "giving back", "done"]


def test_a_journal_that_was_closed_remembers_nothing_until_something_is_begun_again(journal: Journal) -> None:
    journal.open(TARGET, "host=db1", SYSTEM)
    journal.begin(ROLE_STEP, EARLY)
    journal.close()
    assert journal.memory() == ()
    assert journal.run() is None
    assert not journal.unproven()
    journal.begin(ROLE_STEP, LATE)
    assert journal.memory() == (Remembered(ROLE_STEP, LATE),)


def test_only_a_journal_whose_last_word_is_closed_is_closed(journal: Journal) -> None:
    assert not journal.closed()
    journal.open(TARGET, "host=db1", SYSTEM)
    assert not journal.closed()
    journal.close()
    assert journal.closed()
    journal.begin(ROLE_STEP, EARLY)
    assert not journal.closed()


def test_the_last_run_says_what_was_asked(journal: Journal) -> None:
    journal.open(TARGET, "host=db1", SYSTEM)
    journal.open(replace(TARGET, port=5444), "host=db9", SYSTEM)
    assert journal.run() == (replace(TARGET, port=5444), "host=db9", SYSTEM)
    assert records(journal)[0]["schema"] == SCHEMA


def test_a_step_is_unproven_until_it_was_seen_done(journal: Journal) -> None:
    journal.open(TARGET, "host=db1", SYSTEM)
    assert not journal.unproven()
    journal.begin(ROLE_STEP, EARLY)
    assert journal.unproven()
    journal.done(ROLE_STEP)
    assert not journal.unproven()
    journal.begin(StopStandby(STANDBY, DATA, BIN), EARLY)
    assert journal.unproven()
    journal.proven()
    assert not journal.unproven()


def test_only_its_owner_can_read_it(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_every_line_says_when(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    journal.done(ROLE_STEP)
    assert [each["at"] for each in records(journal)] == ["tick 0", "tick 1"]


@pytest.mark.parametrize("torn", [TORN, '{"at": "\u65e5'.encode()[:-1], b"{", b"\xff\xfe"])
def test_a_line_that_a_crash_cut_short_is_no_line_and_is_cut_off(journal: Journal, torn: bytes) -> None:
    journal.begin(ROLE_STEP, EARLY)
    with journal.path.open("ab") as file:
        file.write(torn)
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY),)
    assert journal.unproven()
    journal.begin(SLOT_STEP, LATE)
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY), Remembered(SLOT_STEP, LATE))
    assert len(records(journal)) == 2


def test_a_journal_whose_only_line_was_cut_short_is_empty(journal: Journal) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(TORN)
    assert journal.memory() == ()
    journal.begin(ROLE_STEP, EARLY)
    assert len(records(journal)) == 1


def test_names_in_any_script_are_kept_as_they_are(journal: Journal) -> None:
    target = replace(TARGET, data_directory="/\u65e5\u672c/db2")
    journal.open(target, "host=db1", SYSTEM)
    run = journal.run()
    assert run
    assert run[0] == target
    assert "\u65e5\u672c" in journal.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"3",
        b"{}",
        b"\xff\xfe",
        b"",
        b'{"event": "begun", "step": {"kind": "FlyToTheMoon"}, "before": {}}',
        b'{"event": "begun", "step": {"kind": "CreateRole", "primary": 3}, "before": {}}',
        b'{"event": "begun"}',
    ],
    ids=["no JSON", "a number", "no event", "no text", "nothing", "a step of the future", "another shape", "half"],
)
def test_a_damaged_line_is_never_passed_over(journal: Journal, garbage: bytes) -> None:
    journal.begin(ROLE_STEP, EARLY)
    with journal.path.open("ab") as file:
        file.write(garbage + b"\n")
    journal.done(ROLE_STEP)
    with pytest.raises(CannotTellError) as error:
        journal.memory()
    assert (error.value.code, error.value.status) == ("A210", 3)
    assert str(journal.path) in str(error.value.what)
    assert str(error.value.detail).startswith("Line 2: ")
    assert error.value.hint


def test_a_run_that_makes_no_sense_is_damage_too(journal: Journal) -> None:
    journal.path.parent.mkdir()
    journal.path.write_text('{"event": "run", "target": 3, "conninfo": "", "system_identifier": ""}\n')
    with pytest.raises(CannotTellError, match="3 is not dict"):
        journal.run()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_does_not_fit_on_the_disk_is_an_error_and_no_line(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    whole = journal.path.read_bytes()
    # A write takes what fits and says how much that was; only the next one fails.
    with room_for(len(whole) + 10), pytest.raises(CannotTellError) as error:
        journal.begin(SLOT_STEP, LATE)
    assert (error.value.code, error.value.status) == ("A211", 3)
    assert len(journal.path.read_bytes()) == len(whole) + 10
    assert journal.memory() == (Remembered(ROLE_STEP, EARLY),)
    journal.begin(SLOT_STEP, LATE)
    assert journal.path.read_bytes().startswith(whole)
    assert len(journal.memory()) == 2


def test_a_journal_that_cannot_be_read_is_not_an_empty_one(journal: Journal) -> None:
    journal.path.mkdir(parents=True)
    with pytest.raises(CannotTellError, match="cannot read the journal"):
        journal.memory()


def test_appending_never_touches_what_stands_there(journal: Journal) -> None:
    journal.begin(ROLE_STEP, EARLY)
    inode, whole = os.stat(journal.path).st_ino, journal.path.read_bytes()
    journal.done(ROLE_STEP)
    assert os.stat(journal.path).st_ino == inode
    assert journal.path.read_bytes().startswith(whole)


def records(journal: Journal) -> list[dict[str, str]]:
    return [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
