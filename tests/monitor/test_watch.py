"""The daemon's own loop, over servers by a hand-written port: clocks that are set, journals that change, deadlines."""

import itertools
import re
import threading
import time

import pytest

from standbyctl.app.cluster import Cluster
from standbyctl.app.hosts import Hosts
from standbyctl.app.state import State
from standbyctl.app.watch import Surfaces, Times, Watch
from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Expected
from standbyctl.monitor.history import History
from standbyctl.monitor.memory import Boot
from standbyctl.monitor.recall import recall, recall_events
from standbyctl.ui.unit import render_unit
from tests.monitor.seen import SYSTEM, WALL, primary, standby
from tests.monitor.test_rounds import Server


class Fed(Server):
    """Answers with a sample of its own making."""

    def __init__(self, name, make):
        super().__init__(name)
        self.make = make

    def sample(self, timeout_seconds):
        self.asked += 1
        return self.make()


class Slow:
    """A history whose writing does something first."""

    def __init__(self, made, first):
        self.made, self.first = made, first

    def __getattr__(self, name):
        return getattr(self.made, name)

    def record(self, now):
        self.first(now)
        self.made.record(now)


def slowly(first):
    return lambda path, wall, keep: Slow(History.open(path, wall, keep), first)


class Stage:
    """A cluster, a clock and a script: what happens after which round."""

    def __init__(self, root, script=(), rounds=10):
        self.root, self.script, self.rounds = root, dict(script), rounds
        self.offset, self.steady, self.events, self.beats, self.seen = 0.0, 0.0, [], [], []
        self.opened, self.failing, self.writes, self.longest = 0, False, True, 1.0
        self.expected = (Expected("db2", "db2", "db1"),)
        self.lsn, self.began, self.boot = 1000, time.monotonic(), "one"

    def cluster(self, earlier):
        assert (earlier is not None) == bool(self.opened)
        self.opened += 1
        if self.failing:
            raise CannotTellError("A201", msg("cannot connect to {node}", node="db1"))
        servers = (
            Fed("db1", lambda: primary(at=self.monotonic(), lsn=self.lsn)),
            Fed("db2", lambda: standby(at=self.monotonic(), replay=1000)),
        )
        return Cluster("db1", "host=db1", SYSTEM, None, servers, self.expected, Hosts())

    def pause(self, seconds):
        assert seconds <= self.longest
        if self.writes:  # its thread has its time, too
            assert self.made._recorder.settle(5)
        self.steady += seconds  # they pass at once
        number = len(self.seen)
        self.script.get(number, lambda: None)()
        return number >= self.rounds

    def run(self):
        self.watch().run()
        return [str(event.what) for event in self.events]

    def watch(self):
        times = Times(self.wall, self.monotonic, self.monotonic, lambda: self.boot)
        surfaces = Surfaces(self.events.append, self.seen.append, self.beats.append)
        self.made = Watch(self.cluster, State(self.root), surfaces, self.pause, times=times)
        return self.made

    def monotonic(self):
        return time.monotonic() - self.began + self.steady

    def wall(self):
        return WALL + self.offset + self.monotonic()

    def set_clock(self, by):
        self.offset += by

    def history(self):
        [path] = (self.root / "history").glob("*.db")
        return recall(path, self.wall(), Boot(self.boot, self.monotonic()))


@pytest.mark.parametrize("by", [-3600.0, 3600.0])
def test_a_clock_that_is_set_under_it_is_an_event_and_nothing_else(tmp_path, by):
    stage = Stage(tmp_path)
    stage.script = {5: lambda: stage.set_clock(by)}
    way = "back" if by < 0 else "forward"
    assert stage.run() == ["watch began", f"the clock of this host was set {way} by 1 h 0 min", "watch ended"]
    found = stage.history()
    assert len(found.written) == 2  # an idle primary: since when, and until when
    assert found.written[0].age_seconds == pytest.approx(10.0, abs=0.5)
    assert found.age_seconds >= 0


