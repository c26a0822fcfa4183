"""A testbed: hosts, made together and taken away together."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.testbed import cgroups, machine
from tests.testbed.host import Host
from tests.testbed.images import image
from tests.testbed.network import OPERATOR, Line, Switch

# Everything that is made is named after its testbed's directory.
PREFIX = "standbyctl-testbed."
DIRECTORIES = "/run/lock/standbyctl-testbed.directories"
FIRST_INDEX = 10


class Testbed:
    """Hosts on a switch. Several testbeds on one machine do not see each other."""

    __test__ = False  # pytest: the name is a coincidence

    def __init__(self):
        self.hosts = {}
        self.directory = None
        self._owned = None
        self._switch = None

    def up(self, suites, disk_mb=None):
        """Make and boot hosts: {"db1": "bookworm"}. Returns them in that order; each has a cluster main, running.

        disk_mb: {"db2": 300} puts /var/lib/postgresql of a host on a file system of that size.
        """
        if self.hosts:
            raise machine.HostsError("this testbed is up")
        roots = {suite: image(suite) for suite in sorted(set(suites.values()))}
        self._make_directory()
        try:
            self._switch = Switch(cgroups.group_of(self.directory))
            for index, (name, suite) in enumerate(suites.items(), FIRST_INDEX):
                place = self.directory / name
                self.hosts[name] = Host(
                    name, suite, roots[suite], place, self._switch, index, (disk_mb or {}).get(name)
                )
            self._make_hosts()
            with ThreadPoolExecutor(max_workers=len(self.hosts)) as pool:
                list(pool.map(_first_boot, self.hosts.values()))
        except BaseException:
            self.down()
            raise
        return list(self.hosts.values())

    def down(self):
        """Take everything away: processes, namespaces, mounts, interfaces, files. Images stay."""
        for host in self.hosts.values():
            host.kill()
        if self._switch:
            self._switch.end()
        if self.directory:
            cgroups.kill(cgroups.group_of(self.directory))
            shutil.rmtree(self.directory)
            os.close(self._owned)
        self.hosts, self.directory, self._owned, self._switch = {}, None, None, None

    def __getitem__(self, name):
        return self.hosts[name]

    @property
    def ssh_config(self):
        """For `ssh -F`: root@, admin@ (sudo) and postgres@ each host, by its name; NAME-v6 goes by IPv6."""
        return self.directory / "ssh_config"

    def ssh(self, whom, command, check=True, text="", timeout_seconds=60):
        """Run a shell command over the network, as somebody at this machine: ssh("admin@db1", "sudo id")."""
        argv = ["ssh", "-F", self.ssh_config, whom, command]
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, timeout=timeout_seconds, env=machine.ENV
        )
        if check and done.returncode:
            raise machine.HostsError(
                f"{whom}: {command}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}"
            )
        return done

    def cut(self, name, other=None):
        """Partition a host from everything, or from one other (or "operator", this machine). Nobody is told."""
        for each in {name, other} - {None, OPERATOR}:
            self.hosts[each]  # so that no name is misspelled
        self._switch.cut(name, other)

    def shape(self, name, **line):
        """Make a host's cable slow or bad, each way: rate_mbit, delay_ms, loss_percent. It survives a reboot."""
        self._switch.shape(self.hosts[name], Line(**line))

    def heal(self, *names):
        """Undo every cut and shape of these hosts; without names, of all."""
        if self._switch:
            self._switch.heal([self.hosts[name] for name in names or self.hosts])

    def _make_directory(self):
        with machine.locked(DIRECTORIES):
            self.directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=machine.DISKS))
            self._owned = _own(self.directory)

    def _make_hosts(self):
        key = self.directory / "id_ed25519"
        machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", OPERATOR, "-f", key)
        addresses = {OPERATOR: self._switch.address(1)}
        addresses |= {host.name: (host.ipv4, host.ipv6) for host in self.hosts.values()}
        names = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
        names += "".join(f"{address} {name}\n" for name, both in addresses.items() for address in both)
        for host in self.hosts.values():
            host.make(key.with_suffix(".pub").read_text(), names)
        known = self.directory / "known_hosts"
        known.write_text("".join(f"{host.name} {host.host_key}" for host in self.hosts.values()))
        self.ssh_config.write_text(
            "".join(
                f"Host {host.name}\n    HostName {host.ipv4}\n    HostKeyAlias {host.name}\n"
                f"Host {host.name}-v6\n    HostName {host.ipv6}\n    HostKeyAlias {host.name}\n"
                for host in self.hosts.values()
            )
            + f"Host *\n    User root\n    IdentityFile {key}\n    IdentitiesOnly yes\n    BatchMode yes\n"
            f"    UserKnownHostsFile {known}\n    StrictHostKeyChecking yes\n    ConnectTimeout 5\n"
        )


def _first_boot(host):
    host.start()
    host.first_cluster()


def _own(directory):
    """Lock a testbed's directory for as long as this process lives; None if somebody else has."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def sweep():
    """Take away what runs that were killed have left on this machine."""
    with machine.locked(DIRECTORIES):
        for directory in Path(machine.DISKS).glob(f"{PREFIX}*"):
            if (handle := _own(directory)) is not None:
                cgroups.kill(cgroups.group_of(directory))
                shutil.rmtree(directory)
                os.close(handle)
