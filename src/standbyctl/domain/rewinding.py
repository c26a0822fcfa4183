"""The deed of bringing files back to where their history left that of their primary."""

from __future__ import annotations

import shlex

from standbyctl.domain.deed import Deed, literally
from standbyctl.domain.message import Message
from standbyctl.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Rewind(Deed):
    """pg_rewind a server that does not run. It stays a standby all along, and no server starts while it is at it.

    `conninfo`: of its new primary, for a role that may read its files. `aside`: a directory for what is its own and
    would be overwritten: its configuration, and its WAL from `fork` of `timeline` on. `config_file`: of the server,
    where that is not in the data directory; one that crashed comes to the end of its WAL with it.
    """

    node: str
    data_directory: str
    bin_directory: str
    system_identifier: str
    conninfo: str
    aside: str
    timeline: int
    fork: str
    config_file: str = ""

    @property
    def said(self) -> Message:
        data, aside = shlex.quote(self.data_directory), shlex.quote(self.aside)
        return literally(
            f"{self.node}: chmod 0701 {data}; cp -p {data}/*.conf {data}/pg_wal/* {aside}\n"
            f"{self.bin_directory}/pg_rewind --target-pgdata {data} --source-server {shlex.quote(self.conninfo)}\n"
            f"cp -p {aside}/*.conf {data}; touch {data}/standby.signal; chmod 0700 {data}"
        )
