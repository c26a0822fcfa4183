"""Slots, and what bounds them: wherever a run dies the same again finishes, and --back comes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from standbyctl import steps
from standbyctl.domain.effects import AlterSystem, Effect, Reload, Sql
from standbyctl.domain.errors import BlockedError, DriftError, StoppedError
from standbyctl.domain.facts import Facts, Setting, Slot
from standbyctl.domain.message import msg
from standbyctl.domain.parameter import setting_of
from standbyctl.domain.slots import CAP, Bound, NewSlot, OldSlot, SlotSeen, SlotsOf, SlotsSample
from standbyctl.engine.journal import Journal
from standbyctl.engine.run import Run
from standbyctl.planner.keeping import plan_bound
from standbyctl.planner.plan import Plan
from standbyctl.planner.slots import plan_create, plan_drop
from tests.engine.toy import DiedError
from tests.pure.examples import PRIMARY
from tests.pure.test_slots import has

Asked = NewSlot | OldSlot | Bound
IDLE = 90000.0


@dataclass
class World:
    """A server's slots, its postgresql.auto.conf, and what it runs with. `meddle`: what others do just then."""

    slots: dict[str, SlotSeen] = field(default_factory=dict)
    auto: dict[str, str] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=lambda: {CAP: "-1"})
    meddle: Callable[[World, Effect], None] = lambda world, effect: None
    fuse: int = 1 << 30
    passed: int = 0
    made: int = 0

    def look(self) -> tuple[Facts, SlotsSample]:
        def found(setting: Setting) -> Setting:
            auto = self.auto.get(setting.name)
            value = self.running.get(setting.name, setting.value)
            source = "configuration file" if auto is not None and setting_of(auto) == value else setting.source
            return replace(setting, value=value, auto_conf=auto, in_file=auto, source=source)

        facts, sample = has(*self.slots.values(), wal_level="logical")
        settings = tuple(map(found, facts.server(PRIMARY).settings))
        return facts.with_server(PRIMARY, settings=settings), sample

    def do(self, effect: Effect) -> None:
        self.meddle(self, effect)
        for _ in self._deed(effect):
            self.passed += 1
            if self.passed > self.fuse:
                raise DiedError

    def _deed(self, effect: Effect) -> Iterator[None]:
        yield
        match effect:
            case Sql():
                self._sql(effect)
            case AlterSystem():
                self._alter(effect)
            case Reload():
                self.running[CAP] = setting_of(self.auto.get(CAP, "-1"))
            case _:
                raise AssertionError(effect)
        yield

    def _sql(self, effect: Sql) -> None:
        name = re.findall(r"slot_name = '([^']*)'", effect.statement)[0]
        if "pg_drop_replication_slot" in effect.statement:
            kind = re.findall(r"slot_type = '([^']*)'", effect.statement)[0]
            slot = self.slots.get(name)
            meant = slot and (slot.lost or "wal_status = 'lost'" not in effect.statement)
            if slot and meant and slot.slot_type == kind and not slot.active:
                del self.slots[name]
            return
        if name not in self.slots:
            self.made += 1
            logical = "logical" in effect.statement
            assert bool(effect.database) == logical
            more = {"slot_type": "logical", "plugin": "pgoutput", "database": effect.database} if logical else {}
            self.slots[name] = SlotSeen(name, held_bytes=0, idle_seconds=IDLE, **more)

    def _alter(self, effect: AlterSystem) -> None:
        if (now := self.auto.get(effect.name)) == effect.value:
            return
        if effect.expected is not None and now != effect.expected:
            raise StoppedError("A204", msg("somebody has just changed it"))
        self.auto.pop(effect.name, None)
        if effect.value is not None:
            self.auto[effect.name] = effect.value


def journal_at(path: Path) -> Journal:
    ticks = count()
    return Journal(path / "db1" / "slots-7.jsonl", steps.ALL, lambda: f"tick {next(ticks)}")


def run(world: World, journal: Journal, asked: Asked, expected: Plan | None = None) -> Plan:
    """As app.slotwork does it."""
    sample = SlotsSample()

    def look() -> Facts:
        nonlocal sample
        facts, sample = world.look()
        return facts

    def plan(facts: Facts) -> Plan:
        match asked:
            case NewSlot():
                return plan_create(facts, sample, PRIMARY, asked)
            case OldSlot():
                return plan_drop(facts, sample, PRIMARY, asked)
            case Bound():
                return plan_bound(facts, sample, PRIMARY, asked, journal.memory())

    going = Run(look=look, plan=plan, do=world.do, journal=journal, report=lambda event: None)
    first = going.check(expected)
    back = isinstance(asked, Bound) and asked.value is None
    if first.steps and not back:
        journal.open(SlotsOf(PRIMARY), "host=db1", "7", first.steps)
    going.follow(first)
    if back:
        going.finish(journal.close)
    return first


