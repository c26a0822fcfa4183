"""What was observed and stands still. What moves (LSNs, sizes, times) is in `sample`.

Facts are values: no connection, no behaviour beyond looking themselves up and replacing parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.tunnel import NO_TUNNEL_SEEN, TunnelSeen


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


class Passfile(StrEnum):
    """What stands where the standby's passfile is, or goes."""

    ABSENT = "absent"
    OURS = "ours"  # to the byte as we wrote it
    CHANGED = "changed"  # carries our marker, and somebody has changed it
    FOREIGN = "foreign"
    UNSAFE = "unsafe"  # readable by others, or not by the server's user: libpq ignores it


class Contents(StrEnum):
    """What stands where the standby's data directory should be."""

    ABSENT = "absent"
    EMPTY = "empty"
    STANDBY = "standby"  # a copy of the primary, set up by us to follow it
    RESTORED = "restored"  # what is there is to be a standby where it stands, and is not set up yet
    CLUSTER = "cluster"  # some other PostgreSQL cluster
    FOREIGN = "foreign"  # somebody else's files


@dataclass(frozen=True, slots=True)
class Draft:
    """A copy under construction, beside its destination.

    `alive`: its writer still runs. `whole`: finished, set up, and covered by its slot. `verified`: it is as its
    manifest says.
    """

    path: str
    alive: bool = False
    whole: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a standby lives, or is to live: its host, its data directory, its files.

    `password_set`: the role's password is the passfile's (both carry the same key; no secret is read).
    `admitted` is the outcome of a real replication connection from this host. `covered`: the slot (or,
    without one, the primary) still keeps the WAL that this copy needs next. `follows`: its configuration names this
    primary and slot.
    `upstream` is the node it streams from, agreed on by both ends. `started_by` is what the running
    server, or its postmaster.opts, says of the attach that started it. `asked`: it runs and answers, or cannot
    have anybody connected. `elsewhere`: a server that is not here streams under this name or from this slot.
    `mount_point`: of the directory itself; `lost_found`, `private`: what is in it, and whether a server would take it.
    `at_boot`: nothing is known to keep what runs it from starting it at boot. `os`: its operating system and version,
    as os-release has them.
    `verifier`: what is wrong with the programs that verify a copy; empty where they run, or nobody asked for them.
    `resident`: the cluster that stands there, where it is no copy of the primary. `replaced`: what stands aside of it.
    `tunnel`: what there is of one, where the standby's way to its primary is one.
    """

    data_directory: str
    contents: Contents
    os_user: str
    bin_directory: str
    bin_version_num: int
    parent_writable: bool = True
    mount_point: bool = False
    lost_found: bool = False
    private: bool = True
    is_primary_directory: bool = False
    port_taken: bool = False
    passfile: Passfile = Passfile.ABSENT
    password_set: bool = False
    admitted: bool = False
    drafts: tuple[Draft, ...] = ()
    condemned: bool = False
    covered: bool = True
    never_started: bool = False
    follows: bool = False
    running: bool = False
    started_by: str = ""
    in_recovery: bool = True
    asked: bool = True
    timeline: int = 0
    same_timeline: bool = True
    elsewhere: bool = False
    upstream: str = ""
    downstreams: tuple[str, ...] = ()
    foreign_sessions: int = 0
    verifier: str = ""
    os: str = ""
    at_boot: bool = True
    resident: Resident | None = None
    replaced: Replaced | None = None
    tunnel: TunnelSeen = NO_TUNNEL_SEEN


@dataclass(frozen=True, slots=True)
class Node:
    """A named node: the server that runs there, the place where one is to run, or both."""

    name: str
    server: Server | None = None
    place: Place | None = None


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

    def with_server(self, name: str, **changes: Any) -> Facts:
        """The same facts but for some fields of one server."""
        return self._with(replace(self._node(name), server=replace(self.server(name), **changes)))

    def with_place(self, name: str, **changes: Any) -> Facts:
        """The same facts but for some fields of one place."""
        return self._with(replace(self._node(name), place=replace(self.place(name), **changes)))

    def _with(self, changed: Node) -> Facts:
        return Facts(tuple(changed if node.name == changed.name else node for node in self.nodes))