def test_a_clock_that_was_set_back_while_nobody_watched_is_told_and_order_holds(tmp_path):
    first = Stage(tmp_path)
    first.run()
    again = Stage(tmp_path)
    again.steady = -5000.0
    said = again.run()
    assert said == [
        "watch began; nothing was seen for 0.0 s",
        "the clock of this host was set back by 1 h 23 min",
        "watch ended",
    ]
    assert [each.age_seconds >= 0 for each in again.history().written] == [True] * len(again.history().written)


def test_what_it_knew_it_knows_again_and_a_lag_is_known_at_once(tmp_path):
    first = Stage(tmp_path, rounds=30)
    first.script = {number: lambda: setattr(first, "lsn", first.lsn + 100) for number in range(1, 30)}
    first.run()
    again = Stage(tmp_path, rounds=1)
    again.lsn, again.steady = first.lsn, first.monotonic() + 60.0
    assert again.run()[0] == "watch began; nothing was seen for 1 min 0 s"
    lag = again.seen[0].picture.node("db2").lag
    assert (lag.at_least, lag.seconds) == (False, pytest.approx(89.0, abs=1.5))
    assert [event.what.template for event in again.events if event.kind not in {"watch", "finding"}] == []


@pytest.mark.parametrize(("by", "way"), [(-3600.0, "back"), (3600.0, "forward")])
def test_ages_are_right_where_the_clock_was_set_while_nobody_watched(tmp_path, by, way):
    first = Stage(tmp_path, rounds=30)
    first.script = {number: lambda: setattr(first, "lsn", first.lsn + 100) for number in range(1, 30)}
    first.run()
    again = Stage(tmp_path, rounds=1)
    again.lsn, again.steady = first.lsn, first.monotonic() + 60.0
    again.set_clock(by)
    assert again.history().age_seconds == pytest.approx(60.0, abs=1.5)
    assert again.run()[:2] == [
        "watch began; nothing was seen for 1 min 0 s",
        f"the clock of this host was set {way} by 1 h 0 min",
    ]
    lag = again.seen[0].picture.node("db2").lag
    assert (lag.at_least, lag.seconds) == (False, pytest.approx(89.0, abs=1.5))


def test_of_another_start_of_the_host_the_wall_clock_alone_can_tell(tmp_path):
    first = Stage(tmp_path)
    first.run()
    again = Stage(tmp_path, rounds=1)
    again.boot, again.steady = "two", 5.0  # it is up for a shorter time
    again.set_clock(first.monotonic() + 600.0 - 5.0)
    assert again.run() == ["watch began; nothing was seen for 10 min 0 s", "watch ended"]


def test_a_journal_that_changes_is_read_and_one_that_cannot_be_leaves_everything_as_it_is(tmp_path):
    stage = Stage(tmp_path, rounds=6)

    def attached(failing):
        (tmp_path / "db3").mkdir(exist_ok=True)
        journal = tmp_path / "db3" / "journal.jsonl"
        journal.write_text(journal.read_text() + "x" if journal.exists() else "x")
        stage.failing, stage.expected = failing, (*stage.expected, Expected("db3", "db3", "db1"))

    watch = stage.watch()
    stage.script = {
        2: lambda: (attached(True), setattr(watch, "_reread_at", 0.0)),
        4: lambda: (setattr(stage, "failing", False), setattr(watch, "_reread_at", 0.0)),
    }
    watch.run()
    said = [str(event.what) for event in stage.events]
    assert [each for each in said if "read anew" in each] == [
        "what is known of the cluster cannot be read anew: cannot connect to db1"
    ]
    assert stage.opened == 3
    assert [bool(seen.picture.node("db3")) for seen in stage.seen] == [False] * 5 + [True]


