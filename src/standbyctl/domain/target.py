"""What the operator asked for."""

from __future__ import annotations

from enum import StrEnum

from standbyctl.domain.record import dataclass
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.domain.tunnel import NO_TUNNEL, Tunnel, Via


class HbaWay(StrEnum):
    """How pg_hba.conf gets its line."""

    AUTO = "auto"
    FILE = "file"
    WAIT = "wait"
    SQL = "sql"


class SettingsWay(StrEnum):
    """How a parameter of the primary gets its value."""

    ALTER = "alter"
    PRINT = "print"


@dataclass(frozen=True, slots=True)
class Target:
    """A standby: its name, where it goes, what it follows, and how it gets there.

    `host` and `port` are how the standby reaches the primary, by TCP; `source_address` is how the
    primary sees it. `wal_cap` is "auto", "keep" or a size; `max_rate` is empty for no limit.
    `own_role`: the role is made by us, and its passfile too. `despite`: what the operator overrides, by name.
    `copy_from`: the standby that the copy is taken from, empty for the primary; with it, how it is reached by TCP, and
    the conninfo by which the operator reaches it.
    `slot`: empty for none. `wal_keep_size`, `synchronous_commit`, `restore_command`: empty where nobody asked.
    `verify_backup`: the copy is checked before it starts.
    `wal_level`, `max_wal_senders` and `max_replication_slots` are the least that the primary must run with; empty
    and 0: what a standby needs.
    `primary_ssh` and `standby_ssh`: how their hosts are reached, empty for this machine. `service`: what runs the
    standby. `replace_cluster`: the cluster that stands in its place is moved aside, if it holds nothing of anybody.
    `sslmode`, `sslrootcert`: libpq's words for the standby's connection, the file on the standby's host; empty for its
    defaults.
    `waldir`: where the standby's pg_wal is, empty for inside its data directory. `tablespace_mapping`: where the
    primary has a tablespace, and where the standby is to have it; the same path for any other.
    `tunnel`: the way to a primary that listens on its own host only; `primary_host` and `primary_port` are its
    near end.
    `away`: the primary is on another host than this one, and nobody is asked there but the server.
    `own_address`: the standby's own end of the way to its primary, where that one sees another (address translation);
    empty where it sees this one.
    `from_restored`: a copy stands in `data_directory` already, and nothing is copied.
    `head`: where `primary` is a standby itself, the primary at the head of that chain; empty where it is none. Then
    `head_ssh` and `head_conninfo` are how that one is reached.
    """

    primary: str
    name: str
    data_directory: str
    port: int
    primary_host: str
    primary_port: int
    source_address: str
    role: str
    passfile: str
    slot: str
    own_role: bool = True
    hba: HbaWay = HbaWay.AUTO
    max_rate: str = ""
    checkpoint: str = "fast"
    wal_cap: str = "auto"
    despite: tuple[str, ...] = ()
    wal_method: str = "stream"
    wal_keep_size: str = ""
    synchronous_commit: str = ""
    auth_method: str = "scram-sha-256"
    restore_command: str = ""
    settings: SettingsWay = SettingsWay.ALTER
    verify_backup: bool = False
    wal_level: str = ""
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    copy_from: str = ""
    copy_host: str = ""
    copy_port: int = 0
    copy_conninfo: str = ""
    primary_ssh: str = ""
    standby_ssh: str = ""
    service: Service = PG_CTL
    replace_cluster: bool = False
    sslmode: str = ""
    sslrootcert: str = ""
    tunnel: Tunnel = NO_TUNNEL
    waldir: str = ""
    tablespace_mapping: tuple[tuple[str, str], ...] = ()
    away: bool = False
    own_address: str = ""
    from_restored: bool = False
    head: str = ""
    head_ssh: str = ""
    head_conninfo: str = ""

    @property
    def writer(self) -> str:
        """The node where rows are written: roles, and marked commits."""
        return self.head or self.primary

    @property
    def upstream(self) -> str:
        """The standby that it streams from; empty where that is the primary."""
        return self.primary if self.head else ""

    @property
    def tls(self) -> bool | None:
        """Whether the standby speaks TLS to its primary; None where both ends settle that between them."""
        return {"": None, "allow": None, "prefer": None, "disable": False}.get(self.sslmode, True)

    @property
    def apart(self) -> bool:
        """Whether another machine than this one has to do with it."""
        return bool(self.primary_ssh or self.standby_ssh or self.away)

    @property
    def via(self) -> Via:
        """How the standby reaches its primary."""
        return Via.SSH_TUNNEL if self.tunnel.used else Via.DIRECT

    @property
    def shown(self) -> tuple[str, int]:
        """Where the primary is, for people: a tunnel's near end says nothing."""
        return (self.tunnel.host, self.tunnel.end_port) if self.tunnel.used else (self.primary_host, self.primary_port)
