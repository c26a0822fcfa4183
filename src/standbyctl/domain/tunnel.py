"""A way to a primary that listens on its own host only: ssh from the standby's host, kept up by a unit there."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message, msg
from standbyctl.domain.record import dataclass

KEY_LETTERS = 16
# What the primary's host is called in our known_hosts, by whatever name or address it is reached.
HOST_ALIAS = "primary"


class Via(StrEnum):
    """How a standby reaches its primary."""

    DIRECT = "direct"
    SSH_TUNNEL = "ssh-tunnel"


class Trace(StrEnum):
    """What stands where something of a tunnel is, or goes."""

    ABSENT = "absent"
    OURS = "ours"  # as this attach writes it
    OTHER = "other"  # as some attach of ours has written it, for another key or another address
    CHANGED = "changed"  # carries our marker, and somebody has changed it
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """How the tunnel of one standby goes, and where its parts are. `directory`: empty where there is no tunnel.

    `name`: the standby. `directory`: of its key and the primary's host keys, on the standby's host. `user`: whom ssh
    runs as there, and `before`: the unit of the standby, which is started after it. `login`, `host` and `ssh_port`: the
    account and the sshd on the primary's host; `end` and `end_port`: where the primary listens there. `port`: on the
    standby's host. `program`: its ssh.
    """

    name: str = ""
    directory: str = ""
    user: str = ""
    login: str = ""
    host: str = ""
    ssh_port: int = 22
    end: str = ""
    end_port: int = 0
    port: int = 0
    program: str = ""
    before: str = ""

    @property
    def used(self) -> bool:
        """Whether there is to be one."""
        return bool(self.directory)

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return f"standbyctl-tunnel-{self.name}.service"

    @property
    def unit_path(self) -> str:
        """Where that is."""
        return f"/etc/systemd/system/{self.unit}"

    @property
    def there(self) -> str:
        """Where it ends, as ssh writes it.

        >>> Tunnel(end="127.0.0.1", end_port=5432).there, Tunnel(end="::1", end_port=5432).there
        ('127.0.0.1:5432', '[::1]:5432')
        """
        return f"[{self.end}]:{self.end_port}" if ":" in self.end else f"{self.end}:{self.end_port}"

    @property
    def account(self) -> str:
        """Account, host and port of its sshd, as --tunnel-login takes them.

        >>> Tunnel(login="postgres", host="fd00::1").account
        'postgres@[fd00::1]:22'
        """
        return f"{self.login}@{f'[{self.host}]' if ':' in self.host else self.host}:{self.ssh_port}"

    @property
    def restrictions(self) -> str:
        """All that the key is good for: connections to the primary's port. (OpenSSH 7.2 and later.)"""
        return f'restrict,port-forwarding,permitopen="{self.there}",command="/bin/false"'

    def argv(self, *way: str) -> tuple[str, ...]:
        """The ssh that goes there, run in the tunnel's directory. Nothing of the host's ssh_config changes it."""
        options = (
            "BatchMode=yes",
            "ConnectTimeout=10",
            "ExitOnForwardFailure=yes",
            "ServerAliveInterval=10",
            "ServerAliveCountMax=3",
            "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=known_hosts",
            "GlobalKnownHostsFile=/dev/null",
            f"HostKeyAlias={HOST_ALIAS}",
            "UpdateHostKeys=no",
            "IdentitiesOnly=yes",
        )
        words = [word for option in options for word in ("-o", option)]
        where = f"{self.login}@{self.host}"
        return (
            self.program,
            "-F",
            "/dev/null",
            "-T",
            *words,
            "-i",
            "id_ed25519",
            "-p",
            str(self.ssh_port),
            *way,
            where,
        )

    def unit_text(self, marker: str) -> str:
        """The unit. Its first line is ours, with a key that is a digest of the others: a change of them is seen."""
        directory = self.directory.replace("%", "%%")
        before = f"Before={self.before}\n" if self.before else ""
        # It is never given up: neither a primary's host that is away for days, nor a network that comes up late.
        body = (
            f"[Unit]\nDescription=ssh tunnel of the standby {self.name} to its primary (standbyctl)\n"
            f"After=network.target\n{before}StartLimitIntervalSec=0\n\n"
            f"[Service]\nUser={self.user}\nWorkingDirectory={directory}\nUMask=0077\n"
            f"ExecStart={' '.join(self.argv('-N', '-L', f'127.0.0.1:{self.port}:{self.there}'))}\n"
            "Restart=always\nRestartSec=2\nNoNewPrivileges=yes\n\n"
            "[Install]\nWantedBy=multi-user.target\n"
        )
        return f"# {marker}, key {hashlib.sha256(body.encode()).hexdigest()[:KEY_LETTERS]}\n{body}"


