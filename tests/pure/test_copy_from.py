"""A standby as the source of the copy: what is planned, said and refused; and what of its copy counts as covered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from standbyctl import steps as known
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.effects import AwaitReplay, CopyCluster
from standbyctl.domain.facts import HbaFile, Setting
from standbyctl.domain.sample import Sample
from standbyctl.domain.source import SourceSeen
from standbyctl.domain.survey import Survey
from standbyctl.domain.target import Target
from standbyctl.observe.source import parse_source
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Plan
from standbyctl.planner.preflight import preflight
from standbyctl.planner.standby import standby_settings
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from tests.pure.examples import PRIMARY, SAMPLE, STANDBY, SYSTEM, TARGET, codes, facts, rule, server, settings
from tests.pure.situations import Situation, attachable

HOME = "/pg/db9"
OURS = replace(TARGET, copy_from="db9", copy_host="127.0.0.1", copy_port=5999, copy_conninfo="host=127.0.0.1 port=5999")


def source(**changes: Any) -> SourceSeen:
    """A standby that can be copied, but for some of what was seen."""
    hba = HbaFile(f"{HOME}/pg_hba.conf", (rule(7),))
    of = {"in_recovery": True, "started_at": "later", "hba": hba, "config_sources": (f"{HOME}/postgresql.conf",)}
    of["settings"] = settings(data_directory=HOME, **changes.pop("settings", {}))
    there = server(**{**of, **changes.pop("server", {})})
    return replace(SourceSeen(there, sender="127.0.0.1:5432", backlog_bytes=0, real=HOME), **changes)


def plan(seen: SourceSeen | None = None, target: Target = OURS, **sample: Any) -> Plan:
    return plan_attach(facts(), replace(SAMPLE, source=seen or source(), **sample), target)


def copy(made: Plan) -> CopyByBasebackup:
    return next(step for step in made.steps if isinstance(step, CopyByBasebackup))


def cluster(made: Plan) -> CopyCluster:
    return next(effect for effect in copy(made).effects() if isinstance(effect, CopyCluster))


# --- what is planned


def test_the_copy_comes_from_the_source_and_everything_else_is_the_primarys() -> None:
    made = plan()
    assert codes(made) == []
    effect = cluster(made)
    assert (effect.source, effect.keeper) == ("db9", PRIMARY)
    assert "port=5999" in effect.conninfo
    assert effect.conninfo.endswith(f"passfile={copy(made).draft}/pgpass")
    assert ("port=5432" in effect.conninfo, "--slot" in effect.argv(), "--no-slot" in effect.argv()) == (False,) * 3
    assert "dbname" not in effect.conninfo
    conf = dict(copy(made).settings)
    assert "port=5432" in conf["primary_conninfo"]
    assert conf["primary_slot_name"] == STANDBY
    plain = plan_attach(facts(), SAMPLE, TARGET).steps
    others = [step for step in made.steps if not isinstance(step, CopyByBasebackup)]
    assert others == [step for step in plain if not isinstance(step, CopyByBasebackup)]


def test_a_source_without_a_free_slot_is_copied_without_one() -> None:
    assert "--no-slot" in cluster(plan(source(slots_in_use=10))).argv()
    assert "--no-slot" not in cluster(plan(source(slots_in_use=9))).argv()
    # It moves, and a plan that was saved is the same plan.
    assert copy(plan(source(slots_in_use=10))).gist == copy(plan()).gist


def test_the_source_has_replayed_where_the_slot_begins_before_the_copy_does() -> None:
    for slot in (STANDBY, ""):
        made = plan(target=replace(OURS, slot=slot, wal_keep_size="2GB"))
        effects = copy(made).effects()
        [waits] = [effect for effect in effects if isinstance(effect, AwaitReplay)]
        assert (waits.node, waits.primary, waits.slot, waits.system_identifier) == ("db9", PRIMARY, slot, SYSTEM)
        assert effects.index(waits) < effects.index(cluster(made))
    assert not any(
        isinstance(e, AwaitReplay) for step in plan_attach(facts(), SAMPLE, TARGET).steps for e in step.effects()
    )


def test_a_password_is_found_at_the_source_and_never_shown() -> None:
    effect = cluster(plan())
    assert (effect.entry, effect.lent_entry) == ("127.0.0.1:5432:*:repl_db2:", "127.0.0.1:5999:*:repl_db2:")
    assert str(effect).splitlines()[0].endswith("/pgpass (0600): 127.0.0.1:5999:*:repl_db2:********")


def test_what_is_felt_and_by_whom_is_said() -> None:
    said = "\n".join(map(str, plan().notes))
    assert "db1 is not read: db9 is" in said
    assert "db9 begins with a restartpoint" in said
    assert "immediate checkpoint" not in said
    assert "until the standby streams, nobody reads its slot" in said
    assert "comes with the configuration of db9;" in said
    restores = source(survey=Survey(settings=(Setting("restore_command", "cp /a/%f %p", "configuration file"),)))
    assert "restore_command = 'cp /a/%f %p' with it" in "\n".join(map(str, plan(restores).notes))
    own = plan(restores, replace(OURS, restore_command="cp /b/%f %p"))
    assert "cp /a/%f" not in "\n".join(map(str, own.notes))
    spread = "\n".join(map(str, plan(target=replace(OURS, checkpoint="spread")).notes))
    assert "spread over time" in spread


def test_one_walsender_of_the_primary_is_enough() -> None:
    assert codes(plan(wal_senders_in_use=9)) == []
    [blocker] = plan(wal_senders_in_use=10).blockers
    assert (blocker.code, "The standby needs 1;" in str(blocker.detail)) == ("P103", True)


# --- what comes with the copy


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("recovery_min_apply_delay", "3600000", "0"),
        ("archive_cleanup_command", "rm %r", ""),
        ("recovery_end_command", "x", ""),
        ("external_pid_file", "/run/x.pid", ""),
        ("archive_mode", "always", "on"),
        ("log_directory", "/var/log/db9", "log"),
        ("recovery_target_time", "2026-05-01", ""),
    ],
)
def test_what_would_act_a_second_time_is_looked_for_in_the_source(name: str, value: str, becomes: str) -> None:
    there = source(settings={name: value}).server
    assert dict(standby_settings(server(), OURS, there))[name] == becomes
    # What the primary has does not come along.
    assert name not in dict(standby_settings(server(settings=settings(**{name: value})), OURS, source().server))


@pytest.mark.parametrize(
    ("primary", "there", "wanted"), [("100", "100", "100"), ("200", "100", "200"), ("100", "300", "300")]
)
def test_the_five_are_never_less_than_what_the_primary_or_the_source_runs_with(
    primary: str, there: str, wanted: str
) -> None:
    of = source(settings={"max_connections": Setting("max_connections", there, "default", in_file="5")}).server
    conf = dict(standby_settings(server(settings=settings(max_connections=primary)), OURS, of))
    assert conf["max_connections"] == wanted
    assert {"max_worker_processes", "max_wal_senders", "max_prepared_transactions"} <= set(conf)


# --- what is refused


REFUSED: list[tuple[dict[str, Any], str, bool]] = [
    ({"server": {"system_identifier": "7"}}, "db9 is not a standby of db1", True),
    ({"server": {"in_recovery": False, "started_at": server().started_at}}, "db9 is the primary itself", False),
    ({"server": {"in_recovery": False, "timeline": 2}}, "db9 is not in recovery: it is a primary by now", False),
    ({"server": {"timeline": 2}}, "db9 is on another timeline than db1", False),
    ({"server": {"version_num": 150007}}, "db9 runs PostgreSQL 15.7", False),
    ({"sender": ""}, "db9 does not stream", False),
    ({"senders_in_use": 9}, "not enough free walsenders on db9", False),
    ({"server": {"hba": HbaFile("h", ())}}, "db9 does not let repl_db2 in for the copy", False),
    ({"server": {"hba": HbaFile("h", (rule(7),), loaded=False)}}, "db9 does not let repl_db2 in for the copy", False),
    ({"server": {"hba": HbaFile("h", (rule(7, "reject"),))}}, "db9 does not let repl_db2 in for the copy", False),
    ({"server": {"config_sources": ("/etc/x.conf",)}}, "db9 has configuration outside", False),
    ({"unreadable": ("/pg/db9/x",)}, "the server's user cannot read everything", False),
    ({"real": "/pg"}, "/pg/db2 is in the data directory of db9 itself", True),
]


@pytest.mark.parametrize(("changes", "what", "refused"), REFUSED, ids=[each[1] for each in REFUSED])
def test_a_source_that_will_not_do_is_refused_with_a_way(changes: dict[str, Any], what: str, refused: bool) -> None:
    [blocker] = plan(source(**changes)).blockers
    assert blocker.code == "P137"
    assert str(blocker.what).startswith(what)
    assert blocker.refused == refused
    assert str(blocker.hint)


def test_full_pages_must_be_written_by_the_primary() -> None:
    for value, blocked in (("off", ["P137"]), ("on", [])):
        survey = Survey(settings=(Setting("full_page_writes", value, "default"),))
        assert codes(plan(survey=survey)) == blocked


def test_the_very_line_is_shown_that_lets_in() -> None:
    [blocker] = plan(source(server={"hba": HbaFile("/h", (rule(7, "reject"),))}, address="10.0.0.7")).blockers or [None]
    assert blocker is not None
    assert "host replication repl_db2 10.0.0.7/32 scram-sha-256 # copy for db2" in str(blocker.hint)
    [above] = plan(source(server={"hba": HbaFile("/h", (rule(7, "reject"),))})).blockers
    assert "above line 7" in str(above.hint)


def test_a_rule_that_only_the_server_can_judge_is_left_to_it() -> None:
    doubtful = source(server={"hba": HbaFile("/h", (rule(7, type="hostssl"),))})
    assert codes(plan(doubtful)) == []
    [line] = [c for c in preflight(facts(), replace(SAMPLE, source=doubtful), OURS).checks if c.code == "P137"]
    assert (line.status.value, "line 7" in str(line.seen)) == ("WARN", True)


def test_one_walsender_of_the_source_is_enough_where_the_wal_comes_last() -> None:
    few = source(senders_in_use=9)
    assert codes(plan(few, replace(OURS, wal_method="fetch"))) == []
    assert "--wal-method fetch" in str(plan(few).blockers[0].hint)
    assert "--wal-method fetch" not in str(plan(source(senders_in_use=10)).blockers[0].hint)


def test_libraries_and_memory_are_those_of_the_source() -> None:
    assert codes(plan(source(libraries_missing=("nowhere",)))) == ["P209"]


def test_the_line_of_a_preflight_says_who_is_copied() -> None:
    def line(sample: Sample, target: Target) -> str:
        [found] = [check for check in preflight(facts(), sample, target).checks if check.code == "P137"]
        return f"{found.status.value} {found.seen}"

    assert line(SAMPLE, TARGET) == "OK db1 itself"
    assert line(SAMPLE, OURS) == "OK db9 is not needed: no copy is to be made"
    seen = source()
    assert line(replace(SAMPLE, source=seen), OURS).startswith("OK db9 (127.0.0.1:5999), streams from 127.0.0.1:5432")
    assert line(replace(SAMPLE, source=replace(seen, paused=True)), OURS).startswith("WARN")
    lags = source(settings={"recovery_min_apply_delay": "60000"})
    assert "lags by 60000 ms on purpose" in line(replace(SAMPLE, source=lags), OURS)


@given(attachable())
def test_where_nothing_is_left_to_copy_nothing_of_the_source_is_needed(at: Situation) -> None:
    steps = plan_attach(at.facts, at.sample, at.target, at.memory).steps
    for step in steps:
        if not isinstance(step, CopyByBasebackup):
            assert at.target.copy_from not in {effect.node for effect in step.effects()}


# --- what is read and written


def test_a_journal_of_0_1_0_is_still_read() -> None:
    newer = {"copy_from", "copy_host", "copy_port", "copy_conninfo"}
    assert decode(Target, {key: value for key, value in encode(TARGET).items() if key not in newer}) == TARGET
    fields = ("source", "system_identifier", "temporary_slot", "passfile", "entry", "lent_entry")
    plain = copy(plan_attach(facts(), SAMPLE, TARGET))
    record = {key: value for key, value in encode_tagged(plain).items() if key not in fields}
    assert decode_tagged(known.ALL, json.loads(json.dumps(record))) == plain
    assert decode_tagged(known.ALL, json.loads(json.dumps(encode_tagged(copy(plan()))))) == copy(plan())


HBA_ROW = {
    "line_number": 1, "type": "host", "database": ["replication"], "user_name": ["all"], "address": "all",
    "netmask": None, "auth_method": "trust", "error": None,
}  # fmt: skip
RAW = {
    "version_num": 160014, "system_identifier": SYSTEM, "in_recovery": True, "timeline": 1, "started_at": "then",
    "loaded_at": 100.0, "settings": [{"name": "hba_file", "value": "/h", "source": "default"}], "roles": [],
    "slots": [], "hba": [HBA_ROW], "tablespaces": [], "sources": ["/pg/db9/postgresql.conf"], "fault": None,
}  # fmt: skip
MORE = {
    "address": "10.0.0.7", "started": 1000.4, "timeline": 2, "sender": "db1:5432", "senders": 3, "slots": 1,
    "backlog": 8192, "paused": False,
    "settings": [
        {"name": "shared_buffers", "value": "16384", "source": "default", "context": "postmaster", "pending": True,
         "in_file": "1GB"},
    ],
}  # fmt: skip
HOST = [
    ("real", "/pg/db9"), ("started", "1000"), ("hba_changed_at", "200.5"), ("config_links", " /pg/db9/pg_ident.conf"),
    ("unreadable", "/pg/db9/x"), ("missing", "nowhere"), ("end", "yes"),
]  # fmt: skip


def test_a_source_is_seen_by_its_server_and_its_host() -> None:
    seen = parse_source(RAW, MORE, HOST)
    assert (seen.server.timeline, seen.sender, seen.address) == (2, "db1:5432", "10.0.0.7")
    assert (seen.senders_in_use, seen.slots_in_use, seen.backlog_bytes) == (3, 1, 8192)
    assert not seen.server.hba.loaded
    assert seen.server.config_sources[-1] == "symbolic link /pg/db9/pg_ident.conf"
    assert (seen.real, seen.unreadable, seen.libraries_missing) == ("/pg/db9", ("/pg/db9/x",), ("nowhere",))
    assert [setting.in_file for setting in seen.survey.pending] == ["1GB"]


@pytest.mark.parametrize("started", ["", "990", "x"])
def test_a_directory_of_that_name_here_may_be_another_servers(started: str) -> None:
    seen = parse_source(RAW, MORE, [("started", started) if key == "started" else (key, value) for key, value in HOST])
    assert (seen.real, seen.unreadable, seen.libraries_missing) == ("", (), ())
    assert seen.server.hba.loaded
    assert seen.server.config_sources == ("/pg/db9/postgresql.conf",)
