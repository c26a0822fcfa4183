"""The few ways this tool can touch the world, as data.

What a plan previews and what the engine performs are the same values. The list is closed: a wish for
`Python(callable)` means that a step is missing. Each is written so that doing it twice is as doing it once.
"""

from __future__ import annotations

from dataclasses import dataclass

from standbyctl.domain.admission import AwaitAdmission as AwaitAdmission
from standbyctl.domain.admission import EnsureHbaLine as EnsureHbaLine
from standbyctl.domain.admission import EnsureHbaLineBySql as EnsureHbaLineBySql
from standbyctl.domain.admission import RemoveHbaLine as RemoveHbaLine
from standbyctl.domain.admission import RemoveHbaLineBySql as RemoveHbaLineBySql

# The redundant names say that these belong to the list too.
from standbyctl.domain.copies import CheckManifest as CheckManifest
from standbyctl.domain.copies import CopyCluster as CopyCluster
from standbyctl.domain.copies import DeleteAside as DeleteAside
from standbyctl.domain.copies import DiscardDraft as DiscardDraft
from standbyctl.domain.copies import PutInPlace as PutInPlace
from standbyctl.domain.copies import SealDraft as SealDraft
from standbyctl.domain.copies import SetAside as SetAside
from standbyctl.domain.copies import TryCopy as TryCopy
from standbyctl.domain.parameter import Wanted
from standbyctl.domain.replacing import MoveCluster as MoveCluster
from standbyctl.domain.replacing import ResumeCluster as ResumeCluster
from standbyctl.domain.replacing import VacateCluster as VacateCluster
from standbyctl.domain.restored import AdoptCopy as AdoptCopy
from standbyctl.domain.restored import CheckWal as CheckWal
from standbyctl.domain.running import SetUnit as SetUnit
from standbyctl.domain.running import StartServer as StartServer
from standbyctl.domain.running import StopServer as StopServer
from standbyctl.domain.staging import TryStart as TryStart
from standbyctl.domain.tunnel import AdmitTunnelKey as AdmitTunnelKey
from standbyctl.domain.tunnel import ExpelTunnelKey as ExpelTunnelKey
from standbyctl.domain.tunnel import MakeTunnelKey as MakeTunnelKey
from standbyctl.domain.tunnel import RemoveTunnel as RemoveTunnel
from standbyctl.domain.tunnel import RemoveTunnelKey as RemoveTunnelKey
from standbyctl.domain.tunnel import RunTunnel as RunTunnel
from standbyctl.domain.tunnel import TrustHost as TrustHost
from standbyctl.domain.tunnel import TryTunnel as TryTunnel


@dataclass(frozen=True, slots=True)
class Sql:
    """Run one statement in a session of its own, in autocommit."""

    node: str
    statement: str

    def __str__(self) -> str:
        return f"{self.statement};"


@dataclass(frozen=True, slots=True)
class Reload:
    """Reload the configuration, and see a new session that has it."""

    node: str

    def __str__(self) -> str:
        return "SELECT pg_reload_conf();"


@dataclass(frozen=True, slots=True)
class AlterSystem:
    """Set a parameter in postgresql.auto.conf, or take it out (None), where it still is as expected.

    Expected None is anything; with `unset` it is nothing.
    """

    node: str
    name: str
    value: str | None
    expected: str | None
    unset: bool = False

    def __str__(self) -> str:
        if self.value is None:
            return f"ALTER SYSTEM RESET {self.name};"
        value = self.value.replace("'", "''")
        return f"ALTER SYSTEM SET {self.name} = '{value}';"


@dataclass(frozen=True, slots=True)
class AwaitSettings:
    """Wait until the server runs with these values; a person puts them into files that are not ours to change."""

    node: str
    wanted: tuple[Wanted, ...]
    timeout_seconds: int

    def __str__(self) -> str:
        lines = (f"  {each.file}: {each}" for each in self.wanted)
        return "\n".join(["wait until somebody has set, and reloaded:", *lines])


@dataclass(frozen=True, slots=True)
class WritePassfile:
    """Write a passfile (0600) with a new random password, unless ours is there. fsynced."""

    node: str
    path: str
    host: str
    port: int
    role: str
    marker: str

    def __str__(self) -> str:
        return f"{self.path} (0600): {self.host}:{self.port}:*:{self.role}:********"


