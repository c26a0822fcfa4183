"""One host: its disk, its power, its console."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from pathlib import Path

from tests.testbed import cgroups
from tests.testbed.images import postgresql_major
from tests.testbed.machine import ENV, PATH, HostsError, IsOffError, run, wait_until
from tests.testbed.network import Line, port, tbf

BOOT = Path(__file__).with_name("boot.sh")
USERS = {"root": "/root", "admin": "/home/admin", "postgres": "/var/lib/postgresql"}


class Host:
    """A host of a testbed. Made and taken away by the testbed; switched on and off by tests.

    name, suite     as asked for
    ipv4, ipv6      its addresses
    major           the version of PostgreSQL that its suite has
    unit            the systemd unit of its cluster main
    cluster         that cluster as Debian's tools name it
    data, hba       its data directory and its pg_hba.conf
    log             and what it logs to
    """

    def __init__(self, name, suite, root, directory, switch, index, disk_mb=None):
        self.name, self.suite = name, suite
        self.ipv4, self.ipv6 = switch.address(index)
        self.major = postgresql_major(root)
        self.unit, self.cluster = f"postgresql@{self.major}-main", f"{self.major}/main"
        self.data, self.hba = f"/var/lib/postgresql/{self.cluster}", f"/etc/postgresql/{self.cluster}/pg_hba.conf"
        self.log = f"/var/log/postgresql/postgresql-{self.major}-main.log"
        self.index = index
        self.boots = 0
        self.host_key = ""
        self.group = switch.group / name
        self._root, self._directory, self._switch = root, directory, switch
        self._disk = directory / "disk.img" if disk_mb else ""
        self._disk_mb = disk_mb
        self._on = False
        self._power = None

    # Its disk

    def make(self, public_key, names):
        """Write what a host has of its own before it first boots."""
        for part in ("upper", "work", "root"):
            (self._directory / part).mkdir(parents=True)
        with tempfile.TemporaryDirectory() as place:
            key = Path(place, "key")
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{self.name}", "-f", key)
            self.host_key = key.with_suffix(".pub").read_text()
            self._put("etc/ssh/ssh_host_ed25519_key", key.read_text(), 0o600)
        self._put("etc/ssh/ssh_host_ed25519_key.pub", self.host_key)
        for user, home in USERS.items():
            self._put(f"{home[1:]}/.ssh/authorized_keys", public_key, 0o600, user)
        self._put("etc/hostname", f"{self.name}\n")
        self._put("etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
        self._put("etc/hosts", names)
        self._put("etc/resolv.conf", "")
        if self._disk:
            with self._disk.open("wb") as disk:
                disk.truncate(self._disk_mb << 20)
            home = self._directory / "upper/var/lib/postgresql"
            owner = f"root_owner={home.stat().st_uid}:{home.stat().st_gid}"
            run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", owner, "-d", home, self._disk)

    def _put(self, path, content, mode=0o644, user="root"):
        """Write a file; directories above it are as in the image, or else the user's."""
        target = self._directory / "upper" / path
        for above in reversed(target.relative_to(self._directory / "upper").parents[:-1]):
            if not (target := self._directory / "upper" / above).exists():
                target.mkdir(mode=0o700)
                self._own(target, above, user)
        target = self._directory / "upper" / path
        target.write_text(content)
        target.chmod(mode)
        self._own(target, None, user)

    def _own(self, target, like, user):
        like = self._root / like if like else None
        if like and like.exists():
            shutil.copystat(like, target)
            os.chown(target, like.stat().st_uid, like.stat().st_gid)
        else:
            passwd = (self._root / "etc/passwd").read_text()
            uid, gid = re.search(rf"^{user}:[^:]*:(\d+):(\d+):", passwd, re.MULTILINE).groups()
            os.chown(target, int(uid), int(gid))

    # Its power

    @property
    def running(self):
        """Whether a process of it is there."""
        return cgroups.alive(self.group)

    def start(self):
        """Switch it on, and wait until systemd has done what there is to do."""
        if self._power and self._power.is_alive():
            raise HostsError(f"{self.name} is on")
        self._on = True
        self._power = threading.Thread(target=self._supply, name=f"power of {self.name}", daemon=True)
        self._power.start()
        self._wait_booted()

    def kill(self):
        """Power loss: silent and dead at once. (What was written and not flushed is not lost: no test of fsync.)"""
        self._on = False
        self._switch.unplug(self.name)
        cgroups.kill(self.group)
        while self._power and self._power.is_alive():  # it was just about to boot again
            cgroups.kill(self.group)
            self._power.join(0.05)

    def reboot(self):
        """An orderly reboot, and wait until it is back."""
        boots = self.boots
        self.exec("systemctl --no-block reboot")
        wait_until(lambda: self.boots > boots, 120, f"{self.name} goes down")
        self._wait_booted()

    def _supply(self):
        """Boot, and again whenever the host asks for a reboot."""
        status = -signal.SIGHUP  # the kernel's word for it
        while self._on and status == -signal.SIGHUP:
            with self.console.open("a") as console:
                try:
                    self._switch.unplug(self.name)
                    self.boots += 1
                    status = subprocess.call(
                        self._boot(), stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=ENV | {"PATH": PATH}
                    )
                except HostsError as error:  # told by who waits for the boot
                    console.write(f"{error}\n")
                    return

    def _boot(self):
        line = self._switch.lines.get(self.name, Line())
        rate = " ".join(map(str, tbf(line.rate_mbit))) if line.rate_mbit else ""
        mac = f"02:77:00:00:{self._switch.number:02x}:{self.index:02x}"
        cable = [BOOT, self._switch.space, port(self.name), mac, self.ipv4, self.ipv6, rate]
        return cgroups.joining(
            self.group, "unshare", "--net", "sh", BOOT, *cable, self._root, self._directory, self.name, self._disk
        )

    def _wait_booted(self):
        def booted():
            if not self._power.is_alive():
                said = self.console.read_text(errors="replace").splitlines()[-10:]
                raise HostsError(f"{self.name} did not boot:\n" + "\n".join(said))
            if self._init() is None:
                return False
            try:
                done = self.exec("systemctl is-system-running --wait", check=False)
            except IsOffError:  # systemd moves itself to a group of its own: not seen while it does
                return False
            return done.stdout.strip() in {"running", "degraded"}

        wait_until(booted, 120, f"{self.name} has booted")

    # Its console

    @property
    def console(self):
        """What it says when it boots."""
        return self._directory / "console.log"

    @property
    def space(self):
        """Its network namespace."""
        return f"/proc/{self._pid()}/ns/net"

    def exec(self, command, user="root", check=True, text="", timeout_seconds=60):
        """Run a shell command as if typed at the console: with the network cut, too. Returns a CompletedProcess."""
        env = [f"PATH={PATH}", f"HOME={USERS.get(user, '/')}", f"USER={user}", "LANG=en_US.UTF-8"]
        argv = ["sh", "-c", command] if user == "root" else ["runuser", "-u", user, "--", "sh", "-c", command]
        enter = ["nsenter", f"--target={self._pid()}", "--all", "--root", "--"]
        done = subprocess.run(
            cgroups.joining(self.group / "console", *enter, "env", "--chdir=/", "-i", *env, *argv),
            input=text, capture_output=True, text=True, check=False, timeout=timeout_seconds,
        )  # fmt: skip
        if check and done.returncode:
            raise HostsError(f"{self.name}: {command}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done

    def first_cluster(self):
        """What the package postgresql does when it is installed on a running server."""
        self.exec(f"pg_createcluster {self.major} main -- --no-sync")
        self.exec(f"systemctl daemon-reload && systemctl start {self.unit}")

    def _pid(self):
        if pid := self._init():
            return pid
        raise IsOffError(f"{self.name} is off")

    def _init(self):
        """The host's PID 1, by its number here; None before it is systemd (until then it sees this machine's files)."""
        for pid in cgroups.pids(self.group):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                if re.search(r"^NSpid:\s+\d+\s+1$", status, re.MULTILINE) and status.startswith("Name:\tsystemd\n"):
                    return pid
        return None
