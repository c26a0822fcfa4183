"""A primary and the place of its standby, driven as a user drives them: through the command line."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from standbyctl.app import attach as attach_app
from standbyctl.app.request import Request, resolve
from standbyctl.app.session import Session, silent
from standbyctl.app.state import State
from standbyctl.lab.load import Ledger, fill, passfile
from standbyctl.lab.server import Area, Primary, free_port, stop_server
from tests.warm import run_tool


def heed_signals():
    """What nohup or a background job has started ignores these, and so would its children."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@dataclass
class Template:
    """A stopped cluster with pgbench's tables."""

    area: Area
    data: Path
    password: str

    @classmethod
    def make(cls, programs, scale=1):
        area = Area.make(programs)
        primary = Primary.create(area, "template", ["wal_level = replica", "max_wal_size = '256MB'"])
        fill(primary, scale)
        primary.stop("fast")
        return cls(area, primary.data, primary.password)


@dataclass
class Pair:
    template: Template
    area: Area
    primary: Primary
    port: int
    state: Path
    processes: list = field(default_factory=list)

    @classmethod
    def make(cls, template):
        base = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))
        area = Area(base, template.area.user, template.area.bin, template.area.major)
        base.chmod(0o755)
        shutil.chown(base, area.user)
        data = base / "db1"
        subprocess.run(["cp", "-a", str(template.data), str(data)], check=True)
        port = free_port()
        conf = data / "postgresql.conf"
        text = re.sub(r"(?m)^port = \d+", f"port = {port}", conf.read_text())
        conf.write_text(re.sub(r"(?m)^unix_socket_directories = .*", f"unix_socket_directories = '{base}'", text))
        primary = Primary(area, data, port, template.password)
        primary.start()
        return cls(template, area, primary, free_port(), base / "state")

    # --- the standby's side

    @property
    def data(self):
        return self.area.path / "db2"

    @property
    def where(self):
        return ["-p", self.primary.conninfo, "-D", str(self.data), "--name", "db2", "--port", str(self.port)]

    def standby(self, **more):
        return self.primary.connect(self.port, **more)

    # --- the tool

    @property
    def env(self):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "STANDBYCTL"))}
        return kept | {
            "PGPASSFILE": str(passfile(self.primary)),
            "STANDBYCTL_STATE": str(self.state),
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",
        }

    def tool(self, *args, status=None, env=None, module="standbyctl", timeout=120):
        """Run the tool; assert its exit status where one is given."""
        done = run_tool(module, [*map(str, args)], self.env | (env or {}), timeout)
        if status is not None:
            assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def attach(self, *more, status=0, **options):
        return self.tool("attach", *self.where, "--yes", *more, status=status, **options)

    def detach(self, *more, status=0, **options):
        return self.tool("detach", "db2", "--yes", *more, status=status, **options)

    def start_tool(self, *args, module="standbyctl", env=None):
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, args)],
            env=self.env | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=heed_signals,
        )
        self.processes.append(process)
        return process

    # --- the truth

    def session(self, **more):
        os.environ["PGPASSFILE"] = str(passfile(self.primary))
        request = Request(self.primary.conninfo, str(self.data), name="db2", port=self.port, **more)
        return Session(resolve(request, State(self.state)), silent)

    def facts(self, **more):
        session = self.session(**more)
        try:
            return session.look()
        finally:
            session.close()

    def plan(self, **more):
        session = self.session(**more)
        try:
            return attach_app.plan(session, State(self.state))
        finally:
            session.close()

    def raw(self):
        """The primary's things, as bytes and rows, with none of our code between."""
        auto = (self.primary.data / "postgresql.auto.conf").read_text().splitlines()
        return {
            "hba": (self.primary.data / "pg_hba.conf").read_bytes(),
            "hba_mode": (self.primary.data / "pg_hba.conf").stat()[:6][0],
            "auto": sorted(line for line in auto if line and not line.startswith("#")),
            "roles": self.primary.rows("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1"),
            "comments": self.primary.rows("SELECT objoid, description FROM pg_shdescription ORDER BY 1"),
            "slots": self.primary.rows("SELECT slot_name, slot_type FROM pg_replication_slots"),
            "settings": self.primary.rows(
                "SELECT name, setting FROM pg_settings WHERE source <> 'client' AND name NOT IN"
                " ('application_name', 'transaction_isolation') ORDER BY 1"
            ),
            "started": self.started_at(),
            "files": sorted(path.name for path in self.primary.data.iterdir() if path.name != "postmaster.opts"),
        }

    def started_at(self):
        return self.primary.rows("SELECT pg_postmaster_start_time()::text")[0][0]

    def beside(self):
        """What stands beside the primary's directory: drafts, passfiles, leftovers."""
        known = {"db1", "db1.log", "state", ".db1.pgpass"}
        return sorted(
            path.name
            for path in self.area.path.iterdir()
            if path.name not in known and not path.name.startswith(".s.PGSQL")
        )

    def ledger(self):
        return Ledger(self.primary)

    def ours(self):
        """Processes that the tool has started and that still live: copies, and shells around them."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if str(self.area.path) in line and "pg_basebackup --dbname" in line:
                    found.append(line)
        return found

    def journal(self):
        path = self.state / "db2" / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait(self, question, seconds=20):
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for path in sorted(self.area.path.iterdir()):
            if path.is_dir() and (path / "postmaster.pid").exists():
                stop_server(self.area, path)
        for path in self.area.path.glob(".*.standbyctl-*/data/postmaster.pid"):
            stop_server(self.area, path.parent)
        self.wait(lambda: not self.ours())
        self.area.remove()


@contextmanager
def another_system(template):
    """A server of another initdb, for a copied template has the same system identifier."""
    other = Pair.make(template)
    try:
        other.primary.stop("fast")
        shutil.rmtree(other.primary.data)
        pwfile = other.area.path / "pw"
        pwfile.write_text(template.password)
        shutil.chown(pwfile, other.area.user)
        data = str(other.primary.data)
        other.area.run("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={pwfile}")
        with (other.primary.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {other.primary.port}\nunix_socket_directories = '{other.area.path}'\n")
        other.primary.start()
        yield f"host=127.0.0.1 port={other.primary.port} user=postgres"
    finally:
        other.end()
