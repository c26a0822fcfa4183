"""This machine: programs that are run on it, and whether hosts can be on it at all."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time

# Files of hosts need a real disk: a file system in memory or an overlay is no place for an overlay's upper layer.
DISKS = "/var/tmp"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:{PATH}", "LC_ALL": "C"}

PACKAGE_OF = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "iptables-restore": "iptables",
    "ssh": "openssh-client",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
}

# Run in new namespaces, as a host would be; says what cannot be had.
TRIAL = """
try() { what=$1; shift; "$@" >/dev/null 2>&1 || { echo "$what cannot be had here ($*)"; exit 1; }; }
cd "$0" && mkdir lower upper work root
try "a file system on an overlay" mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
try "/proc of a host" mount -t proc proc root
try "a switch" ip link add br0 type bridge
try "a cable" ip link add one type veth peer name other
try "a limited rate" tc qdisc add dev one root tbf rate 1mbit burst 32k latency 100ms
try "a packet filter" nft add table bridge testbed
"""


class HostsError(Exception):
    """Something of the testbed that did not work, in words."""


class IsOffError(HostsError):
    """The host has no PID 1 now."""


def run(*argv, text=None):
    """Run a program and return its standard output; what it says when it fails is the failure."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, input=text or "", capture_output=True, text=True, check=False, env=ENV)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise HostsError(f"{' '.join(words)}: exit {done.returncode}: {said[-2000:]}")
    return done.stdout


def wait_until(condition, timeout_seconds, what):
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise HostsError(f"not within {timeout_seconds:g} s: {what}")
        time.sleep(0.02)


@contextlib.contextmanager
def locked(path):
    """Hold a lock that the kernel takes back from whoever dies."""
    with open(path, "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def missing():
    """Why no hosts can be on this machine, or None where they can."""
    absent = sorted({package for program, package in PACKAGE_OF.items() if not shutil.which(program, path=ENV["PATH"])})
    if os.geteuid() != 0:
        return "hosts are made by root only"
    if absent:
        return f"programs are missing: apt-get install {' '.join(absent)}"
    if cgroup_root() is None:
        return "no cgroup v2 hierarchy is mounted"
    with tempfile.TemporaryDirectory(dir=DISKS, prefix="standbyctl-trial.") as place:
        argv = ["unshare", "-muinpC", "--fork", "sh", "-c", TRIAL, place]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=ENV, stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else (done.stdout or done.stderr).strip()


def cgroup_root():
    """Where cgroup v2 is mounted; beside version 1 will do, since nothing is limited."""
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            left, _, right = line.partition(" - ")
            if right.split()[0] == "cgroup2" and left.split()[3] == "/":
                return left.split()[4]
    return None
