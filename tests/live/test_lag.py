"""True lag on real servers: never off by as much as the time between two samples, whatever happens to the stream.

The truth is kept beside: who commits notes when, and where the primary was then.
"""

import json
import subprocess
import threading
import time
from bisect import bisect_right
from datetime import UTC, datetime

import pytest

from standbyctl.app.cluster import open_cluster
from standbyctl.app.config import Config
from standbyctl.app.state import State
from standbyctl.monitor.rounds import Rounds
from standbyctl.monitor.track import Track
from standbyctl.nodes.clock import SystemClock
from tests.conftest import faketime
from tests.live.test_cascade import Chain

pytestmark = [pytest.mark.live, pytest.mark.one_version]

INTERVAL = 0.3


class Truth(threading.Thread):
    """Commits all the while, unless told to rest, and notes when each was there for a standby to have."""

    def __init__(self, primary):
        super().__init__(daemon=True)
        self.primary, self.at, self.lsns = primary, [], []
        self.resting, self.over = threading.Event(), threading.Event()

    def run(self):
        conn = None
        while not self.over.wait(0.01):
            if self.resting.is_set():
                continue
            try:
                conn = conn or self.primary.connect()
                conn.execute("SELECT pg_logical_emit_message(true, 'truth', repeat('x', 500))")
                [(lsn,)] = conn.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchall()
            except Exception:  # noqa: BLE001 while the primary is restarted
                conn = None
                continue
            self.at.append(time.monotonic())
            self.lsns.append(int(lsn))
        if conn:
            conn.close()

    def lag(self, at, replayed):
        """How long before `at` the first was committed that is not replayed."""
        missed = bisect_right(self.lsns, replayed)
        return max(at - self.at[missed], 0.0) if missed < len(self.at) and self.at[missed] < at else 0.0

    def end(self):
        self.over.set()
        self.join()


class Watched:
    """A cluster that is looked at in rounds; each lag is held against the truth."""

    def __init__(self, pair, monkeypatch):
        for key, value in pair.env.items():
            monkeypatch.setenv(key, value)
        self.pair, self.clock, self.worst = pair, SystemClock(), 0.0
        # The longest time between two samples: the machine may be busy.
        self.gap, self.sampled = INTERVAL, None
        self.cluster = open_cluster("", "", Config(), State(pair.state), self.clock)
        self.rounds = Rounds(self.cluster.samplers, self.clock.monotonic)
        self.track = Track(self.cluster.system_identifier, self.cluster.head, self.cluster.expected)
        self.truth = Truth(pair.primary)
        self.truth.start()

    def look(self, seconds, *names):
        """Rounds for so long; the last picture."""
        began = time.monotonic()
        while True:
            self.track.take(self.rounds.ask())
            if (newest := self.track.clock.newest) and (was := self.sampled) and newest[0] - was < 2:
                self.gap = max(self.gap, newest[0] - was)
            self.sampled = newest and newest[0]
            at = time.monotonic()
            picture = self.track.picture(at)
            for name in names:
                self.hold(picture.node(name), at)
            if time.monotonic() - began > seconds:
                return picture
            time.sleep(INTERVAL)

    def hold(self, node, at):
        own = node.sample or self.track.last[node.name]
        true = self.truth.lag(at, own.replay_lsn)
        assert node.lag is not None, node
        if node.lag.at_least:
            assert node.lag.seconds < true + self.gap, "a lower bound is below the truth"
        else:
            self.worst = max(self.worst, abs(node.lag.seconds - true))

    def end(self):
        self.truth.end()
        self.rounds.close()
        self.cluster.hosts.close()


@pytest.fixture
def watched(pair, monkeypatch):
    pair.attach()
    made = Watched(pair, monkeypatch)
    yield made
    made.end()


def cut(pair, port=None):
    """The stream ends and does not come back: the role may not log in any more."""
    [(role,)] = pair.primary.rows("SELECT rolname FROM pg_roles WHERE rolreplication AND NOT rolsuper")
    pair.primary.rows(f'ALTER ROLE "{role}" NOLOGIN')
    pair.primary.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    return role


def on(pair, port, query):
    with pair.primary.connect(port) as conn:
        conn.execute(query)


def stop_and_start(pair, data, between=lambda: None, env=None):
    """A server of the lab that is restarted by hand. `env`: what is in its environment besides."""
    pair.area.run("pg_ctl", "stop", "-w", "-s", "-D", str(data), "-m", "fast")
    between()
    start = ["pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", str(pair.area.path / "again.log")]
    if env is None:
        pair.area.run(*start)
        return
    # Set as the server's user: what libfaketime shares between processes is of whoever comes first.
    given = ["env", "-C", "/", "LC_ALL=C", *(f"{key}={value}" for key, value in env.items())]
    subprocess.run([*pair.area.as_user(), *given, str(pair.area.bin / start[0]), *start[1:]], check=True)


def off_by_seconds(pair, port):
    """How far a server's clock is ahead of this machine's."""
    with pair.primary.connect(port) as conn:
        [(now,)] = conn.execute("SELECT now()").fetchall()
    return (now - datetime.now(UTC)).total_seconds()


