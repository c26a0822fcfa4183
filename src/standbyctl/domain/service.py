"""What runs a server on its host."""

from __future__ import annotations

import posixpath

from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """How a server is started and stopped where it lives: by systemd, by Debian's pg_ctlcluster, or by pg_ctl.

    `unit`: its systemd unit. `config_file`: its postgresql.conf, where that is outside the data directory, as Debian's
    is. `as_root`: the unit is started by systemctl, as root; without the right to that, a Debian cluster is started by
    pg_ctlcluster, and by systemd from the next boot on. Where these are empty it is pg_ctl's.
    `user`: the operating system user that it runs as; `socket`: the directory of its Unix socket; empty where they are
    found out on this machine.
    """

    unit: str = ""
    config_file: str = ""
    as_root: bool = False
    user: str = ""
    socket: str = ""

    @property
    def cluster(self) -> tuple[str, str]:
        """Version and name of a Debian cluster; both empty for any other.

        >>> Service(config_file="/etc/postgresql/15/main/postgresql.conf").cluster
        ('15', 'main')
        """
        parts = self.config_file.split("/")
        return (parts[3], parts[4]) if len(parts) == 6 and parts[1:3] == ["etc", "postgresql"] else ("", "")  # noqa: PLR2004

    @property
    def managed(self) -> bool:
        """Whether something else than pg_ctl starts it."""
        return self.as_root or bool(self.cluster[0])

    @property
    def enabled_by_us(self) -> str:
        """The unit that systemd is to start at boot. Debian's clusters say that in a file of their own, start.conf.

        >>> Service("postgresql-16.service", as_root=True).enabled_by_us
        'postgresql-16.service'
        """
        return self.unit if self.as_root and not self.config_file else ""

    def log_path(self, data_directory: str) -> str:
        """Where a start that fails says why."""
        version, name = self.cluster
        if version:
            return f"/var/log/postgresql/postgresql-{version}-{name}.log"
        return posixpath.join(data_directory, "startup.log")

    def command(self, verb: str) -> str:
        """What starts or stops it, as a person would type it."""
        return f"systemctl {verb} {self.unit}" if self.as_root else f"pg_ctlcluster {' '.join(self.cluster)} {verb}"


PG_CTL = Service()
