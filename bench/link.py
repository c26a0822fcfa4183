"""attach over a slow line: what it shows against what has arrived, and what commits of the primary feel.

Two hosts of the testbed, 100 Mbit/s and 40 ms there and back (root only). Shown: every line of progress, as on a
terminal. The truth: what pg_basebackup has written. Commits: pgbench at a fixed rate while nothing else
happens, while pg_basebackup copies by hand, and while a standby is attached, in turn: what attach adds is what it
differs from the copy by hand, for all hosts share this machine's cores and disk. Run it on a machine that does
nothing else: python -m bench.link [PAIRS] [PGBENCH_SCALE]
"""

import os
import pty
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.hosts.operator import Operator, sql, where
from tests.testbed import Testbed, image

RATE_MBIT, ROUND_TRIP_MS = 100, 40
MOST = RATE_MBIT * 1e6 / 8  # bytes: what the line takes in a second
COMMITS_PER_SECOND, CONTROL_SECONDS = 100, 40
LOG, FIELDS = "/tmp/pgbench", 7
HAND = "/var/lib/postgresql/by-hand"
SHOWN = re.compile(r"copying (\d+)% of [^,]+, [^,]+/s, (?:(\d+) min )?([\d.]+) s left")


class Counter(threading.Thread):
    """What pg_basebackup has written of files on a host, ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = [], threading.Event()

    def run(self):
        io = None
        while not self.over.wait(0.1):
            try:
                # The oldest of them receives the files, its child the WAL.
                io = io or Path(
                    "/proc", subprocess.check_output(["pgrep", "-ox", "pg_basebackup"], text=True).strip(), "io"
                )
                self.seen.append((time.monotonic(), int(re.search(r"wchar: (\d+)", io.read_text())[1])))
            except (subprocess.CalledProcessError, OSError):
                if self.seen:
                    break

    def at(self, moment):
        return next((count for then, count in reversed(self.seen) if then <= moment), 0)

    @property
    def came(self):
        """When the last byte of a file was written; once its child has ended, the WAL counts as the parent's."""
        steps = zip(self.seen, self.seen[1:], strict=False)
        return max(then for (_, before), (then, count) in steps if 0 < count - before < MOST)


def attach(operator):
    """The lines of progress with their moments, and when files began to come and the step was done."""
    argv = [sys.executable, "-m", "standbyctl", "attach", *where(), "--yes"]
    master, slave = pty.openpty()
    process = subprocess.Popen(argv, env=operator.env | {"COLUMNS": "160", "TERM": "xterm"}, stdin=subprocess.DEVNULL,
                               stdout=slave, stderr=slave)  # fmt: skip
    os.close(slave)
    shown, begun, done, whole = [], None, None, ""
    while True:
        try:
            piece = os.read(master, 65536).decode(errors="replace")
        except OSError:
            break
        now = time.monotonic()
        whole += piece
        if found := SHOWN.search(piece):
            begun = begun or now
            shown.append((now, int(found[1]) / 100, int(found[2] or 0) * 60 + float(found[3])))
        if begun and not done and re.search(r"base backup +done", whole):
            done = now
    os.close(master)
    if process.wait() != 0 or not done:
        raise SystemExit(whole)
    return shown, begun, done


def begin_commits(host, name):
    host.exec(f"rm -f {LOG}.{name}.*; setsid -f pgbench -n -N -c 4 -R {COMMITS_PER_SECOND} -T 3600 -l --log-prefix"
              f" {LOG}.{name} postgres >/dev/null 2>&1 </dev/null", user="postgres")  # fmt: skip


def end_commits(host):
    host.exec("pkill -INT -x pgbench; while pgrep -x pgbench >/dev/null; do sleep 0.1; done")


def latencies(host, name, begun, done):
    """Seconds that each commit took, of those that ended between two moments of the clock."""
    lines = host.exec(f"cat {LOG}.{name}.*").stdout.splitlines()
    # The last line of each is cut off where pgbench was ended.
    words = (each for each in map(str.split, lines) if len(each) == FIELDS)
    return sorted(int(each[2]) / 1e6 for each in words if begun <= int(each[4]) + int(each[5]) / 1e6 <= done)


def p99(values):
    return values[min(len(values) - 1, int(len(values) * 0.99))]


