"""standbyctl as an operator runs it who reaches both hosts by ssh, and what the hosts say."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from standbyctl.app.request import Request, resolve
from standbyctl.app.session import Session, silent
from standbyctl.app.state import State
from tests.warm import run_tool

# Of Debian 12.
CLUSTER, DATA = "15/main", "/var/lib/postgresql/15/main"
# Everything of a primary that an attach may touch.
FACTS = """
SELECT (SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles),
       (SELECT string_agg(slot_name, ',' ORDER BY slot_name) FROM pg_replication_slots),
       (SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings WHERE name <> 'in_hot_standby'),
       (SELECT md5(pg_read_file(current_setting('hba_file')))),
       (SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_file_settings),
       pg_postmaster_start_time()
"""
# Everything on either host that a tunnel may touch: whose, which mode, and to the byte.
TUNNEL_FILES = """
cd /etc/systemd/system
for path in . *.service multi-user.target.wants/* /var/lib/postgresql/.ssh /var/lib/postgresql/.ssh/* \
    /home/walrus/.ssh /home/walrus/.ssh/*; do
    [ ! -e "$path" ] || stat -c '%n %a %U %G' "$path"
    [ ! -f "$path" ] || sha256sum "$path"
done
systemctl list-units --all --plain --no-legend 'standbyctl*'
ls -A /var/lib/postgresql /var/lib/postgresql/15
"""


class Operator:
    """`end` takes away what it has kept."""

    def __init__(self, bed):
        self.bed = bed
        self.state = tempfile.TemporaryDirectory(prefix="sb-op-")
        self.started = []

    @property
    def env(self):
        return os.environ | {"STANDBYCTL_SSH": f"ssh -F {self.bed.ssh_config}", "STANDBYCTL_STATE": self.state.name}

    def start(self, *args, env=None, module="standbyctl"):
        process = subprocess.Popen(
            [sys.executable, "-m", module, *args],
            env=self.env | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def tool(self, *args, status=0, env=None, timeout_seconds=180):
        """What it says, on one line; `status` None: whatever it ends with."""
        done = run_tool("standbyctl", args, self.env | (env or {}), timeout_seconds)
        said = done.stdout + done.stderr
        assert status in {done.returncode, None}, said
        return " ".join(said.split())

    def dies(self, point, *args):
        """It is killed at a point: see tests/faults/dying.py."""
        env = {"DYING_POINT": point, "DYING_NOTE": os.devnull}
        process = self.start(*args, env=env, module="tests.faults.dying")
        said, _ = process.communicate(timeout=180)
        assert process.returncode == -signal.SIGKILL, said

    @contextmanager
    def session(self, **more):
        """The tool's own session, for what is done with no command."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STANDBYCTL_SSH", self.env["STANDBYCTL_SSH"])
            request = Request("", "", name="db2", primary_ssh="db1", standby_ssh="db2", **more)
            made = Session(resolve(request, State(Path(self.state.name))), silent)
            try:
                yield made
            finally:
                made.close()

    def end(self):
        for process in self.started:
            process.kill()
            process.wait()
            process.stdout.close()
        self.state.cleanup()


def where(login="", **more):
    """The options that name both hosts, where the standby's has the cluster that came with its package."""
    at = f"{login}@" if login else ""
    options = {
        "--primary-ssh": f"{at}db1",
        "--standby-ssh": f"{at}db2",
        "--name": "db2",
        "--replace-cluster": CLUSTER,
    } | more
    return [word for pair in options.items() if pair[1] for word in pair]


def sql(host, statement, port=5432):
    """What a server says, in psql's unaligned output."""
    return host.exec(f"cd / && psql -XAtq -p {port} -d postgres", user="postgres", text=statement).stdout.strip()


def streams(primary, name="db2"):
    return sql(primary, f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'")


def receives(standby):
    """As the standby sees it; nothing while its host boots."""
    query = "SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"
    done = standby.exec(f'cd / && psql -XAtqc "{query}" -d postgres', user="postgres", check=False)
    return done.returncode == 0 and done.stdout.strip()


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def beside(host):
    """What stands where the data directories are."""
    return sorted(host.exec(f"ls -A {Path(host.data).parent}").stdout.split())


def tunnel_files(host):
    """Whatever of a tunnel is on a host."""
    return host.exec(TUNNEL_FILES).stdout
