"""Any state that two nodes could be in, likely or not."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st

from standbyctl import steps as known
from standbyctl.domain.chain import ChainSeen
from standbyctl.domain.facts import (
    Contents,
    Draft,
    Facts,
    HbaFile,
    HbaRule,
    Node,
    Passfile,
    Place,
    Role,
    Server,
    Setting,
    Slot,
    Tablespace,
)
from standbyctl.domain.handover import NO_HOOKS, Hooks
from standbyctl.domain.member import Member, Power
from standbyctl.domain.parameter import Wanted
from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.restored import Label
from standbyctl.domain.sample import Sample
from standbyctl.domain.service import PG_CTL, Service
from standbyctl.domain.source import SourceSeen
from standbyctl.domain.staging import StagedSetting, Trial
from standbyctl.domain.survey import Survey
from standbyctl.domain.target import HbaWay, SettingsWay, Target
from standbyctl.domain.tunnel import NO_TUNNEL, Approach, Trace, Tunnel, TunnelSeen
from standbyctl.domain.volumes import Linked, Volume, VolumeSeen
from standbyctl.planner.plan import Remembered
from standbyctl.steps.base import Step
from tests.pure.examples import (
    BIN,
    CAP,
    COPY,
    DATA,
    DRAFT,
    GB,
    HBA,
    HEAD,
    PRIMARY,
    ROLE,
    STANDBY,
    SYSTEM,
    TARGET,
    TUNNEL,
    facts,
    server,
    settings,
)
from tests.pure.surveys import surveys

# Values that decide something, each beside some that do not.
_SETTINGS = {
    "archive_mode": ["on", "always"],
    "external_pid_file": ["/run/postgresql/16.pid"],
    "listen_addresses": ["", "*"],
    "max_connections": ["500"],
    "max_replication_slots": ["0", "1"],
    CAP: ["-1", "64", "2048", "1048576"],
    "max_wal_senders": ["0", "1"],
    "recovery_target": ["immediate"],
    "recovery_target_time": ["2026-05-01 09:00:00+09"],
    "ssl": ["off"],
    "synchronous_commit": ["off", "remote_apply"],
    "synchronous_standby_names": ["*", "db2", "db3", "ANY 1 (db3, db2)", 'FIRST 1 ("DB2_copy")', "db22, xdb2"],
    "wal_keep_size": ["0", "512", "2048"],
    "wal_level": ["minimal", "logical"],
}
_SOURCES = ["default", "configuration file", "command line", "environment variable"]
_VARIATIONS = [
    Setting(name, value, source, auto_conf, in_file=in_file)
    for name, values in _SETTINGS.items()
    for value in values
    for source in _SOURCES
    for auto_conf, in_file in [(None, None), (value, value), (None, value), ("64MB", "64MB"), (None, "junk")]
]
# One draw for all settings that differ keeps hundreds of examples cheap.
varied = st.lists(st.sampled_from(_VARIATIONS), unique_by=lambda setting: setting.name, max_size=4)
all_settings = varied.map(lambda some: settings(**{setting.name: setting for setting in some}))


def _flags(*names: str) -> st.SearchStrategy[dict[str, bool]]:
    """Any truth of these."""
    masks = st.integers(0, (1 << len(names)) - 1)
    return masks.map(lambda mask: {name: bool(mask >> n & 1) for n, name in enumerate(names)})


def _truths_of(kind: type) -> list[str]:
    """Its fields that are true or false: those too that are not there yet."""
    return [name for name, hint in get_type_hints(kind).items() if hint is bool]


def _build(kind: Any, flags: st.SearchStrategy[dict[str, bool]], **parts: st.SearchStrategy[Any]) -> Any:
    return st.builds(lambda flags, **drawn: kind(**flags, **drawn), flags, **parts)


def _some(pool: list[Any], unique_by: Callable[[Any], Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(pool), unique_by=unique_by, max_size=most).map(tuple)


_TRUTHS = (False, True)
_NAMES = (ROLE, "app", 'o"dd', "it's", "all")
RULES = [
    HbaRule(0, kind, databases, users, address, netmask, method, file, error)
    for kind in ("host", "host", "hostssl", "local")
    for databases in (("all",), ("replication",), ("app", "replication"))
    for users in (("all",), ("app", ROLE), ("app",), ("+ops",), ("/^repl",))
    for address, netmask in (
        ("127.0.0.1", "255.255.255.255"),
        ("127.0.0.0", "255.0.0.0"),
        ("10.0.0.0", "255.0.0.0"),
        ("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("all", ""),
        ("samehost", ""),
        ("db.example.com", ""),
    )
    for method in ("scram-sha-256", "trust", "reject", "cert")
    for file, error in ((HBA, ""), (HBA, ""), ("", ""), ("/etc/hba.d/site.conf", ""), (HBA, "invalid method"))
]
rules = _some(RULES, id, 5).map(lambda found: tuple(replace(each, line=n) for n, each in enumerate(found, 1)))
slots = _some(
    [
        Slot(name, kind, lost)
        for name in ("a", STANDBY, "other", "z")
        for kind in ("physical", "logical")
        for lost in _TRUTHS
    ],
    lambda slot: slot.name,
    3,
).map(lambda found: tuple(sorted(found, key=lambda slot: slot.name)))
drafts = _some(
    [
        Draft(path, alive, whole, verified)
        for path in (DRAFT, "/pg/.db2.standbyctl-2")
        for alive in _TRUTHS
        for whole, verified in ((False, False), (True, False), (True, True))
    ],
    lambda draft: draft.path,
    2,
)
roles = _some(
    [
        Role(name, login, replication, made_for, pristine)
        for name in _NAMES
        for login in _TRUTHS
        for replication in _TRUTHS
        for made_for in ("", STANDBY, "db3")
        for pristine in _TRUTHS
    ],
    lambda role: role.name,
    2,
)
hbas = _build(HbaFile, _flags(*_truths_of(HbaFile)), path=st.just(HBA), rules=rules, digest=st.just("0f1e"))
servers = st.builds(
    Server,
    version_num=st.sampled_from([140012, 150007, 160014, 180004]),
    system_identifier=st.just(SYSTEM),
    timeline=st.integers(1, 2),
    in_recovery=st.booleans(),
    started_at=st.just("2026-05-01 09:00:00+09"),
    settings=all_settings,
    roles=roles,
    slots=slots,
    hba=hbas,
    tablespaces=st.sampled_from([(), (Tablespace(16385, "fast", "/ssd/fast"),)]),
    config_sources=st.sampled_from([(HBA,), (HBA, "/etc/postgresql/postgresql.conf")]),
    fault=st.sampled_from(["", "", "postgresql.conf, line 7: syntax error"]),
)
residents = st.builds(
    Resident,
    system_identifier=st.sampled_from(["73", "73", SYSTEM]),
    holds=st.sampled_from([None, (), ("database app", "role app")]),
    marked=st.booleans(),
)
tunnels_seen = st.builds(
    TunnelSeen,
    key=st.sampled_from(Trace),
    known=st.booleans(),
    line=st.sampled_from(Trace),
    unit=st.sampled_from(Trace),
    running=st.booleans(),
)
places = _build(
    Place,
    _flags(*_truths_of(Place)),
    data_directory=st.just(DATA),
    contents=st.sampled_from(Contents),
    os_user=st.just("postgres"),
    bin_directory=st.just(BIN),
    bin_version_num=st.sampled_from([0, 160012, 160014, 180001]),
    passfile=st.sampled_from(Passfile),
    drafts=drafts,
    started_by=st.sampled_from(["", STANDBY, "db3"]),
    timeline=st.integers(0, 2),
    upstream=st.sampled_from(["", PRIMARY]),
    downstreams=st.sampled_from([(), ("db3",)]),
    foreign_sessions=st.sampled_from([0, 0, 2]),
    resident=st.none() | residents,
    replaced=st.sampled_from([None, None, Replaced("73", "64768:1003", True), Replaced("-", "64768:1003", False)]),
    tunnel=st.just(TunnelSeen()) | tunnels_seen,
)
# What there is at the head of a chain, if the primary is a standby itself.
heads = st.builds(
    replace,
    st.just(server(started_at="2026-04-01 09:00:00+09")),
    system_identifier=st.sampled_from([SYSTEM, SYSTEM, "73"]),
    timeline=st.integers(1, 2),
    in_recovery=st.sampled_from([False, False, True]),
    roles=roles,
    superuser=st.sampled_from([True, True, False]),
)
members = _build(
    Member,
    _flags("sealed", "fenced"),
    data_directory=st.just(DATA),
    system_identifier=st.just(SYSTEM),
    power=st.sampled_from(Power),
    in_recovery=st.sampled_from([None, False, True]),
    timeline=st.integers(1, 3),
    follows=st.sampled_from(["", PRIMARY, STANDBY]),
    upstream=st.sampled_from(["", PRIMARY, STANDBY]),
    slots=st.sampled_from([(), (STANDBY,), ("db3", "db4")]),
)
any_facts = st.builds(
    lambda head, server, place, own, others: Facts(
        (Node(HEAD, server=head), Node(PRIMARY, server=server, member=own), Node(STANDBY, place=place, member=others))
    ),
    heads,
    servers,
    places,
    members,
    members,
)
_bytes = st.none() | st.sampled_from([0, 100 << 20, GB, 40 * GB])
# A standby of the same primary, or what else an address may lead to.
any_sources = st.builds(
    SourceSeen,
    server=servers,
    sender=st.sampled_from(["", "127.0.0.1:5432"]),
    senders_in_use=st.integers(0, 10),
    slots_in_use=st.integers(0, 10),
    backlog_bytes=st.none() | st.just(GB),
    paused=st.booleans(),
    real=st.sampled_from(["", "/pg", "/pg/db9"]),
    unreadable=st.sampled_from([(), ("/pg/db9/x",)]),
    libraries_missing=st.sampled_from([(), ("nowhere",)]),
)
APPROACHES = [
    Approach(),
    Approach(client=False, os="debian"),
    Approach(client=False, os="rocky rhel centos fedora"),
    Approach(client=False),
    Approach(service=False),
    Approach(root=False),
    Approach(files=False),
    Approach(host_keys=False),
    Approach(reached=False, tried=("db1", "10.0.0.1"), others=("db1",)),
    Approach(reached=False),
]
FAST = Volume("pg_tblspc/16385", "/ssd/fast", "/ssd/fast")
VOLUMES_SEEN = [
    VolumeSeen(FAST, Contents.EMPTY, device="9", free_bytes=100 * GB),
    VolumeSeen(FAST, Contents.ABSENT),
    VolumeSeen(FAST, Contents.FOREIGN, of_primary=True),
    VolumeSeen(Volume("pg_wal", "/wal"), Contents.FOREIGN),
    VolumeSeen(Volume("pg_wal", "/wal"), Contents.EMPTY, writable=False),
]
any_restored = st.builds(
    replace,
    st.just(COPY),
    system_identifier=st.sampled_from([SYSTEM, SYSTEM, "73", ""]),
    missing=st.sampled_from([(), (), ("global/pg_control",)]),
    foreign=st.sampled_from([(), (), (f"{DATA}/base",)]),
    mode=st.sampled_from(["700", "750", "755"]),
    shared=st.sampled_from([(), (), (f"{DATA}/pg_wal",)]),
    major=st.sampled_from(["16", "16", "15", ""]),
    state=st.sampled_from(["in production", "shut down", "in archive recovery"]),
    timeline=st.integers(1, 2),
    label=st.sampled_from([None, COPY.label, Label(1, 0x2000028, incremental=True)]),
    restore_command=st.sampled_from(["", "cp /archive/%f %p"]),
    history=st.sampled_from([None, (), ((1, 0x3000000),), ((1, 0x1000000),)]),
    primary_lsn=st.sampled_from([0x1000000, 0x5000000]),
    oldest=st.sampled_from(["", "000000010000000000000002", "000000010000000000000004"]),
    slot_lsn=st.sampled_from([None, 0x1000000, 0x4000000]),
    same_wal=st.sampled_from([None, False, True]),
)
any_samples = st.builds(
    Sample,
    cluster_bytes=_bytes,
    free_bytes=_bytes,
    wal_free_bytes=_bytes,
    wal_senders_in_use=st.integers(0, 10),
    slots_in_use=st.integers(0, 10),
    most_retained_bytes=st.sampled_from([0, 100 << 20, 100 * GB]),
    most_retained_slot=st.sampled_from(["", "a"]),
    others_without_slot=st.sampled_from(["", "", "db3"]),
    free_aside=st.just(f"{DATA}.detached-1"),
    directory_identity=st.sampled_from(["", "64768:1001"]),
    condemned_identity=st.sampled_from(["", "64768:1002"]),
    reachable=st.booleans(),
    survey=st.just(Survey()) | surveys,
    source=st.none() | any_sources,
    approach=st.sampled_from(APPROACHES),
    volumes=st.sampled_from([(), *((seen,) for seen in VOLUMES_SEEN)]),
    linked=st.sampled_from([(), (Linked("pg_wal", "/wal", "64768:9"),)]),
    restored=st.none() | any_restored,
    chain=st.sampled_from(
        [None, ChainSeen("db0:5432"), ChainSeen(), ChainSeen("db0:5432", paused=True, full_pages=False)]
    ),
)
DEBIAN = Service("postgresql@16-main", "/etc/postgresql/16/main/postgresql.conf", as_root=True)
services = st.sampled_from([PG_CTL, PG_CTL, DEBIAN, replace(DEBIAN, as_root=False), Service("postgresql-16", "", True)])


def _sensible(target: Target) -> Target:
    """Where a copy is there already, nothing is said about making one; a chain goes with neither, nor with a tunnel."""
    if target.head:
        return replace(target, copy_from="", from_restored=False, tunnel=NO_TUNNEL, synchronous_commit="")
    return replace(target, copy_from="", replace_cluster=False, verify_backup=False) if target.from_restored else target


targets = st.builds(
    replace,
    st.just(TARGET),
    source_address=st.sampled_from(["127.0.0.1", "::1"]),
    slot=st.sampled_from([STANDBY, STANDBY, "other", ""]),
    own_role=st.booleans(),
    hba=st.sampled_from(HbaWay),
    max_rate=st.sampled_from(["", "10M"]),
    checkpoint=st.sampled_from(["fast", "spread"]),
    wal_cap=st.sampled_from(["auto", "auto", "keep", "1GB", "2GB"]),
    despite=st.sampled_from([(), ("patroni",), ("managed-service", "repmgr"), ("libc",)]),
    wal_method=st.sampled_from(["stream", "fetch"]),
    wal_keep_size=st.sampled_from(["", "512MB", "2GB"]),
    synchronous_commit=st.sampled_from(["", "", "on", "off", "remote_apply"]),
    auth_method=st.sampled_from(["scram-sha-256", "md5"]),
    restore_command=st.sampled_from(["", "cp /archive/%f %p"]),
    settings=st.sampled_from([*SettingsWay, SettingsWay.ALTER]),
    verify_backup=st.booleans(),
    copy_from=st.sampled_from(["", "", "db9"]),
    copy_host=st.just("127.0.0.1"),
    copy_port=st.just(5999),
    service=services,
    replace_cluster=st.booleans(),
    sslmode=st.sampled_from(["", "", "prefer", "disable", "require", "verify-full"]),
    tunnel=st.sampled_from([NO_TUNNEL, NO_TUNNEL, TUNNEL]),
    from_restored=st.sampled_from([False, False, True]),
    head=st.sampled_from(["", "", HEAD]),
).map(_sensible)

WANTED = [
    Wanted(CAP, "39GB", "/etc/pg.conf", 64),
    Wanted(CAP, "1GB", "/etc/pg.conf"),
    Wanted("wal_keep_size", "512MB", "/etc/pg.conf", 512),
    Wanted("synchronous_commit", "off", "/etc/other.conf"),
]
# Fields of steps by name; other fields by type. So a new step is drawn the day it is written.
_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "primary": st.just(PRIMARY),
    "head": st.sampled_from(["", HEAD]),
    "name": st.just(STANDBY),
    "old": st.just(PRIMARY),
    "new": st.just(STANDBY),
    "slots": st.sampled_from([("db3",), ("db3", "db4")]),
    "data_directory": st.just(DATA),
    "destination": st.just(DATA),
    "draft": st.sampled_from([DRAFT, "/pg/.db2.standbyctl-2"]),
    "slot": st.sampled_from([STANDBY, "other", ""]),
    "role": st.sampled_from(_NAMES),
    "megabytes": st.sampled_from([64, 2048]),
    "previous": st.sampled_from(["-1", "2048"]),
    "source": st.sampled_from(["", STANDBY]),
    "parameter": st.sampled_from(["wal_keep_size", "synchronous_commit"]),
    "value": st.sampled_from(["512MB", "2GB", "off"]),
    "wal_method": st.sampled_from(["stream", "fetch"]),
    "wanted": _some(WANTED, lambda wanted: wanted.parameter, 3),
}
_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    Service: services,
    Tunnel: st.sampled_from([TUNNEL, replace(TUNNEL, before="", end="::1", host="fd00::1")]),
    Hooks: st.sampled_from([NO_HOOKS, Hooks(before=("pool", "it's"), back=("/usr/bin/true",), timeout_seconds=3)]),
    bool: st.booleans(),
    int: st.integers(1, 65535),
    str: st.sampled_from(["", "/a b/c", "it's"]),
    Trial: st.sampled_from([Trial(), Trial(BIN, DATA, f"{DATA}/postgresql.conf")]),
    tuple[StagedSetting, ...]: st.sampled_from(
        [
            (StagedSetting("wal_level", "minimal", "replica", None), StagedSetting("max_wal_senders", "0", "10", "3")),
            (StagedSetting(CAP, "-1", "64MB", None),),
            (StagedSetting("listen_addresses", "", "*", "it's"),),
        ]
    ),
    tuple[str, ...]: st.sampled_from([(), ("db3", "db4")]),
    tuple[Volume, ...]: st.sampled_from([(), (FAST,)]),
    tuple[Linked, ...]: st.sampled_from([(), (Linked("pg_wal", "/wal", "64768:9"),)]),
    tuple[tuple[str, str], ...]: st.sampled_from([(), (("port", "5433"), ("primary_slot_name", "db2"))]),
}


def steps(kind: type[Step]) -> st.SearchStrategy[Any]:
    """Any step of one kind."""
    hints = get_type_hints(kind)
    named = {f.name: _BY_NAME[f.name] if f.name in _BY_NAME else _of(hints[f.name]) for f in fields(kind)}
    return st.builds(kind, **named)


def _of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, types.UnionType):
        return st.none() | _BY_TYPE[get_args(kind)[0]]
    return _BY_TYPE[kind]


any_steps = st.one_of([steps(kind) for kind in known.ALL])
befores = st.builds(
    lambda contents, cap: Facts(
        (Node(HEAD, server=server()), *facts(server(settings=settings(**{CAP: cap})), contents=contents).nodes)
    ),
    st.sampled_from([Contents.ABSENT, Contents.EMPTY, Contents.STANDBY]),
    st.sampled_from([setting for setting in _VARIATIONS if setting.name == CAP]),
)
# All memories of one attach begin with the same facts.
memories = st.builds(
    lambda before, some: tuple(Remembered(step, before) for step in some),
    befores,
    st.lists(any_steps, max_size=4),
)
