"""preflight beside the least that could be done: python that does nothing, and psql that asks for 1.

In turn, on the same primary. The bar is a median of 1.0 s. Run it on a machine that does nothing else:
python bench/preflight.py [RUNS]
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.load import fill, passfile
from standbyctl.lab.server import Area, Primary, free_port, stop_server

BAR_SECONDS = 1.0


def measure(argv, env):
    began = time.perf_counter()
    subprocess.run(argv, env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - began


def commands(primary):
    tool, data = Path(sys.executable).parent / "standbyctl", primary.area.path / "db2"
    return {
        "preflight": [tool, "preflight", "-p", primary.conninfo, "-D", data, "--name", "db2", "--port",
                      str(free_port())],
        "psql": [primary.area.bin / "psql", "-X", "-q", "-d", primary.conninfo, "-c", "SELECT 1"],
        "python": [sys.executable, "-c", "pass"],
    }  # fmt: skip


def main(runs):
    area = Area.make(find_bin_directories()[0])
    try:
        primary = Primary.create(area, "db1")
        fill(primary, 1)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "STANDBYCTL"))}
        env |= {"PGPASSFILE": str(passfile(primary)), "STANDBYCTL_STATE": str(area.path / "state")}
        [(version,)] = primary.rows("SHOW server_version")
        print(f"PostgreSQL {version}, {runs} runs of each, in turn")
        ways = commands(primary)
        times = {name: [] for name in ways}
        for n in range(runs):
            for name in list(ways) if n % 2 == 0 else list(ways)[::-1]:
                times[name].append(measure(ways[name], env))
        median = {name: statistics.median(each) for name, each in times.items()}
        for name, each in times.items():
            print(f"{name:<11} median {median[name]:6.3f} s   " + " ".join(f"{t:.3f}" for t in each))
        tool, peer = median["preflight"], median["python"] + median["psql"]
        print(f"ratio to python and psql {tool / peer:.1f}   " + ("within" if tool < BAR_SECONDS else "ABOVE"), "1.0 s")
    finally:
        stop_server(area, area.path / "db1")
        area.remove()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
