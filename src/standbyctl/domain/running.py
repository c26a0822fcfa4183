"""A server that is started or stopped, now or at boot."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from standbyctl.domain.service import PG_CTL, Service


@dataclass(frozen=True, slots=True)
class StartServer:
    """Start PostgreSQL on a data directory that has a standby.signal, unless it runs."""

    node: str
    data_directory: str
    bin_directory: str
    started_by: str
    service: Service = PG_CTL

    def __str__(self) -> str:
        if self.service.managed:
            return self.service.command("start")
        return f"{self.bin_directory}/pg_ctl start -D {shlex.quote(self.data_directory)}"


@dataclass(frozen=True, slots=True)
class StopServer:
    """Stop (fast) a server that `started_by` shows to be ours and that still is a standby; else refuse."""

    node: str
    data_directory: str
    bin_directory: str
    started_by: str
    service: Service = PG_CTL

    def __str__(self) -> str:
        if self.service.managed:
            return self.service.command("stop")
        return f"{self.bin_directory}/pg_ctl stop -m fast -D {shlex.quote(self.data_directory)}"


@dataclass(frozen=True, slots=True)
class SetUnit:
    """Have systemd start a unit at boot, or not."""

    node: str
    unit: str
    enabled: bool

    def __str__(self) -> str:
        return f"systemctl {'enable' if self.enabled else 'disable'} {self.unit}"
