"""`failover` after a kill -9 of the primary, against the least that a script can do, in turn, on the same pair.

    python bench/failover.py [RUNS]

Measured: from the start of the command to the first commit that the new primary acknowledges. By hand: standby.signal
put into the old primary's directory, whatever is left of it ended, `pg_promote`. After each run the old primary is
made a standby again (`standbyctl resync`), which is not measured; what the report says of commits that are lost is
compared with what the probe knows.

Run it on a machine that does nothing else.
"""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import psycopg

from bench.switchover import HAND, OURS, Pair, p95
from standbyctl.lab.bindirs import find_bin_directories

# The shell must not wait for a server that is gone; psql comes with every bin directory.
BY_HAND = """
set -eu
: >"$1/standby.signal"; sync "$1/standby.signal" "$1"
pid=$(head -n 1 "$1/postmaster.pid")
kill -QUIT "$pid" 2>/dev/null || :
while [ "/proc/$pid/cwd" -ef "$1" ]; do sleep 0.002; done
"$2/psql" -qXAt -h 127.0.0.1 -p "$3" -U postgres -d postgres -c 'SELECT pg_promote()' >/dev/null
"""


class Watch(threading.Thread):
    """When somebody takes a write on the standby that is to be promoted."""

    def __init__(self, pair, name):
        super().__init__(daemon=True)
        self.line, self.found = pair.connect(name), None
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(0.001):
            with contextlib.suppress(psycopg.Error):
                self.line.execute("INSERT INTO probe SELECT coalesce(max(n), 0) + 1 FROM probe")
                self.found = time.monotonic()
                break
        self.line.close()


def kill(pair, name):
    """The postmaster, as the kernel would for want of memory."""
    pid = int((pair.data(name) / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGKILL)


def measure(pair, way, new):
    old = pair.primary_name
    time.sleep(1.5)
    watch = Watch(pair, new)
    watch.start()
    kill(pair, old)
    begun = time.monotonic()
    if way == OURS:
        pair.tool("failover", "--to", new, "--yes")
    else:
        argv = ["sh", "-c", BY_HAND, "sh", pair.data(old), pair.area.bin, pair.nodes[new]]
        subprocess.run(list(map(str, argv)), env=pair.env, check=True)
    whole = time.monotonic() - begun
    watch.join(30)
    assert watch.found, f"{new} takes no writes"
    print(f"{way:<11} to {new}  write {watch.found - begun:.3f} s  whole {whole:.3f} s", flush=True)
    return watch.found - begun


def main(runs):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs = find_bin_directories()[0]
    pair = Pair(programs)
    found = {OURS: [], HAND: []}
    try:
        print(f"PostgreSQL {programs.major}, {runs} runs of each", flush=True)
        for run in range(runs * 2):
            way, new, old = (OURS, HAND)[run % 2], pair.other_name, pair.primary_name
            found[way].append(measure(pair, way, new))
            if way == HAND:
                # Our journals are to know of it: there is nothing left to do but to write that down.
                pair.tool("failover", "--to", new, "--yes", "--fenced")
            pair.primary_name = new
            pair.tool("resync", old, "--yes")
        for way, each in found.items():
            print(f"{way:<11} median {statistics.median(each):.3f} s  p95 {p95(each):.3f} s")
        print(f"ratio of the medians: {statistics.median(found[OURS]) / statistics.median(found[HAND]):.2f}")
    finally:
        pair.end()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["10"]))
