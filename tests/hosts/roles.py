"""Two hosts whose servers change roles, clients that commit all the while, and an account of it."""

import shlex
import stat
import threading
from contextlib import contextmanager, suppress

import psycopg

from tests.hosts.operator import Operator, sql, wait, where
from tests.testbed import HostsError

PROBE = "host all probe 0.0.0.0/0 trust"
BOSS = "host all boss 0.0.0.0/0 trust"
# As the tool calls the server of a host.
NAMES = {"db1": "db1_5432", "db2": "db2"}
IN_RECOVERY = "cd / && psql -XAtqc 'SELECT pg_is_in_recovery()' -d postgres"
FOLLOWS = """
SELECT count(*) = 1 FROM pg_stat_replication AS r JOIN pg_replication_slots AS s ON s.active_pid = r.pid
 WHERE r.application_name = '{name}' AND s.slot_name = '{name}' AND r.state = 'streaming'
"""
# A hook that says that it is there, and goes on when it is told to.
WAITING = 'touch "$1/here"; while [ ! -e "$1/go" ]; do sleep 0.05; done'


class Cast:
    """The hosts of a testbed, each a primary or a standby, and the operator who has attached one to the other."""

    def __init__(self, bed, suite="bookworm", by_tcp=False):
        """`by_tcp`: the operator reaches the primary by its port, and not by a psql on its host."""
        lines = "\n".join((PROBE, *((BOSS,) if by_tcp else ())))
        self.bed = bed
        self.hosts = bed.up({"db1": suite, "db2": suite})
        self.operator = Operator(bed)
        db1, db2 = self.hosts
        sql(db1, "ALTER SYSTEM SET listen_addresses = '*'")
        # Debian's cluster has no data checksums, and may have to be rewound.
        sql(db1, "ALTER SYSTEM SET wal_log_hints = on")
        db1.exec(f"echo '{lines}' >>{db1.hba}; systemctl restart {db1.unit}")
        sql(db1, "CREATE ROLE probe LOGIN; CREATE TABLE ledger (n bigint PRIMARY KEY); GRANT ALL ON ledger TO probe")
        way = {}
        if by_tcp:
            way = {"-p": f"host={db1.ipv4} user=boss dbname=postgres"}
            sql(db1, "CREATE ROLE boss LOGIN SUPERUSER")
        self.operator.tool("attach", *where(**{"--replace-cluster": db2.cluster}, **way), "--yes")
        db2.exec(f"echo '{lines}' >>{db2.hba}")
        sql(db2, "ALTER SYSTEM SET listen_addresses = '*'")
        db2.exec(f"systemctl restart {db2.unit}")
        wait(self.settled)

    def end(self):
        self.operator.end()
        self.bed.heal()
        self.bed.down()

    def writable(self):
        """Who takes writes now, as their consoles say; who does not answer there does not."""
        return [host for host in self.hosts if writes(host)]

    @property
    def primary(self):
        [found] = self.writable()
        return found

    def other(self, host):
        [found] = [each for each in self.hosts if each is not host]
        return found

    def settled(self):
        """One is the primary, the other streams from it by the slot of its name, and nobody else has one there."""
        writing = self.writable()
        if len(writing) != 1:
            return False
        name = NAMES[self.other(writing[0]).name]
        slots = sql(writing[0], "SELECT string_agg(slot_name, ',') FROM pg_replication_slots")
        return sql(writing[0], FOLLOWS.format(name=name)) == "t" and slots == name

    def fit(self):
        """Whether the roles can be as a test wants them first; makes them so."""
        self.bed.heal()
        with suppress(HostsError, AssertionError, ValueError):
            if self.primary is not self.hosts[0]:
                self.switchover(self.hosts[0])
            wait(self.settled, 20)
            return True
        return False

    def switchover(self, to, *more, **options):
        return self.operator.tool("switchover", "--to", NAMES[to.name], "--yes", *more, **options)

    @contextmanager
    def switching(self, to, stage, place):
        """A switchover that waits in one of its hooks: yields its process, and what lets it go on."""
        config, hook = place / "standbyctl.toml", place / "hook"
        config.write_text('[switchover]\nhook_timeout = "120s"\n')
        hook.write_text(WAITING)
        waits = shlex.join(["sh", f"{hook}", f"{place}"])
        process = self.operator.start(
            "switchover", "--to", NAMES[to.name], "--yes", "-c", f"{config}", "--max-wait", "10s", f"--{stage}", waits
        )
        wait(lambda: (place / "here").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        yield process, (place / "go").touch


def writes(host):
    """Whether a server is no standby; False where there is none, or its host is off."""
    try:
        return host.exec(IN_RECOVERY, user="postgres", check=False).stdout == "f\n"
    except HostsError:
        return False


class Clients:
    """They commit one row after another on whichever host takes them, and know what was acknowledged."""

    def __init__(self, *hosts):
        addresses = ",".join(host.ipv4 for host in hosts)
        self.conninfo = (
            f"host={addresses} user=probe dbname=postgres target_session_attrs=read-write connect_timeout=2"
            " tcp_user_timeout=2000 keepalives_idle=1 keepalives_interval=1 keepalives_count=2"
        )
        self.acknowledged, self.doubtful, self.ending = [], [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            self.next = conn.execute("SELECT coalesce(max(n), 0) FROM ledger").fetchone()[0]
        self.thread.start()
        self.more()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def _run(self):
        conn = None
        while not self.ending.wait(0.005):
            self.next += 1
            try:
                conn = conn or psycopg.connect(self.conninfo, autocommit=True)
                conn.execute("INSERT INTO ledger VALUES (%s)", [self.next])
                self.acknowledged.append(self.next)
            except psycopg.Error:
                self.doubtful.append(self.next)
                conn = conn and conn.close()
        if conn:
            conn.close()

    def more(self):
        known = len(self.acknowledged)
        wait(lambda: len(self.acknowledged) > known)

    def lost(self, host):
        """Acknowledged commits that a host has not got."""
        return set(self.acknowledged) - set(map(int, sql(host, "SELECT n FROM ledger").split()))


def crash(host):
    """As a kernel that is out of memory does; its unit does not start it again."""
    host.exec(f"kill -9 $(head -n 1 {host.data}/postmaster.pid)")
    wait(lambda: active(host) == "failed" or not writes(host))


def active(host):
    return host.exec(f"systemctl is-active {host.unit}", check=False).stdout.strip()


class Watching:
    """Looks at both servers from their consoles, all the while: were there ever two that take writes?"""

    def __init__(self, hosts):
        self.hosts, self.twice, self.ending = hosts, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def _run(self):
        one, other = self.hosts
        while not self.ending.wait(0.2):
            # The first one again: between two looks it may have handed over.
            if writes(one) and writes(other) and writes(one):
                self.twice.append((one.name, other.name))


class Traced:
    """The client of ssh, and a line of each time that it was called; `mark` is a hook that writes one there, too."""

    def __init__(self, operator, place):
        self.log, program = place / "calls", place / "ssh"
        words = operator.env["STANDBYCTL_SSH"]
        # Its arguments may have line ends in them.
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$(echo "$*" | tr "\\n" " ")" >>{self.log}\nexec {words} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.env = {"STANDBYCTL_SSH": f"{program}"}

    def mark(self, word):
        return f"sh -c 'echo {word} >>{self.log}'"

    def between(self, begin, end):
        lines = self.log.read_text().splitlines()
        return lines[lines.index(begin) + 1 : lines.index(end)]
