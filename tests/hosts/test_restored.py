"""A copy that was restored on another host, in the place of the cluster that came with its package."""

import subprocess

import pytest

from tests.hosts.operator import DATA, FACTS, Operator, receives, sql, streams, wait, where

pytestmark = [pytest.mark.hosts("bookworm"), pytest.mark.settled]
HERE = {"--replace-cluster": "", "--cluster": "15/main", "--from-restored": DATA}


@pytest.fixture(scope="module")
def restored(hosts, testbed):
    """A base backup of db1 stands where db2's own cluster was, as a tool that restores has left it."""
    db1, db2 = hosts
    sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
    db1.exec(f"systemctl restart {db1.unit}")
    db1.exec("cd / && pg_basebackup -X none -c fast -D /var/lib/postgresql/copy", user="postgres")
    db2.exec(f"systemctl stop {db2.unit} && rm -rf {DATA}/*")
    ssh = ["ssh", "-F", str(testbed.ssh_config)]
    packed = subprocess.Popen([*ssh, "root@db1", "tar -C /var/lib/postgresql/copy -c ."], stdout=subprocess.PIPE)
    subprocess.run([*ssh, "root@db2", f"tar -C {DATA} -x"], stdin=packed.stdout, check=True, timeout=120)
    packed.stdout.close()
    assert packed.wait() == 0
    return db1, db2


@pytest.fixture
def operator(testbed):
    made = Operator(testbed)
    yield made
    made.end()


def test_a_restored_copy_is_the_standby_of_another_host_and_runs_by_its_unit(restored, operator):
    db1, db2 = restored
    before = sql(db1, FACTS)
    identity = db2.exec(f"stat -c %i {DATA}").stdout
    assert "backup_label: nobody has started it" in operator.tool("preflight", *where(**HERE))
    operator.dies("after:AdoptCopy", "attach", *where(**HERE), "--yes")
    said = operator.tool("attach", *where(**HERE), "--yes")
    assert "ATTACHED" in said
    assert streams(db1)
    assert receives(db2)
    assert db2.exec(f"stat -c %i {DATA}").stdout == identity
    assert db2.exec(f"systemctl is-active {db2.unit}").stdout.strip() == "active"
    db2.reboot()
    wait(lambda: receives(db2))
    assert operator.tool("attach", *where(**HERE), "--yes").startswith("Nothing to do")
    # Its unit, not attach, has started it since: nothing but its owner stops it.
    operator.tool("detach", "db2", "--yes", status=None)
    db2.exec(f"systemctl stop {db2.unit}")
    operator.tool("detach", "db2", "--yes", status=None)
    assert sql(db1, FACTS).rpartition("|")[0] == before.rpartition("|")[0]
    assert db2.exec(f"ls {DATA}/standby.signal {DATA}/PG_VERSION").returncode == 0
