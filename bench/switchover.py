"""`switchover` against the least that a script can do (bench/switchover_by_hand.py), in turn, on the same pair.

    python bench/switchover.py [RUNS] [TPS]

A probe commits one row after another on whichever node is the primary and knows every commit that it was told of. Of
each run: the gap, from the last commit that the old primary acknowledged to the first of the new one; how many
acknowledged commits the new primary does not have; seconds from the same last commit until the old primary streams.

Four runs are a round: ours there, by hand back and there again, ours back. Thus each way has as many runs in either
direction, both see the same pair, files and load, and our journals stay right: after two switches by hand who is who is
as before, and what the script has changed in the configuration is put back outside of what is measured.

The probe holds a session on either node, which a promotion does not end, and asks the standby every half millisecond:
what it sees is the pause of the servers. Clients that connect anew wait for that besides, whoever switches.

Run it on a machine that does nothing else.
"""

import compileall
import contextlib
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg

import standbyctl
from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.load import fill, passfile
from standbyctl.lab.server import Area, Primary, free_port, stop_server

BY_HAND = Path(__file__).with_name("switchover_by_hand.py")
OURS, HAND = "standbyctl", "by hand"
# A run is begun only when the last one is over for everybody: the load connects anew, the standby streams.
SETTLE_SECONDS = 1.5
DEADLINE_SECONDS = 60


