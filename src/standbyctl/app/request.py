"""From what the operator typed to a target: names, addresses and paths filled in, nothing decided."""

from __future__ import annotations

import os

from standbyctl.app.chain import NO_CHAIN, Chain, find_chain, reach_head
from standbyctl.app.conninfo import connection_params as connection_params
from standbyctl.app.hosts import Hosts, ssh_command
from standbyctl.app.naming import check_beside, check_names, check_same, check_source
from standbyctl.app.paths import absolute, root_certificate, tablespaces
from standbyctl.app.route import Route, find_route, free_port
from standbyctl.app.servers import addresses_of, primary_server, standby_server
from standbyctl.app.source import Source, find_source
from standbyctl.app.spot import Spot, distant_spot, local_spot
from standbyctl.app.state import State
from standbyctl.app.tunnel import by_tunnel, find_tunnel, via_of
from standbyctl.app.values import choice, max_rate, restore_command, wal_cap, wal_keep_size
from standbyctl.app.ways import check_unasked, translated, ways_to
from standbyctl.domain.errors import CannotTellError, RefusedError
from standbyctl.domain.message import msg
from standbyctl.domain.names import default_role, name_from_address, passfile_path
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.rights import LOOKING
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.domain.tunnel import CLEAR, NO_TUNNEL, Approach, Via
from standbyctl.nodes.libpq import LibpqServer
from standbyctl.nodes.ports import Reached
from standbyctl.planner.blockers.rights import rights_ahead, rights_blocker


