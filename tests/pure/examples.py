"""A plain primary and a place for a standby, to be varied one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standbyctl.domain.facts import Contents, Facts, HbaFile, HbaRule, Node, Passfile, Place, Role, Server, Setting
from standbyctl.domain.restored import Label, RestoredSeen
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.domain.tunnel import Tunnel
from standbyctl.observe.look import SETTINGS
from standbyctl.planner.plan import Memory, Plan, Remembered
from standbyctl.steps.base import Step

PRIMARY, STANDBY, HEAD = "db1", "db2", "db0"
HOME, DATA = "/pg/db1", "/pg/db2"
HBA = f"{HOME}/pg_hba.conf"
BIN = "/usr/lib/postgresql/16/bin"
ROLE, PASSFILE, DRAFT = "repl_db2", f"{DATA}.pgpass", "/pg/.db2.standbyctl-1"
SYSTEM = "7300000000000000001"
CAP = "max_slot_wal_keep_size"
GB = 1 << 30

TARGET = Target(
    primary=PRIMARY,
    name=STANDBY,
    data_directory=DATA,
    port=5433,
    primary_host="127.0.0.1",
    primary_port=5432,
    source_address="127.0.0.1",
    role=ROLE,
    passfile=PASSFILE,
    slot=STANDBY,
)
TUNNEL = Tunnel(
    name=STANDBY,
    directory=f"{DATA}.tunnel",
    user="postgres",
    login="postgres",
    host="db1",
    end="127.0.0.1",
    end_port=5432,
    port=15432,
    program="/usr/bin/ssh",
    before="postgresql@16-main.service",
)
SAMPLE = Sample(
    cluster_bytes=GB,
    free_bytes=100 * GB,
    wal_free_bytes=40 * GB,
    free_aside=f"{DATA}.detached-1",
    directory_identity="64768:1001",
)
# A base backup that somebody has restored, as it is found before it is set up.
COPY = RestoredSeen(
    system_identifier=SYSTEM,
    major="16",
    control="c0ffee00c0ffee00",
    state="in production",
    timeline=1,
    checkpoint=0x2000060,
    redo=0x2000028,
    label=Label(1, 0x2000028),
    primary_lsn=0x5000000,
    history=(),
    oldest="000000010000000000000002",
)
DEFAULTS = dict.fromkeys(SETTINGS, "") | {
    "allow_alter_system": "on",
    "archive_mode": "off",
    "config_file": f"{HOME}/postgresql.conf",
    "data_directory": HOME,
    "hba_file": HBA,
    "log_directory": "log",
    "logging_collector": "off",
    "listen_addresses": "localhost",
    "max_connections": "100",
    "max_locks_per_transaction": "64",
    "max_prepared_transactions": "0",
    "max_replication_slots": "10",
    "max_slot_wal_keep_size": "-1",
    "max_wal_senders": "10",
    "max_worker_processes": "8",
    "port": "5432",
    "recovery_min_apply_delay": "0",
    "ssl": "on",
    "synchronous_commit": "on",
    "wal_keep_size": "0",
    "wal_level": "replica",
}
OUR_ROLE = Role(ROLE, login=True, replication=True, made_for=STANDBY, pristine=True)
LOCAL_RULE = HbaRule(89, "local", ("all",), ("all",), "", "", "peer", HBA)
APP_RULE = HbaRule(91, "host", ("all",), ("all",), "127.0.0.1", "255.255.255.255", "scram-sha-256", HBA)


def settings(**values: str | Setting) -> tuple[Setting, ...]:
    """Every setting that a look reads: the defaults, but for some values (or whole settings)."""
    made = {name: Setting(name, value, "default") for name, value in DEFAULTS.items()}
    for name, value in values.items():
        made[name] = value if isinstance(value, Setting) else Setting(name, value, "configuration file")
    return tuple(made.values())


def rule(line: int, method: str = "scram-sha-256", **changes: Any) -> HbaRule:
    """A rule that decides about the standby, but for some of its columns."""
    plain = HbaRule(line, "host", ("replication",), ("all",), "127.0.0.1", "255.255.255.255", method, HBA)
    return replace(plain, **changes)


def server(**changes: Any) -> Server:
    """A primary that can have a standby at once, but for some fields."""
    plain = Server(
        version_num=160014,
        system_identifier=SYSTEM,
        timeline=1,
        in_recovery=False,
        started_at="2026-05-01 09:00:00+09",
        settings=settings(),
        roles=(),
        slots=(),
        hba=HbaFile(HBA, rules=(LOCAL_RULE, APP_RULE), at_hand=True, digest="0f1e"),
        config_sources=(f"{HOME}/postgresql.conf", HBA),
    )
    return replace(plain, **changes)


def place(**changes: Any) -> Place:
    """A place where nothing is yet, but for some fields."""
    return replace(Place(DATA, Contents.ABSENT, "postgres", BIN, 160014), **changes)


def facts(primary: Server | None = None, **changes: Any) -> Facts:
    """A primary, and a place but for some fields."""
    return Facts((Node(PRIMARY, server=primary or server()), Node(STANDBY, place=place(**changes))))


# A standby as an attach leaves it; with the slot, role and line that the primary has then.
ATTACHED: dict[str, Any] = {
    "contents": Contents.STANDBY,
    "passfile": Passfile.OURS,
    "password_set": True,
    "admitted": True,
    "follows": True,
    "running": True,
    "started_by": STANDBY,
    "timeline": 1,
    "upstream": PRIMARY,
}


def remember(plan: Plan, before: Facts) -> Memory:
    """What the journal holds once the plan was followed."""
    memory = []
    for step in plan.steps:
        memory.append(Remembered(step, before))
        before = step.after(before)
    return tuple(memory)


def kinds(steps: tuple[Step, ...]) -> list[str]:
    """The names of the steps, in order."""
    return [type(step).__name__ for step in steps]


def codes(plan: Plan) -> list[str]:
    """The codes of the blockers, in order."""
    return [blocker.code for blocker in plan.blockers]
