"""What was observed and stands still. What moves (LSNs, sizes, times) is in `sample`.

Facts are values: no connection, no behaviour beyond looking themselves up and replacing parts.
"""

from __future__ import annotations

from typing import Any

from standbyctl.domain.member import Member

# The redundant names say that these are facts too.
from standbyctl.domain.place import Contents as Contents
from standbyctl.domain.place import Draft as Draft
from standbyctl.domain.place import Passfile as Passfile
from standbyctl.domain.place import Place as Place
from standbyctl.domain.record import dataclass, replace


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of a running server (pg_settings, and what its files hold).

    `file`: the last file that sets it, whether or not that is in force. `pending`: changed in a file, and in force
    only after a restart. `alterable`: the role that asks may use ALTER SYSTEM on it. `most`: the greatest value that
    the server takes, where it is a number. `beneath`: what a start would give without postgresql.auto.conf.
    """

    name: str
    value: str
    source: str
    auto_conf: str | None = None
    in_file: str | None = None
    context: str = "sighup"
    file: str = ""
    pending: bool = False
    alterable: bool = True
    most: str = ""
    beneath: str | None = None

    @property
    def due(self) -> str:
        """What will be in force after the next restart."""
        return self.in_file if self.pending and self.in_file is not None else self.value

    @property
    def restart_only(self) -> bool:
        """Whether this server reads it at its start only."""
        return self.context == "postmaster"


@dataclass(frozen=True, slots=True)
class Slot:
    """A permanent replication slot. `lost`: its WAL is gone (wal_status)."""

    name: str
    slot_type: str = "physical"
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A role that can be used for replication.

    `made_for`: the node our marker (its comment) names. `pristine`: nobody has changed it since, neither its
    attributes, settings and memberships nor its password.
    """

    name: str
    login: bool
    replication: bool
    made_for: str = ""
    pristine: bool = True
    superuser: bool = False


@dataclass(frozen=True, slots=True)
class HbaRule:
    """One rule of pg_hba_file_rules: the file, not what the server last loaded."""

    line: int
    type: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    netmask: str
    method: str
    file: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class HbaFile:
    """The host-based authentication file of a server, seen by the server and by its host.

    `at_hand`: this tool can replace the file. `has_line`: it holds the very line that we would add.
    `loaded`: it has not been changed since the server last loaded its configuration.
    """

    path: str
    rules: tuple[HbaRule, ...]
    at_hand: bool = False
    has_line: bool = False
    loaded: bool = True
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Tablespace:
    """A tablespace outside the data directory. `location`: an absolute path on the server's host."""

    oid: int
    name: str
    location: str


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as it describes itself. `fault`: an error in its configuration files.

    `superuser`, `user` (quoted), `database` (quoted) and `lacks` are about the session that asks: what it is, and
    what of domain.rights it may not do.
    """

    version_num: int
    system_identifier: str
    timeline: int
    in_recovery: bool
    started_at: str
    settings: tuple[Setting, ...]
    roles: tuple[Role, ...]
    slots: tuple[Slot, ...]
    hba: HbaFile
    tablespaces: tuple[Tablespace, ...] = ()
    config_sources: tuple[str, ...] = ()
    fault: str = ""
    superuser: bool = True
    user: str = ""
    database: str = ""
    lacks: tuple[str, ...] = ()

    def setting(self, name: str) -> Setting:
        """One of the settings that every look reads; KeyError for any other."""
        for setting in self.settings:
            if setting.name == name:
                return setting
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Whether this version has the setting."""
        return any(setting.name == name for setting in self.settings)

    def slot(self, name: str) -> Slot | None:
        """The slot of that name."""
        return next((slot for slot in self.slots if slot.name == name), None)

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return next((role for role in self.roles if role.name == name), None)


@dataclass(frozen=True, slots=True)
class Node:
    """A named node: the server that runs there, the place where one is to run, what it is in its cluster."""

    name: str
    server: Server | None = None
    place: Place | None = None
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One observation of all nodes concerned, in the order of their names."""

    nodes: tuple[Node, ...]

    def _node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def server(self, name: str) -> Server:
        """The server of that node; KeyError where none was observed."""
        if (server := self._node(name).server) is None:
            raise KeyError(name)
        return server

    def place(self, name: str) -> Place:
        """The place of that node; KeyError where none was observed."""
        if (place := self._node(name).place) is None:
            raise KeyError(name)
        return place

    def member(self, name: str) -> Member:
        """What that node is in its cluster; KeyError where nobody asked."""
        if (member := self._node(name).member) is None:
            raise KeyError(name)
        return member

    def with_server(self, name: str, **changes: Any) -> Facts:
        """The same facts but for some fields of one server."""
        return self._with(replace(self._node(name), server=replace(self.server(name), **changes)))

    def with_place(self, name: str, **changes: Any) -> Facts:
        """The same facts but for some fields of one place."""
        return self._with(replace(self._node(name), place=replace(self.place(name), **changes)))

    def with_member(self, name: str, **changes: Any) -> Facts:
        """The same facts but for some of what one node is in its cluster."""
        return self._with(replace(self._node(name), member=replace(self.member(name), **changes)))

    def _with(self, changed: Node) -> Facts:
        return Facts(tuple(changed if node.name == changed.name else node for node in self.nodes))
