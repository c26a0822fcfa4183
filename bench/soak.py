"""`standbyctl watch` for half an hour under load, cuts, restarts and a kill -9 of itself: memory, CPU, holes.

    python bench/soak.py [--minutes 30] [--versions MAJOR]

The clock of its actions runs in shares of the whole, so that a short run does the same. As root, where there are
unshare, ip and nft, all of it is in a network namespace of its own, and the network between the two servers is really
cut: what is sent is dropped. Elsewhere the walsender is stopped, which its peer cannot tell from that. It says which.
"""

import argparse
import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.load import fill, passfile, start_pgbench
from standbyctl.lab.server import Area, Primary, free_port, stop_server

TICKS = os.sysconf("SC_CLK_TCK")
FROZEN_SECONDS = 15
INSIDE, CUT = "--inside", "standbyctl_soak"


def stat_seconds(pid):
    """CPU of a process so far, or None where it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return None


def rss_kb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError(pid)


class Pair:
    """A primary under load, and a standby attached to it."""

    def __init__(self, programs):
        self.area = Area.make(programs)
        self.primary = Primary.create(self.area, "db1", ["shared_buffers = '128MB'", "max_wal_size = '512MB'"])
        fill(self.primary, 4)
        self.port, self.data = free_port(), self.area.path / "db2"
        self.env = os.environ | {"PGPASSFILE": str(passfile(self.primary)), "PYTHONUNBUFFERED": "1",
                                 "STANDBYCTL_STATE": str(self.area.path / "state")}  # fmt: skip
        argv = ["attach", "-p", self.primary.conninfo, "-D", self.data, "--name", "db2", "--port", self.port, "-y"]
        self.tool(*argv)
        self.load = None

    def argv(self, *args):
        return [sys.executable, "-m", "standbyctl", *map(str, args)]

    def tool(self, *args):
        return subprocess.run(self.argv(*args), env=self.env, check=True, capture_output=True, text=True)

    def run_load(self):
        if self.load is not None:
            self.load.kill()
            self.load.wait()
        self.load = start_pgbench(self.primary, 150)

    def restart(self, data):
        stop_server(self.area, data, "fast")
        self.area.run("pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", str(self.area.path / f"{data.name}.log"))
        if data == self.primary.data:
            self.run_load()

    def backends(self):
        """Ours on the primary."""
        with contextlib.suppress(Exception), self.primary.connect(connect_timeout=2) as conn:
            found = conn.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'standbyctl'")
            return [pid for (pid,) in found]
        return []

    def freeze(self, pids):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def cut(self):
        """Of the stream everything is dropped, either way; what it is cut by ends here, and with its namespace."""
        found = self.primary.rows("SELECT client_port FROM pg_stat_replication")
        rules = [
            f"add rule inet {CUT} out tcp {one} {self.primary.port} tcp {other} {port} counter drop"
            for (port,) in found
            for one, other in (("sport", "dport"), ("dport", "sport"))
        ]
        nft(f"add table inet {CUT}", f"add chain inet {CUT} out {{ type filter hook output priority 0; }}", *rules)
        try:
            time.sleep(FROZEN_SECONDS)
            return nft(f"list table inet {CUT}")
        finally:
            nft(f"delete table inet {CUT}")

    def walreceiver(self):
        with self.primary.connect(self.port) as conn:
            return [pid for (pid,) in conn.execute("SELECT pid FROM pg_stat_wal_receiver")]

    def processes(self, data):
        first = int((data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def end(self):
        if self.load is not None:
            self.load.kill()
            self.load.wait()
        for data in (self.data, self.primary.data):
            stop_server(self.area, data)
        self.area.remove()


def nft(*commands):
    return subprocess.run(
        ["nft", "-f", "-"], input="\n".join(commands), text=True, check=True, capture_output=True
    ).stdout


def in_a_namespace(argv):
    """The same again in a network namespace of its own; returns where none can be made."""
    tools = all(map(shutil.which, ("unshare", "ip", "nft")))
    if os.geteuid() == 0 and tools and subprocess.run(["unshare", "-n", "true"], check=False).returncode == 0:
        again = [sys.executable, __file__, *argv, INSIDE]
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again])


class Backends(threading.Thread):
    """CPU of our backends on the primary, whichever they are: what each had when it was seen last."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.pair, self.seconds, self.ending = pair, {}, threading.Event()

    def run(self):
        while not self.ending.wait(2):
            for pid in {*self.pair.backends(), *self.seconds}:
                if (now := stat_seconds(pid)) is not None:
                    self.seconds[pid] = max(now, self.seconds.get(pid, 0.0))


