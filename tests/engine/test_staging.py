"""What waits for a restart: wherever a run dies the same again finishes, and unstage comes back; a bad start too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from standbyctl import steps
from standbyctl.domain.effects import AlterSystem, Effect, TryStart
from standbyctl.domain.errors import StoppedError, TakenBackError
from standbyctl.domain.facts import Facts, Setting
from standbyctl.domain.message import msg
from standbyctl.domain.sample import Sample
from standbyctl.domain.staging import Staging, Trial
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.planner.plan import Plan
from standbyctl.planner.stage import Earlier, owed, plan_stage, plan_unstage, waiting
from standbyctl.steps.staging import StageSettings
from tests.engine.toy import DiedError
from tests.pure.examples import PRIMARY
from tests.pure.restarts import MINIMAL, primary, staged_facts

NOTHING = {"max_replication_slots": "7"}  # somebody else's, in postgresql.auto.conf before
ASKED = Staging(PRIMARY, max_wal_senders=20)


@dataclass
class Files:
    """postgresql.auto.conf over a postgresql.conf. `starts`: what a trial says of them."""

    auto: dict[str, str]
    running: dict[str, str] = field(default_factory=lambda: dict(MINIMAL))
    beneath: dict[str, str] = field(default_factory=lambda: dict(MINIMAL))
    starts: Callable[[dict[str, str]], bool] = lambda files: True
    meddle: Callable[[Files, Effect], None] = lambda files, effect: None
    fuse: int = 1 << 30
    passed: int = 0
    tried: int = 0

    def look(self) -> Facts:
        def found(setting: Setting) -> Setting:
            auto = self.auto.get(setting.name)
            value = self.running.get(setting.name, setting.value)
            due = auto if auto is not None else value
            return replace(setting, value=value, auto_conf=auto, in_file=due, pending=due != value)

        facts = staged_facts(primary())
        settings = tuple(map(found, facts.server(PRIMARY).settings))
        return facts.with_server(PRIMARY, settings=settings)

    def do(self, effect: Effect) -> None:
        self.meddle(self, effect)
        for _ in self._deeds(effect):
            self.passed += 1
            if self.passed > self.fuse:
                raise DiedError

    def _deeds(self, effect: Effect) -> Iterator[None]:
        yield
        if isinstance(effect, AlterSystem):
            self._alter(effect)
            yield
            return
        assert isinstance(effect, TryStart)
        self.tried += 1
        if self.starts(self.beneath | self.auto):
            yield
            return
        if effect.unstaged:
            for each in effect.settings:
                yield
                if self.auto.get(each.name) == each.was:
                    self._alter(AlterSystem(PRIMARY, each.name, each.value, each.was, each.was is None))
            raise TakenBackError("S303", msg("it would not start"))
        for each in reversed(effect.settings):
            yield
            if self.auto.get(each.name) == each.value:
                self._alter(AlterSystem(PRIMARY, each.name, each.was, each.value))
        yield
        raise TakenBackError("S303", msg("it would not start"))

    def _alter(self, effect: AlterSystem) -> None:
        if (now := self.auto.get(effect.name)) == effect.value:
            return
        if (effect.expected is not None or effect.unset) and now != effect.expected:
            raise StoppedError("A204", msg("somebody has just changed it"))
        self.auto.pop(effect.name, None)
        if effect.value is not None:
            self.auto[effect.name] = effect.value
        self._invariant()

    def _invariant(self) -> None:
        """A machine may lose its power between any two deeds: whatever stands there starts."""
        due = self.running | self.auto
        assert due["wal_level"] != "minimal" or due["max_wal_senders"] == "0"


def journal_at(path: Path) -> Journal:
    ticks = count()
    return Journal(path / "db1" / "stage-7.jsonl", steps.ALL, lambda: f"tick {next(ticks)}")


def stage(files: Files, journal: Journal, asked: Staging = ASKED) -> Plan:
    def plan(facts: Facts) -> Plan:
        return plan_stage(facts, Sample(), asked, Trial(), Earlier(journal.memory(), journal.unproven()))

    run = Run(look=files.look, plan=plan, do=files.do, journal=journal, report=lambda event: None)
    first = run.check()
    if first.steps:
        journal.open(asked, "host=db1", "7")
    run.follow(first)
    memory = journal.memory()
    if not first.steps and memory and journal.unproven():
        step = memory[-1].step
        assert isinstance(step, StageSettings)
        if left := waiting(run.facts, step):
            run.finish(lambda: files.do(TryStart(PRIMARY, left, Trial())))
            run.finish(journal.proven)
    return first


def unstage(files: Files, journal: Journal) -> Plan:
    def plan(facts: Facts) -> Plan:
        return plan_unstage(facts, Sample(), PRIMARY, journal.memory())

    run = Run(look=files.look, plan=plan, do=files.do, journal=journal, report=lambda event: None)
    first = run.check()
    run.follow(first)
    given = tuple(step for step in journal.given_back() if isinstance(step, StageSettings))
    if given and (settings := owed(run.facts, given)):
        try:
            files.do(TryStart(PRIMARY, settings, Trial(), unstaged=True))
        except TakenBackError:
            journal.put_back()
            raise
    run.finish(journal.close)
    return first


def dies(files: Files, fuse: int, run: Callable[[], object]) -> bool:
    files.fuse, files.passed = fuse, 0
    try:
        run()
    except DiedError:
        return True
    except TakenBackError:
        return False
    finally:
        files.fuse = 1 << 30
    return False


def points() -> range:
    """More than any run here passes; those beyond its end show that it ends."""
    return range(12)


STAGED = NOTHING | {"wal_level": "replica", "max_wal_senders": "20"}


@pytest.mark.parametrize("fuse", points())
def test_wherever_staging_dies_the_same_again_finishes_and_unstage_comes_back(tmp_path: Path, fuse: int) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    dies(files, fuse, lambda: stage(files, journal))
    before = files.tried
    stage(files, journal)
    assert files.auto == STAGED
    assert files.tried > 0
    assert not journal.unproven()
    stage(files, journal)
    assert files.tried <= before + 1
    unstage(files, journal)
    assert files.auto == NOTHING
    assert journal.memory() == ()


@pytest.mark.parametrize("fuse", points())
def test_wherever_staging_dies_unstage_comes_back_at_once(tmp_path: Path, fuse: int) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    dies(files, fuse, lambda: stage(files, journal))
    unstage(files, journal)
    assert files.auto == NOTHING


@pytest.mark.parametrize("fuse", points())
def test_wherever_unstage_dies_the_same_again_finishes(tmp_path: Path, fuse: int) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    stage(files, journal)
    stage(files, journal, Staging(PRIMARY, max_wal_senders=30, wal_level="logical"))
    assert files.auto == NOTHING | {"wal_level": "logical", "max_wal_senders": "30"}
    dies(files, fuse, lambda: unstage(files, journal))
    unstage(files, journal)
    assert files.auto == NOTHING


@pytest.mark.parametrize("fuse", points())
def test_what_would_not_start_is_taken_back_even_by_a_run_that_dies_over_it(tmp_path: Path, fuse: int) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    files.starts = lambda due: due["max_wal_senders"] != "20"
    dies(files, fuse, lambda: stage(files, journal))
    with pytest.raises(TakenBackError):
        stage(files, journal)
    assert files.auto == NOTHING


@pytest.mark.parametrize("fuse", points())
def test_where_it_would_not_start_without_it_what_was_staged_is_put_back(tmp_path: Path, fuse: int) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    stage(files, journal)
    stage(files, journal, Staging(PRIMARY, max_wal_senders=30))
    staged = dict(files.auto)
    files.starts = lambda due: due["max_wal_senders"] != "0"
    dies(files, fuse, lambda: unstage(files, journal))
    with pytest.raises(TakenBackError):
        unstage(files, journal)
    assert files.auto == staged
    files.starts = lambda due: True
    unstage(files, journal)
    assert files.auto == NOTHING
    assert journal.memory() == ()


def test_what_an_earlier_run_has_staged_and_tried_outlives_a_later_one_that_fails(tmp_path: Path) -> None:
    files, journal = Files(dict(NOTHING)), journal_at(tmp_path)
    stage(files, journal)
    files.starts = lambda due: due["max_wal_senders"] != "99"
    with pytest.raises(TakenBackError):
        stage(files, journal, Staging(PRIMARY, max_wal_senders=99))
    assert files.auto == STAGED
    unstage(files, journal)
    assert files.auto == NOTHING


def test_what_somebody_changes_between_two_looks_is_not_overwritten(tmp_path: Path) -> None:
    def meddle(files: Files, effect: Effect) -> None:
        if isinstance(effect, AlterSystem) and effect.name == "max_wal_senders":
            files.auto["max_wal_senders"] = "5"

    files = Files({}, meddle=meddle)
    with pytest.raises(StoppedError):
        stage(files, journal_at(tmp_path))
    assert files.auto == {"wal_level": "replica", "max_wal_senders": "5"}
