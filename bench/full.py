"""When the volume of pg_wal is full: the forecast at half-way, against the truth. As root.

    python bench/full.py [steady|bursts] [MEGABYTES] [MB_PER_SECOND]

A primary has its pg_wal on a small volume, and a slot that nobody reads; it is written to until PostgreSQL stops.
"""

import contextlib
import os
import random
import subprocess
import sys
import threading
import time

import psycopg

from standbyctl.domain.picture import Expected
from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.server import Area, Primary, stop_server
from standbyctl.monitor.track import Track
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.local import LocalHost
from standbyctl.observe.samples import Sampler

CHUNK = 128 << 10


def write(primary, rate, bursts, over):
    """So many bytes of WAL a second, evenly; or in bursts of some seconds, as much on average."""
    chance, speed = random.Random(1), rate
    with contextlib.suppress(psycopg.Error), primary.connect() as conn:
        began, written, turn = time.monotonic(), 0, 0.0
        while not over.is_set():
            now = time.monotonic()
            if bursts and now >= turn:
                turn, speed = now + chance.uniform(1, 6), chance.choice([0, 2 * rate])
                began, written = now, 0
            if written < speed * (now - began):
                conn.execute("SELECT pg_logical_emit_message(false, 'full', repeat('x', %s))", [CHUNK])
                written += CHUNK
            else:
                time.sleep(0.005)


def main(kind, megabytes, rate):
    area = Area.make(find_bin_directories()[0])
    volume = area.path / "volume"
    volume.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(volume)], check=True)
    primary = Primary.create(
        area, "db1", ["max_wal_size = '64MB'", "min_wal_size = '32MB'", "checkpoint_timeout = '30s'"]
    )
    over = threading.Event()
    try:
        primary.stop("fast")
        subprocess.run(["mv", str(primary.data / "pg_wal"), str(volume / "pg_wal")], check=True)
        (primary.data / "pg_wal").symlink_to(volume / "pg_wal")
        subprocess.run(["chown", "-Rh", area.user, str(volume), str(primary.data / "pg_wal")], check=True)
        primary.start()
        primary.rows("SELECT pg_create_physical_replication_slot('old_dr', true)")
        os.environ["PGPASSWORD"] = primary.password
        server = LibpqServer("db1", psycopg.conninfo.conninfo_to_dict(primary.conninfo))
        clock = SystemClock()
        sampler = Sampler("db1", server, clock, LocalHost(area.user))
        [(system,)] = primary.rows("SELECT system_identifier::text FROM pg_control_system()")
        track = Track(system, "db1", [Expected("db1")][:0])
        writer = threading.Thread(target=write, args=(primary, rate << 20, kind == "bursts", over))
        writer.start()
        began, seen = time.monotonic(), []
        while writer.is_alive():
            try:
                track.take([sampler.sample(2.0)])
            except Exception:  # noqa: BLE001 it has stopped: that is the truth
                break
            now = time.monotonic()
            [slot] = track.picture(now).slots
            if slot.full_in:
                seen.append((now - began, slot.full_in))
            time.sleep(0.5)
        truth = time.monotonic() - began
        print(f"{kind}: {megabytes} MB, {rate} MB/s; full after {truth:.1f} s")
        for share in (0.25, 0.5, 0.75):
            at, full = min(seen, key=lambda each: abs(each[0] - truth * share))
            left = truth - at
            inside = (full.soonest or 0) <= left and (full.latest is None or left <= full.latest)
            latest = "-" if full.latest is None else f"{full.latest:.1f}"
            bounds = "no bounds" if full.soonest is None else f"{full.soonest:.1f} to {latest}"
            off = 100 * (full.seconds - left) / left
            told = f"{left:.1f} s left, forecast {full.seconds:.1f} s ({bounds}): off by {off:+.1f} %"
            print(f"  at {share:.0%}: {told}, inside: {inside}")
    finally:
        over.set()
        stop_server(area, primary.data)
        subprocess.run(["umount", str(volume)], check=False)
        area.remove()


if __name__ == "__main__":
    if os.environ.get("IN_NAMESPACE") != "1":
        os.environ["IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    given = sys.argv[1:]
    main(given[0] if given else "steady", int(given[1]) if given[1:] else 600, int(given[2]) if given[2:] else 8)
