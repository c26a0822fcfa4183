"""Another machine, by the OpenSSH client: ssh_config, agent, ProxyJump and known_hosts are the operator's own.

One connection a destination carries everything (ControlMaster). Nothing is needed there but a POSIX shell, coreutils
and PostgreSQL. Scripts and their arguments go by standard input.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shlex
import threading
import time

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.children import PipedChild, PipedTalk, run
from standbyctl.nodes.connection import CONNECT_SECONDS, SshConnection
from standbyctl.nodes.lifeline import BEAT_SECONDS, SILENCE_SECONDS, WATCH, Lifeline
from standbyctl.nodes.local import ENVIRONMENT
from standbyctl.nodes.ports import Child, Completed, Talk

# ssh ends with 255 for troubles of its own, and so may a script: what the script ended with is said beside it.
# Arguments: length of the script, token.
_READ = 's=$(head -c "$1"; echo x); s=${s%x}; '
_SCRIPT = _READ + '(eval "$s"); echo "$2 $?" >&2'
# What is talked with is a process group of its own, and says which, before anything else.
_TALK = f"setsid -w sh -c {shlex.quote('echo $$; ' + _SCRIPT)} sh"
# The keeper: where no byte comes from us for a while, or never again, it ends the script and all that it started.
_START = (
    _READ
    + 'exec 3<&0; setsid sh -c "$s" standbyctl </dev/null 3<&- & child=$!; '
    + f'setsid sh -c \'while [ "$(timeout --foreground {SILENCE_SECONDS} head -c 1 | wc -c)" -eq 1 ]; do :; done; '
    + 'kill -TERM -"$0"; sleep 10; kill -KILL -"$0"\' "$child" <&3 3<&- >/dev/null 2>&1 & keeper=$!; exec 3<&-; '
    + 'wait "$child"; status=$?; kill -TERM -"$keeper" 2>/dev/null; echo "$2 $status" >&2'
)


class SshHost:
    """A machine behind a connection, as one of its users; an empty one is whoever logs in."""

    def __init__(self, connection: SshConnection, user: str) -> None:
        self.user, self._connection = user, connection
        self._prefix: str | None = None
        self._lifeline = Lifeline(lambda: self._argv(f"sh -c {shlex.quote(WATCH)}"))

    def script(self, text: str, *args: str, data: bytes = b"", timeout_seconds: float = 60) -> Completed:
        body, token = _body(text, args), secrets.token_hex(8)
        # It ends there, too, when it takes too long.
        limit = f"timeout -k 5 {timeout_seconds:.0f} sh -c {shlex.quote(_SCRIPT)} sh {len(body)} {token}"
        try:
            _, stdout, stderr = run(self._argv(limit), None, body + data, timeout_seconds + CONNECT_SECONDS)
        except TimeoutError as error:
            raise self._late(timeout_seconds) from error
        said, status = _parted(stderr.decode(errors="replace"), token)
        if status is None:
            if self._alive():
                raise self._late(timeout_seconds)
            raise self._connection.failed(said)
        return Completed(status, stdout, said)

    def start(self, text: str, *args: str, fed: bool = False) -> Child:
        body, token = _body(text, args), secrets.token_hex(8)
        wrapper = _SCRIPT if fed else _START
        argv = self._argv(f"sh -c {shlex.quote(wrapper)} sh {len(body)} {token}")
        child = _SshChild(argv, token, self._connection.destination)
        # Where the line is lost already, its end says so.
        with contextlib.suppress(OSError):
            child.feed(body)
        if not fed:
            child.beat()
        return child

    def talk(self, text: str, *args: str) -> Talk:
        body, token = _body(text, args), secrets.token_hex(8)
        talk = _SshTalk(self._argv(f"{_TALK} {len(body)} {token}"), token, self._lifeline)
        with contextlib.suppress(OSError):
            talk.send(body)
        talk.begin()
        return talk

    def _argv(self, command: str) -> list[str]:
        environment = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
        return self._connection.argv(f"cd / && exec {self._as_user()} env -i {environment} {command}")

    def _as_user(self) -> str:
        """How to become that user there: found out once, by trying."""
        if self._prefix is None:
            login = self._connection.login()
            if self.user in {"", login}:
                self._prefix = ""
            elif login == "root":
                self._prefix = f"runuser -u {shlex.quote(self.user)} --"
            else:
                self._prefix = f"sudo -n -u {shlex.quote(self.user)} --"
                self._check_sudo(login)
        return self._prefix

    def _check_sudo(self, login: str) -> None:
        status, _, said = self._connection.ask(f"{self._prefix} true")
        if status == 0:
            return
        self._prefix = None
        raise CannotTellError(
            "A213",
            msg(
                "{login} may not become {user} on {host}",
                login=login,
                user=self.user,
                host=self._connection.destination,
            ),
            detail=msg("{e}", e=said.strip()) if said.strip() else msg("exit status {n}", n=status),
            hint=msg(
                "Log in as {user} or root, or let {login} do it without a password (sudoers: NOPASSWD).",
                user=self.user,
                login=login,
            ),
        )

    def _alive(self) -> bool:
        """Whether the connection still carries commands."""
        with contextlib.suppress(TimeoutError, CannotTellError):
            return run(self._connection.argv("true"), None, b"", CONNECT_SECONDS)[0] == 0
        return False

    def _late(self, seconds: float) -> CannotTellError:
        return CannotTellError(
            "A202",
            msg("a command on {host} did not end in {n} s", host=self._connection.destination, n=seconds),
            hint=msg("Look at the load and the disks of that host, then run the same command again."),
        )


class _SshChild(PipedChild):
    """A script that runs there. We beat as long as we live; its keeper there listens."""

    def __init__(self, argv: list[str], token: str, where: str) -> None:
        super().__init__(argv, None, fed=True)
        self._token, self._where, self._over = token, where, threading.Event()

    def beat(self) -> None:
        """Say now and then that we live."""
        threading.Thread(target=self._beating, daemon=True).start()

    def _beating(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                self.feed(b".")
            except (OSError, ValueError):
                return

    def poll(self) -> int | None:
        status = super().poll()
        return None if status is None else self._status(status)

    def finish(self, timeout_seconds: float = 60) -> int | None:
        status = super().finish(timeout_seconds)
        return None if status is None else self._status(status)

    def end(self) -> None:
        self._over.set()
        cut = self._process.poll() is not None
        # Its end of the line is what the keeper listens for: it hears of it before we end the client here.
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        super().end()
        self._said, status = _parted(self._said, self._token)
        if cut and status is None:
            self._said = "\n".join([*self._said.splitlines(), f"the ssh connection to {self._where} was lost"])

    def _status(self, status: int) -> int:
        _, said = _parted(self.said_so_far(), self._token)
        return status if said is None else said


class _SshTalk(PipedTalk):
    """A script that answers there, and ends there too where we are cut off."""

    def __init__(self, argv: list[str], token: str, lifeline: Lifeline) -> None:
        super().__init__(argv, None)
        self._token, self._lifeline = token, lifeline
        self._pid, self._early = "", b""

    def begin(self) -> None:
        """Hear which process it is. What does not say so has not begun: whoever reads from it hears why."""
        deadline = time.monotonic() + CONNECT_SECONDS
        with contextlib.suppress(TimeoutError):
            while b"\n" not in self._early:
                got = super().read(max(0.0, deadline - time.monotonic()))
                if not got:
                    return
                self._early += got
            pid, _, self._early = self._early.partition(b"\n")
            self._pid = pid.decode()
            self._lifeline.hold(self._pid)

    def read(self, timeout_seconds: float) -> bytes:
        early, self._early = self._early, b""
        return early or super().read(timeout_seconds)

    def end(self) -> None:
        super().end()
        self._lifeline.release(self._pid)

    def errors(self) -> str:
        return _parted(super().errors(), self._token)[0]


def _body(text: str, args: tuple[str, ...]) -> bytes:
    return f"set -- {shlex.join(args)}\n{text}".encode("utf-8", "surrogateescape")


def _parted(stderr: str, token: str) -> tuple[str, int | None]:
    """What the script said, and what it ended with; None where nothing tells that it has ended."""
    found = re.search(rf"(?m)^{token} (\d+)$", stderr)
    if found is None:
        return stderr.strip(), None
    return (stderr[: found.start()] + stderr[found.end() :]).strip(), int(found[1])
