"""A cluster whose roles change: named nodes, clients that follow the primary, and an account of every commit."""

import os
import pty
import signal
import sys
import threading
import time
from pathlib import Path

import psycopg

from standbyctl.lab.server import free_port

LEDGER = "CREATE TABLE IF NOT EXISTS ledger (id bigint PRIMARY KEY)"
HOLES = "SELECT count(*) FROM ledger"


class Cast:
    """The pair's servers by name; each may be the primary."""

    def __init__(self, pair):
        self.pair = pair
        self.ports = {"db1": pair.primary.port}
        self.config = pair.area.path / "standbyctl.toml"
        self.config.write_text(f'[[node]]\nname = "db1"\nconninfo = "{pair.primary.conninfo}"\n')

    def data(self, name):
        return self.pair.area.path / name

    def tool(self, *args, **more):
        env = {"STANDBYCTL_CONFIG": str(self.config), **(more.pop("env", None) or {})}
        return self.pair.tool(*args, env=env, **more)

    def attach(self, name, *more):
        self.ports.setdefault(name, self.pair.port if name == "db2" else free_port())
        where = ["-D", self.data(name), "--name", name, "--port", self.ports[name]]
        return self.tool("attach", "-p", "db1", *where, "--yes", *more, status=0)

    def switchover(self, to, *more, status=0, **options):
        return self.tool("switchover", "--to", to, "--yes", *more, status=status, **options)

    def connect(self, name, **more):
        return self.pair.primary.connect(self.ports[name], **more)

    def rows(self, name, query):
        with self.connect(name) as conn:
            return conn.execute(query).fetchall()

    def writable(self):
        """Who takes writes now; a server that is down does not."""
        found = []
        for name in self.ports:
            try:
                if self.rows(name, "SELECT pg_is_in_recovery()") == [(False,)]:
                    found.append(name)
            except psycopg.OperationalError:
                continue
        return found

    def follows(self, standby, primary):
        """Whether it streams from that very node, by the slot of its name."""
        query = (
            "SELECT count(*) FROM pg_stat_replication AS r JOIN pg_replication_slots AS s ON s.active_pid = r.pid"
            f" WHERE r.application_name = '{standby}' AND s.slot_name = '{standby}' AND r.state = 'streaming'"
        )
        return self.rows(primary, query) == [(1,)]

    def caught_up(self, standby, primary):
        [(lsn,)] = self.rows(primary, "SELECT pg_current_wal_flush_lsn()::text")
        self.pair.wait(
            lambda: self.rows(standby, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'::pg_lsn") == [(True,)], 30
        )

    def slots(self, name):
        return sorted(row[0] for row in self.rows(name, "SELECT slot_name FROM pg_replication_slots"))

    def auto_conf(self, name):
        text = (self.data(name) / "postgresql.auto.conf").read_text()
        return sorted(line for line in text.splitlines() if line and not line.startswith("#"))

    def hba(self, name):
        return (self.data(name) / "pg_hba.conf").read_text()

    def conninfo(self):
        """For clients that follow the primary by themselves."""
        ports = ",".join(map(str, self.ports.values()))
        hosts = ",".join("127.0.0.1" for _ in self.ports)
        return f"host={hosts} port={ports} user=postgres dbname=postgres password={self.pair.primary.password}" + (
            " target_session_attrs=read-write connect_timeout=2"
        )


class Writer:
    """Commits one row after another on whoever is the primary, and knows each that was acknowledged."""

    def __init__(self, cast):
        self.cast, self.acknowledged, self.ending = cast, set(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        with psycopg.connect(self.cast.conninfo(), autocommit=True) as conn:
            conn.execute(LEDGER)
            self.next = conn.execute("SELECT coalesce(max(id), 0) FROM ledger").fetchone()[0]
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(30)

    def run(self):
        conn = None
        while not self.ending.wait(0.002):
            self.next += 1
            try:
                conn = conn or psycopg.connect(self.cast.conninfo(), autocommit=True)
                conn.execute("INSERT INTO ledger VALUES (%s)", [self.next])
                self.acknowledged.add(self.next)
            except psycopg.Error:
                if conn:
                    conn.close()
                conn = None
        if conn:
            conn.close()

    def more(self, seconds=30):
        """Wait until something was acknowledged that was not before."""
        known, deadline = len(self.acknowledged), time.monotonic() + seconds
        while len(self.acknowledged) <= known:
            assert time.monotonic() < deadline, "nobody takes writes"
            time.sleep(0.01)

    def lost(self, name):
        """What was acknowledged, and is not there."""
        there = {row[0] for row in self.cast.rows(name, "SELECT id FROM ledger")}
        return self.acknowledged - there


def lose(cast, name):
    """The server is killed with commits that nobody else has, and stays away."""
    with cast.connect("db2") as conn:
        conn.execute("ALTER SYSTEM SET primary_conninfo = ''")
        conn.execute("SELECT pg_reload_conf()")
    cast.pair.wait(lambda: not cast.rows(name, "SELECT 1 FROM pg_stat_replication"))
    with cast.connect(name) as conn:
        conn.execute(LEDGER)
        conn.execute("INSERT INTO ledger VALUES (-1)")
    pid = int((cast.data(name) / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    # Until its parent has seen that, it counts as there.
    cast.pair.wait(lambda: not Path(f"/proc/{pid}").exists(), 60)


def at_a_terminal(cast, args, typed, asked):
    """What is shown where somebody types that once they are asked, and the exit status."""
    process, terminal = pty.fork()
    if process == 0:
        env = cast.pair.env | {"STANDBYCTL_CONFIG": str(cast.config), "TERM": "dumb"}
        os.execve(sys.executable, [sys.executable, "-m", "standbyctl", *args], env)
    said = b""
    while asked not in said:
        said += os.read(terminal, 4096)
    os.write(terminal, typed)
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        said += more
    _, status = os.waitpid(process, 0)
    return said.decode(), os.waitstatus_to_exitcode(status)
