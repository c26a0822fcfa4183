"""A watch over real servers: it survives what they do, tells each change once, says nothing that it does not know."""

import contextlib
import itertools
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from standbyctl.lab.server import free_port
from tests.conftest import faketime, mount_namespace_argv
from tests.pair import another_system

pytestmark = pytest.mark.live


class Watching:
    """A watch that runs, and what it has said."""

    def __init__(self, pair, *more, env=None, prefix=()):
        self.port, self.pair, self.lines = free_port(), pair, []
        argv = [*prefix, sys.executable, "-m", "standbyctl", "watch", "--json", "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [*argv, *more], env=pair.env | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        pair.processes.append(self.process)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def said(self, words):
        return any(re.search(words, event["what"]) for event in self.events)

    def until(self, words, seconds=15):
        deadline = time.monotonic() + seconds
        while not self.said(words):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, (words, self.lines)
            time.sleep(0.05)

    def page(self, host=None, path="/metrics"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def metrics(self):
        lines = [line for line in self.page()[1].splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def end(self):
        """How, and after how long."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self._thread.join(5)
        return status, time.monotonic() - began


def history(pair):
    [path] = (pair.state / "history").glob("*.db")
    return path


def seconds_written(pair, node="db2"):
    with contextlib.closing(sqlite3.connect(f"file:{history(pair)}?mode=ro", uri=True)) as conn:
        rows = conn.execute("SELECT steady, state FROM bucket WHERE grain = 1 AND node = ? ORDER BY steady", [node])
        return rows.fetchall()


@pytest.mark.sample
def test_a_primary_that_goes_and_comes_back_is_told_and_nothing_is_said_of_what_nobody_knows(pair):
    pair.attach()
    watch = Watching(pair)
    watch.until("watch began")
    lag = 'standbyctl_replication_lag_seconds{node="db2"}'
    pair.wait(lambda: lag in watch.metrics())
    before = watch.metrics()
    assert before["standbyctl_up"] == before["standbyctl_primaries"] == 1.0
    assert before['standbyctl_replication_streaming{node="db2"}'] == 1.0
    pair.primary.stop("fast")
    watch.until("does not answer")
    pair.wait(lambda: watch.metrics()["standbyctl_primaries"] == 0.0)
    gone = watch.metrics()
    assert not [name for name in gone if name.startswith("standbyctl_slot") or 'role="primary"' in name]
    assert gone.get(lag, 1.0) != 0.0
    pair.primary.start()
    watch.until("was restarted")
    assert watch.end() == (0, pytest.approx(0.5, abs=0.5))
    told = pair.tool("events", "--json", status=0).stdout.splitlines()
    assert [json.loads(line)["what"] for line in told] == [event["what"] for event in watch.events]


@pytest.mark.sample
def test_a_watch_that_is_killed_begins_where_it_was_and_there_is_one_of_it(pair):
    pair.attach()
    first = Watching(pair)
    first.until("watch began")
    pair.wait(lambda: len(seconds_written(pair)) > 1)
    second = pair.tool("watch", "--listen", "none", status=4)
    assert "M605" in second.stderr
    first.process.kill()
    first.process.wait()
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(str(pair.area.path / "notify"))
    line.settimeout(10)
    again = Watching(pair, env={"NOTIFY_SOCKET": str(pair.area.path / "notify")})
    assert line.recv(100) == b"READY=1\nWATCHDOG=1"
    assert line.recv(100) == b"WATCHDOG=1"
    line.close()
    again.until("watch began; nothing was seen for")
    assert again.end()[0] == 0
    assert [event["kind"] for event in again.events] == ["watch", "watch"]


def freeze(data, number):
    first = int((data / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    for pid in (first, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.one_version
def test_a_standby_that_hangs_is_named_and_costs_the_others_no_round(pair):
    pair.attach()
    watch = Watching(pair)
    watch.until("watch began")
    freeze(pair.data, signal.SIGSTOP)
    try:
        watch.until("db2 does not answer")
        time.sleep(4)
    finally:
        freeze(pair.data, signal.SIGCONT)
    watch.until("db2 answers again")
    freeze(pair.data, signal.SIGSTOP)
    try:
        time.sleep(1)
        status, took = watch.end()
        assert status == 0
        assert took < 15, "it would wait for as long as that one hangs"
    finally:
        freeze(pair.data, signal.SIGCONT)
    seconds = [second for second, _ in seconds_written(pair)]
    # Were a round waited for, it would be as long as that one hung; a slow machine misses one now and then.
    assert max(after - before for before, after in itertools.pairwise(seconds)) <= 3
    assert len(seconds) >= (seconds[-1] - seconds[0]) * 2 / 3


def test_a_promotion_while_rounds_go_on_is_a_timeline_of_its_own(pair):
    pair.attach()
    watch = Watching(pair)
    watch.until("watch began")
    follow = pair.start_tool("events", "--follow")
    assert "watch began" in follow.stdout.readline()
    with pair.standby() as conn:
        conn.execute("SELECT pg_promote()")
    watch.until("db2 takes writes now")
    assert any("db2 takes writes now" in line for line in follow.stdout)
    follow.send_signal(signal.SIGTERM)
    watch.until("db2 is on timeline 2")
    watch.until("2 primaries take writes")
    assert watch.metrics()["standbyctl_primaries"] == 2.0
    pair.primary.stop("immediate")
    watch.until("does not answer")
    pair.wait(lambda: watch.metrics()["standbyctl_primaries"] == 1.0)
    assert watch.end()[0] == 0


@pytest.mark.one_version
def test_slots_settings_and_hostile_names_are_told_and_a_page_of_them_is_valid(pair):
    pair.attach()
    watch = Watching(pair)
    watch.until("watch began")
    pair.primary.rows("SELECT pg_create_physical_replication_slot('drop_table_x', true)")
    watch.until("slot drop_table_x on .* was created")
    # A standby's role may send any name.
    [passfile] = pair.area.path.glob("db2*pgpass")
    [line] = [each for each in passfile.read_text().splitlines() if each and not each.startswith("#")]
    user, password = line.split(":")[3:5]
    params = {"application_name": 'evil"} 1\n\\x\x1b[2J', "replication": "true", "user": user, "password": password}
    with contextlib.closing(pair.primary.connect(**params)) as conn:
        [(lsn,)] = pair.primary.rows("SELECT pg_current_wal_flush_lsn()::text")
        conn.pgconn.send_query(f"START_REPLICATION PHYSICAL {lsn} TIMELINE 1".encode())
        watch.until("evil.* streams from")
        assert [name for name in watch.metrics() if "evil" in name and "lag_bytes" in name]
        status, page = watch.page()
        assert status == 200
        assert all(re.fullmatch(r"#.*|[a-z_]+(\{.*\})? [-+.e0-9]+", line) for line in page.splitlines())
    watch.until("evil.* streams from .* no more")
    pair.primary.rows("SELECT pg_drop_replication_slot('drop_table_x')")
    watch.until("was dropped")
    pair.primary.rows("ALTER SYSTEM SET max_slot_wal_keep_size = '7GB'")
    # Asked every half minute, and with each start.
    pair.primary.stop("fast")
    pair.primary.start()
    watch.until("max_slot_wal_keep_size of .* is 7168")
    assert watch.end()[0] == 0


@pytest.mark.one_version
def test_a_standby_that_is_attached_while_it_runs_is_watched_and_one_of_another_cluster_is_named(pair, template):
    with another_system(template) as conninfo:
        config = pair.area.path / "standbyctl.toml"
        config.write_text(f'[[node]]\nname = "alien"\nconninfo = "{conninfo}"\n')
        env = {"STANDBYCTL_CONFIG": str(config)}
        passfile = Path(pair.env["PGPASSFILE"])
        passfile.write_text(f"*:*:*:postgres:{pair.primary.password}\n")
        watch = Watching(pair, "-p", pair.primary.conninfo, env=env)
        watch.until("alien is of another cluster")
        pair.attach()
        pair.wait(lambda: 'standbyctl_replication_lag_seconds{node="db2"}' in watch.metrics(), seconds=25)
        assert 'standbyctl_node_up{node="alien"}' not in watch.metrics()
        assert watch.end()[0] == 0


@pytest.mark.one_version
@pytest.mark.needs("faketime")
def test_a_clock_that_was_set_while_nobody_watched_makes_nothing_older(pair):
    pair.attach()
    watch = Watching(pair)
    watch.until("watch began")
    assert watch.end()[0] == 0
    later = {"LD_PRELOAD": faketime(), "FAKETIME": "+1h", "DONT_FAKE_MONOTONIC": "1"}
    again = Watching(pair, env=later)
    again.until("the clock of this host was set forward by (59 min|1 h)")
    assert again.said(r"watch began; nothing was seen for (\d+\.\d s|1 min)")
    assert again.end()[0] == 0
    told = pair.tool("events", "--since", "10min", status=0, env=later).stdout
    assert told.count("watch began") == 2


@pytest.mark.one_version
def test_a_standby_that_is_detached_while_it_runs_is_missed_by_nobody(pair):
    pair.attach()
    unit = pair.tool("export", "systemd", "--listen", "none", status=0).stdout
    [command] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    given = shlex.split(command.partition(" watch ")[2])
    watch = Watching(pair)
    watch.until("watch began")
    pair.detach()
    pair.wait(lambda: not any('node="db2"' in name for name in watch.metrics()), seconds=25)
    assert not [name for name in watch.metrics() if "L404" in name]
    assert watch.metrics()["standbyctl_primaries"] == 1.0
    assert not watch.said("read anew")
    assert watch.end()[0] == 0
    # The unit starts with nothing attached, too.
    again = Watching(pair, *given[: given.index("--listen")])
    again.until("watch began; nothing was seen for")
    assert again.end()[0] == 0


@pytest.mark.one_version
@pytest.mark.needs("mount namespace")
def test_a_full_disk_under_the_history_is_a_hole_that_is_said_once(pair):
    pair.attach()
    place = pair.state / "history"
    place.mkdir(mode=0o700)
    script = f'mount -t tmpfs -o size=256k tmpfs {place} && echo $$ >{pair.area.path}/inside && exec "$@"'
    watch = Watching(pair, prefix=[*mount_namespace_argv(), "sh", "-c", script, "sh"])
    watch.until("watch began")
    inside = Path(f"/proc/{(pair.area.path / 'inside').read_text().strip()}/root{place}")
    filler = inside / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    watch.until("the history cannot be written", seconds=30)
    time.sleep(3)
    assert len([each for each in watch.events if "cannot be written" in each["what"]]) == 1
    assert 'standbyctl_finding{code="M604",severity="warning",subject="watch"}' in watch.metrics()
    filler.unlink()
    watch.until("the history is written again", seconds=20)
    assert watch.end()[0] == 0


@pytest.mark.one_version
def test_the_unit_is_one_that_systemd_takes(pair, tmp_path):
    unit = tmp_path / "standbyctl-watch.service"
    unit.write_text(pair.tool("export", "systemd", "-p", "db1", "--listen", "none", status=0).stdout)
    assert f"Environment=STANDBYCTL_STATE={pair.state}" in unit.read_text()
    if Path("/usr/bin/systemd-analyze").exists():
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert done.returncode == 0
