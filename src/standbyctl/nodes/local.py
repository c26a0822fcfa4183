"""This machine. Commands run as the server's operating system user, in a clean environment."""

from __future__ import annotations

import os
import pwd

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.message import msg
from standbyctl.nodes.children import KEPT, PipedChild, PipedTalk, run
from standbyctl.nodes.ports import Child, Completed, Talk

# libpq's PG* variables are the operator's, not the server's: children do not get them.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class LocalHost:
    """This machine, as one of its users."""

    def __init__(self, user: str) -> None:
        self.user = user
        as_user = [] if pwd.getpwnam(user).pw_uid == os.geteuid() else _drop_to(user)
        self._shell = [*KEPT, *as_user, "--", "sh", "-c"]

    def script(self, text: str, *args: str, data: bytes = b"", timeout_seconds: float = 60) -> Completed:
        try:
            status, stdout, stderr = run(self._argv(text, args), ENVIRONMENT, data, timeout_seconds)
        except TimeoutError as error:
            raise CannotTellError(
                "A202",
                msg("a command on this host did not end in {n} s", n=timeout_seconds),
                hint=msg("Look at the load and the disks of this host, then run the same command again."),
            ) from error
        except OSError as error:
            raise CannotTellError(
                "A202", msg("cannot run commands as {user}", user=self.user), detail=msg("{e}", e=error)
            ) from error
        return Completed(status, stdout, stderr.decode(errors="replace").strip())

    def start(self, text: str, *args: str, fed: bool = False) -> Child:
        return PipedChild(self._argv(text, args), ENVIRONMENT, fed=fed)

    def talk(self, text: str, *args: str) -> Talk:
        return PipedTalk(self._argv(text, args), ENVIRONMENT)

    def _argv(self, text: str, args: tuple[str, ...]) -> list[str]:
        return [*self._shell, text, "standbyctl", *args]


def _drop_to(user: str) -> list[str]:
    entry = pwd.getpwnam(user)
    return [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups"]