NO_TUNNEL = Tunnel()


@dataclass(frozen=True, slots=True)
class TunnelSeen:
    """What there is of a tunnel. `key`: its key pair. `known`: the primary's host keys, as that host has them now.

    `line`: what the account on the primary's host has in its authorized_keys. `unit`: the file, and `running`: it is
    enabled, and has got in.
    """

    key: Trace = Trace.ABSENT
    known: bool = False
    line: Trace = Trace.ABSENT
    unit: Trace = Trace.ABSENT
    running: bool = False


NO_TUNNEL_SEEN = TunnelSeen()


@dataclass(frozen=True, slots=True)
class Approach:
    """What there is for a tunnel, found out by trying.

    `client`: an ssh client is on the standby's host, whose system is `os`; `service`: it has systemd; `root`: and we
    may be root there. `files`: the primary's files are on the host that was asked. `host_keys`: that one has, to be
    known by. `reached`: its sshd answers; `tried`: where it was looked for; `others`: where something else answered.
    """

    client: bool = True
    os: str = ""
    service: bool = True
    root: bool = True
    files: bool = True
    host_keys: bool = True
    reached: bool = True
    tried: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


CLEAR = Approach()


@dataclass(frozen=True, slots=True)
class MakeTunnelKey(Deed):
    """Make a key pair of the tunnel's own, unless it is there. The private half never leaves the host."""

    node: str
    directory: str
    marker: str

    @property
    def said(self) -> Message:
        return msg("{command} (0600, no passphrase)", command=f"ssh-keygen -t ed25519 -f {self.directory}/id_ed25519")


@dataclass(frozen=True, slots=True)
class TrustHost(Deed):
    """Write the host keys of the primary's host, as that host has them in its own files, into our known_hosts."""

    node: str
    primary: str
    directory: str

    @property
    def said(self) -> Message:
        files = "/etc/ssh/ssh_host_*_key.pub"
        return msg(
            "{path}: {files} of {node}'s host", path=f"{self.directory}/known_hosts", files=files, node=self.primary
        )


@dataclass(frozen=True, slots=True)
class RemoveTunnelKey(Deed):
    """Remove key pair and known_hosts, if they are ours."""

    node: str
    directory: str
    marker: str

    @property
    def said(self) -> Message:
        return msg("remove {path}", path=self.directory)


@dataclass(frozen=True, slots=True)
class AdmitTunnelKey(Deed):
    """One line in the account's authorized_keys; one of ours for another key goes."""

    node: str
    standby: str
    directory: str
    login: str
    restrictions: str
    marker: str

    @property
    def said(self) -> Message:
        return literally(f"~{self.login}/.ssh/authorized_keys: {self.restrictions} ssh-ed25519 ... {self.marker}")


@dataclass(frozen=True, slots=True)
class ExpelTunnelKey(Deed):
    """Take exactly that line out again; what was made for it goes too, where nothing else has come there."""

    node: str
    login: str
    restrictions: str
    marker: str

    @property
    def said(self) -> Message:
        path = f"~{self.login}/.ssh/authorized_keys"
        return msg("{path}: remove the line of {marker}", path=path, marker=self.marker)


@dataclass(frozen=True, slots=True)
class TryTunnel(Deed):
    """Connect by ssh to where the primary listens, as the tunnel will."""

    node: str
    tunnel: Tunnel

    @property
    def said(self) -> Message:
        return msg("try: {command}", command=" ".join(self.tunnel.argv("-W", self.tunnel.there)))


@dataclass(frozen=True, slots=True)
class RunTunnel(Deed):
    """Install the unit, enable it, start it, and see it listen."""

    node: str
    tunnel: Tunnel
    marker: str

    @property
    def said(self) -> Message:
        unit = self.tunnel
        return literally(f"{unit.unit_path}:\n{unit.unit_text(self.marker)}systemctl enable --now {unit.unit}")


@dataclass(frozen=True, slots=True)
class RemoveTunnel(Deed):
    """Stop, disable and remove the unit, if it is as we wrote it."""

    node: str
    unit: str
    marker: str

    @property
    def said(self) -> Message:
        return msg("{command}; remove it", command=f"systemctl disable --now {self.unit}")
