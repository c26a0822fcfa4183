"""A pooler in front of a pair whose roles change: clients wait while it is paused, and see no error."""

import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from standbyctl.lab.server import free_port
from tests.conftest import pooler
from tests.roles import LEDGER, Cast

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled, pytest.mark.needs("pooler")]

# What an operator's own hook does: it is told by its environment what is about to happen, and to whom.
HOOK = """
import os, pathlib, sys
import psycopg

conf, users, told = map(pathlib.Path, sys.argv[1:4])
ports = dict(each.split("=") for each in sys.argv[5:])
password = users.read_text().split('"')[3]
stage, old, new = (os.environ[f"STANDBYCTL_{name}"] for name in ("HOOK", "OLD_PRIMARY", "NEW_PRIMARY"))
with told.open("a") as log:
    log.write(f"{stage} {old} {new}\\n")
if stage == "after":
    conf.write_text(conf.read_text().replace(f"port={ports[old]} ", f"port={ports[new]} "))
wanted = {"before": ["PAUSE"], "after": ["RELOAD", "RESUME"], "back": ["RESUME"]}[stage]
address = f"host=127.0.0.1 port={sys.argv[4]} user=postgres dbname=pgbouncer"
# The console speaks the simple protocol only.
with psycopg.connect(address, password=password, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
    for command in wanted:
        console.execute(command)
if stage == os.environ.get("HOOK_FAILS"):
    sys.exit("this hook fails")
"""


class Bouncer:
    """A pgbouncer in front of whoever is the primary, and an account of those who write through it."""

    def __init__(self, cast):
        pair = cast.pair
        self.port, self.ports, self.password = free_port(), cast.ports, pair.primary.password
        names = ("pgbouncer.ini", "users.txt", "hook.py", "told.txt")
        self.conf, self.users, self.hook, self.told = (pair.area.path / name for name in names)
        self.users.write_text(f'"postgres" "{self.password}"\n')
        self.conf.write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={pair.primary.port} dbname=postgres\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nauth_type = plain\nauth_file = {self.users}\n"
            "unix_socket_dir =\npool_mode = transaction\nadmin_users = postgres\ndefault_pool_size = 4\n"
        )
        self.hook.write_text(HOOK)
        self.told.touch()
        for path in (self.users, self.conf):
            shutil.chown(path, pair.area.user)
        self.process = subprocess.Popen(
            [*pair.area.as_user(), pooler(), "-q", str(self.conf)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def command(self):
        named = [f"{name}={port}" for name, port in self.ports.items()]
        files = (self.conf, self.users, self.told)
        return shlex.join(map(str, [sys.executable, self.hook, *files, self.port, *named]))

    @property
    def hooks(self):
        return [word for stage in ("before", "after", "back") for word in (f"--{stage}", self.command)]

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stages(self):
        return [line.split() for line in self.told.read_text().splitlines()]

    def end(self):
        self.process.terminate()
        self.process.wait()


class Client(threading.Thread):
    """Commits one row after another through the pooler. Every second one opens a connection for each."""

    def __init__(self, bouncer, number):
        super().__init__(daemon=True)
        self.bouncer, self.number = bouncer, number
        self.acknowledged, self.errors, self.ending = [], [], threading.Event()

    def connect(self):
        # A pooler that pools transactions keeps no prepared statement for anybody.
        return psycopg.connect(
            f"host=127.0.0.1 port={self.bouncer.port} user=postgres dbname=postgres",
            password=self.bouncer.password,
            autocommit=True,
            prepare_threshold=None,
        )

    def run(self):
        row, conn = self.number, None
        while not self.ending.wait(0.003):
            row += 10
            try:
                conn = conn or self.connect()
                conn.execute("INSERT INTO ledger VALUES (%s)", [row])
                self.acknowledged.append(row)
                if self.number % 2:
                    conn.close()
                    conn = None
            except psycopg.Error as error:
                self.errors.append(f"{row}: {error}")
                conn = None
        if conn:
            conn.close()


class Crowd:
    """Several clients at once."""

    def __init__(self, bouncer):
        self.clients = [Client(bouncer, number) for number in range(4)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.ending.set()
        for client in self.clients:
            client.join(30)
        assert not [client for client in self.clients if client.is_alive()]

    def more(self, seconds=30):
        """Wait until everybody was told of commits that nobody knew of before."""
        known = [len(client.acknowledged) for client in self.clients]
        deadline = time.monotonic() + seconds
        while not all(
            len(client.acknowledged) > before + 5 for client, before in zip(self.clients, known, strict=True)
        ):
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.01)

    @property
    def acknowledged(self):
        return {row for client in self.clients for row in client.acknowledged}

    @property
    def errors(self):
        return [error for client in self.clients for error in client.errors]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    made.pair.primary.rows(LEDGER)
    return made


@pytest.fixture
def bouncer(cast):
    made = Bouncer(cast)
    try:
        cast.pair.wait(made.listens)
        yield made
    finally:
        made.end()


def lost(crowd, cast, name):
    return crowd.acknowledged - {row[0] for row in cast.rows(name, "SELECT id FROM ledger")}


def test_behind_a_paused_pooler_no_client_sees_an_error_there_and_back(cast, bouncer):
    with Crowd(bouncer) as crowd:
        crowd.more()
        for new in ("db2", "db1"):
            cast.switchover(new, *bouncer.hooks)
            crowd.more()
            assert cast.writable() == [new]
    assert crowd.errors == []
    assert lost(crowd, cast, "db1") == set()
    assert bouncer.stages() == [
        ["before", "db1", "db2"],
        ["after", "db1", "db2"],
        ["before", "db2", "db1"],
        ["after", "db2", "db1"],
    ]


def test_a_change_that_is_taken_back_is_a_wait_for_clients_of_a_pooler(cast, bouncer):
    """A hook fails once the old primary has stopped: it is started again, the pooler lets everybody go on there."""
    with Crowd(bouncer) as crowd:
        crowd.more()
        done = cast.switchover("db2", *bouncer.hooks, "--at", "false", status=None)
        assert done.returncode != 0, done.stdout
        crowd.more()
    assert cast.writable() == ["db1"]
    assert crowd.errors == []
    assert lost(crowd, cast, "db1") == set()
    assert bouncer.stages() == [["before", "db1", "db2"], ["back", "db1", "db2"]]


def test_a_pause_that_fails_changes_nothing_and_clients_go_on(cast, bouncer):
    started = cast.pair.started_at()
    with Crowd(bouncer) as crowd:
        crowd.more()
        done = cast.switchover("db2", *bouncer.hooks, status=None, env={"HOOK_FAILS": "before"})
        assert "R430" in done.stderr
        crowd.more()
    assert crowd.errors == []
    assert cast.pair.started_at() == started
    assert not (cast.data("db1") / "standby.signal").exists()
    assert bouncer.stages() == [["before", "db1", "db2"], ["back", "db1", "db2"]]
