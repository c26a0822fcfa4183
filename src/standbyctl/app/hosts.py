"""The machines of one run, and the way to each: this one, or another by ssh."""

from __future__ import annotations

import os
import pwd
import shlex
import threading
from collections.abc import Mapping

from standbyctl.domain.errors import UsageError
from standbyctl.domain.message import msg
from standbyctl.domain.record import dataclass, field
from standbyctl.nodes.connection import SshConnection
from standbyctl.nodes.local import LocalHost
from standbyctl.nodes.nowhere import NoHost
from standbyctl.nodes.ports import Host
from standbyctl.nodes.ssh import SshHost


@dataclass(slots=True)
class Hosts:
    """Where the primary is, and where the standby is or goes. An empty destination is this machine.

    `away`: the primary is elsewhere, and nobody is asked there but the server.
    Each is reached as whoever is asked for; nobody in particular (an empty user) is whoever logs in there. `doubtful`:
    destinations that may be gone, and are tried once.
    """

    primary_ssh: str = ""
    standby_ssh: str = ""
    command: tuple[str, ...] = ("ssh",)
    away: bool = False
    _made: dict[tuple[str, str], Host] = field(default_factory=dict)
    _connections: dict[str, SshConnection] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    # Several are looked for at the same time.
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @property
    def apart(self) -> bool:
        """Whether another machine than this one has to do with it."""
        return bool(self.primary_ssh or self.standby_ssh or self.away)

    def beside(self, primary_ssh: str, standby_ssh: str, *, away: bool = False) -> Hosts:
        """Those of another pair, by the same connections."""
        shared = self._made, self._connections, self.doubtful, self._opening
        return Hosts(primary_ssh, standby_ssh, self.command, away, *shared)

    def primary(self, user: str = "") -> Host:
        """The primary's machine, as that user of it."""
        return NoHost(user) if self.away else self._reach(self.primary_ssh, user)

    def standby(self, user: str = "") -> Host:
        """The standby's machine, as that user of it."""
        return self._reach(self.standby_ssh, user)

    def close(self) -> None:
        """End the connections."""
        self._made.clear()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _reach(self, destination: str, user: str) -> Host:
        """One way a machine and user: a look asks every host once, and knows them by this."""
        key = destination, user
        with self._opening:
            if key not in self._made:
                self._made[key] = self._open(destination, user)
            return self._made[key]

    def _open(self, destination: str, user: str) -> Host:
        if not destination:
            return LocalHost(user or pwd.getpwuid(os.geteuid()).pw_name)
        if destination not in self._connections:
            once = destination in self.doubtful
            self._connections[destination] = SshConnection(destination, self.command, once=once)
        return SshHost(self._connections[destination], user)


def ssh_command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The OpenSSH client, as $STANDBYCTL_SSH has it: a program and its options, as in a shell."""
    given = environment.get("STANDBYCTL_SSH", "")
    try:
        return tuple(shlex.split(given)) or ("ssh",)
    except ValueError as error:
        raise UsageError(
            "C121", msg("cannot read $STANDBYCTL_SSH"), detail=msg("{given}: {e}", given=given, e=error)
        ) from error