def main(pairs, scale):
    image("bookworm")
    bed = Testbed()
    try:
        bed.up({"db1": "bookworm", "db2": "bookworm"})
        primary, standby = bed["db1"], bed["db2"]
        sql(primary, "ALTER SYSTEM SET listen_addresses = '*'")
        primary.exec("systemctl restart postgresql@15-main")
        primary.exec(f"cd / && pgbench -i -q -s {scale} postgres 2>/dev/null", user="postgres", timeout_seconds=600)
        print(sql(primary, "SELECT pg_size_pretty(sum(pg_database_size(oid))), version() FROM pg_database"))
        bed.shape("db2", rate_mbit=RATE_MBIT, delay_ms=ROUND_TRIP_MS / 2)
        let_in_by_hand(primary)
        seen = []
        for n in range(pairs):
            runs = [lambda: control(primary), lambda: by_hand(primary, standby), lambda: copy(bed, primary, standby)]
            both = {}
            for run in runs if n % 2 == 0 else runs[::-1]:
                sql(primary, "CHECKPOINT")
                both |= run()
            print(" ", "  ".join(f"{name} {value * 1000:.1f} ms" for name, value in both.items()), flush=True)
            seen.append(both)
        for name in ("by hand", "copying", "whole"):
            ratio = statistics.median(each[name] / each["control"] for each in seen)
            print(f"p99 of commits, {name}: {ratio:.2f} times the control's (median of {pairs})")
    finally:
        bed.down()


def control(primary):
    begin_commits(primary, "control")
    began = time.time()
    time.sleep(CONTROL_SECONDS)
    end_commits(primary)
    return {"control": p99(latencies(primary, "control", began, time.time()))}


def let_in_by_hand(primary):
    sql(primary, "CREATE ROLE hand LOGIN REPLICATION PASSWORD 'hand'")
    hba = sql(primary, "SHOW hba_file")
    primary.exec(f"echo 'host replication hand samenet scram-sha-256' >> {hba}")
    sql(primary, "SELECT pg_reload_conf()")


def by_hand(primary, standby):
    begin_commits(primary, "hand")
    command = f"PGPASSWORD=hand pg_basebackup -h {primary.ipv4} -U hand -D {HAND} -X stream -c fast"
    began = time.time()
    standby.exec(f"rm -rf {HAND}; cd /tmp && {command}", user="postgres", timeout_seconds=600)
    done = time.time()
    end_commits(primary)
    standby.exec(f"rm -rf {HAND}")
    return {"by hand": p99(latencies(primary, "hand", began, done))}


def copy(bed, primary, standby):
    operator, counter = Operator(bed), Counter()
    counter.start()
    begin_commits(primary, "copy")
    try:
        began = time.time()
        shift = began - time.monotonic()
        shown, begun, done = attach(operator)
        end_commits(primary)
        report(counter, shown, begun, done)
        felt = latencies(primary, "copy", begun + shift, done + shift)
        whole = latencies(primary, "copy", began, done + shift)
        operator.tool("detach", "db2", "--yes", "--remove-data-dir", standby.data, "--delete")
        return {"copying": p99(felt), "whole": p99(whole)}
    finally:
        counter.over.set()
        operator.end()


def report(counter, shown, begun, done):
    come = counter.came
    shares = [(share, counter.at(when) / counter.at(come)) for when, share, _ in shown]
    if os.environ.get("LINK_DETAIL"):
        for when, share, left in shown:
            true = counter.at(when) / counter.at(come)
            print(f"    {when - begun:5.1f} s: {share:.2f} (true {true:.3f}), left {left:.1f} (true {come - when:.1f})")
    errors = [abs(share - true) for share, true in shares if true >= 0.1]
    second = [(when, left) for when, share, left in shown if share >= 0.5]
    print(f"files came in {come - begun:.1f} s, the step took {done - come:.1f} s more; {len(shown)} lines of progress")
    print(f"  share: off by {max(errors) * 100:.1f} points at most, from 10 % on")
    print(f"  time left, in the second half: off by {worst(second, come):.0%} at most of that to the last file,"
          f" {worst(second, done):.0%} of that to the end of the step")  # fmt: skip


def worst(shown, end):
    """The last 3 s count no more: what is left is shown to a tenth of a second, once a second."""
    return max(abs(left - (end - when)) / (end - when) for when, left in shown if end - when >= 3)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 27)