@dataclass(frozen=True, slots=True)
class RemovePassfile:
    """Remove a passfile that carries our marker."""

    node: str
    path: str
    marker: str

    def __str__(self) -> str:
        return f"remove {self.path}"


@dataclass(frozen=True, slots=True)
class MakeRole:
    """Make a replication role, or give our own a new password: the one in the passfile, as a SCRAM verifier."""

    node: str
    role: str
    marker: str
    passfile_node: str
    passfile: str

    def __str__(self) -> str:
        return (
            f"CREATE ROLE \"{self.role}\" LOGIN REPLICATION PASSWORD '********'; "
            f"COMMENT ON ROLE \"{self.role}\" IS '{self.marker}, key ...';"
        )


@dataclass(frozen=True, slots=True)
class SetConf:
    """Set parameters in a configuration file of name = 'value' lines, other lines kept. fsynced."""

    node: str
    path: str
    settings: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.path}:", *(f"  {name} = '{value}'" for name, value in self.settings)])


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Ask a server a yes-or-no question until the answer is yes.

    The log tells why it is not, and `data_directory` whether the server of that log has ended.
    """

    node: str
    question: str
    timeout_seconds: int
    log_node: str = ""
    log_path: str = ""
    data_directory: str = ""

    def __str__(self) -> str:
        return f"wait up to {self.timeout_seconds} s until: {self.question}"


@dataclass(frozen=True, slots=True)
class AwaitReplay:
    """Wait until a standby has replayed all that its primary has written by now, and the checkpoint of a slot.

    It must still be a standby of that system (any, where none is given), on the primary's timeline. `slot`: empty for
    none. `for_copy`: a copy of it is to begin then; else somebody is to stream from it.
    """

    node: str
    primary: str
    slot: str
    system_identifier: str
    timeout_seconds: int
    for_copy: bool = True

    def __str__(self) -> str:
        begins = f", and the checkpoint that slot {self.slot} begins with" if self.slot else ""
        return (
            f"wait up to {self.timeout_seconds} s until {self.node} has replayed what {self.primary} has by now{begins}"
        )


@dataclass(frozen=True, slots=True)
class Prove:
    """Commit a marked message (no table, no row) on the upstream and see the standby replay it."""

    node: str
    upstream: str
    timeout_seconds: int

    def __str__(self) -> str:
        return "SELECT pg_logical_emit_message(true, 'standbyctl', ...); seen replayed on " + self.node


@dataclass(frozen=True, slots=True)
class MakeTestDatabase:
    """Make a database with a table and two rows, marked before it has its name. Refused where that is taken."""

    node: str
    database: str
    mark: str

    def __str__(self) -> str:
        return f'CREATE DATABASE "{self.database}"; CREATE TABLE test (...); INSERT INTO test ... (2 rows);'


@dataclass(frozen=True, slots=True)
class DropTestDatabases:
    """Drop every database that carries our mark, or was made by us and killed before it got it; no other."""

    node: str
    database: str
    mark: str

    def __str__(self) -> str:
        return f"DROP DATABASE \"{self.database}\" WITH (FORCE); if its comment is '{self.mark}'"


Effect = (
    Sql
    | Reload
    | AlterSystem
    | AwaitSettings
    | EnsureHbaLine
    | RemoveHbaLine
    | EnsureHbaLineBySql
    | RemoveHbaLineBySql
    | AwaitAdmission
    | WritePassfile
    | RemovePassfile
    | MakeRole
    | CopyCluster
    | CheckManifest
    | SetConf
    | SealDraft
    | PutInPlace
    | DiscardDraft
    | StartServer
    | StopServer
    | SetUnit
    | WaitUntil
    | AwaitReplay
    | Prove
    | MakeTestDatabase
    | DropTestDatabases
    | SetAside
    | DeleteAside
    | TryCopy
    | TryStart
    | VacateCluster
    | MoveCluster
    | ResumeCluster
    | CheckWal
    | AdoptCopy
    | AdmitTunnelKey
    | ExpelTunnelKey
    | MakeTunnelKey
    | RemoveTunnel
    | RemoveTunnelKey
    | RunTunnel
    | TrustHost
    | TryTunnel
)
