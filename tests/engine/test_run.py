"""What a run does when the world is not as the plan says, and what it then says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from standbyctl.domain.effects import Effect, MakeRole, Reload, Sql, WritePassfile
from standbyctl.domain.errors import BlockedError, CannotTellError, DriftError, StoppedError
from standbyctl.domain.facts import Contents, Passfile, Slot
from standbyctl.domain.message import msg
from standbyctl.engine.events import Event, StepBegun, StepDone
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Plan
from tests.engine.running import journal_at, toy_of
from tests.engine.toy import Toy
from tests.pure.examples import OUR_ROLE, STANDBY, facts, kinds


@pytest.fixture
def toy() -> Toy:
    return toy_of(facts())


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return journal_at(tmp_path)


def a_run(toy: Toy, journal: Journal, do: Callable[[Effect], None] | None = None) -> Run:
    """An attach in the toy world; `do` may be another hand at work."""
    return Run(
        look=toy.look,
        plan=lambda seen: plan_attach(seen, toy.taken(), toy.target, journal.memory()),
        do=do or toy.do,
        journal=journal,
        report=lambda event: None,
    )


def meanwhile(toy: Toy, after: type[Effect], deed: Callable[[], None]) -> Callable[[Effect], None]:
    """Somebody does something of their own right after the first effect of a kind."""
    waiting = [deed]

    def do(effect: Effect) -> None:
        toy.do(effect)
        if isinstance(effect, after) and waiting:
            waiting.pop()()

    return do


def test_a_plan_is_followed_step_by_step_and_every_step_is_reported(toy: Toy, journal: Journal) -> None:
    said: list[Event] = []
    run = replace(a_run(toy, journal), report=said.append)
    plan = run.check()
    run.follow(plan)
    begun = [(event.number, event.total, event.step) for event in said if isinstance(event, StepBegun)]
    done = [(event.number, event.total, event.step) for event in said if isinstance(event, StepDone)]
    assert [number for number, _, _ in begun] == list(range(1, len(plan.steps) + 1))
    assert {total for _, total, _ in begun} == {len(plan.steps)}
    assert begun == done
    assert kinds(tuple(step for _, _, step in done)) == kinds(plan.steps)
    assert (run.number, run.done, run.total, run.begun) == (*[len(plan.steps)] * 3, True)
    assert run.facts == toy.look()


def test_a_run_that_is_blocked_has_changed_nothing(toy: Toy, journal: Journal) -> None:
    toy.on_standby(contents=Contents.FOREIGN)
    run = a_run(toy, journal)
    with pytest.raises(BlockedError) as blocked:
        run.check()
    assert (blocked.value.status, blocked.value.code) == (4, "P201")
    assert toy.passed == 0
    assert not journal.path.exists()
    assert not run.begun


def test_a_plan_that_was_seen_may_have_been_done_in_part_already(toy: Toy, journal: Journal) -> None:
    expected = a_run(toy, journal).check()
    toy.do(WritePassfile(STANDBY, toy.target.passfile, toy.target.role, "standbyctl: db2"))
    run = a_run(toy, journal)
    first = run.check(expected)
    assert first.steps == expected.steps[1:]
    run.follow(first)


def test_what_is_not_in_the_plan_that_was_seen_is_not_begun(toy: Toy, journal: Journal) -> None:
    expected = a_run(toy, journal).check()
    run = a_run(toy, journal)
    with pytest.raises(DriftError, match="Not expected: CREATE ROLE") as drift:
        run.check(Plan(tuple(step for step in expected.steps if kinds((step,)) != ["CreateRole"])))
    assert (drift.value.status, drift.value.code, drift.value.begun) == (1, "A207", False)
    assert drift.value.hint
    assert toy.passed == 0
    assert not journal.path.exists()


def test_what_is_undone_by_somebody_else_meanwhile_stops_the_run(toy: Toy, journal: Journal) -> None:
    run = a_run(toy, journal, meanwhile(toy, Sql, lambda: toy.on_primary(roles=())))
    with pytest.raises(DriftError, match="Not expected: CREATE ROLE") as drift:
        run.follow(run.check())
    assert (drift.value.status, drift.value.code) == (5, "A207")
    assert run.number == 5
    again = a_run(toy, journal)
    again.follow(again.check())


def test_what_somebody_else_has_done_meanwhile_is_not_done_again(toy: Toy, journal: Journal) -> None:
    def make_role() -> None:
        toy.role_key = toy.passfile_key
        toy.on_primary(roles=(OUR_ROLE,))

    run = a_run(toy, journal, meanwhile(toy, WritePassfile, make_role))
    plan = run.check()
    run.follow(plan)
    assert run.number == len(plan.steps) - 1
    assert toy.role_key == toy.passfile_key


def test_what_gets_in_the_way_meanwhile_is_said_as_it_is(toy: Toy, journal: Journal) -> None:
    run = a_run(toy, journal, meanwhile(toy, MakeRole, lambda: toy.on_standby(passfile=Passfile.CHANGED)))
    with pytest.raises((DriftError, StoppedError)) as drift:
        run.follow(run.check())
    assert drift.value.status == 5

    other = toy_of(facts())
    run = a_run(other, journal, meanwhile(other, Reload, lambda: other.on_primary(slots=(Slot(STANDBY, "logical"),))))
    with pytest.raises(DriftError) as drift:
        run.follow(run.check())
    assert (drift.value.status, drift.value.code) == (5, "P104")
    assert "belongs to somebody else" in str(drift.value.what)
    assert drift.value.detail
    assert drift.value.hint


def test_a_step_that_does_not_take_effect_is_an_error_although_nothing_failed(toy: Toy, journal: Journal) -> None:
    run = a_run(toy, journal, lambda effect: None if isinstance(effect, MakeRole) else toy.do(effect))
    with pytest.raises(StoppedError, match="step 2 did not take effect: role") as stopped:
        run.follow(run.check())
    assert (stopped.value.status, stopped.value.code) == (5, "A205")
    assert "CREATE ROLE" in str(stopped.value.detail)
    assert stopped.value.hint
    assert journal.unproven()
    assert (run.number, run.done) == (2, 1)


def cannot_tell(*_: object) -> NoReturn:
    raise CannotTellError("A201", msg("no answer"), detail=msg("it is dark"), hint=msg("light a candle"))


def test_what_cannot_be_found_out_before_the_first_effect_leaves_everything_as_it_is(
    toy: Toy, journal: Journal
) -> None:
    run = replace(a_run(toy, journal), look=cannot_tell)
    with pytest.raises(CannotTellError) as error:
        run.check()
    assert error.value.status == 3
    assert not run.begun


@pytest.mark.parametrize("where", ["look", "do"])
def test_what_cannot_be_found_out_after_the_first_effect_leaves_us_part_way(
    where: str, toy: Toy, journal: Journal
) -> None:
    run = a_run(toy, journal)
    plan = run.check()
    setattr(run, where, cannot_tell)
    with pytest.raises(StoppedError) as stopped:
        run.follow(plan)
    error = stopped.value
    assert (error.status, error.code, str(error.what)) == (5, "A201", "no answer")
    assert (str(error.detail), str(error.hint)) == ("it is dark", "light a candle")
    assert isinstance(error.__cause__, CannotTellError)


def test_what_belongs_to_a_run_after_its_steps_leaves_it_part_way_too(toy: Toy, journal: Journal) -> None:
    run = a_run(toy, journal)
    run.follow(run.check())
    done: list[str] = []
    run.finish(lambda: done.append("closed"))
    assert done == ["closed"]
    # Even where there was nothing to do: what is owed from an earlier run was begun by that.
    idle = a_run(toy, journal)
    assert idle.check().steps == ()
    with pytest.raises(StoppedError) as stopped:
        idle.finish(cannot_tell)
    assert (stopped.value.status, stopped.value.code, idle.begun) == (5, "A201", True)


def test_a_deed_that_says_why_it_stopped_is_not_reworded(toy: Toy, journal: Journal) -> None:
    said = StoppedError("A204", msg("the base backup failed"))

    def do(effect: Effect) -> None:
        raise said

    run = a_run(toy, journal, do)
    with pytest.raises(StoppedError) as stopped:
        run.follow(run.check())
    assert stopped.value is said


def test_nothing_is_done_that_cannot_be_remembered(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "db2").write_text("not a directory")
    run = a_run(toy, journal_at(tmp_path / "elsewhere"))
    plan = run.check()
    run.journal = journal_at(tmp_path)
    with pytest.raises(CannotTellError) as error:
        run.follow(plan)
    assert (error.value.status, error.value.code) == (3, "A211")
    assert toy.passed == 0
    assert not run.begun


def test_a_run_is_interrupted_where_it_stands(toy: Toy, journal: Journal) -> None:
    def do(effect: Effect) -> None:
        raise KeyboardInterrupt

    run = a_run(toy, journal, do)
    with pytest.raises(KeyboardInterrupt):
        run.follow(run.check())
    assert (run.begun, run.number) == (True, 1)
    assert journal.unproven()


def test_where_nothing_is_left_to_do_nothing_is_written(toy: Toy, journal: Journal) -> None:
    first = a_run(toy, journal)
    first.follow(first.check())
    size = journal.path.stat().st_size
    again = a_run(toy, journal)
    again.follow(again.check())
    assert (again.number, again.total, again.begun) == (0, 0, False)
    assert journal.path.stat().st_size == size
