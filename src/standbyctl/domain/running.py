"""A server that is started or stopped, now or at boot."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service


@dataclass(frozen=True, slots=True)
class StartServer(Deed):
    """Start PostgreSQL on a data directory that has a standby.signal, unless it runs."""

    node: str
    data_directory: str
    bin_directory: str
    started_by: str
    service: Service = PG_CTL

    @property
    def said(self) -> Message:
        if self.service.managed:
            return literally(self.service.command("start"))
        command = f"{self.bin_directory}/pg_ctl start -D {shlex.quote(self.data_directory)}"
        return literally(f"{command} -o {shlex.quote(f'-c standbyctl.attach={self.started_by}')}")


@dataclass(frozen=True, slots=True)
class StopServer(Deed):
    """Stop (fast) a server that `started_by` shows to be ours and that still is a standby; else refuse.

    `system_identifier`: where it is given, any standby of that system, whoever started it.
    """

    node: str
    data_directory: str
    bin_directory: str
    started_by: str
    service: Service = PG_CTL
    system_identifier: str = ""

    @property
    def said(self) -> Message:
        if self.service.managed:
            return literally(self.service.command("stop"))
        return literally(f"{self.bin_directory}/pg_ctl stop -m fast -D {shlex.quote(self.data_directory)}")


@dataclass(frozen=True, slots=True)
class SetUnit(Deed):
    """Have systemd start a unit at boot, or not."""

    node: str
    unit: str
    enabled: bool

    @property
    def said(self) -> Message:
        return literally(f"systemctl {'enable' if self.enabled else 'disable'} {self.unit}")