def start_watch(pair, port, output):
    return subprocess.Popen(
        pair.argv("watch", "--json", "--listen", f"127.0.0.1:{port}"),
        env=pair.env, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def holes(path):
    """Seconds in which no round was written, and when, since the first."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        seconds = [row[0] for row in conn.execute("SELECT DISTINCT steady FROM bucket WHERE grain = 1 ORDER BY steady")]
    pairs = itertools.pairwise(seconds)
    return len(seconds), [(before - seconds[0], after - before) for before, after in pairs if after - before > 2]


def main(minutes, programs, *, inside):
    pair = Pair(programs)
    output = (pair.area.path / "events.json").open("w")
    port, total = free_port(), minutes * 60
    began = time.monotonic()
    pair.run_load()
    watch, backends, crashes = start_watch(pair, port, output), Backends(pair), []
    backends.start()
    cpu_of_killed, killed_for, baseline = 0.0, 0.0, None
    baseline_at = min(300, total * 0.6)

    def kill():
        nonlocal watch, cpu_of_killed, killed_for
        cpu_of_killed = stat_seconds(watch.pid)
        watch.kill()
        watch.wait()
        at = time.monotonic()
        time.sleep(5)
        watch = start_watch(pair, port, output)
        killed_for = time.monotonic() - at

    actions = [
        (0.08, "kill -9 of watch, and 5 s without it", kill),
        (0.16, "walreceiver frozen", lambda: pair.freeze(pair.walreceiver())),
        (0.28, "standby frozen, all of it", lambda: pair.freeze(pair.processes(pair.data))),
        (0.40, "primary frozen, all of it", lambda: pair.freeze(pair.processes(pair.primary.data))),
        (0.52, "standby restarted", lambda: pair.restart(pair.data)),
        (0.64, "primary restarted", lambda: pair.restart(pair.primary.data)),
        (0.76, "both restarted", lambda: [pair.restart(data) for data in (pair.data, pair.primary.data)]),
        (0.86, "network cut: packets dropped (nft)", pair.cut) if inside else
        (0.86, "network not cut, for want of root or nft: walsender frozen",
         lambda: pair.freeze([pid for (pid,) in pair.primary.rows("SELECT pid FROM pg_stat_replication")])),
    ]  # fmt: skip
    try:
        while (now := time.monotonic() - began) < total:
            if watch.poll() is not None:
                crashes.append((round(now), watch.returncode))
                watch = start_watch(pair, port, output)
            if baseline is None and now >= baseline_at:
                baseline = rss_kb(watch.pid)
            if actions and now >= actions[0][0] * total:
                _, what, act = actions.pop(0)
                print(f"{now:6.0f} s  {what}", flush=True)
                act()
            time.sleep(0.5)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        rss, cpu = rss_kb(watch.pid), cpu_of_killed + stat_seconds(watch.pid)
        backends.ending.set()
        backends.join()
        watch.send_signal(signal.SIGTERM)
        status = watch.wait(5)
        [history] = (pair.area.path / "state" / "history").glob("*.db")
        rounds, found = holes(history)
        on_primary = sum(backends.seconds.values())
        output.close()
        events = [json.loads(line) for line in (pair.area.path / "events.json").read_text().splitlines()]
        print(f"\nPostgreSQL {programs.major}, {minutes:g} minutes, pgbench at 150 transactions a second")
        print(f"network cut    {'packets dropped by nft, in a namespace' if inside else 'walsender stopped (SIGSTOP)'}")
        print(f"crashes        {crashes or 'none'}; exit status at the end {status}")
        print(
            f"RSS            {baseline / 1024:.1f} MB after {baseline_at / 60:.1f} min, {rss / 1024:.1f} MB at the end"
        )
        print(f"CPU            {100 * cpu / total:.2f} % of one core")
        print(
            f"our backends   {100 * on_primary / total:.2f} % of a core on the primary, {len(backends.seconds)} in all"
        )
        print(f"rounds         {rounds} seconds written of {total:.0f}")
        print(f"holes          {found} (second, seconds); without a watch {killed_for:.1f} s")
        size = sum(each.stat().st_size for each in history.parent.iterdir())
        print(f"history        {size / 2**20:.1f} MB; metrics {len(page.splitlines())} lines; events {len(events)}")
        for event in events:
            print(f"  {event['at'][11:19]} {event['severity'] or '':<8} {event['code'] or '':<4} {event['what']}")
    finally:
        watch.kill()
        pair.end()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--versions", type=int, default=0, help="a major")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        in_a_namespace(sys.argv[1:])
    here = [each for each in find_bin_directories() if given.versions in {0, each.major}]
    main(given.minutes, here[0], inside=given.inside)
