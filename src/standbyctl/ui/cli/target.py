"""The options that say what to attach to what, over what standbyctl.toml says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import click

from standbyctl.app.config import AttachConfig, Config, NodeConfig, load_config
from standbyctl.app.request import Request
from standbyctl.app.values import CHOICES
from standbyctl.domain.message import Message, msg
from standbyctl.domain.survey import OVERRIDES
from standbyctl.ui.cli.call import misused

_HELP = {
    "primary": "The primary: libpq conninfo, URI, host, or the name of a node in standbyctl.toml.",
    "upstream": "Stream from this standby, not from the primary: a conninfo, or a name from standbyctl.toml or status.",
    "upstream_ssh": "The host of --upstream, as --primary-ssh. Default: by its name, or where -p is.",
    "primary_ssh": "The primary's host, as ssh takes it. Without a host in -p, psql is run there.",
    "standby_ssh": "The standby's host, as ssh takes it. Default: this machine.",
    "standby_ssh, several": "The standby's host, as ssh takes it. Default: this machine. May be given again, for"
    " several standbys side by side.",
    "data_dir": "Data directory of the standby: absent or empty.",
    "cluster": "Debian: the cluster that the standby is to be, made by pg_createcluster. Default: by its directory.",
    "replace_cluster": "As --cluster; the cluster that is there makes room, if it holds nothing of anybody: it is"
    " stopped and renamed aside. detach puts it back.",
    "name": "Name of the standby, its slot and its application_name. Default: host and port.",
    "name, several": "Name of the standby, its slot and its application_name. Default: host and port. May be given"
    " again, for several standbys side by side.",
    "port": "Port of the standby. Default: the next free one above the primary's.",
    "role": "Replication role. Default: one of its own, repl_NAME.",
    "passfile": "Passfile of an existing --role, which is then not altered.",
    "slot": "Replication slot. Default, and best: the standby's name.",
    "hba": "pg_hba.conf: edit the file, print the line and wait for it, or have the server edit it (COPY TO PROGRAM)."
    " Default: auto, the file when it is at hand.",
    "max_rate": "Limit for the copy, as pg_basebackup takes it (32k, 80M).",
    "checkpoint": "fast: at once, in a burst of writes. spread: may take minutes before the first byte. Default: fast.",
    "wal_cap": "max_slot_wal_keep_size: half of the free room, as it is, or a size such as 20GB. Default: auto.",
    "despite": "Attach although this rules the server, or the hosts differ in it; see the refusal that names it."
    " May be given again.",
    "no_slot": "No slot: the primary keeps wal_keep_size, and guarantees nothing beyond it.",
    "wal_method": "stream: 2 walsenders for the copy. fetch: 1, its WAL comes last. Default: stream.",
    "wal_keep_size": "At least so much WAL kept by the primary (a reload). Needed with --no-slot, unless it keeps 1GB.",
    "synchronous_commit": "The primary's own commits. Not what makes replication asynchronous. Default: as it is.",
    "sslmode": "TLS of the standby's connection: libpq's sslmode. From require on, pg_hba.conf gets a hostssl line.",
    "sslrootcert": "Certificates of the authorities, for verify-ca and verify-full: a file on the standby's host.",
    "auth_method": "Method of the line in pg_hba.conf. Default: scram-sha-256.",
    "restore_command": "How the standby gets WAL out of an archive. No secret in it: plans and journals show it.",
    "settings": "Parameters of the primary: ALTER SYSTEM, or print the lines and wait for them. Default: alter.",
    "verify_backup": "Before the first start, compare the copy with its manifest (pg_verifybackup reads all of it).",
    "wal_level": "What the primary must run with; never lowered. Only a restart raises it: plan --stage-restart.",
    "max_wal_senders": "At least so many, as --wal-level.",
    "max_replication_slots": "At least so many, as --wal-level.",
    "copy_from": "Copy this standby, and spare the primary: a conninfo, or a name from standbyctl.toml or status.",
    "from_restored": "The copy of the primary that pgBackRest, Barman, pg_basebackup or a snapshot has put at DIR"
    " becomes the standby where it is; nothing is copied, moved or deleted.",
    "via": "How the standby reaches the primary. ssh-tunnel: where that listens on its own host only (a systemd unit on"
    " the standby's host). Default: direct.",
    "tunnel_login": "With --via ssh-tunnel: account and sshd of the primary's host. Default: the server's user there.",
    "waldir": "The standby's pg_wal on a volume of its own: an empty directory.",
    "tablespace_mapping": "Where the standby has a tablespace: an empty directory. Default: where the primary has it."
    " May be given again.",
    "primary_address": "Where the standby connects to, as its own host knows it. Default: tried from there.",
    "config": "standbyctl.toml. Default: $STANDBYCTL_CONFIG, ~/.config/standbyctl/, /etc/standbyctl/.",
}
_COUNT = click.IntRange(1, 262143)
# A text is an option that several standbys have one each of.
_OPTIONS: tuple[str | Callable[..., Any], ...] = (
    click.option("-p", "--primary", metavar="CONNINFO", help=_HELP["primary"]),
    click.option("--primary-ssh", metavar="HOST", help=_HELP["primary_ssh"]),
    click.option("--upstream", metavar="CONNINFO", help=_HELP["upstream"]),
    click.option("--upstream-ssh", metavar="HOST", help=_HELP["upstream_ssh"]),
    "--standby-ssh",
    click.option("-D", "--data-dir", metavar="DIR", help=_HELP["data_dir"]),
    click.option("--cluster", metavar="VERSION/NAME", help=_HELP["cluster"]),
    click.option("--replace-cluster", metavar="VERSION/NAME", help=_HELP["replace_cluster"]),
    "--name",
    click.option("--port", type=click.IntRange(1, 65535), help=_HELP["port"]),
    click.option("--role", metavar="ROLE", help=_HELP["role"]),
    click.option("--passfile", metavar="FILE", help=_HELP["passfile"]),
    click.option("--slot", metavar="SLOT", help=_HELP["slot"]),
    click.option("--hba", type=click.Choice(["auto", "file", "wait", "sql"]), help=_HELP["hba"]),
    click.option("--max-rate", metavar="RATE", help=_HELP["max_rate"]),
    click.option("--checkpoint", type=click.Choice(["fast", "spread"]), help=_HELP["checkpoint"]),
    click.option("--wal-cap", metavar="auto|keep|SIZE", help=_HELP["wal_cap"]),
    click.option("--despite", metavar="NAME", multiple=True, type=click.Choice(OVERRIDES), help=_HELP["despite"]),
    click.option("--no-slot", is_flag=True, default=None, help=_HELP["no_slot"]),
    click.option("-X", "--wal-method", type=click.Choice(["stream", "fetch"]), help=_HELP["wal_method"]),
    click.option("--wal-keep-size", metavar="SIZE", help=_HELP["wal_keep_size"]),
    click.option(
        "--synchronous-commit",
        type=click.Choice(["on", "off", "local", "remote_write", "remote_apply"]),
        help=_HELP["synchronous_commit"],
    ),
    click.option("--sslmode", type=click.Choice(CHOICES["sslmode"]), help=_HELP["sslmode"]),
    click.option("--sslrootcert", metavar="FILE", help=_HELP["sslrootcert"]),
    click.option("--auth-method", type=click.Choice(["scram-sha-256", "md5"]), help=_HELP["auth_method"]),
    click.option("--restore-command", metavar="COMMAND", help=_HELP["restore_command"]),
    click.option("--settings", type=click.Choice(["alter", "print"]), help=_HELP["settings"]),
    # No default of its own: absent is not the same as refused, when a saved plan says everything.
    click.option("--verify-backup", is_flag=True, default=None, help=_HELP["verify_backup"]),
    click.option("--wal-level", type=click.Choice(["replica", "logical"]), help=_HELP["wal_level"]),
    click.option("--max-wal-senders", type=_COUNT, metavar="N", help=_HELP["max_wal_senders"]),
    click.option("--max-replication-slots", type=_COUNT, metavar="N", help=_HELP["max_replication_slots"]),
    click.option("--copy-from", metavar="CONNINFO", help=_HELP["copy_from"]),
    click.option("--from-restored", metavar="DIR", help=_HELP["from_restored"]),
    click.option("--via", type=click.Choice(["direct", "ssh-tunnel"]), help=_HELP["via"]),
    click.option("--tunnel-login", metavar="[USER][@HOST[:PORT]]", help=_HELP["tunnel_login"]),
    click.option("--waldir", metavar="DIR", help=_HELP["waldir"]),
    click.option("-T", "--tablespace-mapping", metavar="OLD=NEW", multiple=True, help=_HELP["tablespace_mapping"]),
    click.option("--primary-address", metavar="HOST[:PORT]", help=_HELP["primary_address"]),
    click.option("-c", "--config", metavar="FILE", help=_HELP["config"]),
)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them all."""
    return _with(command, several=False)