def test_a_disk_that_hangs_holds_up_neither_rounds_nor_events_and_is_said_once(tmp_path):
    stage, free = Stage(tmp_path, rounds=60), threading.Event()
    watch, stage.writes = stage.watch(), False

    def hang(now):
        if now.moment.wall > WALL + 5:
            free.wait(10)

    def go_on():
        free.set()
        assert watch._recorder.settle(5)
        stage.writes = True

    watch.open_history = slowly(hang)
    stage.script = {3: lambda: watch._recorder.settle(5), 40: go_on}
    began = time.monotonic()
    watch.run()
    assert time.monotonic() - began < 15
    assert [len(seen.findings) for seen in stage.seen][:8] == [0] * 8
    said = [(event.code, str(event.what)) for event in stage.events if event.code]
    assert said[0] == ("M604", "the history cannot be written: its disk takes too long")
    assert [what for code, what in said if "written again" in what] == [said[1][1]]
    assert re.search(r"2\d\.\d s are missing", said[1][1])
    assert [len(seen.findings) for seen in stage.seen][30] == 1
    [path] = (tmp_path / "history").glob("*.db")
    assert [str(event.what) for _, event in recall_events(path, stage.wall())] == [str(e.what) for e in stage.events]


def test_a_disk_that_hangs_for_ever_does_not_keep_it_from_ending(tmp_path):
    stage, free = Stage(tmp_path, rounds=5), threading.Event()
    watch, stage.writes = stage.watch(), False
    watch.open_history, watch.close_seconds = slowly(lambda now: free.wait(30)), 0.2
    began = time.monotonic()
    watch.run()
    assert [str(event.what) for event in stage.events] == ["watch began", "watch ended"]
    assert time.monotonic() - began < 15, "it would hang for 30"
    free.set()


def test_a_fault_of_what_writes_is_no_silence(tmp_path):
    stage = Stage(tmp_path)
    watch, stage.writes = stage.watch(), False
    watch.open_history = slowly(lambda now: 1 / 0)
    stage.script = dict.fromkeys(range(1, 10), lambda: time.sleep(0.05))
    with pytest.raises(ZeroDivisionError):
        watch.run()


def test_a_long_interval_is_no_silence_to_the_service_manager(tmp_path):
    stage, at = Stage(tmp_path, rounds=4), []
    watch, stage.longest = stage.watch(), 60.0
    watch.interval = 60.0
    watch.surfaces = Surfaces(stage.events.append, stage.seen.append, lambda _: at.append(stage.monotonic()))
    watch.run()
    assert stage.steady > 180
    [limit] = re.findall(r"WatchdogSec=(\d+)s", render_unit("u", tmp_path, ["x"]))
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) < int(limit) / 2


def test_rounds_keep_to_the_clock_however_long_one_takes(tmp_path):
    stage, due = Stage(tmp_path, rounds=3), []
    watch = Watch(stage.cluster, State(tmp_path), Surfaces(stage.events.append, stage.seen.append), stage.pause)
    now = [100.0]
    watch.times = Times(monotonic=lambda: now[0])
    at = 100.0
    for late in (0.0, 0.3, 0.9, 2.5, 0.0):
        now[0] = at + late
        at = watch._next(at)
        due.append(at)
    assert due == [101.0, 102.0, 103.0, 106.0, 107.0]


def test_the_unit_names_the_files_that_it_needs_to_get_in(tmp_path):
    files = {"PGPASSFILE": "/srv/a b/100%/pass", "STANDBYCTL_CONFIG": "/etc/standbyctl/$x.toml"}
    said = render_unit("u", tmp_path, ["x"], files)
    assert [line for line in said.splitlines() if line.startswith("Environment=")] == [
        f"Environment=STANDBYCTL_STATE={tmp_path}",
        'Environment="PGPASSFILE=/srv/a b/100%%/pass"',
        "Environment=STANDBYCTL_CONFIG=/etc/standbyctl/$x.toml",
    ]
