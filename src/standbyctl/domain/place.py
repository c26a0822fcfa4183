"""Where a standby lives, or is to live, as it was observed."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.record import dataclass
from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.tunnel import NO_TUNNEL_SEEN, TunnelSeen


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
    `restores`: it has the restore_command that was asked for.
    `upstream` is the node it streams from, agreed on by both ends. `started_by` is what the running
    server, or its postmaster.opts, says of the attach that started it. `asked`: it runs and answers, or cannot
    have anybody connected. `elsewhere`: a server that is not here streams under this name or from this slot.
    `mount_point`: of the directory itself; `lost_found`, `private`: what is in it, and whether a server would take it.
    `rewinding`: a rewind was begun there, and did not come to its end. `rewound`: it did, and nobody has started it.
    `at_boot`: nothing is known to keep what runs it from starting it at boot. `os`: its operating system and version,
    as os-release has them.
    `verifier`: what is wrong with the programs that verify a copy; empty where they run, or nobody asked for them.
    `slots`: those that its files have, its own and those that were synchronised to it.
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
    rewinding: bool = False
    rewound: bool = False
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
    restores: bool = False
    running: bool = False
    started_by: str = ""
    in_recovery: bool = True
    asked: bool = True
    timeline: int = 0
    same_timeline: bool = True
    elsewhere: bool = False
    slots: tuple[str, ...] = ()
    upstream: str = ""
    downstreams: tuple[str, ...] = ()
    foreign_sessions: int = 0
    verifier: str = ""
    os: str = ""
    at_boot: bool = True
    resident: Resident | None = None
    replaced: Replaced | None = None
    tunnel: TunnelSeen = NO_TUNNEL_SEEN
