"""The way to each server: by libpq from here, or by a psql on its own host, where its Unix socket is."""

from __future__ import annotations

import os
from collections.abc import Mapping

from standbyctl.app.hosts import Hosts
from standbyctl.domain.target import Target
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.ports import Reached
from standbyctl.nodes.psql import PsqlServer

# Whom the packages of Debian and PGDG have it run as, and whom peer authentication lets in as its superuser.
PACKAGED_USER = "postgres"


def primary_server(name: str, params: Mapping[str, str], hosts: Hosts) -> Reached:
    """The primary. A conninfo that names no host is one for the Unix socket of the primary's own host."""
    there = params.get("host", "")
    by_tcp = params.get("hostaddr") or "service" in params or (there and not there.startswith("/"))
    user = params.get("user", PACKAGED_USER)
    if by_tcp or not (hosts.primary_ssh or _by_psql_here(hosts, user)):
        return LibpqServer(name, params)
    complete = {"dbname": "postgres", "user": user, **params}
    return PsqlServer(name, hosts.primary(PACKAGED_USER), complete)


def _by_psql_here(hosts: Hosts, user: str) -> bool:
    """Whether a psql asks here too, as the server's user: peer lets no other in, and only root becomes that one."""
    told = any(os.environ.get(key) for key in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGUSER"))
    return hosts.apart and os.geteuid() == 0 and user == PACKAGED_USER and not told


def standby_server(target: Target, primary: Reached, hosts: Hosts) -> Reached:
    """The standby, once it runs."""
    if not hosts.apart:
        return primary.at(target.name, port=str(target.port))
    user = target.service.user or PACKAGED_USER
    where = {"host": target.service.socket} if target.service.socket else {}
    params = {**where, "port": str(target.port), "user": user, "dbname": "postgres"}
    return PsqlServer(target.name, hosts.standby(user), params)


def addresses_of(params: Mapping[str, str], hosts: Hosts) -> list[str]:
    """By what names the operator reaches the primary's host: the standby may, too."""
    host = params.get("hostaddr") or params.get("host", "")
    ssh = hosts.primary_ssh.rpartition("@")[2]
    return [name for name in (host, ssh) if name and not name.startswith("/")]
