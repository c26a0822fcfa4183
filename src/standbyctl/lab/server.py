"""A throw-away primary with what a real one has: passwords over TCP, no replication rule, and data."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from standbyctl.domain.record import dataclass, field
from standbyctl.lab.bindirs import BinDirectory

_HBA = """\
# TYPE  DATABASE  USER  ADDRESS        METHOD
local   all       all                  scram-sha-256
host    all       all   127.0.0.1/32   scram-sha-256
host    all       all   ::1/128        scram-sha-256
"""
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}


def server_user() -> str:
    """Whom a lab server runs as: us, but never root (PostgreSQL refuses to)."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise LookupError("no user postgres or nobody to run PostgreSQL as")


def free_port() -> int:
    """A port that nobody listens on now, below those that the kernel gives to connections of its own accord."""
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class Area:
    """A directory of the server's user, with a copy of a wheel's programs where one is used."""

    path: Path
    user: str
    bin: Path
    major: int

    @classmethod
    def make(cls, programs: BinDirectory, base: Path | None = None) -> Area:
        """Make one; short, because of the limit on a socket's path (107 bytes)."""
        user = server_user()
        path = base or Path(tempfile.mkdtemp(prefix="standbyctl-", dir="/tmp"))
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
        shutil.chown(path, user)
        bin_directory = programs.path
        if programs.wheel is not None and os.geteuid() == 0:
            # A checkout may lie below a directory that the server's user cannot enter.
            bin_directory = _copy_wheel(programs.wheel, path / "wheel", user)
        return cls(path, user, bin_directory, programs.major)

    def run(self, program: str, *args: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user."""
        argv = [*self.as_user(), str(self.bin / program), *args]
        options: dict[str, Any] = {"capture_output": True, "text": True, "env": _ENVIRONMENT, "cwd": "/"}
        return subprocess.run(argv, check=check, **(options | more))

    def as_user(self) -> list[str]:
        """What to put before a command so that it runs as the server's user."""
        entry = pwd.getpwnam(self.user)
        if entry.pw_uid == os.geteuid():
            return []
        return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--"]

    def remove(self) -> None:
        """Remove everything in it; its servers must have ended."""
        shutil.rmtree(self.path, ignore_errors=True)


def _copy_wheel(installation: Path, to: Path, user: str) -> Path:
    """Copy one server of a wheel, and the libraries that it finds by a path relative to itself."""
    package = installation.parent
    copied = to / package.name / installation.name
    shutil.copytree(installation, copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    subprocess.run(["chown", "-R", user, str(to)], check=True)
    return copied / "bin"


@dataclass(slots=True)
class Primary:
    """A running lab primary. `password` is that of its superuser, postgres."""

    area: Area
    data: Path
    port: int
    password: str
    started: bool = field(default=False)

    @classmethod
    def create(cls, area: Area, name: str = "db1", settings: Sequence[str] = ()) -> Primary:
        """initdb, configuration, and the first start."""
        data, port, password = area.path / name, free_port(), secrets.token_urlsafe(12)
        pwfile = area.path / f".{name}.pw"
        pwfile.write_text(password)
        pwfile.chmod(0o600)
        shutil.chown(pwfile, area.user)
        area.run(
            "initdb", "-D", str(data), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={pwfile}",
            "--no-sync", "--data-checksums", "-E", "UTF8", "--no-locale",
        )  # fmt: skip
        pwfile.unlink()
        lines = [
            f"port = {port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{area.path}'",
            *settings,
        ]
        with (data / "postgresql.conf").open("a") as conf:
            conf.write("".join(f"{line}\n" for line in lines))
        (data / "pg_hba.conf").write_text(_HBA)
        primary = cls(area, data, port, password)
        primary.start()
        return primary

    @property
    def conninfo(self) -> str:
        """How to reach it, without the password."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = str(self.area.path / f"{self.data.name}.log")
        self.area.run("pg_ctl", "start", "-w", "-s", "-D", str(self.data), "-l", log)
        self.started = True

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, if it runs."""
        stop_server(self.area, self.data, mode)
        self.started = False

    def connect(self, port: int | None = None, **more: Any) -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit, to this server or to a copy of it on another port."""
        params: dict[str, Any] = {"host": "127.0.0.1", "port": port or self.port, "user": "postgres"}
        params |= {"dbname": "postgres", "password": self.password} | more
        return psycopg.connect(autocommit=True, **params)

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """One statement as superuser."""
        with self.connect() as conn:
            cursor = conn.execute(query.encode(), params or None)
            return cursor.fetchall() if cursor.description else []


def stop_server(area: Area, data: Path, mode: str = "immediate") -> None:
    """Stop whatever runs on a directory of the lab."""
    if (data / "postmaster.pid").exists():
        area.run("pg_ctl", "stop", "-w", "-s", "-D", str(data), "-m", mode, check=False)
