"""Control groups: every process of a host, whoever started it, known and killed as one.

A testbed is one group, named after its directory; each host is a group in it, and so are the helpers of the network.
"""

import contextlib
import os
from pathlib import Path

from tests.testbed.machine import HostsError, cgroup_root, wait_until


def group_of(directory):
    """The group of the testbed in a directory."""
    root = cgroup_root()
    if root is None:
        raise HostsError("no cgroup v2 hierarchy is mounted")
    return Path(root) / Path(directory).name


def joining(group, *argv):
    """A command as the first thing of which a process enters the group. (A preexec_fn must not meet threads.)"""
    group.mkdir(parents=True, exist_ok=True)
    return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group), *map(str, argv)]


def pids(group):
    """Everything in the group and below."""
    found = []
    for directory, _, _ in os.walk(group):
        with contextlib.suppress(OSError):
            found += map(int, (Path(directory) / "cgroup.procs").read_text().split())
    return found


def alive(group):
    """Whether a process is left in the group or below."""
    try:
        return "populated 1" in (group / "cgroup.events").read_text()
    except OSError:
        return False


def kill(group):
    """SIGKILL to every process of the group, at once; then the group is removed."""
    with contextlib.suppress(OSError):
        (group / "cgroup.kill").write_text("1")
    wait_until(lambda: not alive(group), 30, f"processes of {group} end")
    wait_until(lambda: _removed(group), 10, f"{group} can be removed")


def _removed(group):
    for directory, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return not group.is_dir()