@dataclass(frozen=True, slots=True)
class Request:
    """The command line over the configuration file. Empty: not given."""

    conninfo: str
    data_directory: str
    primary_name: str = ""
    name: str = ""
    port: int = 0
    role: str = ""
    passfile: str = ""
    slot: str = ""
    hba: str = ""
    max_rate: str = ""
    checkpoint: str = ""
    wal_cap: str = ""
    despite: tuple[str, ...] = ()
    no_slot: bool = False
    wal_method: str = ""
    wal_keep_size: str = ""
    synchronous_commit: str = ""
    auth_method: str = ""
    sslmode: str = ""
    sslrootcert: str = ""
    restore_command: str = ""
    settings: str = ""
    verify_backup: bool = False
    wal_level: str = ""
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    copy_from: str = ""
    copy_name: str = ""
    primary_ssh: str = ""
    standby_ssh: str = ""
    cluster: str = ""
    replace_cluster: bool = False
    via: str = ""
    tunnel_login: str = ""
    waldir: str = ""
    tablespace_mapping: tuple[str, ...] = ()
    primary_address: str = ""
    from_restored: bool = False
    upstream: str = ""
    upstream_name: str = ""
    upstream_ssh: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target, and how to reach it. `primary_user`, `os_user`: whom they run as; `archive`: a restore_command."""

    target: Target
    conninfo: str
    server: Reached
    standby: Reached
    hosts: Hosts
    os_user: str
    primary_user: str
    bin_directory: str
    primary_bin: str
    reachable: bool = True
    superuser: bool = True
    source: Reached | None = None
    approach: Approach = CLEAR
    head: Reached | None = None
    head_superuser: bool = True
    archive: str = ""


def resolve(request: Request, state: State, beside: tuple[Target, ...] = ()) -> Resolved:
    """Fill in everything that was not given, otherwise than `beside`. Looks at the primary once; changes nothing."""
    hosts = Hosts(request.primary_ssh, request.standby_ssh, ssh_command(os.environ))
    chain = NO_CHAIN
    if request.upstream:
        asked = (request.upstream, request.upstream_name, request.upstream_ssh)
        chain = find_chain(asked, request.conninfo, request.primary_name, hosts, request.despite, state)
        named = replace(request, conninfo=chain.conninfo, primary_name=chain.name, primary_ssh=chain.ssh)
        try:
            return _resolve(named, state, hosts, chain, beside)
        except BaseException:
            chain.close()
            raise
    return _resolve(request, state, hosts, chain, beside)


def _resolve(request: Request, state: State, hosts: Hosts, chain: Chain, beside: tuple[Target, ...]) -> Resolved:
    params = connection_params(request.conninfo)
    given = absolute(request.data_directory, request.standby_ssh)
    passfile = absolute(request.passfile, request.standby_ssh)
    hosts, server, spot, route = _find(request, params, given, state, hosts)
    data_directory = spot.data_directory
    known = state.at(data_directory, request.standby_ssh)
    journaled = state.journal(known).run() if known else None
    earlier = journaled[0] if journaled else None
    same = earlier if earlier and bool(earlier.head) == bool(chain.server) else None
    primary = request.primary_name or (same.primary if same else "") or route.name
    chain = chain.called(same.head if same else "")
    server = server.renamed(primary)
    # The postmaster.pid that came with a copy has its primary's.
    there = 0 if request.from_restored and not spot.service.config_file else spot.port
    port = request.port or (earlier.port if earlier else 0) or there or spot.free_port
    port = port or free_port(max(route.port, *(each.port for each in beside if not each.standby_ssh), 0))
    name = request.name or (earlier.name if earlier else "") or name_from_address(spot.hostname, port)
    check_names(name, request.slot, primary, request.role, chain.head)
    source = _source(request, server, route, earlier, state) if request.copy_from else Source()
    check_source(source, name, port)
    sslmode = choice("sslmode", request.sslmode, earlier.sslmode if earlier else "")
    tunnel, approach = NO_TUNNEL, CLEAR
    if via_of(choice("via", request.via), earlier.tunnel if earlier else None, hosts) is Via.SSH_TUNNEL:
        check_unasked(request.primary_address, tunnel=True)
        before, tried = earlier.tunnel if earlier else None, addresses_of(params, hosts)
        tunnel, approach = find_tunnel(hosts, route, spot, name, request.tunnel_login, before, tried)
        route = by_tunnel(route, tunnel)
    elif hosts.apart:
        route = translated(route, server, hosts, earlier)
    target = Target(
        primary=primary,
        name=name,
        data_directory=data_directory,
        port=port,
        # A certificate names the host, so that is how the standby has to call it.
        primary_host=(route.name_there if sslmode == "verify-full" and not tunnel.used else "") or route.host,
        primary_port=route.port,
        source_address=route.source,
        role=request.role or (earlier.role if earlier else "") or default_role(name),
        passfile=passfile or passfile_path(data_directory),
        slot=_slot(request, earlier, name),
        own_role=not request.passfile,
        hba=HbaWay(choice("hba", request.hba, "auto")),
        max_rate=max_rate(request.max_rate),
        checkpoint=choice("checkpoint", request.checkpoint, "fast"),
        wal_cap=wal_cap(request.wal_cap),
        wal_method=choice("wal_method", request.wal_method, "stream"),
        wal_keep_size=wal_keep_size(request.wal_keep_size),
        synchronous_commit=choice("synchronous_commit", request.synchronous_commit),
        auth_method=choice("auth_method", request.auth_method, earlier.auth_method if earlier else "scram-sha-256"),
        sslmode=sslmode,
        sslrootcert=root_certificate(
            request.sslrootcert or (earlier.sslrootcert if earlier else ""), request.standby_ssh, sslmode
        ),
        restore_command=restore_command(request.restore_command) or (earlier.restore_command if earlier else ""),
        settings=SettingsWay(choice("settings", request.settings, "alter")),
        despite=tuple(sorted(set(request.despite))),
        verify_backup=request.verify_backup,
        wal_level=request.wal_level,
        max_wal_senders=request.max_wal_senders,
        max_replication_slots=request.max_replication_slots,
        copy_from=source.name,
        copy_host=source.host,
        copy_port=source.port,
        copy_conninfo=source.conninfo,
        primary_ssh=request.primary_ssh,
        standby_ssh=request.standby_ssh,
        service=spot.service,
        replace_cluster=request.replace_cluster,
        tunnel=tunnel,
        waldir=absolute(request.waldir, request.standby_ssh) or (earlier.waldir if earlier else ""),
        tablespace_mapping=tablespaces(request.tablespace_mapping, request.standby_ssh)
        or (earlier.tablespace_mapping if earlier else ()),
        away=hosts.away,
        own_address=route.own_address,
        from_restored=request.from_restored or bool(earlier and earlier.from_restored),
        head=chain.head,
        head_ssh=chain.head_ssh,
        head_conninfo=chain.head_conninfo,
    )
    if earlier and not request.passfile and not earlier.own_role:
        target = replace(target, passfile=earlier.passfile, own_role=False)
    check_same(target, earlier, state)
    check_beside(target, beside)
    _check_sight(target, route, server, attaching=True)
    resolved = _resolved(target, server, route, hosts, spot)
    return replace(resolved, source=source.server, approach=approach, head=chain.server, head_superuser=chain.superuser)


def _find(
    request: Request, params: dict[str, str], given: str, state: State, hosts: Hosts
) -> tuple[Hosts, Reached, Spot, Route]:
    """Where both are, and how the one gets to the other."""
    hosts = hosts.beside(request.primary_ssh, request.standby_ssh)
    server = primary_server(request.primary_name or "the primary", params, hosts)
    route = find_route(server, request.despite, apart=hosts.apart)
    hosts.away = route.away and not request.primary_ssh
    if hosts.apart:
        begun = state.journal(request.name).run() if request.name in state.names() else None
        ways = ways_to(params, hosts, route, request.primary_address, begun[0] if begun else None)
        only = bool(request.primary_address)
        spot, route = distant_spot(hosts, route, given, request.cluster, ways, only=only)
    else:
        check_unasked(request.primary_address)
        spot = local_spot(route, given, request.name)
    return hosts, server, spot, route


def reach(target: Target, conninfo: str, given: str = "") -> Resolved:
    """A target that the journal has, to the letter; only the primary is reached anew, `given` where it is by now."""
    hosts = Hosts(target.primary_ssh, target.standby_ssh, ssh_command(os.environ))
    if target.head:
        chain = reach_head(target, given, hosts)
        resolved = _reach(target, conninfo, hosts)
        return replace(resolved, head=chain.server, head_superuser=chain.superuser)
    return _reach(target, given or conninfo, hosts)


def _reach(target: Target, conninfo: str, hosts: Hosts) -> Resolved:
    server = primary_server(target.primary, connection_params(conninfo), hosts)
    route = find_route(server, apart=hosts.apart)
    hosts.away = route.away and not target.primary_ssh
    _check_sight(target, route, server, attaching=False)
    if hosts.apart:
        spot, _ = distant_spot(hosts, route, target.data_directory, "")
    else:
        spot = local_spot(route, target.data_directory, target.name)
    return _resolved(target, server, route, hosts, spot)


def _resolved(target: Target, server: Reached, route: Route, hosts: Hosts, spot: Spot) -> Resolved:
    return Resolved(
        target=target,
        conninfo=route.conninfo,
        server=server,
        standby=standby_server(target, server, hosts),
        hosts=hosts,
        os_user=spot.os_user,
        primary_user=spot.primary_user,
        bin_directory=spot.bin_directory,
        primary_bin=route.bindir,
        reachable=route.reachable,
        superuser=route.superuser,
    )


def _source(request: Request, server: Reached, route: Route, earlier: Target | None, state: State) -> Source:
    """The standby to be copied, where one was asked for: by conninfo, or by the name it was attached by from here."""
    if not isinstance(server, LibpqServer) or request.primary_ssh or request.standby_ssh or route.away:
        raise RefusedError(
            "A208",
            msg("--copy-from with hosts that are reached by ssh: not yet"),
            hint=msg("Leave --copy-from out: the primary is copied."),
        )
    known = state.journal(request.copy_from).run() if request.copy_from in state.names() else None
    given, name = (f"port={known[0].port}", request.copy_from) if known else (request.copy_from, request.copy_name)
    try:
        params = connection_params(given, msg("the standby to be copied (--copy-from)"))
        return find_source(params, name, server, route, earlier)
    except BaseException:
        server.close()
        raise


def _check_sight(target: Target, route: Route, server: Reached, *, attaching: bool) -> None:
    """Raise CannotTellError where the role may not even look; it says everything at once that is missing."""
    if not set(route.lacks) & set(LOOKING):
        return
    lacks = rights_ahead(target, route.lacks)
    exists = server.observe("SELECT 1 FROM pg_roles WHERE rolname = %s", target.role)
    server.close()
    role = attaching and target.own_role
    why = rights_blocker(target, route.user, route.database, lacks, route.major, role=role, role_exists=bool(exists))
    raise CannotTellError(why.code, why.what, detail=why.detail, hint=why.hint)


def _slot(request: Request, earlier: Target | None, name: str) -> str:
    """What was asked for; else as it was begun, with a slot or without; else one of the standby's own name."""
    if request.no_slot:
        return ""
    return request.slot or (name if earlier is None else earlier.slot)
