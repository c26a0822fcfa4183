"""One observation of the primary and of the place where the standby goes, or is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from standbyctl.domain.errors import CannotTellError
from standbyctl.domain.facts import Facts, Node
from standbyctl.domain.hba import may_admit
from standbyctl.domain.names import marker, replaced_path
from standbyctl.domain.record import dataclass, replace
from standbyctl.domain.rights import QUIET, by_sql
from standbyctl.domain.sample import Sample
from standbyctl.domain.tunnel import HOST_ALIAS
from standbyctl.domain.volumes import Volume
from standbyctl.nodes.holding import ask_holding
from standbyctl.nodes.ports import Door, Doors
from standbyctl.observe.hosts import Pairs, Part, ask_hosts
from standbyctl.observe.question import Question
from standbyctl.observe.reading import parse_place, parse_rules, parse_sample, parse_server
from standbyctl.observe.texts import text
from standbyctl.observe.tunnel import tunnel_lines
from standbyctl.observe.volumes import parse_linked, parse_volumes, volume_parts, wanted

SETTINGS = (
    "allow_alter_system", "archive_cleanup_command", "archive_mode", "config_file", "data_directory",
    "external_pid_file", "hba_file", "listen_addresses", "log_directory", "logging_collector", "max_connections",
    "max_locks_per_transaction", "max_prepared_transactions", "max_replication_slots", "max_slot_wal_keep_size",
    "max_wal_senders", "max_worker_processes", "port", "promote_trigger_file", "recovery_end_command",
    "recovery_min_apply_delay", "recovery_target", "recovery_target_lsn", "recovery_target_name",
    "recovery_target_time", "recovery_target_xid", "ssl", "synchronous_commit",
    "synchronous_standby_names", "wal_keep_size", "wal_level",
)  # fmt: skip
# Everybody may see of a role what is no secret: its password's digest is unknown then.
_ROLES = (
    "(SELECT oid, rolname, rolcanlogin, rolreplication, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,"
    " rolinherit, rolconnlimit, rolvaliduntil, NULL::text AS rolpassword FROM pg_roles)"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look brought: facts, and the little of a sample that comes with them."""

    facts: Facts
    sample: Sample


def look(doors: Doors, question: Question) -> Seen:
    """Observe both; raises CannotTellError."""
    raw = ask_primary(doors[question.primary], question)
    data_directory = next(s["value"] for s in raw["settings"] if s["name"] == "data_directory")
    volumes = wanted(raw, question)
    pairs = _probe(doors, question, raw, data_directory, volumes)
    probe = {**dict(pairs), **tunnel_lines(pairs)}
    server = parse_server(raw, probe)
    standby: Mapping[str, Any] = {}
    if probe.get("running") == "yes":
        other = probe.get("system_identifier") != raw["system_identifier"]
        ask = _ask_resident if other and question.replace_cluster else _ask_standby
        standby = ask(doors[question.name], question, probe)
    drafts = [value for key, value in pairs if key == "draft"]
    place = parse_place(raw, probe, drafts, standby, question, doors[question.name].host.user)
    head: tuple[Node, ...] = look_at_head(doors, question) if question.head else ()
    if question.head == question.name:  # a primary that is to be a standby
        own, head = Node(question.name, server=head[0].server, place=place), ()
    else:
        own = Node(question.name, place=place)
    facts = Facts((*head, Node(question.primary, server=server), own))
    sample = replace(
        parse_sample(raw, probe, question.name),
        volumes=parse_volumes(pairs, volumes),
        linked=parse_linked(pairs, "linked"),
        condemned_linked=parse_linked(pairs, "condemned_linked"),
    )
    return Seen(facts, sample)


def look_at_head(doors: Doors, question: Question) -> tuple[Node]:
    """The primary that a standby of a standby gets its role from: its server only; nobody is asked on its host."""
    asked = replace(question, hba_by_sql=False, superuser=question.head_superuser)
    return (Node(question.head, server=parse_server(ask_primary(doors[question.head], asked), {})),)


