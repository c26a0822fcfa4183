"""The history: what is committed stays, what is damaged is set aside, what cannot be written is a hole and no end."""

import contextlib
import itertools
import json
import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standbyctl.app.events import Following
from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.event import Event
from standbyctl.domain.message import msg
from standbyctl.domain.picture import Lag, NodeView, Picture
from standbyctl.monitor import recall as recall_module
from standbyctl.monitor.files import DamagedError, open_file
from standbyctl.monitor.history import History, Round
from standbyctl.monitor.memory import Boot, Memory, Moment
from standbyctl.monitor.recall import recall, recall_events
from standbyctl.monitor.track import Track
from tests.monitor.seen import SYSTEM, WALL, Story, primary, standby


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history" / "7.db"


@pytest.fixture
def written(path):
    made = History.open(path, WALL)
    yield made
    made.close()


def a_round(steady, *, wall=None, lsn=None, lag=0.0, events=(), memory=None, nodes=("db2",)):
    wall = WALL + steady if wall is None else wall
    own = primary(at=steady, lsn=lsn or 1000 + int(steady) * 100)
    views = [NodeView("db1", "primary", "running", sample=own)]
    views += [NodeView(name, "standby", "streaming", lag=Lag(lag, int(lag * 100)), behind={"replay": int(lag * 100)},
                       sample=standby(name, at=steady, replay=900)) for name in nodes]  # fmt: skip
    return Round(
        Moment(wall, steady),
        steady,
        1.0,
        Picture(SYSTEM, "db1", tuple(views), (), ("db1",)),
        memory or Memory(),
        events,
    )


def said(at, words="x"):
    return Event(at, "watch", "watch", msg("{e}", e=words))


def test_what_was_written_is_read_back(path, written):
    for second in range(1, 121):
        written.record(a_round(float(second), lag=second / 10, events=[said(WALL + second)] if second == 60 else []))
    found = recall(path, WALL + 125)
    assert (found.age_seconds, found.interval_seconds) == (5.0, 1.0)
    assert [(each.age_seconds, each.lsn) for each in found.written[-2:]] == [(6.0, 12900), (5.0, 13000)]
    assert [each.age_seconds for each in found.written] == sorted(
        (each.age_seconds for each in found.written), reverse=True
    )
    assert found.lag["db2"][-1] == 12.0
    assert found.lag["db2"][:57] == (None,) * 57
    assert found.rate["db1"][-2:] == (100.0, 100.0)
    assert found.last["db2"].replay_lsn == 900
    assert found.lag_p99["db2"] == pytest.approx(11.9)
    [(number, event)] = recall_events(path, WALL + 125)
    assert event == said(WALL + 60)
    assert recall_events(path, WALL + 125, after=number) == ()
    assert recall_events(path, WALL + 125, since_seconds=60) == ()
    assert len(recall_events(path, WALL + 125, since_seconds=66)) == 1


def test_what_is_usual_is_found_by_an_index_and_is_what_sorting_finds(path):
    History.open(path, WALL).close()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("DROP INDEX lag_of_minutes")  # a file of an earlier release
    made = History.open(path, WALL)
    made.record(a_round(1e6))
    lags = random.Random(1)
    rows = [(60, minute * 60, f"db{n}", lags.randrange(10**6) if minute % 7 else None)
            for minute in range(5000) for n in range(5)]  # fmt: skip
    made._conn.executemany("INSERT INTO bucket (grain, steady, node, lag_max) VALUES (?, ?, ?, ?)", rows)
    statements = []
    with recall_module._reading(path) as conn:
        conn.set_trace_callback(statements.append)
        found = recall_module._p99(conn, 3e5)
        conn.set_trace_callback(None)
        plans = [row[3] for each in statements for row in conn.execute(f"EXPLAIN QUERY PLAN {each}")]
    made.close()
    for name, most in found.items():
        every = sorted(lag for _, _, node, lag in rows if node == name and lag is not None)
        assert most == every[int(len(every) * 0.99)] / 1000
    assert len(found) == 5
    of_buckets = [plan for plan in plans if "bucket" in plan]
    assert len(of_buckets) == 6
    assert all("USING COVERING INDEX lag_of_minutes" in plan for plan in of_buckets), plans


def test_a_remembered_clock_knows_a_lag_that_this_process_has_not_seen(path, written):
    for second in range(1, 50):
        written.record(a_round(float(second)))
    track = Track(SYSTEM, "db1", [])
    for each in recall(path, WALL + 49).written:
        track.written(each.node, each.timeline, 1000.0 - each.age_seconds, each.lsn)
    assert track.clock.lag(1000.0, 1000 + 2000).seconds == pytest.approx(28.0)


