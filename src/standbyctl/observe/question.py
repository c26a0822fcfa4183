"""What a look must know to look."""

from __future__ import annotations

from standbyctl.domain.record import dataclass
from standbyctl.domain.tunnel import NO_TUNNEL, Tunnel


@dataclass(frozen=True, slots=True)
class Question:
    """What a look must know to look: names, paths and conninfos, no secrets. `slot`: empty for none.

    `bin_directory` is on the standby's host, `primary_bin` on the primary's. `unit`: what is to start it at boot.
    `waldir` and `tablespace_mapping`: where parts of the standby go, as the target has it.
    `from_restored`: what stands in the data directory is to be set up where it is.
    `head`: the primary at the head of the chain, where `primary` is a standby; `head_superuser`: as one there.
    `restore_command`: what a standby that comes back by an archive is to have.
    `config_file`: the standby's own, where that is outside its data directory.
    """

    primary: str
    name: str
    data_directory: str
    bin_directory: str
    port: int
    role: str
    slot: str
    passfile: str
    passfile_marker: str
    passfile_entry: str
    replication_conninfo: str
    primary_conninfo: str
    hba_line: str
    condemned: str
    own_role: bool
    source_address: str = "127.0.0.1"
    superuser: bool = True
    hba_by_sql: bool = False
    verify_backup: bool = False
    primary_bin: str = ""
    config_file: str = ""
    replace_cluster: bool = False
    unit: str = ""
    tunnel: Tunnel = NO_TUNNEL
    waldir: str = ""
    tablespace_mapping: tuple[tuple[str, str], ...] = ()
    from_restored: bool = False
    head: str = ""
    head_superuser: bool = True
    restore_command: str = ""