def ask_primary(door: Door, question: Question) -> dict[str, Any]:
    """Everything a plan needs to know of the primary, as it came."""
    # Rights are checked when a statement begins, on tables and functions of dead branches too (all versions).
    roles = "pg_authid" if question.superuser else _ROLES
    [(raw,)] = door.server.observe(
        text("server.sql").replace("[roles] AS", f"{roles} AS").replace("([rights])", f"({rights_query()})"),
        {
            "role": question.role,
            "ours": [question.name, f"{question.name}_copy"],
            "settings": list(SETTINGS),
            "slotless": not question.slot,
            "restored": question.from_restored,
            **rights_asked(),
        },
    )
    if not question.hba_by_sql or by_sql(raw["lacks"]):
        return dict(raw)
    path = next(s["value"] for s in raw["settings"] if s["name"] == "hba_file")
    line = sha256(question.hba_line.encode())
    [(hba,)] = door.server.observe(text("hba.sql"), {"path": path, "line": line.hexdigest()})
    return {**raw, "hba_by_sql": hba}


def rights_query() -> str:
    """Which rights the role that asks has not: a query, with the parameters of `rights_asked`."""
    return text("rights.sql")


def rights_asked(*altered: str) -> dict[str, list[str]]:
    """What it asks about; of a setting that a look reads, the look itself says whether it may be altered."""
    return {"altered": list(altered), "quiet": list(QUIET), "off": list(QUIET.values())}


def _ask_standby(door: Door, question: Question, probe: Mapping[str, str]) -> dict[str, Any]:
    """What the standby's server says; nothing where it does not answer, or where another server does."""
    try:
        [(raw,)] = door.server.observe(text("standby.sql"), {"slot": question.slot}, timeout_seconds=10)
    except CannotTellError:
        return {}
    # A server does not resolve links in the path that it was started with.
    return dict(raw) if raw["data_directory"] in {probe["real"], question.data_directory} else {}


def _ask_resident(door: Door, _: Question, probe: Mapping[str, str]) -> Mapping[str, Any]:
    """What a cluster says that the standby is to replace; nothing where it does not answer, or another one does."""
    said = ask_holding(door.server)
    return said if said and said["data_directory"] == probe["real"] else {}


def _probe(
    doors: Doors, question: Question, raw: Mapping[str, Any], data_directory: str, volumes: tuple[Volume, ...]
) -> Pairs:
    hba = next(s["value"] for s in raw["settings"] if s["name"] == "hba_file")
    # A try that must fail is not made: it would leave a FATAL in the primary's log, and somebody is paged for that.
    tries = raw["roles"] and may_admit(parse_rules(raw), question.role, question.source_address)
    place = (
        question.data_directory,
        question.bin_directory,
        question.passfile,
        question.passfile_marker,
        question.passfile_entry,
        question.replication_conninfo if tries else "",
        str(question.port),
        question.condemned,
        "no" if question.slot and not question.from_restored else "yes",
        "yes" if question.verify_backup else "no",
        question.unit,
    )
    around = (data_directory, question.primary_bin or question.bin_directory, hba, question.hba_line)
    aside = replaced_path(question.data_directory, question.name)
    beside = (question.data_directory, question.bin_directory, aside, marker(question.name))
    return ask_hosts(
        doors,
        Part(question.name, "probe.sh", place),
        Part(question.name, "replaced.sh", beside),
        Part(question.primary, "primary.sh", around),
        *volume_parts(volumes, question),
        *_tunnel_parts(question),
    )


def _tunnel_parts(question: Question) -> Iterator[Part]:
    """What both hosts are asked of a tunnel; nothing where there is to be none."""
    tunnel, mark = question.tunnel, question.passfile_marker
    if not tunnel.used:
        return
    wanted = sha256(tunnel.unit_text(mark).encode("utf-8", "surrogateescape")).hexdigest()
    yield Part(question.name, "tunnel.sh", (tunnel.directory, mark, tunnel.unit, wanted, str(tunnel.port)))
    yield Part(question.primary, "tunnel_primary.sh", (tunnel.restrictions, mark, HOST_ALIAS), login=True)