def test_of_a_round_by_another_release_the_boot_clock_says_nothing(path, written):
    at_boot = Moment(WALL + 10, 10.0, Boot("one", 500.0))
    written.record(replace(a_round(10.0), moment=at_boot))
    seen = {"an hour by a clock that was set": recall(path, WALL + 3610, Boot("one", 503.0)).age_seconds}
    seen["another start"] = recall(path, WALL + 13, Boot("two", 9000.0)).age_seconds
    written.record(a_round(20.0))  # it knows of no boot
    seen["by another release"] = recall(path, WALL + 25, Boot("one", 9000.0)).age_seconds
    written._conn.execute("DROP TABLE boot")
    seen["before there was any"] = recall(path, WALL + 26, Boot("one", 9000.0)).age_seconds
    assert list(seen.values()) == [3.0, 3.0, 5.0, 6.0], seen


def test_events_of_a_while_are_those_of_that_while_though_the_clock_was_set(path, written):
    for second in (10.0, 20.0):
        moment = Moment(WALL + second, second, Boot("one", second))
        written.record(replace(a_round(second, events=[said(WALL + second)]), moment=moment))
    found = recall_events(path, WALL + 3625, since_seconds=10, boot=Boot("one", 25.0))
    assert [event.at for _, event in found] == [WALL + 20]


def test_nothing_is_no_history(path):
    assert recall(path, WALL) is None
    assert recall_events(path, WALL) is None


def test_only_its_owner_may_read_it(path, written):
    written.record(a_round(1.0))
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {
        name: 0o600 for name in ("7.db", "7.db-wal", "7.db-shm", "7.lock")
    }


def test_another_watch_is_refused_and_readers_are_not(path, written):
    written.record(a_round(1.0))
    with pytest.raises(RefusedError, match="another watch") as refused:
        History.open(path, WALL)
    assert refused.value.code == "M605"
    assert str(os.getpid()) in str(refused.value.detail)
    assert recall(path, WALL + 1).age_seconds == 0.0


def test_a_reader_that_takes_its_time_does_not_hold_the_writer_up(path, written):
    written.record(a_round(1.0))
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM bucket").fetchall()
    for second in range(2, 30):
        written.record(a_round(float(second)))
    assert written.trouble is None
    reader.close()


def junk(path):
    path.write_bytes(b"no database at all" * 1000)


def torn(path):
    raw = bytearray(path.read_bytes())
    raw[4096:-4096] = os.urandom(len(raw) - 8192)
    path.write_bytes(raw)


