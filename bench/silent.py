"""`failover` where the host of the primary is silent: it is cut off from everybody, and sends nothing back.

    python -m bench.silent [RUNS] [psql | tcp]

Two hosts of the testbed (root only): systemd, sshd, PostgreSQL 15. Measured: from the start of the command to the first
commit that the new primary acknowledges; the fence is a program that says at once that it has done its work. The bar is
the connect timeout and two seconds. `psql`, the default, and `tcp` are how the operator reaches the primary: by a psql
on its host, over ssh, or by its port; its host is asked by ssh either way. After each run the network is mended, the
old primary stopped at its console, as the fence would have, and made a standby again, which is not measured. By then
each is reached by ssh: for `tcp` a pair is made anew.

Run it on a machine that does nothing else.
"""

import contextlib
import statistics
import sys
import threading
import time

import psycopg

from bench.switchover import p95
from standbyctl.nodes.connection import ONCE_SECONDS
from tests.hosts.operator import sql, wait
from tests.hosts.roles import NAMES, Cast
from tests.testbed import Testbed

BAR_SECONDS = ONCE_SECONDS + 2
HEARD_SECONDS = 4


def first_commit(host, found, ending):
    """When somebody takes a write there, by a session that was there before."""
    with psycopg.connect(f"host={host.ipv4} user=probe dbname=postgres", autocommit=True) as conn:
        while not ending.wait(0.002):
            try:
                conn.execute("INSERT INTO ledger SELECT coalesce(max(n), 0) + 1 FROM ledger")
            except psycopg.errors.ReadOnlySqlTransaction:
                continue
            found.append(time.monotonic())
            return


def measure(cast):
    old, found, ending = cast.primary, [], threading.Event()
    new = cast.other(old)
    watch = threading.Thread(target=first_commit, args=(new, found, ending), daemon=True)
    watch.start()
    time.sleep(1)
    cast.bed.cut(old.name)
    # Somebody has noticed.
    time.sleep(HEARD_SECONDS)
    begun = time.monotonic()
    cast.operator.tool("failover", "--to", NAMES[new.name], "--fence", "true", "--yes")
    whole = time.monotonic() - begun
    ending.set()
    watch.join(10)
    old.exec(f"systemctl stop {old.unit}")
    cast.bed.heal()
    took = found[0] - begun
    print(f"to {NAMES[new.name]:<9} write {took:.2f} s  whole {whole:.2f} s", flush=True)
    cast.operator.tool("resync", NAMES[old.name], "--yes")
    wait(cast.settled)
    return took


@contextlib.contextmanager
def pair(way):
    bed = Testbed()
    try:
        cast = Cast(bed, by_tcp=way == "tcp")
        for host in cast.hosts:
            # Whoever comes back is rewound: that takes its WAL back to the last checkpoint before.
            sql(host, "ALTER SYSTEM SET wal_keep_size = '256MB'")
            sql(host, "SELECT pg_reload_conf()")
        yield cast
        cast.operator.end()
    finally:
        bed.down()


def main(runs, way):
    print(f"PostgreSQL 15, Debian 12, {way}, {runs} runs, connect timeout {ONCE_SECONDS} s", flush=True)
    found = []
    while len(found) < runs:
        with pair(way) as cast:
            found += [measure(cast) for _ in range(1 if way == "tcp" else runs)]
    print(f"median {statistics.median(found):.2f} s  p95 {p95(found):.2f} s  bar {BAR_SECONDS:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2] if len(sys.argv) > 2 else "psql")
