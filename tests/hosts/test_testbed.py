"""The testbed keeps its own promises: what other tests take for a Debian host is one."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.testbed import Testbed, cgroups, images, machine, sweep

pytestmark = pytest.mark.hosts("bookworm")

# A run that does nothing but to have hosts.
RUN = """
from tests.testbed import Testbed
bed = Testbed()
bed.up({"db1": "bookworm"})
print(bed.directory, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def healed(testbed):
    """No test leaves the network worse than it was."""
    yield
    testbed.heal()


def psql(host, sql):
    return host.exec(f'psql -XAtc "{sql}"', user="postgres").stdout.strip()


def reaches(host, whom, option=""):
    """Whether the answer to a ping comes; it comes within a millisecond or never."""
    return host.exec(f"ping {option} -c 1 -W 0.5 {whom}", check=False).returncode == 0


def round_trip_ms(host, whom):
    said = host.exec(f"ping -c 4 -i 0.05 {whom}").stdout
    return float(re.search(r"= ([\d.]+)/", said)[1])


def test_systemd_is_running_and_so_is_the_packages_own_cluster(hosts):
    for host in hosts:
        assert host.exec("systemctl is-system-running", check=False).stdout == "running\n"
        assert host.unit == "postgresql@15-main"
        assert host.exec(f"systemctl is-active {host.unit}").stdout == "active\n"
        assert psql(host, "SHOW server_version_num").startswith("15")
        assert psql(host, "SHOW listen_addresses") == "localhost", "as it is installed"


def test_two_hosts_are_two_machines_with_two_clusters(hosts):
    commands = ("hostname", "cat /etc/machine-id", "cat /proc/sys/kernel/random/boot_id", "stat -c %d:%i /")
    for command in commands:
        one, other = (host.exec(command).stdout for host in hosts)
        assert one != other, command
    assert len({psql(host, "SELECT system_identifier FROM pg_control_system()") for host in hosts}) == 2


@pytest.mark.parametrize("at", ["db1", "db1-v6", "db2", "db2-v6"])
def test_ssh_lets_in_root_and_postgres_and_admin_who_may_sudo(testbed, hosts, at):
    name = at.removesuffix("-v6")
    for whom, command, said in (
        (at, "whoami; hostname", f"root\n{name}\n"),
        (f"admin@{at}", "whoami; sudo -n whoami", "admin\nroot\n"),
        (f"postgres@{at}", "psql -XAtc 'SELECT current_user'", "postgres\n"),
    ):
        assert testbed.ssh(whom, command).stdout == said
    assert ":" in testbed.ssh(f"{name}-v6", "echo $SSH_CONNECTION").stdout


def test_hosts_reach_each_other_and_this_machine_by_name_and_by_address(hosts):
    for host, other in (hosts, hosts[::-1]):
        for whom in (other.ipv4, other.ipv6, "operator"):
            assert reaches(host, whom), whom
        for option in ("-4", "-6"):
            assert reaches(host, other.name, option)


def test_a_host_that_is_cut_is_silent_until_it_is_healed(testbed, hosts):
    db1, db2 = hosts
    testbed.cut("db1")
    for whom in (db1.ipv4, db1.ipv6):
        assert not reaches(db2, whom), whom
    assert not reaches(db1, "operator")
    silent = testbed.ssh("db1", "true", check=False)
    assert silent.returncode == 255
    assert "timed out" in silent.stderr, "nobody is told"
    assert reaches(db2, "operator")
    assert psql(db1, "SELECT 1") == "1", "the console needs no network"
    testbed.heal("db1")
    assert reaches(db2, db1.ipv4)
    assert reaches(db2, db1.ipv6)
    assert testbed.ssh("db1", "true").returncode == 0


def test_a_cut_between_two_is_between_these_two_only(testbed, hosts):
    db1, db2 = hosts
    testbed.cut("db1", "db2")
    assert not reaches(db1, db2.ipv4)
    assert not reaches(db2, db1.ipv6)
    assert reaches(db1, "operator")
    assert reaches(db2, "operator")
    testbed.heal()
    testbed.cut("db2", "operator")
    assert reaches(db1, db2.ipv4)
    assert not reaches(db2, "operator")
    testbed.heal()
    assert reaches(db2, "operator")


def test_a_cable_is_as_slow_and_as_bad_as_was_asked(testbed, hosts):
    db1, db2 = hosts
    assert round_trip_ms(db2, "db1") < 50
    testbed.shape("db1", delay_ms=30)
    assert round_trip_ms(db2, db1.ipv4) >= 60, "there and back"
    assert round_trip_ms(db2, db1.ipv6) >= 60
    testbed.shape("db1", rate_mbit=8)
    began = time.monotonic()
    assert len(testbed.ssh("db1", "head -c 2000000 /dev/zero").stdout) == 2_000_000
    slow = time.monotonic() - began
    assert slow > 1.5, "two seconds at one megabyte a second, but for the burst"
    testbed.shape("db1", loss_percent=100)
    assert not reaches(db2, db1.ipv4)
    testbed.heal("db1")
    assert round_trip_ms(db2, "db1") < 50
    began = time.monotonic()
    testbed.ssh("db1", "head -c 2000000 /dev/zero")
    assert time.monotonic() - began < slow


@pytest.mark.parametrize("orderly", [False, True], ids=["power loss", "reboot"])
def test_what_was_committed_is_there_when_a_host_is_back(hosts, orderly):
    db1, db2 = hosts
    name = "orderly" if orderly else "lost"
    psql(db1, f"CREATE TABLE {name} AS SELECT 1 AS n")
    boot = db1.exec("cat /proc/sys/kernel/random/boot_id").stdout
    if orderly:
        db1.reboot()
    else:
        db1.kill()
        assert not db1.running
        assert not reaches(db2, db1.ipv4)
        with pytest.raises(machine.HostsError, match="db1 is off"):
            db1.exec("true")
        db1.start()
    assert db1.exec("cat /proc/sys/kernel/random/boot_id").stdout != boot
    assert db1.exec(f"systemctl is-active {db1.unit}").stdout == "active\n", "by itself"
    assert psql(db1, f"SELECT n FROM {name}") == "1"
    log = db1.exec(f"cat {db1.log}").stdout
    assert ("was not properly shut down" in log.rpartition("starting PostgreSQL")[2]) is not orderly
    assert reaches(db2, db1.ipv4)


def test_a_rate_and_a_cut_outlive_a_power_loss(testbed, hosts):
    db1 = hosts[0]
    testbed.cut("db1", "operator")
    testbed.shape("db1", rate_mbit=8)
    db1.kill()
    db1.start()
    assert "rate 8Mbit" in db1.exec("tc qdisc show dev eth0").stdout
    assert not reaches(db1, "operator")
    testbed.heal()
    assert reaches(db1, "operator")


def traces(bed):
    """What the kernel holds for a testbed: processes, and the namespaces that are theirs only."""
    pids = cgroups.pids(cgroups.group_of(bed.directory))
    own = {str(path.readlink()) for path in Path("/proc/self/ns").iterdir()}
    spaces = {str(path.readlink()) for pid in pids for path in Path(f"/proc/{pid}/ns").iterdir()}
    return set(pids), spaces - own


def lives(pid):
    """Whether a process runs. What has ended may stay in the list as long as this machine's PID 1 does not look."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def assert_nothing_is_left(directory, pids, spaces):
    assert {pid for pid in pids if lives(pid)} == set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = {str(path.readlink()) for path in (process / "ns").iterdir()}
            mounts = (process / "mountinfo").read_text()
        except OSError:  # it has just ended
            continue
        assert not held & spaces
        assert directory.name not in mounts
    assert not directory.exists()
    assert not cgroups.group_of(directory).exists()
    assert f"tb-{directory.name[-8:]}" not in machine.run("ip", "link", "show")
    assert directory.name not in machine.run("losetup", "--list", "--output", "BACK-FILE")


def test_a_testbed_that_is_down_has_left_nothing_and_others_stand(hosts):
    bed = Testbed()
    [db1] = bed.up({"db1": "bookworm"}, disk_mb={"db1": 300})
    try:
        assert 200 < int(db1.exec("df -m --output=size /var/lib/postgresql").stdout.split()[-1]) <= 300
        assert db1.exec("fallocate -l 400M /var/lib/postgresql/x", user="postgres", check=False).returncode == 1
        assert db1.ipv4 not in {host.ipv4 for host in hosts}
        bed.shape("db1", delay_ms=1)
        directory, (pids, spaces) = bed.directory, traces(bed)
        assert len(pids) > 10
        assert len(spaces) >= 6
    finally:
        bed.down()
    assert_nothing_is_left(directory, pids, spaces)
    assert all(psql(host, "SELECT 1") == "1" for host in hosts)


def test_hosts_end_with_the_run_that_had_them_and_the_next_run_takes_away_their_files(hosts):
    argv = [sys.executable, "-c", RUN]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        directory = Path(run.stdout.readline().strip())
        bed = Testbed()
        bed.directory = directory
        pids, spaces = traces(bed)
        assert len(pids) > 10
        sweep()
        assert directory.exists(), "its run is alive"
        run.send_signal(signal.SIGKILL)
    machine.wait_until(lambda: not cgroups.alive(cgroups.group_of(directory)), 10, "hosts end")
    assert directory.exists()
    sweep()
    assert_nothing_is_left(directory, pids, spaces)
    assert all(psql(host, "SELECT 1") == "1" for host in hosts)


def test_every_suite_boots_with_a_cluster_of_its_own_version(suite):
    bed = Testbed()
    [db1] = bed.up({"db1": suite})
    try:
        assert db1.exec("systemctl is-system-running", check=False).stdout == "running\n"
        assert psql(db1, "SHOW server_version_num").startswith(str(db1.major))
        assert bed.ssh("admin@db1", "sudo -n whoami").stdout == "root\n"
    finally:
        bed.down()


def test_a_suite_that_the_mirror_does_not_have_is_named(tmp_path):
    with pytest.raises(images.SuiteGoneError, match="the mirror has no buzz"):
        images.build("buzz", tmp_path)


def test_another_list_of_packages_is_another_image():
    assert images.key() == images.key()
    assert images.key([*images.OPTIONS, "--include=tmux"]) != images.key()
