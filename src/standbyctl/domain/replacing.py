"""A cluster that stands where a standby is to go: what is known of it, and what can be done with it."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service


@dataclass(frozen=True, slots=True)
class Resident:
    """A cluster in the standby's place that is no copy of the primary.

    `holds`: what is somebody's there; None where it was not asked, or gave no answer. `marked`: it carries our mark,
    and runs, or nobody has started it since we stopped it.
    """

    system_identifier: str
    holds: tuple[str, ...] | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """What stands where a replaced cluster is kept. `ours`: a cluster that we stopped, untouched since."""

    system_identifier: str
    identity: str
    ours: bool


@dataclass(frozen=True, slots=True)
class VacateCluster(Deed):
    """Ask a cluster once more whether it holds nothing of anybody, mark it, and stop it; refuse otherwise.

    One that carries our mark, is stopped, and was not started since, is as it should be; so is one that stands in
    `aside` already.
    """

    node: str
    data_directory: str
    aside: str
    bin_directory: str
    system_identifier: str
    identity: str
    service: Service = PG_CTL

    @property
    def said(self) -> Message:
        return msg("{stop}, if it still holds nothing of anybody", stop=self.service.command("stop"))


@dataclass(frozen=True, slots=True)
class MoveCluster(Deed):
    """Rename the directory of a cluster that we have stopped, and that nobody has started since; fsynced."""

    node: str
    source: str
    destination: str
    bin_directory: str
    system_identifier: str
    identity: str

    @property
    def said(self) -> Message:
        return literally(f"mv {shlex.quote(self.source)} {shlex.quote(self.destination)}")


@dataclass(frozen=True, slots=True)
class ResumeCluster(Deed):
    """Start a cluster again that we have stopped, unless it runs; then take our mark off it."""

    node: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    identity: str
    service: Service = PG_CTL

    @property
    def said(self) -> Message:
        return literally(self.service.command("start"))