def dies(world: World, fuse: int, *args: object) -> None:
    world.fuse, world.passed = fuse, 0
    try:
        run(world, *args)  # type: ignore[arg-type]
    except DiedError:
        pass
    finally:
        world.fuse = 1 << 30


BACK = Bound(CAP, None)
points = pytest.mark.parametrize("fuse", range(10))  # more than any run here passes


@points
@pytest.mark.parametrize("auto", [{}, {CAP: "3GB"}])
def test_wherever_a_limit_dies_the_same_again_finishes_and_back_comes_back(
    tmp_path: Path, fuse: int, auto: dict[str, str]
) -> None:
    for then in ("finished", "at once"):
        world, journal = World(auto=dict(auto)), journal_at(tmp_path / then)
        world.running[CAP] = setting_of(auto.get(CAP, "-1"))
        before = world.look()
        run(world, journal, Bound(CAP, "1GB"))
        dies(world, fuse, journal, Bound(CAP, "2GB"))
        if then == "finished":
            run(world, journal, Bound(CAP, "2GB"))
            assert (world.auto[CAP], world.running[CAP]) == ("2GB", "2048")
        run(world, journal, BACK)
        assert world.look() == before
        assert journal.memory() == ()
        run(world, journal, Bound(CAP, "1GB"))
        dies(world, fuse, journal, BACK)
        run(world, journal, BACK)
        assert world.look() == before
        assert not run(world, journal, BACK).steps


@points
def test_wherever_making_or_dropping_a_slot_dies_the_same_again_finishes(tmp_path: Path, fuse: int) -> None:
    for n, asked in enumerate((NewSlot("s", no_cap=True), NewSlot("s", "pgoutput", "app", no_cap=True))):
        world, journal = World(), journal_at(tmp_path / str(n))
        dies(world, fuse, journal, asked)
        run(world, journal, asked)
        assert [*world.slots] == ["s"]
        assert world.made == 1
        dies(world, fuse, journal, OldSlot("s"))
        run(world, journal, OldSlot("s"))
        assert world.slots == {}
        assert not run(world, journal, OldSlot("s")).steps


def test_whoever_begins_to_read_between_the_look_and_the_deed_keeps_his_slot(tmp_path: Path) -> None:
    def reads(world: World, effect: Effect) -> None:
        world.slots["s"] = replace(world.slots["s"], active=True)

    world, journal = World({"s": SlotSeen("s", idle_seconds=IDLE)}, meddle=reads), journal_at(tmp_path)
    with pytest.raises(StoppedError) as stopped:
        run(world, journal, OldSlot("s"))
    assert stopped.value.code == "A205"
    assert [*world.slots] == ["s"]
    with pytest.raises(BlockedError) as refused:
        run(world, journal, OldSlot("s"))
    assert (refused.value.code, refused.value.status) == ("S311", 4)


def test_whoever_sets_another_limit_meanwhile_keeps_it(tmp_path: Path) -> None:
    world, journal = World(), journal_at(tmp_path)
    run(world, journal, Bound(CAP, "1GB"))

    def sets(world: World, effect: Effect) -> None:
        world.auto[CAP] = "5GB"

    world.meddle = sets
    with pytest.raises(StoppedError, match="just changed"):
        run(world, journal, BACK)
    assert world.auto == {CAP: "5GB"}
    assert not run(world, journal, BACK).steps
    assert world.auto == {CAP: "5GB"}


def test_what_was_not_in_the_plan_that_was_seen_is_not_done(tmp_path: Path) -> None:
    world, journal = World({"s": SlotSeen("s", idle_seconds=IDLE)}), journal_at(tmp_path)
    facts, sample = world.look()
    seen = plan_drop(facts, sample, PRIMARY, OldSlot("s"))
    world.slots["s"] = SlotSeen("s", "logical", plugin="pgoutput", database="app", idle_seconds=IDLE)
    with pytest.raises(DriftError):
        run(world, journal, OldSlot("s"), seen)
    assert facts.server(PRIMARY).slots == (Slot("s"),)
    assert [*world.slots] == ["s"]


def test_a_slot_made_anew_in_the_place_of_a_lost_one_is_not_dropped_for_it(tmp_path: Path) -> None:
    """Neither where that happens before the run looks, nor where it happens between its look and the deed."""

    def anew(world: World, effect: Effect | None = None) -> None:
        world.slots["s"] = SlotSeen("s", held_bytes=0, idle_seconds=IDLE)

    gone = SlotSeen("s", wal_status="lost")
    world, journal = World({"s": gone}), journal_at(tmp_path)
    seen = plan_drop(*world.look(), PRIMARY, OldSlot("s"))
    anew(world)
    with pytest.raises(DriftError):
        run(world, journal, OldSlot("s"), seen)
    assert [*world.slots] == ["s"]
    world = World({"s": gone}, meddle=anew)
    with pytest.raises(StoppedError) as stopped:
        run(world, journal, OldSlot("s"), seen)
    assert stopped.value.code == "A205"
    assert [*world.slots] == ["s"]
