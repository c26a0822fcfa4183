"""The deeds of a failover: the old primary is kept from coming back, and a standby is promoted."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service


@dataclass(frozen=True, slots=True)
class Fence(Deed):
    """Make sure that a server takes no writes any more, and cannot start as a primary.

    `command`: a program of the operator's, on this machine, whose exit status 0 says so; `{node}` in it is the node.
    Without one, on the server's own host: it is ended at once, and gets a standby.signal.
    """

    node: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    service: Service = PG_CTL
    command: tuple[str, ...] = ()
    timeout_seconds: int = 30

    @property
    def argv(self) -> tuple[str, ...]:
        """The command, with the node's name in its place."""
        return tuple(word.replace("{node}", self.node) for word in self.command)

    @property
    def said(self) -> Message:
        if self.command:
            return literally(shlex.join(self.argv))
        mask = f"; systemctl disable {self.service.unit}" if self.service.as_root else ""
        end = f"kill -QUIT $(head -n 1 {shlex.quote(self.data_directory)}/postmaster.pid)"
        return literally(f"{end}; touch {shlex.quote(self.data_directory)}/standby.signal{mask}")


@dataclass(frozen=True, slots=True)
class Promote(Deed):
    """Promote a standby once it has replayed all that it has received; not while it hears from its primary."""

    node: str
    system_identifier: str
    promote_seconds: int = 60

    @property
    def said(self) -> Message:
        return literally("SELECT pg_promote(false);")
