"""attach against the same work done by a shell script, in turn, on the same cluster.

The clock runs from the start of the command until a marked commit of the primary has been replayed on the
standby. Run it on a machine that does nothing else: python bench/attach.py [GIGABYTES] [PAIRS]
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

HERE = Path(__file__).parent


def measure(primary, run, data):
    began = time.perf_counter()
    run()
    took = time.perf_counter() - began
    stop_server(primary.area, data, "fast")
    return took


def by_hand(primary, data, port):
    argv = [*primary.area.as_user(), "sh", str(primary.area.path / "by_hand.sh"), str(primary.area.bin),
            str(primary.data), str(primary.port), str(data), str(port)]  # fmt: skip
    env = {"PATH": os.environ["PATH"], "PGPASSFILE": str(passfile(primary)), "LC_ALL": "C"}
    return lambda: subprocess.run(argv, env=env, check=True, capture_output=True, cwd="/")


def with_tool(primary, data, port, state):
    env = os.environ | {"PGPASSFILE": str(passfile(primary)), "STANDBYCTL_STATE": str(state)}
    tool = Path(sys.executable).parent / "standbyctl"
    argv = [tool, "attach", "-p", primary.conninfo, "-D", data, "--name", "tool", "--port", str(port), "-y"]
    return lambda: subprocess.run(argv, env=env, check=True, capture_output=True)


def clean(primary, data):
    for name, role in (("hand", "repl_hand"), ("tool", "repl_tool")):
        primary.rows(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{name}'")
        primary.rows(f'DROP ROLE IF EXISTS "{role}"')
    hba = primary.data / "pg_hba.conf"
    hba.write_text("".join(line for line in hba.read_text().splitlines(True) if "repl_" not in line))
    primary.rows("ALTER SYSTEM RESET max_slot_wal_keep_size")
    primary.rows("SELECT pg_reload_conf()")
    subprocess.run(["rm", "-rf", str(data), f"{data}.pgpass", str(primary.area.path / "state")], check=True)
    primary.rows("CHECKPOINT")


def main(gigabytes, pairs):
    area = Area.make(find_bin_directories()[0])
    primary = None
    try:
        (area.path / "by_hand.sh").write_text((HERE / "by_hand.sh").read_text())
        primary = Primary.create(area, "db1", ["shared_buffers = '512MB'", "max_wal_size = '4GB'"])
        if gigabytes:
            fill(primary, int(gigabytes * 67))
        [(size, version)] = primary.rows(
            "SELECT pg_size_pretty(sum(pg_database_size(oid))), current_setting('server_version') FROM pg_database"
        )
        print(f"PostgreSQL {version}, {size}, {pairs} interleaved pairs")
        data, port = area.path / "db2", free_port()
        times = {"script": [], "standbyctl": []}
        for n in range(pairs):
            ways = [
                ("script", by_hand(primary, data, port)),
                ("standbyctl", with_tool(primary, data, port, area.path / "state")),
            ]
            for name, run in ways if n % 2 == 0 else ways[::-1]:
                clean(primary, data)
                times[name].append(measure(primary, run, data))
        for name, each in times.items():
            print(f"{name:<11} median {statistics.median(each):6.2f} s   " + " ".join(f"{t:.2f}" for t in each))
        script, tool = statistics.median(times["script"]), statistics.median(times["standbyctl"])
        print(f"ratio {tool / script:.3f}   difference {tool - script:+.2f} s")
    finally:
        for directory in ("db2", "db1"):
            stop_server(area, area.path / directory)
        area.remove()


if __name__ == "__main__":
    sizes = [float(sys.argv[1])] if len(sys.argv) > 1 else [0, 5]
    for gigabytes in sizes:
        main(gigabytes, int(sys.argv[2]) if len(sys.argv) > 2 else 7)
