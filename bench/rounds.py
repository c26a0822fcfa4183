"""Rounds over many nodes: 30 samplers of 3 real servers, against one psql after the other asking the same of each.

python bench/rounds.py [NODES] [ROUNDS]
"""

import os
import statistics
import subprocess
import sys
import time

import psycopg

from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.load import fill, passfile
from standbyctl.lab.server import Area, Primary, free_port, stop_server
from standbyctl.monitor.rounds import Rounds
from standbyctl.nodes.clock import SystemClock
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.majors import for_major
from standbyctl.observe.samples import Sampler
from standbyctl.observe.texts import text


def main(nodes, rounds):
    area = Area.make(find_bin_directories()[0])
    standbys = []
    primary = Primary.create(area, "db1")
    try:
        fill(primary, 1)
        os.environ |= {"PGPASSFILE": str(passfile(primary)), "STANDBYCTL_STATE": str(area.path / "state")}
        ports = [primary.port]
        for name in ("db2", "db3"):
            port, data = free_port(), area.path / name
            argv = ["attach", "-p", primary.conninfo, "-D", data, "--name", name, "--port", port, "-y"]
            subprocess.run([sys.executable, "-m", "standbyctl", *map(str, argv)], check=True, capture_output=True)
            standbys.append(data)
            ports.append(port)
        conninfos = [
            f"{primary.conninfo} port={ports[number % 3]} password={primary.password}" for number in range(nodes)
        ]
        clock = SystemClock()
        samplers = [
            Sampler(f"n{number}", LibpqServer(f"n{number}", psycopg.conninfo.conninfo_to_dict(conninfo)), clock)
            for number, conninfo in enumerate(conninfos)
        ]
        every = Rounds(samplers, clock.monotonic)
        took = []
        for _ in range(rounds + 1):
            began = time.monotonic()
            answers = every.ask()
            took.append(time.monotonic() - began)
            assert len(answers) == nodes
            assert all(hasattr(answer, "lsn") for answer in answers)
            time.sleep(0.3)
        every.close()
        began = time.monotonic()
        for conninfo in conninfos:
            query = for_major(text("sample.sql"), area.major * 10000)
            subprocess.run([area.bin / "psql", "-XAtqc", query, "-d", conninfo], check=True, capture_output=True)
        by_hand = time.monotonic() - began
        print(f"{nodes} nodes of 3 servers: first round, with connecting, {took[0]:.3f} s;")
        print(f"then median {statistics.median(took[1:]):.3f} s, longest {max(took[1:]):.3f} s of {rounds} rounds")
        print(f"psql one after the other {by_hand:.3f} s: {by_hand / statistics.median(took[1:]):.0f} times as long")
    finally:
        for data in standbys:
            stop_server(area, data)
        primary.stop()
        area.remove()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3] or (30, 20)))
