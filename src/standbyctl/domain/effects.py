"""The few ways this tool can touch the world, as data.

What a plan previews and what the engine performs are the same values. The list is closed: a wish for
`Python(callable)` means that a step is missing. Each is written so that doing it twice is as doing it once.
"""

from __future__ import annotations

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
from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.handover import Checkpoint as Checkpoint
from standbyctl.domain.handover import HandOver as HandOver
from standbyctl.domain.handover import StartAgain as StartAgain
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import quoted
from standbyctl.domain.parameter import Wanted
from standbyctl.domain.record import dataclass
from standbyctl.domain.replacing import MoveCluster as MoveCluster
from standbyctl.domain.replacing import ResumeCluster as ResumeCluster
from standbyctl.domain.replacing import VacateCluster as VacateCluster
from standbyctl.domain.restored import AdoptCopy as AdoptCopy
from standbyctl.domain.restored import CheckWal as CheckWal
from standbyctl.domain.rewinding import Rewind as Rewind
from standbyctl.domain.role import MakeRole as MakeRole
from standbyctl.domain.role import RemovePassfile as RemovePassfile
from standbyctl.domain.role import WritePassfile as WritePassfile
from standbyctl.domain.running import SetUnit as SetUnit
from standbyctl.domain.running import StartServer as StartServer
from standbyctl.domain.running import StopServer as StopServer
from standbyctl.domain.staging import TryStart as TryStart
from standbyctl.domain.takeover import Fence as Fence
from standbyctl.domain.takeover import Promote as Promote
from standbyctl.domain.tunnel import AdmitTunnelKey as AdmitTunnelKey
from standbyctl.domain.tunnel import ExpelTunnelKey as ExpelTunnelKey
from standbyctl.domain.tunnel import MakeTunnelKey as MakeTunnelKey
from standbyctl.domain.tunnel import RemoveTunnel as RemoveTunnel
from standbyctl.domain.tunnel import RemoveTunnelKey as RemoveTunnelKey
from standbyctl.domain.tunnel import RunTunnel as RunTunnel
from standbyctl.domain.tunnel import TrustHost as TrustHost
from standbyctl.domain.tunnel import TryTunnel as TryTunnel


@dataclass(frozen=True, slots=True)
class Sql(Deed):
    """Run one statement in a session of its own, in autocommit. `database`: where it is not that of the conninfo."""

    node: str
    statement: str
    database: str = ""

    @property
    def said(self) -> Message:
        there = f"\\connect {quoted(self.database)}\n" if self.database else ""
        return literally(f"{there}{self.statement};")


@dataclass(frozen=True, slots=True)
class Reload(Deed):
    """Reload the configuration, and see a new session that has it."""

    node: str

    @property
    def said(self) -> Message:
        return literally("SELECT pg_reload_conf();")


@dataclass(frozen=True, slots=True)
class AlterSystem(Deed):
    """Set a parameter in postgresql.auto.conf, or take it out (None), where it still is as expected.

    Expected None is anything; with `unset` it is nothing.
    """

    node: str
    name: str
    value: str | None
    expected: str | None
    unset: bool = False

    @property
    def said(self) -> Message:
        if self.value is None:
            return literally(f"ALTER SYSTEM RESET {self.name};")
        value = self.value.replace("'", "''")
        return literally(f"ALTER SYSTEM SET {self.name} = '{value}';")


@dataclass(frozen=True, slots=True)
class AwaitSettings(Deed):
    """Wait until the server runs with these values; a person puts them into files that are not ours to change."""

    node: str
    wanted: tuple[Wanted, ...]
    timeout_seconds: int

    @property
    def said(self) -> Message:
        lines = (f"  {each.file}: {each}" for each in self.wanted)
        return msg("wait until somebody has set, and reloaded:").followed_by(lines)


@dataclass(frozen=True, slots=True)
class SetConf(Deed):
    """Set parameters in a configuration file of name = 'value' lines, other lines kept. fsynced."""

    node: str
    path: str
    settings: tuple[tuple[str, str], ...]

    @property
    def said(self) -> Message:
        return literally("\n".join([f"{self.path}:", *(f"  {name} = '{value}'" for name, value in self.settings)]))


@dataclass(frozen=True, slots=True)
class WaitUntil(Deed):
    """Ask a server a yes-or-no question until the answer is yes.

    The log tells why it is not, and `data_directory` whether the server of that log has ended.
    """

    node: str
    question: str
    timeout_seconds: int
    log_node: str = ""
    log_path: str = ""
    data_directory: str = ""

    @property
    def said(self) -> Message:
        return msg("wait up to {n} s until: {question}", n=self.timeout_seconds, question=self.question)


@dataclass(frozen=True, slots=True)
class AwaitReplay(Deed):
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

    @property
    def said(self) -> Message:
        return (
            msg(
                "wait up to {n} s until {node} has replayed what {primary} has by now, and the checkpoint that slot"
                " {slot} begins with",
                n=self.timeout_seconds,
                node=self.node,
                primary=self.primary,
                slot=self.slot,
            )
            if self.slot
            else msg(
                "wait up to {n} s until {node} has replayed what {primary} has by now",
                n=self.timeout_seconds,
                node=self.node,
                primary=self.primary,
            )
        )


@dataclass(frozen=True, slots=True)
class Prove(Deed):
    """Commit a marked message (no table, no row) on the upstream and see the standby replay it."""

    node: str
    upstream: str
    timeout_seconds: int

    @property
    def said(self) -> Message:
        emit = "SELECT pg_logical_emit_message(true, 'standbyctl', ...);"
        return msg("{emit} seen replayed on {node}", emit=emit, node=self.node)


@dataclass(frozen=True, slots=True)
class MakeTestDatabase(Deed):
    """Make a database with a table and two rows, marked before it has its name. Refused where that is taken."""

    node: str
    database: str
    mark: str

    @property
    def said(self) -> Message:
        return literally(
            f'CREATE DATABASE "{self.database}"; CREATE TABLE test (...); INSERT INTO test VALUES (...), (...);'
        )


@dataclass(frozen=True, slots=True)
class DropTestDatabases(Deed):
    """Drop every database that carries our mark, or was made by us and killed before it got it; no other."""

    node: str
    database: str
    mark: str

    @property
    def said(self) -> Message:
        drop = f'DROP DATABASE "{self.database}" WITH (FORCE);'
        return msg("{drop} if its comment is '{mark}'", drop=drop, mark=self.mark)


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
    | Checkpoint
    | HandOver
    | StartAgain
    | Fence
    | Promote
    | Rewind
)