@pytest.mark.sample
def test_the_table_of_lags(watched):
    """Idle; busy; cut off while the primary writes; replay paused."""
    pair, truth = watched.pair, watched.truth
    truth.resting.set()
    time.sleep(0.3)
    idle = watched.look(3.0, "db2").node("db2")
    assert (idle.lag.seconds, idle.lag.behind_bytes, idle.state) == (0.0, 0, "streaming")
    truth.resting.clear()
    assert watched.look(2.0, "db2").node("db2").lag.seconds < INTERVAL
    on(pair, pair.port, "SELECT pg_wal_replay_pause()")
    paused = watched.look(3.0, "db2").node("db2")
    assert paused.state == "replay paused"
    assert 2.5 < paused.lag.seconds < 4
    assert paused.behind["flush"] < paused.behind["replay"]
    on(pair, pair.port, "SELECT pg_wal_replay_resume()")
    watched.look(1.0, "db2")
    role = cut(pair)
    behind = watched.look(4.0, "db2").node("db2")
    assert behind.state == "not connected"
    assert 3.5 < behind.lag.seconds < 5
    # What everybody else asks shows nothing of it: there is no row, and receive = replay.
    assert pair.primary.rows("SELECT count(*) FROM pg_stat_replication") == [(0,)]
    pair.primary.rows(f'ALTER ROLE "{role}" LOGIN')
    pair.wait(lambda: watched.look(0.0, "db2").node("db2").lag.seconds < INTERVAL)
    assert watched.worst < watched.gap


def test_restarts_of_either_side_and_a_standby_that_cannot_be_asked(watched):
    pair = watched.pair
    watched.look(1.0, "db2")
    stop_and_start(pair, pair.data, lambda: watched.look(3.0, "db2"))
    away = watched.track.picture(time.monotonic())
    assert away.node("db2").lag.at_least
    pair.wait(lambda: watched.look(0.5).node("db2").state == "streaming")
    watched.look(1.5, "db2")

    def nobody_knows():
        node = watched.look(1.0).node("db2")
        assert node.lag is None or node.lag.at_least

    stop_and_start(pair, pair.primary.data, nobody_knows)
    pair.wait(lambda: watched.look(0.5).node("db2").state == "streaming")
    watched.look(2.0, "db2")
    assert watched.worst < watched.gap


def test_down_a_cascade(pair, monkeypatch):
    chain = Chain(pair)
    chain.attach()
    watched = Watched(pair, monkeypatch)
    try:
        watched.look(1.5, "db2", "db3")
        on(pair, pair.port, "SELECT pg_wal_replay_pause()")
        time.sleep(0.5)
        on(pair, chain.port, "SELECT pg_wal_replay_pause()")
        picture = watched.look(2.0, "db2", "db3")
        assert [(node.name, node.depth, node.upstream) for node in picture.nodes][1:] == [
            ("db2", 1, watched.cluster.head),
            ("db3", 2, "db2"),
        ]
        assert picture.node("db2").lag.seconds > picture.node("db3").lag.seconds > 1.5
        assert watched.worst < watched.gap
    finally:
        watched.end()


@pytest.mark.needs("faketime")
@pytest.mark.parametrize(("whose", "ahead"), [("standby", "+1h"), ("primary", "-1h")])
def test_a_clock_that_is_an_hour_off_changes_no_lag(watched, whose, ahead):
    pair = watched.pair
    hour = 3600 if ahead == "+1h" else -3600
    clock = {"LD_PRELOAD": faketime(), "FAKETIME": ahead, "DONT_FAKE_MONOTONIC": "1"}
    stop_and_start(pair, pair.data if whose == "standby" else pair.primary.data, env=clock)
    ports = {"standby": pair.port, "primary": pair.primary.port}
    pair.wait(lambda: watched.look(0.5).node("db2").state == "streaming")
    off = {who: round(off_by_seconds(pair, port) / 10) * 10 for who, port in ports.items()}
    assert off == dict.fromkeys(ports, 0) | {whose: hour}
    watched.worst = 0.0
    assert watched.look(2.0, "db2").node("db2").lag.seconds < watched.gap
    on(pair, pair.port, "SELECT pg_wal_replay_pause()")
    assert 1.5 < watched.look(2.0, "db2").node("db2").lag.seconds < 3
    # Who has only just come to look has nothing but what servers say of their clocks: a bound from both sides.
    once = json.loads(pair.tool("status", "--json").stdout)
    [seen] = [node for node in once["nodes"] if node["name"] == "db2"]
    assert (seen["state"], seen["lag_bound"]) == ("replay paused", "at most")
    assert 1.5 < seen["lag_seconds"] < 30
    on(pair, pair.port, "SELECT pg_wal_replay_resume()")
    watched.look(1.0, "db2")
    cut(pair)
    assert 1.5 < watched.look(2.0, "db2").node("db2").lag.seconds < 3.5
    assert watched.worst < watched.gap