class Probe(threading.Thread):
    """Writes a row every two milliseconds to whoever takes it. `acknowledged`: number, when, by whom."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.pair, self.acknowledged, self.failures = pair, [], []
        self._lines = {name: pair.connect(name) for name in pair.nodes}
        self._at, self._ending = pair.primary_name, threading.Event()

    def warm(self):
        """Connect to who is back, so that no row waits for it later."""
        for name in self.pair.nodes:
            if name not in self._lines:
                self._lines[name] = self.pair.connect(name)

    def end(self):
        self._ending.set()
        self.join(30)
        for line in self._lines.values():
            line.close()

    def run(self):
        number, certain, lost_at = 0, True, 0.0
        while not self._ending.is_set():
            try:
                if not certain:
                    self._find(lost_at)
                    certain = True
                number += 1
                due = time.monotonic() + 0.002
                self._lines[self._at].execute("INSERT INTO probe VALUES (%s)", [number])
                self.acknowledged.append((number, time.monotonic(), self._at))
                # Under load a commit takes longer than that by itself.
                self._ending.wait(max(due - time.monotonic(), 0))
            except psycopg.Error as error:
                self.failures.append(str(error))
                self._drop(self._at)
                certain, lost_at = False, time.monotonic()

    def _find(self, since):
        """Ask whoever there is a session with, until one takes writes; after a second connect anew, too."""
        while not self._ending.is_set():
            for name in self.pair.nodes:
                try:
                    if name not in self._lines and time.monotonic() - since > 1:
                        self._lines[name] = self.pair.connect(name)
                    line = self._lines.get(name)
                    if line and line.execute("SELECT NOT pg_is_in_recovery()").fetchone()[0]:
                        self._at = name
                        return
                except psycopg.Error:
                    self._drop(name)
            time.sleep(0.0005)

    def _drop(self, name):
        if line := self._lines.pop(name, None):
            line.close()


class Load(threading.Thread):
    """pgbench at a rate, begun anew on whoever is the primary whenever it has lost its sessions."""

    def __init__(self, pair, rate):
        super().__init__(daemon=True)
        ports = [str(port) for port in pair.nodes.values()]
        self.argv = [
            *pair.area.as_user(), str(pair.area.bin / "pgbench"), "-n", "-c", "4", "-R", str(rate), "-T", "86400",
            "-h", "127.0.0.1,127.0.0.1", "-p", ",".join(ports), "-U", "postgres", "postgres",
        ]  # fmt: skip
        self.env = {"LC_ALL": "C", "PGPASSFILE": str(passfile(pair.primary)), "PGCONNECT_TIMEOUT": "2",
                    "PGTARGETSESSIONATTRS": "read-write"}  # fmt: skip
        self._process, self._ending = None, threading.Event()

    def run(self):
        while not self._ending.is_set():
            self._process = subprocess.Popen(
                self.argv, env=self.env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._process.wait()
            self._ending.wait(0.1)

    def end(self):
        self._ending.set()
        if self._process is not None:
            self._process.terminate()
        self.join(30)


class Pair:
    """A primary, and a standby attached to it."""

    def __init__(self, programs):
        self.area = Area.make(programs)
        try:
            self.primary = Primary.create(self.area, "db1", ["shared_buffers = '128MB'", "max_wal_size = '1GB'"])
            # By hand the superuser replicates.
            hba = self.primary.data / "pg_hba.conf"
            hba.write_text(f"{hba.read_text()}host replication postgres 127.0.0.1/32 scram-sha-256\n")
            fill(self.primary, 10)
            self.primary.rows("CREATE TABLE probe (n bigint PRIMARY KEY)")
            self.nodes = {"db1": self.primary.port, "db2": free_port()}
            self.primary_name = "db1"
            # As pip leaves an installation: compiled.
            compileall.compile_dir(Path(standbyctl.__file__).parent, quiet=1)
            self.env = os.environ | {
                "PGPASSFILE": str(passfile(self.primary)),
                "STANDBYCTL_STATE": str(self.area.path / "state"),
                "STANDBYCTL_LANG": "en",
                "STANDBYCTL_CONFIG": str(self.area.path / "standbyctl.toml"),
            }
            named = f'[[node]]\nname = "db1"\nconninfo = "{self.primary.conninfo}"\n'
            Path(self.env["STANDBYCTL_CONFIG"]).write_text(named)
            where = ["-D", self.data("db2"), "--name", "db2", "--port", self.nodes["db2"]]
            self.tool("attach", "-p", "db1", *where, "--yes")
        except BaseException:
            self.end()
            raise

    @property
    def other_name(self):
        return next(name for name in self.nodes if name != self.primary_name)

    def data(self, name):
        return self.area.path / name

    def connect(self, name):
        return self.primary.connect(self.nodes[name], connect_timeout=2)

    def tool(self, *args):
        argv = [sys.executable, "-m", "standbyctl", *map(str, args)]
        return self.call(argv)

    def call(self, argv):
        done = subprocess.run(
            argv, env=self.env, cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ours(self, new):
        said = self.tool("switchover", "--to", new, "--yes")
        # What it says of the pause itself.
        return {"said": float(re.search(r"for\s+(\d+)\s+ms", said)[1]),
                "stop": float(re.search(r"stopped\s+after\s+(\d+)\s+ms", said)[1])}  # fmt: skip

    def by_hand(self, new, conf):
        old = self.primary_name
        argv = [sys.executable, BY_HAND, self.area.bin, self.data(old), self.nodes[old], self.nodes[new], conf]
        said = self.call([str(each) for each in argv])
        return {name: float(ms) for name, ms in (line.split() for line in said.splitlines())}

    def conf(self, name):
        return self.data(name) / "postgresql.auto.conf"

    def end(self):
        for name in ("db1", "db2"):
            stop_server(self.area, self.data(name))
        self.area.remove()


class Bench:
    """Runs, and what was measured of each."""

    def __init__(self, pair, probe, ways=(OURS, HAND)):
        self.pair, self.probe, self.runs = pair, probe, {way: [] for way in ways}

    def round(self):
        pair = self.pair
        there, here = pair.other_name, pair.primary_name
        self.measure(OURS, there, lambda: pair.ours(there))
        kept = {name: pair.conf(name).read_bytes() for name in pair.nodes}
        away, back = pair.area.path / "away.conf", pair.area.path / "back.conf"
        away.write_bytes(
            kept[there]
            + f"primary_conninfo = 'host=127.0.0.1 port={pair.nodes[here]} user=postgres"
            f" passfile={pair.env['PGPASSFILE']} application_name={there}'\nprimary_slot_name = ''\n".encode()
        )
        back.write_bytes(kept[here])
        self.measure(HAND, here, lambda: pair.by_hand(here, away))
        self.measure(HAND, there, lambda: pair.by_hand(there, back))
        pair.conf(there).write_bytes(kept[there])
        with pair.connect(there) as conn:
            conn.execute("SELECT pg_reload_conf()")
        self.measure(OURS, here, lambda: pair.ours(here))

    def measure(self, way, new, switch):
        pair, old, probe = self.pair, self.pair.primary_name, self.probe
        time.sleep(SETTLE_SECONDS)
        first, streams, watching = len(probe.acknowledged), [], threading.Event()
        watch = threading.Thread(target=self._watch, args=(new, old, streams, watching), daemon=True)
        watch.start()
        try:
            found = switch()
        finally:
            watching.set()
            watch.join(DEADLINE_SECONDS)
        pair.primary_name = new
        deadline = time.monotonic() + 10
        while not probe.acknowledged or probe.acknowledged[-1][2] != new:
            assert time.monotonic() < deadline, f"the probe does not find {new}"
            time.sleep(0.01)
        ours = probe.acknowledged[first:]
        last = max(when for _, when, by in ours if by == old)
        begun = min(when for _, when, by in ours if by == new)
        assert streams, f"{old} does not stream from {new}"
        found |= {"gap": (begun - last) * 1000, "streams": streams[0] - last, "lost": self._lost(new)}
        probe.warm()
        self.runs[way].append(found)
        print(f"{way:<11} to {new}  " + "  ".join(f"{key} {value:.4g}" for key, value in found.items()), flush=True)

    def _watch(self, new, old, found, ending):
        """When the old primary streams from the new one; looked at every ten milliseconds."""
        question = "SELECT count(*) FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
        deadline = None
        with self.pair.connect(new) as conn:
            while conn.execute(question, [old]).fetchone() == (0,):
                if ending.is_set():
                    deadline = deadline or time.monotonic() + DEADLINE_SECONDS / 2
                    if time.monotonic() > deadline:
                        return
                time.sleep(0.01)
            found.append(time.monotonic())

    def _lost(self, new):
        """Of all that was ever acknowledged."""
        acknowledged = {number for number, _, _ in self.probe.acknowledged.copy()}
        with self.pair.connect(new) as conn:
            return len(acknowledged - {number for (number,) in conn.execute("SELECT n FROM probe")})


def p95(values):
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def figures(runs, key):
    values = [run[key] for run in runs if key in run]
    return f"median {statistics.median(values):8.3f}  p95 {p95(values):8.3f}" if values else ""


def main(runs, rate):
    # From here children are ended even where a job was started with signals ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs = find_bin_directories()[0]
    pair = Pair(programs)
    probe = load = None
    try:
        probe = Probe(pair)
        probe.start()
        if rate:
            load = Load(pair, rate)
            load.start()
        bench, begun = Bench(pair, probe), time.monotonic()
        print(f"PostgreSQL {programs.major}, {runs} runs of each, {rate or 'no'} TPS besides the probe", flush=True)
        for _ in range(math.ceil(runs / 2)):
            bench.round()
        rows = len(probe.acknowledged) / (time.monotonic() - begun)
        print(f"the probe: {rows:.0f} rows a second over all, pauses and all")
        for key, unit in (("gap", "ms"), ("streams", "s"), ("said", "ms"), ("stop", "ms"), ("promote", "ms")):
            for way, each in bench.runs.items():
                if line := figures(each, key):
                    print(f"{key:<8} {way:<11} {line} {unit}")
        lost = {way: sum(run["lost"] for run in each) for way, each in bench.runs.items()}
        print(f"acknowledged commits lost: {lost[OURS]} {OURS}, {lost[HAND]} {HAND}")
        ours, hand = ([run["gap"] for run in bench.runs[way]] for way in (OURS, HAND))
        print(f"ratio of the gaps: median {statistics.median(ours) / statistics.median(hand):.2f},"
              f" p95 {p95(ours) / p95(hand):.2f}")  # fmt: skip
    finally:
        for each in (load, probe):
            if each is not None:
                with contextlib.suppress(psycopg.Error):
                    each.end()
        pair.end()


if __name__ == "__main__":
    main(*map(int, (*sys.argv[1:3], *("20", "0")[len(sys.argv) - 1 :])))
