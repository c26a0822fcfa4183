"""This machine. Commands run as the server's operating system user, in a clean environment."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import tempfile
from typing import IO

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.ports import Child, Completed

_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class LocalHost:
    """Every child dies with us (PR_SET_PDEATHSIG), even if we are killed: no writer is left behind.

    libpq's PG* variables are the operator's, not the server's: children do not get them.
    """

    def __init__(self, user: str) -> None:
        self.user = user
        as_user = [] if pwd.getpwnam(user).pw_uid == os.geteuid() else _drop_to(user)
        self._shell = ["setpriv", "--pdeathsig", "TERM", *as_user, "--", "sh", "-c"]

    def script(self, text: str, *args: str, data: bytes = b"", timeout_seconds: float = 60) -> Completed:
        try:
            process = subprocess.Popen(
                [*self._shell, text, "standbyctl", *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise CannotTellError(
                "A202", msg("cannot run commands as {user}", user=self.user), detail=msg("{e}", e=error)
            ) from error
        try:
            stdout, stderr = process.communicate(data, timeout_seconds)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise CannotTellError(
                "A202",
                msg("a command on this host did not end in {n} s", n=timeout_seconds),
                hint=msg("Look at the load and the disks of this host, then run the same command again."),
            ) from error
        return Completed(process.returncode, stdout, stderr.decode(errors="replace").strip())

    def start(self, text: str, *args: str, fed: bool = False) -> Child:
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as the child
        process = subprocess.Popen(
            [*self._shell, text, "standbyctl", *args],
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        return LocalChild(process, stderr)


class LocalChild:
    """A child in a process group of its own."""

    def __init__(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
        self._process, self._stderr, self._said = process, stderr, ""

    def poll(self) -> int | None:
        return self._process.poll()

    def end(self) -> None:
        _end(self._process)
        if not self._stderr.closed:
            self._stderr.seek(0)
            self._said = self._stderr.read().decode(errors="replace").strip()
            self._stderr.close()

    def errors(self) -> str:
        return self._said

    def feed(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)

    def finish(self, timeout_seconds: float = 60) -> int | None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a whole process group; a server that was started in it has left it (pg_ctl calls setsid)."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def _drop_to(user: str) -> list[str]:
    entry = pwd.getpwnam(user)
    return [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups"]