def cut_short(path):
    os.truncate(path, path.stat().st_size // 2)


def foreign(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mine (x)")
        other.commit()


@pytest.mark.parametrize("damage", [junk, torn, cut_short, foreign])
def test_a_damaged_file_is_set_aside_and_said_and_a_new_one_begun(path, damage):
    first = History.open(path, WALL)
    for second in range(1, 200):
        first.record(a_round(float(second)))
    first.close()
    damage(path)
    kept = path.read_bytes()
    again = History.open(path, WALL + 300)
    [notice] = again.take_notices()
    assert (notice.code, "set aside" in str(notice.what)) == ("M606", True)
    [aside] = path.parent.glob("7.db.damaged-*")
    assert aside.read_bytes() == kept
    again.record(a_round(1.0))
    assert recall(path, WALL + 1).age_seconds == 0.0
    again.close()


@pytest.mark.parametrize("written", ['{"nodes": 1}', '{"nodes": [], "of_a_later_release": []}', "{"])
def test_a_memory_of_another_release_is_forgotten_and_its_history_stays(path, written):
    first = History.open(path, WALL)
    for second in range(1, 100):
        first.record(a_round(float(second), events=[said(WALL + second)] if second == 50 else []))
    first.close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("INSERT OR REPLACE INTO memory VALUES (1, ?)", [written])
        other.commit()
    assert recall(path, WALL + 100).age_seconds == 1.0
    again = History.open(path, WALL + 100)
    [notice] = again.take_notices()
    assert (str(notice.severity), "learned anew" in str(notice.what)) == ("WARNING", True)
    assert (again.memory, again.before) == (Memory(), Moment(WALL + 99, 99.0))
    assert not list(path.parent.glob("7.db.damaged-*"))
    again.record(a_round(101.0))
    assert len(recall_events(path, WALL + 101)) == 1
    again.close()


def later_release(path):
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA user_version = 99")


def test_a_file_of_a_later_release_under_a_watch_is_a_hole_and_no_end(path, written):
    written.record(a_round(1.0))
    for old in path.parent.glob("7.db*"):
        old.unlink()
    History.open(path.with_name("8.db"), WALL).close()
    later_release(path.with_name("8.db"))
    path.with_name("8.db").rename(path)
    written.record(a_round(2.0))
    assert "later standbyctl" in str(written.trouble.what)
    for newer in path.parent.glob("7.db*"):
        newer.unlink()
    written.record(a_round(9.0))
    assert written.trouble is None


def test_a_new_file_that_is_damaged_at_once_is_a_hole_and_no_end(path):
    disk = {"broken": True}

    def opens(path):
        if disk["broken"]:
            path.touch()
            raise DamagedError("the disk")
        return open_file(path)

    made = History.open(path, WALL, opens=opens)
    for second in range(1, 200):
        made.record(a_round(WALL + second, wall=WALL + second))
    assert "the disk" in str(made.trouble.what)
    assert len(list(path.parent.glob("7.db.damaged-*"))) == 1
    disk["broken"] = False
    made.record(a_round(WALL + 400, wall=WALL + 400))
    assert made.trouble is None
    made.close()


def test_a_file_that_is_damaged_or_taken_away_under_a_watch_is_begun_anew(path, written):
    for second in range(1, 50):
        written.record(a_round(float(second)))
    path.unlink()
    written.record(a_round(50.0))
    assert recall(path, WALL + 50).age_seconds == 0.0
    for second in range(51, 400):
        written.record(a_round(float(second)))
    for pragma in ("wal_checkpoint(TRUNCATE)", "shrink_memory"):
        written._conn.execute(f"PRAGMA {pragma}")
    torn(path)
    for second in range(400, 420):
        written.record(a_round(float(second)))
    assert [each.code for each in written.take_notices() if each.code == "M606"] == ["M606"]
    assert written.trouble is None
    assert recall(path, WALL + 419).age_seconds == 0.0


def test_the_history_of_a_later_release_is_left_alone(path):
    History.open(path, WALL).close()
    later_release(path)
    for use in (lambda: History.open(path, WALL), lambda: recall(path, WALL)):
        with pytest.raises(CannotTellError, match="later standbyctl") as told:
            use()
        assert told.value.code == "M607"


@contextlib.contextmanager
def no_room():
    """Nothing of this process grows any more: the kernel says EFBIG, and SQLite that it cannot write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_there_is_no_room_it_is_said_once_and_written_on_by_itself(path, written):
    for second in range(1, 20):
        written.record(a_round(float(second)))
    with no_room():
        for second in range(20, 40):
            written.record(a_round(float(second), events=[said(WALL + second, str(second))]))
            assert (written.trouble.code, written.trouble.subject) == ("M604", "watch")
    assert recall(path, WALL + 40).age_seconds > 19
    for second in range(40, 50):
        written.record(a_round(float(second)))
    assert written.trouble is None
    assert [str(each.what) for each in written.take_notices()] == ["the history is written again; 20.0 s are missing"]
    assert [str(event.what) for _, event in recall_events(path, WALL + 50)] == [str(n) for n in range(20, 40)]
    assert recall(path, WALL + 49).age_seconds == 0.0


def test_a_file_that_somebody_holds_is_a_hole_and_no_end(path, written):
    written.record(a_round(1.0))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        written.record(a_round(2.0))
        assert time.monotonic() - began < 4, "SQLite alone would wait for five"
        assert "locked" in str(written.trouble.what)
    written.record(a_round(8.0))
    assert written.trouble is None


@pytest.mark.parametrize("back", [True, False])
def test_a_clock_that_is_set_breaks_neither_order_nor_ages(path, written, back):
    for second in range(1, 20):
        written.record(a_round(float(second), events=[said(WALL + second)]))
    shift = -86400 if back else 86400
    for second in range(20, 40):
        written.record(a_round(float(second), wall=WALL + second + shift, events=[said(WALL + second + shift)]))
    found = recall(path, WALL + 40 + shift)
    assert [each.age_seconds for each in found.written] == pytest.approx([float(40 - n) for n in range(1, 40)])
    assert found.age_seconds == 1.0
    numbers = [number for number, _ in recall_events(path, WALL + 40 + shift)]
    assert numbers == sorted(numbers)
    assert len(recall_events(path, WALL + 40 + shift, since_seconds=30)) == 30
    early = recall(path, WALL - 10 * 86400)
    assert min(each.age_seconds for each in early.written) >= 0


_ENDLESS = """
import sys
from pathlib import Path
from tests.monitor.test_history import History, WALL, a_round, said
made = History.open(Path(sys.argv[1]), WALL)
for n in range(1, 10**9):
    made.record(a_round(float(n), events=[said(WALL + n, str(n))]))
    assert made.trouble is None
    print(n, flush=True)
"""


def test_a_watch_that_is_killed_takes_nothing_back(path):
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)], stdout=subprocess.PIPE, text=True)
        lines = [process.stdout.readline() for _ in range(150)]
        process.send_signal(signal.SIGKILL)
        last = int((lines + process.stdout.read().splitlines())[-1])
        process.wait()
        process.stdout.close()
        events = [int(str(event.what)) for _, event in recall_events(path, WALL)]
        assert events[-1] in {last, last + 1}
        again = History.open(path, WALL + last)
        assert again.take_notices() == ()
        assert again.before.steady in {float(last), float(last + 1)}
        again.close()


def test_what_is_known_is_known_after_a_restart(path):
    story = Story()
    story.healthy()
    story.round(primary(senders=(), slots=()), standby(streaming=False))
    first = History.open(path, WALL)
    first.record(a_round(1.0, memory=story.memory))
    first.close()
    again = History.open(path, WALL + 60)
    assert again.memory == story.memory
    assert again.before == Moment(WALL + 1, 1.0)
    again.close()


def test_it_is_bounded_and_no_round_takes_long(path):
    made = History.open(path, WALL, keep_seconds=7200.0)
    nodes = [f"db{n}" for n in range(2, 31)]
    # Hours at one round a minute, then each second: what was left to do is done a little at a time.
    longest = 0.0
    for second in [*range(60, 6 * 3600, 60), *range(6 * 3600, 6 * 3600 + 400)]:
        began = time.monotonic()
        made.record(a_round(float(second), nodes=nodes))
        longest = max(longest, time.monotonic() - began)
    made.close()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        counts = dict(conn.execute("SELECT grain, count(*) FROM bucket GROUP BY grain"))
        oldest = dict(conn.execute("SELECT grain, min(steady) FROM bucket GROUP BY grain"))
    end = 6 * 3600 + 400
    assert oldest[60] >= end - 7200 - 120
    assert oldest[1] >= end - 3600 - 120
    assert counts[1] <= 30 * 3600
    assert longest < 1.0


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.2, 5000.0), st.floats(0, 1000.0)), min_size=1, max_size=60))
def test_a_coarser_bucket_says_the_most_and_the_least_of_the_finer(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("history") / "7.db"
    made, steady, lags = History.open(path, WALL), 0.0, []
    for step, lag in steps:
        steady += step
        made.record(a_round(steady, lag=lag))
        lags.append((int(steady), round(lag * 1000)))
    made.record(a_round(steady + 120.0))
    made.close()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        for grain in (10, 60):
            rows = conn.execute(
                "SELECT steady, lag_min, lag_avg, lag_max FROM bucket WHERE grain = ? AND node = 'db2'", [grain]
            ).fetchall()
            for begin, least, mean, most in rows:
                within = [lag for second, lag in lags if begin <= second < begin + grain]
                if within:
                    assert (least, most) == (min(within), max(within))
                    assert least <= mean <= most


def test_who_follows_goes_on_with_a_history_that_begins_anew(path):
    first = History.open(path, WALL)
    for second in range(1, 20):
        first.record(a_round(float(second), events=[said(WALL + second, str(second))]))
    follow, clock = Following(path), itertools.count()

    def told():
        return [str(event.what) for event in follow.take(WALL + 30, float(next(clock)))]

    assert [str(event.what) for event in follow.begin(WALL + 19, 3.5)] == ["16", "17", "18", "19"]
    assert told() == []
    first.record(a_round(20.0, events=[said(WALL + 20, "20")]))
    assert told() == ["20"]
    first.close()
    for name in path.parent.glob("7.db*"):
        name.rename(f"{name}.damaged")
    assert told() == []
    path.write_bytes(b"no database at all" * 1000)
    assert told() == []  # until its watch sets it aside
    second = History.open(path, WALL + 21)
    for at in range(21, 25):
        second.record(a_round(float(at), events=[said(WALL + at, str(at))]))
    assert told() == ["21", "22", "23", "24"]
    assert told() == []
    second.close()
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(CannotTellError):
        [told() for _ in range(20)]


def test_who_follows_is_told_nothing_old(path, written):
    for second in range(1, 20):
        written.record(a_round(float(second), events=[said(WALL + second, str(second))]))
    follow = Following(path)
    assert follow.begin(WALL + 600, 60.0) == []
    assert follow.take(WALL + 600, 0.0) == []


def test_hostile_names_are_names(path, written):
    names = ["'; DROP TABLE head; --", "a\x00b", "\x1b[2J", "名前", "x" * 10_000]
    written.record(a_round(1.0, nodes=names, events=[said(WALL, each) for each in names]))
    assert written.trouble is None
    assert {*recall(path, WALL + 1).last} == {"db1", *names}
    assert json.dumps([str(event.what) for _, event in recall_events(path, WALL + 1)]) == json.dumps(names)
