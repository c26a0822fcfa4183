"""Any survey that a primary and a host could give."""

from __future__ import annotations

from hypothesis import strategies as st

from standbyctl.domain.facts import Setting
from standbyctl.domain.likeness import Build, ClockGap, Likeness, Locale, Ordered, OrderedText
from standbyctl.domain.message import msg
from standbyctl.domain.survey import (
    MANAGED,
    RULERS,
    Archiver,
    Collation,
    HostRoom,
    RoleUse,
    Sessions,
    SlotUse,
    Survey,
    Wal,
)

GB = 1 << 30
_RATES = st.none() | st.sampled_from([0.0, 1e5, 5e7])
_AGES = st.none() | st.sampled_from([0.5, 5000.0])
REPORTED = {
    "full_page_writes": ["on", "off"],
    "data_checksums": ["on", "off"],
    "wal_log_hints": ["on", "off"],
    "shared_buffers": ["16384", "99999999999"],
    "ssl": ["on", "off"],
    "wal_sender_timeout": ["0", "60000"],
    "idle_replication_slot_timeout": ["0", "3600"],
    "checkpoint_timeout": ["300"],
    "checkpoint_completion_target": ["0.9"],
    "shared_preload_libraries": ["", "pg_cron, timescaledb"],
}
settings = st.lists(
    st.sampled_from([Setting(name, value, "default") for name, values in REPORTED.items() for value in values]),
    unique_by=lambda setting: setting.name,
).map(tuple)
slot_uses = st.lists(
    st.sampled_from(
        [
            SlotUse("db2", "physical", True, "reserved", 0),
            SlotUse("old", "physical", False, "extended", 5 * GB, idle_seconds=9000.0),
            SlotUse("gone", "physical", False, "lost", None),
            SlotUse("debezium", "logical", True, "reserved", 1 << 20, xmin_age=200_000_000),
            SlotUse("failed_over", "logical", True, "reserved", 1 << 20, failover=True),
        ]
    ),
    unique_by=lambda slot: slot.name,
).map(tuple)
hosts = st.builds(
    HostRoom,
    memory_bytes=st.none() | st.just(24 * GB),
    available_bytes=st.none() | st.sampled_from([1 << 20, 20 * GB]),
    inodes_free=st.none() | st.sampled_from([10, 1 << 20]),
    inodes_needed=st.none() | st.just(2000),
    selinux=st.sampled_from(["", "0", "1"]),
)
builds = st.builds(
    Build,
    architecture=st.just("x86_64, 64-bit"),
    program=st.sampled_from(["", "02013e00", "02013e00", "0201b700"]),
    libc=st.sampled_from(["", "glibc 2.24", "glibc 2.36", "glibc 2.36"]),
    icu=st.sampled_from(["", "none", "72", "72"]),
    libraries=st.sampled_from([(), ("plpgsql.so",), ("plpgsql.so", "postgis-3.so")]),
)
orders = st.sampled_from(
    [
        OrderedText(),
        OrderedText(Ordered(1, ("app.public.t_name",)), Ordered(12, ("app.public.t_icu",))),
        OrderedText(untold=(msg("{name} ({why})", name="locked", why=msg("takes no connections")),)),
    ]
)
likenesses = st.none() | st.builds(
    Likeness,
    builds,
    builds,
    locales_missing=st.sampled_from([None, (), (), (Locale("en_US.UTF-8", ("database app",)),)]),
    locale_gen=st.booleans(),
    clock=st.sampled_from([None, ClockGap(0.01, 0.05), ClockGap(-9.0, 0.05)]),
    ordered=st.none() | orders,
    own=st.sampled_from([None, (("shared_buffers", "16384"),)]),
)
surveys = st.builds(
    Survey,
    today=st.sampled_from(["2026-11-23", "2031-01-01"]),
    up_seconds=_AGES,
    database=st.just("postgres"),
    superuser=st.booleans(),
    settings=settings,
    managed=st.sampled_from([(), (("Amazon RDS", "role rds_superuser"),)]),
    managers=st.sampled_from([(), *(((tool, "evidence"),) for tool in RULERS if tool != MANAGED)]),
    foreign_files=st.sampled_from([(), (("ansible", "/pg/db1/conf.d/10.conf"),)]),
    pending=st.sampled_from(
        [
            (),
            (Setting("shared_buffers", "16384", "default", in_file="900GB", pending=True),),
            (Setting("max_connections", "100", "default", in_file=None, pending=True),),
        ]
    ),
    role=st.builds(
        RoleUse,
        expires_in_seconds=st.none() | st.sampled_from([-60.0, 60.0]),
    ),
    slots=slot_uses,
    wal=st.builds(Wal, _RATES, _RATES, _AGES),
    archiver=st.builds(Archiver, failing=st.booleans()),
    sessions=st.builds(
        Sessions, _AGES, _AGES, prepared=st.integers(0, 1), oldest_prepared=_AGES, backups=st.integers(0, 1)
    ),
    publications=st.integers(0, 1),
    unlogged=st.integers(0, 2),
    collations=st.sampled_from([(), (Collation("app", "2.31", "2.36"),)]),
    collations_recorded=st.booleans(),
    unreadable=st.sampled_from([(), ("/pg/db1/root-only",)]),
    libraries_missing=st.sampled_from([(), ("nowhere",)]),
    libraries=st.sampled_from([(), ("nowhere", "plpgsql")]),
    host=hosts,
    likeness=likenesses,
)