def several_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them all, for any number of standbys."""
    return _with(command, several=True)


def _with(command: Callable[..., Any], *, several: bool) -> Callable[..., Any]:
    of_one = {
        flag: click.option(flag, metavar=metavar, multiple=several, help=_HELP[f"{key}, several" if several else key])
        for flag, metavar, key in (("--standby-ssh", "HOST", "standby_ssh"), ("--name", "NAME", "name"))
    }
    for option in reversed(_OPTIONS):
        command = (of_one[option] if isinstance(option, str) else option)(command)
    return command


def requests_from(given: dict[str, Any]) -> tuple[Request, ...]:
    """One for each standby; click.UsageError where it cannot be told what belongs to which."""
    names, hosts = given["name"], given["standby_ssh"]
    if len(names) > 1 and len(hosts) > 1 and len(names) != len(hosts):
        raise misused(msg("{n} times --name and {m} times --standby-ssh: which is where?", n=len(names), m=len(hosts)))
    if len(names) == 1 and len(hosts) > 1:
        raise misused(msg("one --name for several --standby-ssh: give one for each, or none."))
    number = max(len(names), len(hosts), 1)
    if number > 1 and given["slot"]:
        raise misused(msg("--slot is one standby's: leave it out, each gets a slot of its own name."))
    hosts = hosts * number if len(hosts) == 1 else hosts
    pairs = zip_longest(names, hosts, fillvalue="") if number > 1 else [("".join(names), "".join(hosts))]
    return tuple(request_from(given | {"name": name, "standby_ssh": host}) for name, host in pairs)


def request_from(given: dict[str, Any], *, need_place: bool = True) -> Request:
    """The command line over the configuration file; click.UsageError where something needed is missing."""
    config = load_config(given["config"], os.environ)
    primary, standby = config.node(given["primary"] or ""), config.node(given["name"] or "")
    conninfo = primary.conninfo if primary else (given["primary"] or "")
    primary_ssh = given["primary_ssh"] or (primary.ssh if primary else "")
    standby_ssh = given["standby_ssh"] or (standby.ssh if standby else "")
    cluster = _cluster(given, standby)
    if (
        not conninfo
        and not primary_ssh
        and not standby_ssh
        and not any(os.environ.get(key) for key in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT"))
    ):
        raise misused(msg("which primary? Give -p CONNINFO (a URI, service=NAME or PGHOST will do too)."))
    restored = _restored(given)
    data_directory = restored or given["data_dir"] or (standby.data_directory if standby else "")
    if not (data_directory or cluster or standby_ssh or primary_ssh) and need_place:
        raise misused(msg("where is the standby to be? Give -D DIR."))
    attach = config.attach
    upstream = _upstream(given, config)
    no_slot = _no_slot(given, attach)
    copy_from = "" if restored or upstream else given["copy_from"] or attach.copy_from
    source = config.node(copy_from)
    if source:
        copy_from = source.conninfo or (f"port={source.port}" if source.port else "")
        if not copy_from:
            raise misused(_unreachable(source.name))
    return Request(
        conninfo=conninfo,
        data_directory=data_directory,
        primary_name=primary.name if primary else "",
        name=given["name"] or "",
        port=given["port"] or (standby.port if standby else 0),
        role=given["role"] or attach.role,
        passfile=given["passfile"] or attach.passfile,
        slot="" if no_slot else given["slot"] or attach.slot,
        hba=given["hba"] or attach.hba,
        max_rate=given["max_rate"] or attach.max_rate,
        checkpoint=given["checkpoint"] or attach.checkpoint,
        wal_cap=given["wal_cap"] or attach.max_slot_wal_keep_size,
        despite=given["despite"],
        no_slot=no_slot,
        wal_method=given["wal_method"] or attach.wal_method,
        wal_keep_size=given["wal_keep_size"] or attach.wal_keep_size,
        synchronous_commit="" if upstream else given["synchronous_commit"] or attach.synchronous_commit,
        auth_method=given["auth_method"] or attach.auth_method,
        sslmode=given["sslmode"] or attach.sslmode,
        sslrootcert=given["sslrootcert"] or attach.sslrootcert,
        restore_command=given["restore_command"] or attach.restore_command,
        settings=given["settings"] or attach.settings,
        verify_backup=not restored and (bool(given["verify_backup"]) or attach.verify_backup),
        wal_level=given["wal_level"] or attach.wal_level,
        max_wal_senders=given["max_wal_senders"] or attach.max_wal_senders,
        max_replication_slots=given["max_replication_slots"] or attach.max_replication_slots,
        copy_from=copy_from,
        copy_name=source.name if source else "",
        primary_ssh=primary_ssh,
        standby_ssh=standby_ssh,
        cluster=cluster,
        replace_cluster=bool(given["replace_cluster"]),
        via=given["via"] or attach.via,
        tunnel_login=given["tunnel_login"] or attach.tunnel_login,
        waldir=given["waldir"] or (standby.waldir if standby and not restored else ""),
        tablespace_mapping=given["tablespace_mapping"]
        or (standby.tablespace_mapping if standby and not restored else ()),
        primary_address=given["primary_address"] or attach.primary_address,
        from_restored=bool(restored),
        **upstream,
    )


def _unreachable(node: str) -> Message:
    return msg("standbyctl.toml: [[node]] {node} has neither a conninfo nor a port.", node=node)


def _upstream(given: dict[str, Any], config: Config) -> dict[str, str]:
    """The standby to stream from, as a request has it; empty for the primary. click.UsageError where it cannot be."""
    asked = given["upstream"] or ""
    if not asked:
        if given["upstream_ssh"]:
            raise misused(msg("--upstream-ssh says where --upstream is: give that, too."))
        return {}
    for other in ("copy_from", "from_restored"):
        if given[other]:
            raise misused(msg("--upstream with {other}: not yet.", other=f"--{other.replace('_', '-')}"))
    if (given["via"] or config.attach.via) == "ssh-tunnel":
        raise misused(msg("--upstream with --via ssh-tunnel: not yet."))
    if given["synchronous_commit"]:
        raise misused(msg("--upstream and --synchronous-commit exclude each other: a standby has no commits."))
    node = config.node(asked)
    if node is None:
        return {"upstream": asked, "upstream_ssh": given["upstream_ssh"] or ""}
    conninfo = node.conninfo or (f"port={node.port}" if node.port else "")
    if not conninfo:
        raise misused(_unreachable(node.name))
    return {"upstream": conninfo, "upstream_name": node.name, "upstream_ssh": given["upstream_ssh"] or node.ssh}


def _cluster(given: dict[str, Any], standby: NodeConfig | None) -> str:
    """The Debian cluster that the standby is to be; click.UsageError where that is no name."""
    named = str(given["cluster"] or given["replace_cluster"] or (standby.cluster if standby else ""))
    if given["replace_cluster"] and named != given["replace_cluster"]:
        raise misused(msg("--replace-cluster names another cluster than --cluster."))
    if named and not re.fullmatch(r"[0-9]+/[A-Za-z0-9_.][A-Za-z0-9_.-]*", named):
        raise misused(msg('"{name}" is no Debian cluster: write VERSION/NAME, such as 15/main.', name=named))
    return named


def _restored(given: dict[str, Any]) -> str:
    """Where a copy stands already; click.UsageError where something else is said about the copy, too."""
    restored = str(given["from_restored"] or "")
    parts = ("waldir", "tablespace_mapping")
    for other in ("copy_from", "replace_cluster", "verify_backup", "max_rate", "checkpoint", "wal_method", *parts):
        if restored and given[other]:
            raise misused(
                msg("--from-restored copies nothing: leave {other} out.", other=f"--{other.replace('_', '-')}")
            )
    here = given["data_dir"]
    if restored and here and os.path.normpath(here) != os.path.normpath(restored):
        raise misused(msg("--from-restored is where the standby runs: leave --data-dir out, or give the same."))
    return restored


def _no_slot(given: dict[str, Any], attach: AttachConfig) -> bool:
    """The command line over the configuration file; click.UsageError where one contradicts itself."""
    if given["no_slot"]:
        for other in ("slot", "wal_cap"):
            if given[other]:
                raise misused(msg("--no-slot and {other} exclude each other.", other=f"--{other.replace('_', '-')}"))
        return True
    if attach.no_slot and attach.slot and not given["slot"]:
        raise misused(msg("standbyctl.toml: no_slot and slot exclude each other."))
    return attach.no_slot and not given["slot"]
