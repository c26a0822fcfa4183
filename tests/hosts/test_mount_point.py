"""The standby's data directory is itself where a volume is mounted: nothing can be renamed onto it, or away."""

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, receives, sql, streams, wait, where
from tests.hosts.transplant import piped

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.seldom]
HERE = where(**{"--replace-cluster": "", "--cluster": "15/main"})
DRAFT = f"{DATA}/.main.standbyctl-1"
# Another file system than that of its parent, as root has made it; it comes back with the host.
VOLUME = f"""
set -e
systemctl stop postgresql@15-main
rm -rf {DATA}/*
install -d -m 755 /srv/volume
echo '/srv/volume {DATA} none bind 0 0' >>/etc/fstab
systemctl daemon-reload
mount {DATA}
[ "$(stat -c %d {DATA})" != "$(stat -c %d {DATA}/..)" ]
"""
CHOWN = f"chown postgres: {DATA} && chmod 700 {DATA}"
FIT = f"{CHOWN} && rmdir {DATA}/lost+found"
# It is in the middle of moving up, and stays there.
SLOW = """#!/bin/sh
case $* in *pg_multixact*) touch /tmp/here; sleep 300 ;; esac
exec /usr/bin/mv "$@"
"""


@pytest.fixture(scope="module")
def hosts(testbed):
    yield testbed.up({"db1": "bookworm", "db2": "bookworm"}, disk_mb={"db2": 300})
    testbed.down()


@pytest.fixture(scope="module")
def primary(hosts):
    db1, db2 = hosts
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec("systemctl restart postgresql@15-main")
    sql(db1, "CREATE TABLE kept AS SELECT generate_series(1, 100000) AS n")
    db2.exec(VOLUME)
    return db1


@pytest.fixture(autouse=True)
def as_root_has_made_it(primary, hosts):
    """Whatever test came first."""
    standby = hosts[1]
    standby.exec(f"systemctl stop postgresql@15-main; find {DATA} -mindepth 1 -delete; rm -f /usr/local/bin/mv")
    standby.exec(f"chown root: {DATA} && chmod 755 {DATA} && install -d -m 700 {DATA}/lost+found")


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def within(standby):
    return standby.exec(f"ls -A {DATA}").stdout.split()


def mounted(standby):
    return standby.exec(f"mountpoint -q {DATA} && stat -c %i {DATA}").stdout


def test_a_copy_goes_into_a_mount_point_and_leaves_it_empty_again(primary, hosts, operator):
    standby = hosts[1]
    before, there = sql(primary, FACTS), mounted(standby)
    for verb, more in (("plan", ()), ("attach", ("--yes",))):
        said = operator.tool(verb, *HERE, *more, status=1)
        assert "is a mount point with a lost+found" in said
        assert CHOWN in said
    standby.exec(FIT)
    assert "READY" in operator.tool("preflight", *HERE)

    # The tool is killed and the host loses its power while files are on their way.
    standby.exec("cat >/usr/local/bin/mv && chmod 755 /usr/local/bin/mv", text=SLOW)
    run = operator.start("attach", *HERE, "--yes")
    wait(lambda: standby.exec("test -e /tmp/here", check=False).returncode == 0 or run.poll() is not None)
    assert run.poll() is None, run.communicate()[0]
    run.kill()
    run.wait()
    standby.kill()
    standby.start()
    standby.exec("rm /usr/local/bin/mv")
    assert "global" not in within(standby)
    assert "PG_VERSION" in within(standby)
    assert standby.exec("systemctl is-active postgresql@15-main", check=False).stdout.strip() != "active"
    moved = standby.exec(f"stat -c %i {DATA}/PG_VERSION").stdout
    assert "ATTACHED" in operator.tool("attach", *HERE, "--yes")
    assert standby.exec(f"stat -c %i {DATA}/PG_VERSION").stdout == moved, "the copy was not made anew"
    assert streams(primary)
    assert DRAFT.rpartition("/")[2] not in within(standby)
    assert "Nothing to do" in operator.tool("attach", *HERE, "--yes")

    standby.reboot()
    wait(lambda: receives(standby))
    assert "VERIFIED" in operator.tool("verify", "db2", "--for", "1s")
    # Why a lost+found is refused.
    copies = "cd / && rm -rf /tmp/copy && pg_basebackup -c fast -X none -D /tmp/copy"
    standby.exec(copies, user="postgres")
    standby.exec(f"install -d -m 700 {DATA}/lost+found")
    assert "lost+found" in standby.exec(copies, user="postgres", check=False).stderr
    standby.exec(f"rmdir {DATA}/lost+found")

    gone = ("detach", "db2", "--yes", "--remove-data-dir", DATA)
    assert "is a mount point, and is not renamed aside" in operator.tool(*gone, status=4)
    assert streams(primary)
    operator.dies("before:DeleteAside", *gone, "--delete")
    assert within(standby) == ["main.standbyctl-deleting"]
    assert "is still being deleted" in operator.tool("attach", *HERE, "--yes", status=1)
    operator.tool(*gone, "--delete")
    assert within(standby) == []
    assert mounted(standby) == there
    assert sql(primary, FACTS) == before


def test_a_restored_standby_is_taken_from_a_mount_point(primary, hosts, operator, testbed):
    """Its data directory was there before, and so it is renamed for nobody."""
    standby = hosts[1]
    standby.exec(FIT)
    copy = "/var/lib/postgresql/copy"
    primary.exec(f"cd / && pg_basebackup -X none -c fast -D {copy}", user="postgres")
    piped(
        ["ssh", "-F", testbed.ssh_config, "root@db1", f"tar -C {copy} -c ."], testbed, "root@db2", f"tar -C {DATA} -x"
    )
    restored = (*where(**{"--replace-cluster": "", "--cluster": "15/main", "--from-restored": DATA}), "--yes")
    assert "ATTACHED" in operator.tool("attach", *restored)
    operator.tool("detach", "db2", "--yes", "--remove-data-dir", DATA, "--delete")
    assert within(standby) == []


def test_a_cluster_on_a_mount_point_is_not_replaced(primary, hosts, operator):
    standby = hosts[1]
    standby.exec(FIT)
    standby.exec(f"cd / && /usr/lib/postgresql/15/bin/initdb -D {DATA}", user="postgres")
    standby.exec("systemctl start postgresql@15-main")
    said = operator.tool("attach", *where(), "--yes", status=4)
    assert "the cluster in it cannot be renamed aside" in said
