"""`switchover` of two hosts over ssh, beside repmgr's (Debian's packages), in turn, on the same hosts.

    python -m bench.repmgr [RUNS]

Two hosts of the testbed (root only): systemd, sshd, PostgreSQL 15. Measured as in bench/switchover.py: a probe commits
on whichever node is the primary; the gap is from the last commit that the old one acknowledged to the first of the new
one. Four runs are a round: ours there and back, repmgr's there and back, so that each finds the roles and the
configuration as it has left them; what repmgr has written into postgresql.auto.conf is put back outside of what is
measured. repmgr runs on the standby, as its documentation has it, with systemctl for stop and start, and no repmgrd.

Last, one run that is not measured counts how often ssh is called between the hooks before the stop and after the
promotion.

Run it on a machine that does nothing else.
"""

import contextlib
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from bench.switchover import OURS, Bench, Probe, figures
from tests.hosts.operator import sql, wait
from tests.hosts.roles import NAMES, Cast, Traced
from tests.testbed import Testbed

REPMGR = "repmgr"
PACKAGES = ("repmgr", "repmgr-common", "postgresql-15-repmgr")
# Its own role; and its way to the other host, which is that of the server's user.
HBA = "host replication,repmgr repmgr 0.0.0.0/0 trust"
SUDO = "postgres ALL = NOPASSWD: /usr/bin/systemctl"
SSH = """
set -eu
cd ~postgres
[ -e .ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
printf 'StrictHostKeyChecking no\\nUserKnownHostsFile /dev/null\\nLogLevel ERROR\\n' >.ssh/config
cat .ssh/id_ed25519.pub
"""
SERVICE = "\n".join(
    f"service_{verb}_command = 'sudo systemctl {verb} {{unit}}'" for verb in ("start", "stop", "restart")
)
CONF = """
node_id = {number}
node_name = '{name}'
conninfo = 'host={address} user=repmgr dbname=repmgr connect_timeout=2'
data_directory = '{data}'
pg_bindir = '/usr/lib/postgresql/15/bin'
{service}
"""


class Hosts:
    """Both hosts by the names that both tools know their servers by, as bench.switchover.Bench wants a pair."""

    def __init__(self, bed, place):
        self.cast, self.place = Cast(bed), place
        self.nodes = {NAMES[host.name]: host for host in self.cast.hosts}
        self.primary_name = NAMES["db1"]
        primary = self.cast.primary
        sql(
            primary, "CREATE TABLE probe (n bigint PRIMARY KEY); GRANT ALL ON probe TO probe; GRANT pg_monitor TO probe"
        )
        sql(primary, "CREATE ROLE repmgr SUPERUSER LOGIN; CREATE DATABASE repmgr OWNER repmgr")
        self._install()

    def _install(self):
        debs = self.place / "debs"
        debs.mkdir()
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=debs, check=True, capture_output=True)
        keys = {}
        for host in self.cast.hosts:
            config = self.cast.bed.ssh_config
            subprocess.run(["scp", "-qF", config, *debs.iterdir(), f"root@{host.name}:/tmp/"], check=True)
            host.exec("dpkg -i --force-depends /tmp/*repmgr*.deb >/dev/null 2>&1")
            host.exec(f"echo '{SUDO}' >/etc/sudoers.d/postgres; echo '{HBA}' >>{host.hba}")
            keys[host] = host.exec(SSH, user="postgres").stdout
            sql(host, "SELECT pg_reload_conf()")
        for number, (name, host) in enumerate(self.nodes.items(), 1):
            host.exec(f"echo '{keys[self.cast.other(host)].strip()}' >>~postgres/.ssh/authorized_keys")
            service = SERVICE.format(unit=host.unit)
            conf = CONF.format(number=number, name=name, address=host.ipv4, data=host.data, service=service)
            host.exec("cat >/etc/repmgr.conf", text=conf)
        primary, standby = self.cast.hosts
        self._repmgr(primary, "primary register")
        wait(lambda: sql(standby, "SELECT 1 FROM pg_database WHERE datname = 'repmgr'"))
        self._repmgr(standby, "standby register")

    def _repmgr(self, host, words):
        done = host.exec(
            f"cd / && repmgr -f /etc/repmgr.conf {words} 2>&1", user="postgres", check=False, timeout_seconds=300
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def connect(self, name):
        conninfo = f"host={self.nodes[name].ipv4} user=probe dbname=postgres connect_timeout=2"
        return psycopg.connect(conninfo, autocommit=True)

    def ours(self, new):
        said = self.cast.switchover(self.nodes[new])
        return {"said": float(re.search(r"for (\d+) ms", said)[1])}

    def repmgr(self, new):
        self._repmgr(self.nodes[new], "standby switchover")
        return {}

    @contextlib.contextmanager
    def kept(self):
        """What is in the configuration of both is put back."""
        conf = {host: host.exec(f"cat {host.data}/postgresql.auto.conf").stdout for host in self.cast.hosts}
        # repmgr leaves a name of a slot there, and it streams by none of ours.
        sql(self.nodes[self.primary_name], "ALTER SYSTEM RESET primary_slot_name")
        yield
        for host, text in conf.items():
            host.exec(f"cat >{host.data}/postgresql.auto.conf", text=text)
            sql(host, "SELECT pg_reload_conf()")
        wait(self.cast.settled)

    def calls(self, new):
        """How often ssh is called in the pause."""
        traced = Traced(self.cast.operator, self.place)
        hooks = ("--before", traced.mark("begins"), "--after", traced.mark("ends"))
        self.cast.switchover(self.nodes[new], *hooks, env=traced.env)
        return len(traced.between("begins", "ends"))


class Beside(Bench):
    """Runs of both tools."""

    def __init__(self, hosts, probe):
        super().__init__(hosts, probe, (OURS, REPMGR))

    def round(self):
        hosts = self.pair
        here, there = hosts.nodes
        for new in (there, here):
            self.measure(OURS, new, lambda new=new: hosts.ours(new))
            wait(hosts.cast.settled)
        with hosts.kept():
            for new in (there, here):
                self.measure(REPMGR, new, lambda new=new: hosts.repmgr(new))


def main(runs):
    bed, probe = Testbed(), None
    with tempfile.TemporaryDirectory(prefix="sb-repmgr-") as place:
        try:
            hosts = Hosts(bed, Path(place))
            probe = Probe(hosts)
            probe.start()
            bench = Beside(hosts, probe)
            print(f"PostgreSQL 15, Debian 12, {runs} runs of each", flush=True)
            for _ in range(math.ceil(runs / 2)):
                bench.round()
            for key, unit in (("gap", "ms"), ("streams", "s"), ("said", "ms")):
                for way, each in bench.runs.items():
                    if line := figures(each, key):
                        print(f"{key:<8} {way:<11} {line} {unit}")
            lost = {way: sum(run["lost"] for run in each) for way, each in bench.runs.items()}
            print(f"acknowledged commits lost: {lost[OURS]} {OURS}, {lost[REPMGR]} {REPMGR}")
            ratios = [ours["gap"] / theirs["gap"] for ours, theirs in zip(*bench.runs.values(), strict=True)]
            print("ratio of the gaps, run by run: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
            print(f"ssh is called {hosts.calls(NAMES['db2'])} time(s) in our pause")
        finally:
            if probe is not None:
                with contextlib.suppress(psycopg.Error):
                    probe.end()
            bed.down()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
