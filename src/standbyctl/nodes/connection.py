"""One connection of the OpenSSH client to a host, over which everything goes (ControlMaster).

ssh_config, agent, ProxyJump and known_hosts are the operator's own; it never asks.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from standbyctl.domain.errors import CannotTellError, UsageError
from standbyctl.domain.message import msg
from standbyctl.nodes.children import KEPT, end_group, run, spawn, wait_until

CONNECT_SECONDS = 10
# To a host that may be gone.
ONCE_SECONDS = 5
# A line that is cut is noticed after three of these.
ALIVE_SECONDS = 5
_OPTIONS = (
    "-T", "-x", "-o", "BatchMode=yes", "-o", f"ServerAliveInterval={ALIVE_SECONDS}", "-o", "ServerAliveCountMax=3",
    "-o", "ClearAllForwardings=yes",
)  # fmt: skip


class SshConnection:
    """One connection to one destination, begun when it is needed first. It ends when we do, however we do.

    `once`: of a host that may be gone; where it cannot be reached, and in a shorter time, it is not tried again.
    """

    def __init__(self, destination: str, command: tuple[str, ...] = ("ssh",), *, once: bool = False) -> None:
        if not destination or destination.startswith("-"):
            raise UsageError(
                "C121",
                msg('"{destination}" is no host for ssh', destination=destination),
                hint=msg("Give a name as ssh takes it: HOST, USER@HOST, or a Host of ssh_config."),
            )
        self.destination, self._command, self._once = destination, command, once
        self._gone: CannotTellError | None = None
        self._directory: str | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._login: str | None = None
        # Two servers on one host are asked at the same time.
        self._connecting = threading.RLock()
        # Wherever a run ends, nothing of it is left behind.
        atexit.register(self.close)

    def argv(self, remote: str) -> list[str]:
        """What runs a command there, by the connection that is kept; raises CannotTellError."""
        with self._connecting:
            if self._gone is not None:
                raise self._gone
            if self._master is None or self._master.poll() is not None:
                self.close()
                try:
                    self._connect()
                except CannotTellError as error:
                    self._gone = error if self._once else None
                    raise
        return [*KEPT, "--", *self._client(), self.destination, remote]

    def login(self) -> str:
        """The user who logs in there."""
        if self._login is None:
            status, stdout, said = self.ask("id -un")
            if status != 0:
                raise self.failed(said)
            self._login = stdout.decode().strip()
        return self._login

    def ask(self, remote: str) -> tuple[int, bytes, str]:
        """A short command, as whoever logs in: exit status, standard output and error."""
        try:
            status, stdout, stderr = run(self.argv(remote), None, b"", CONNECT_SECONDS * 3)
        except TimeoutError as error:
            raise self.failed("no answer") from error
        return status, stdout, stderr.decode(errors="replace")

    def close(self) -> None:
        """End the connection."""
        with self._connecting:
            if self._master is not None:
                end_group(self._master)
                self._master = None
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None

    def failed(self, said: str) -> CannotTellError:
        """There is no connection, or there is none any more."""
        words = " | ".join(line.strip() for line in said.splitlines() if line.strip())
        return CannotTellError(
            "A212",
            msg("cannot reach {host} by ssh", host=self.destination),
            detail=msg("{e}", e=words) if words else msg("ssh said nothing, and ended."),
            hint=msg(
                "Try by hand: {command} -o BatchMode=yes {host} true. Keys, host keys and users are those of your"
                " ssh_config.",
                command=shlex.join(self._command),
                host=self.destination,
            ),
        )

    def _client(self) -> list[str]:
        return [*self._command, *self._options, "-o", f"ControlPath={self._directory}/c", "--"]

    @property
    def _options(self) -> tuple[str, ...]:
        return (*_OPTIONS, "-o", f"ConnectTimeout={self._seconds}")

    @property
    def _seconds(self) -> int:
        return ONCE_SECONDS if self._once else CONNECT_SECONDS

    def _connect(self) -> None:
        _tidy()
        # A socket's path has 108 bytes at most, and ssh adds some of its own.
        self._directory = tempfile.mkdtemp(prefix=f"sbs-{os.getpid()}-", dir="/tmp")
        log = Path(self._directory, "log")
        argv = [*KEPT, "--", *self._command, *self._options, "-M", "-N", "-o", "ControlPersist=no"]
        argv += ["-o", f"ControlPath={self._directory}/c", "--", self.destination]
        try:
            with log.open("wb") as said:
                self._master = spawn(argv, None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        except OSError as error:
            self.close()
            raise self.failed(str(error)) from error
        deadline = time.monotonic() + self._seconds * (1 if self._once else 3)
        while not Path(self._directory, "c").exists():
            if self._master.poll() is not None or not wait_until(deadline, 0.01):
                words = log.read_text(encoding="utf-8", errors="replace")
                self.close()
                raise self.failed(words)


def _tidy() -> None:
    """Remove what runs of ours that were killed have left: a directory that is named after nobody who lives."""
    for left in Path("/tmp").glob("sbs-*-*"):
        with contextlib.suppress(OSError):
            if left.stat().st_uid == os.geteuid() and not Path("/proc", left.name.split("-")[1]).exists():
                shutil.rmtree(left)
