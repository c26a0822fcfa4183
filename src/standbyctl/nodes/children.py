"""Child processes of ours: each in a process group of its own, and each with a keeper that ends it when we die."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from typing import IO

# Every child dies with us (PR_SET_PDEATHSIG), even if we are killed: no writer is left behind.
KEPT = ("setpriv", "--pdeathsig", "TERM")


def spawn(
    argv: list[str], env: Mapping[str, str] | None, *, stdin: int, stdout: int, stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program; OSError where it cannot be."""
    return subprocess.Popen(
        argv, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd="/", start_new_session=True, bufsize=0
    )


class PipedChild:
    """A child whose standard error is kept for later; its standard input is ours where it is fed."""

    def __init__(self, argv: list[str], env: Mapping[str, str] | None, *, fed: bool) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as the child
        stdin = subprocess.PIPE if fed else subprocess.DEVNULL
        self._process = spawn(argv, env, stdin=stdin, stdout=subprocess.DEVNULL, stderr=self._stderr)
        self._said = ""

    def poll(self) -> int | None:
        return self._process.poll()

    def end(self) -> None:
        end_group(self._process)
        if not self._stderr.closed:
            self._said = self.said_so_far()
            self._stderr.close()

    def errors(self) -> str:
        return self._said

    def said_so_far(self) -> str:
        """Its standard error up to now."""
        if self._stderr.closed:
            return self._said
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()

    def feed(self, data: bytes) -> None:
        assert self._process.stdin is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self._process.stdin.write(rest) :]

    def finish(self, timeout_seconds: float = 60) -> int | None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None


class PipedTalk(PipedChild):
    """A child that answers on its standard output."""

    def __init__(self, argv: list[str], env: Mapping[str, str] | None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 as above
        self._process = spawn(argv, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr)
        self._said = ""

    def send(self, data: bytes) -> None:
        self.feed(data)

    def read(self, timeout_seconds: float) -> bytes:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_seconds)
        if not ready:
            raise TimeoutError
        return os.read(self._process.stdout.fileno(), 1 << 16)

    def end(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        super().end()
        if self._process.stdout is not None:
            self._process.stdout.close()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a whole process group; a server that was started in it has left it (pg_ctl calls setsid)."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def run(
    argv: list[str], env: Mapping[str, str] | None, data: bytes, timeout_seconds: float
) -> tuple[int, bytes, bytes]:
    """Run a program to its end: exit status, standard output and error. OSError; TimeoutError once it is ended."""
    process = spawn(argv, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = process.communicate(data, timeout_seconds)
    except BaseException as error:
        end_group(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimeoutError from error
        raise
    return process.returncode, stdout, stderr


def wait_until(deadline: float, pause: float) -> bool:
    """Sleep a little; False once the deadline (of time.monotonic) has passed."""
    if time.monotonic() > deadline:
        return False
    time.sleep(pause)
    return True
