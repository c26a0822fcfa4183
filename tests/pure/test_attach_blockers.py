"""Every reason why not, each by the smallest change to facts that stand in nobody's way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from standbyctl.domain.facts import Contents, Draft, HbaFile, HbaRule, Passfile, Role, Setting, Slot
from standbyctl.domain.sample import Sample
from standbyctl.domain.service import Service
from standbyctl.domain.target import HbaWay, Target
from standbyctl.domain.volumes import Volume, VolumeSeen
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.plan import Memory, Remembered
from standbyctl.steps.role import CreateRole
from standbyctl.steps.slot import CreateSlot
from tests.pure.examples import (
    APP_RULE,
    ATTACHED,
    CAP,
    GB,
    HBA,
    LOCAL_RULE,
    OUR_ROLE,
    PRIMARY,
    ROLE,
    SAMPLE,
    STANDBY,
    TARGET,
    codes,
    facts,
    kinds,
    rule,
    server,
    settings,
)

WAIT, FILE = replace(TARGET, hba=HbaWay.WAIT), replace(TARGET, hba=HbaWay.FILE)
OWN_PASSFILE = replace(TARGET, own_role=False)
COPY: dict[str, Any] = {"contents": Contents.STANDBY, "follows": True}
MOUNTED: dict[str, Any] = {"contents": Contents.EMPTY, "mount_point": True}
LEFT_BEHIND: dict[str, Any] = {**COPY, "covered": False}


def hba(*rules: HbaRule, **changes: Any) -> HbaFile:
    return replace(HbaFile(HBA, rules, at_hand=True, digest="0f1e"), **changes)


def with_settings(**values: str | Setting) -> dict[str, Any]:
    return {"settings": settings(**values)}


SYNC = "synchronous_standby_names"
MADE_ROLE = (Remembered(CreateRole(PRIMARY, STANDBY, ROLE, TARGET.passfile), facts()),)
CAPPED = with_settings(**{CAP: "2048"})


@dataclass(frozen=True)
class Case:
    """What is expected, and what differs of the primary, the place, the sample and the target."""

    code: str
    words: str
    refused: bool = False
    server: dict[str, Any] = field(default_factory=dict)
    place: dict[str, Any] = field(default_factory=dict)
    sample: dict[str, Any] = field(default_factory=dict)
    target: Target = TARGET
    memory: Memory = ()


def bad_settings(code: str, words: str, **values: str | Setting) -> Case:
    return Case(code, words, server=with_settings(**values))


def bad_role(role: Role | None, words: str) -> Case:
    """A role of the operator's, with a passfile of theirs."""
    roles = (role,) if role else ()
    return Case("P107", words, server={"roles": roles}, place={"passfile": Passfile.FOREIGN}, target=OWN_PASSFILE)


def bad_passfile(passfile: Passfile, words: str, *, own: bool) -> Case:
    if own:
        return Case("P107", words, refused=True, place={"passfile": passfile})
    return Case("P107", words, server={"roles": (THEIRS,)}, place={"passfile": passfile}, target=OWN_PASSFILE)


def bad_hba(found: HbaFile, words: str, target: Target = TARGET) -> Case:
    return Case("P106", words, server={"hba": found}, target=target)


THEIRS = Role(ROLE, login=True, replication=True)
CASES = {
    "too old": Case(
        "P101", "PostgreSQL 12: not yet", server={"version_num": 120022}, place={"bin_version_num": 120022}
    ),
    "a standby": Case("P111", "db1 is a standby itself", server={"in_recovery": True}),
    "wal_level": bad_settings("P102", "wal_level is minimal", wal_level="minimal"),
    "no senders": bad_settings("P103", "max_wal_senders is 0", max_wal_senders="0"),
    "no TCP": bad_settings("P105", "does not listen on TCP", listen_addresses=""),
    "files elsewhere": Case("P112", "no postgresql.conf", server={"config_sources": (HBA, "/etc/pg.conf")}),
    "synchronous": bad_settings("P110", "commits on db1 would wait", synchronous_standby_names="FIRST 1 (db2)"),
    "few senders": Case("P103", "not enough free walsenders", sample={"wal_senders_in_use": 9}),
    "no slot": Case("P104", 'no replication slot is free for "db2"', sample={"slots_in_use": 10}),
    "slot of others": Case("P104", "belongs to somebody else", server={"slots": (Slot("db2"),)}),
    "logical slot": Case(
        "P104", "is a logical slot", server={"slots": (Slot("db2", "logical"),), **CAPPED}, place=COPY
    ),
    "slot lost": Case("P203", "has fallen behind", server={"slots": (Slot("db2", lost=True),)}, place=LEFT_BEHIND),
    "slot gone": Case("P203", "has fallen behind", place=LEFT_BEHIND),
    "slot made anew": Case("P203", "has fallen behind", server={"slots": (Slot("db2"),)}, place=LEFT_BEHIND),
    "no ALTER SYSTEM": bad_settings("P115", "does not allow ALTER SYSTEM", allow_alter_system="off"),
    "a fault in a file": Case("P114", "have an error", server={"fault": "postgresql.conf, line 7"}),
    "synchronous soon": bad_settings(
        "P110", "a reload of db1", synchronous_standby_names=Setting(SYNC, "", "default", in_file="db3")
    ),
    "no cap": Case("P108", "cannot choose a cap", sample={"wal_free_bytes": None}),
    "cap given": bad_settings("P108", "on the command line", **{CAP: Setting(CAP, "-1", "command line")}),
    "cap set": bad_settings("P108", "on the command line", **{CAP: Setting(CAP, "-1", "environment variable")}),
    "cap that kills": Case(
        "P108",
        'would invalidate the slot "a"',
        sample={"most_retained_bytes": 20 * GB, "most_retained_slot": "a"},
    ),
    "cap that may kill": Case(  # counted in whole segments
        "P108",
        'would invalidate the slot "a"',
        target=replace(TARGET, wal_cap="100MB"),
        sample={"most_retained_bytes": 81 << 20, "most_retained_slot": "a"},
    ),
    "cap too small": Case("P108", "is too little for a copy", sample={"wal_free_bytes": 127 << 20}),
    "cap too big": Case("P108", "more than the volume of pg_wal", target=replace(TARGET, wal_cap="41GB")),
    "role of others": Case("P107", "is not ours", server={"roles": (replace(OUR_ROLE, made_for=""),)}),
    "role of a namesake": Case("P107", "is not ours", server={"roles": (OUR_ROLE,)}),
    "role changed": Case(
        "P107", "has changed the role", server={"roles": (replace(OUR_ROLE, pristine=False),)}, memory=MADE_ROLE
    ),
    "no such role": bad_role(None, "cannot be used for replication"),
    "role cannot log in": bad_role(replace(THEIRS, login=False), "cannot be used for replication"),
    "role cannot replicate": bad_role(replace(THEIRS, replication=False), "cannot be used for replication"),
    "passfile of others": bad_passfile(Passfile.FOREIGN, "exists and is not as", own=True),
    "passfile changed": bad_passfile(Passfile.CHANGED, "exists and is not as", own=True),
    # Found unsafe, it can be neither read nor known for ours: writing it would fail with the run begun.
    "passfile unsafe": bad_passfile(Passfile.UNSAFE, "exists and is not as", own=True),
    "no passfile of theirs": bad_passfile(Passfile.ABSENT, "cannot be used", own=False),
    "unsafe passfile of theirs": bad_passfile(Passfile.UNSAFE, "cannot be used", own=False),
    "broken hba": bad_hba(hba(rule(7, type="", error="bad")), "is broken already"),
    "reject": bad_hba(hba(rule(7, "reject")), "Line 7 is a reject"),
    "included": bad_hba(hba(rule(7, "cert", file="/x")), "is in an included file"),
    "not at hand": bad_hba(hba(LOCAL_RULE, at_hand=False), "cannot be edited from here", FILE),
    "primary's own": Case("P201", "is the data directory of db1", True, place={"is_primary_directory": True}),
    "another cluster": Case("P201", "another PostgreSQL cluster", True, place={"contents": Contents.CLUSTER}),
    "files of others": Case("P201", "is not empty", True, place={"contents": Contents.FOREIGN}),
    "lost+found": Case("P201", "with a lost+found", place={**MOUNTED, "lost_found": True}),
    "mount point of others": Case(
        "P201", "that no server of postgres would start on", place={**MOUNTED, "private": False}
    ),
    "mount point being emptied": Case("P201", "still being deleted", place={**MOUNTED, "condemned": True}),
    "copy of no use on a mount point": Case(
        "P201",
        "cannot be renamed aside",
        place={**MOUNTED, **COPY, "never_started": True, "covered": False},
    ),
    "cluster on a mount point": Case(
        "P201",
        "the cluster in it cannot be renamed aside",
        True,
        place={**MOUNTED, "contents": Contents.CLUSTER},
        target=replace(TARGET, replace_cluster=True, service=Service("postgresql-16", "", as_root=True)),
    ),
    "parent": Case("P201", "cannot make files beside", place={"parent_writable": False}),
    "writer lives": Case("P204", "still being written: /d", True, place={"drafts": (Draft("/d", alive=True),)}),
    "promoted": Case("P201", "It is no longer in recovery", True, place={**COPY, "in_recovery": False}),
    "follows another": Case("P201", "does not name db1", True, place={**COPY, "follows": False}),
    "port": Case("P205", "port 5433 is in use", place={"port_taken": True}),
    "no binaries": Case("P202", "PostgreSQL 16 is not installed", place={"bin_version_num": 0}),
    "no verifier": Case(
        "P202",
        "/b/pg_verifybackup died",
        place={"verifier": "/b/pg_verifybackup died"},
        target=replace(TARGET, verify_backup=True),
    ),
    "small disk": Case("P206", "the disk is too small", sample={"free_bytes": GB}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_thing_in_the_way_is_one_reason(case: Case) -> None:
    seen = facts(server(**case.server), **case.place)
    plan = plan_attach(seen, replace(SAMPLE, **case.sample), case.target, case.memory)
    [blocker] = plan.blockers
    assert (blocker.code, blocker.refused) == (case.code, case.refused)
    assert case.words in f"{blocker.what} {blocker.detail}"
    assert plan.notes == ()


def test_every_reason_is_given_at_once() -> None:
    plan = plan_attach(
        facts(server(**with_settings(listen_addresses="")), contents=Contents.FOREIGN),
        replace(SAMPLE, entries="PHOTOS", volumes=(VolumeSeen(Volume("pg_wal", "/wal"), Contents.FOREIGN),)),
        TARGET,
    )
    assert codes(plan) == ["P105", "P201", "P230"]
    assert "PHOTOS" in str(plan.blockers[1].detail)


@pytest.mark.parametrize(
    ("of_server", "of_place", "of_sample", "target"),
    [
        ({"version_num": 150000}, {"bin_version_num": 150007}, {}, TARGET),
        (with_settings(max_wal_senders="2"), {}, {}, TARGET),
        (with_settings(wal_level="logical"), {}, {}, TARGET),
        ({}, {}, {"wal_senders_in_use": 8}, TARGET),
        ({}, {}, {"slots_in_use": 9}, TARGET),
        ({}, {}, {"wal_free_bytes": None}, replace(TARGET, wal_cap="keep")),
        ({}, {}, {"wal_free_bytes": None}, replace(TARGET, wal_cap="1GB")),
        ({}, {}, {"wal_free_bytes": 128 << 20}, TARGET),
        ({}, {}, {"most_retained_bytes": 20 * GB - (16 << 20) - 1}, TARGET),
        ({}, {}, {}, replace(TARGET, wal_cap="40GB")),
        (with_settings(**{CAP: Setting(CAP, "64", "command line")}), {}, {}, TARGET),
        (with_settings(**{CAP: Setting(CAP, "-1", "command line")}), {}, {}, replace(TARGET, wal_cap="keep")),
        (with_settings(synchronous_standby_names="FIRST 1 (db22, xdb2)"), {}, {}, TARGET),
        ({"hba": hba(APP_RULE, at_hand=False)}, {}, {}, TARGET),
        ({"hba": hba(APP_RULE, at_hand=False)}, {}, {}, WAIT),
        ({"hba": hba(rule(7, "cert", file="/x"))}, {}, {}, WAIT),
        ({"hba": hba(rule(7, error="bad name"))}, {}, {}, TARGET),
        ({}, {"contents": Contents.EMPTY}, {}, TARGET),
        ({}, {"port_taken": True, "running": True}, {}, TARGET),
        ({}, {}, {"free_bytes": None}, TARGET),
        ({}, {}, {"cluster_bytes": None}, TARGET),
        ({}, {}, {"free_bytes": GB * 12 // 10 + (48 << 20)}, TARGET),
        # What an unfinished copy takes up is free again before the new one begins.
        ({}, {"drafts": (Draft("/d"),)}, {"free_bytes": 0}, TARGET),
        (with_settings(allow_alter_system="off"), {}, {}, replace(TARGET, wal_cap="keep")),
        (with_settings(**{SYNC: Setting(SYNC, "db3", "default", in_file="db3")}), {}, {}, TARGET),
        # Without a reload of ours, what somebody has not loaded yet stays so.
        (
            {"fault": "line 7", "hba": hba(rule(1)), **CAPPED},
            {},
            {},
            TARGET,
        ),
    ],
)
def test_what_is_just_enough_is_enough(
    of_server: dict[str, Any], of_place: dict[str, Any], of_sample: dict[str, Any], target: Target
) -> None:
    plan = plan_attach(facts(server(**of_server), **of_place), replace(SAMPLE, **of_sample), target)
    assert codes(plan) == []
    assert plan.steps


def test_a_slot_that_an_earlier_run_has_made_is_ours() -> None:
    seen = facts(server(slots=(Slot("db2"),)))
    made = (Remembered(CreateSlot(PRIMARY, STANDBY, "db2"), facts()),)
    assert codes(plan_attach(seen, SAMPLE, TARGET, made)) == []
    other = (Remembered(CreateSlot(PRIMARY, STANDBY, "other"), facts()),)
    assert codes(plan_attach(seen, SAMPLE, TARGET, other)) == ["P104"]


@pytest.mark.parametrize("role", [OUR_ROLE, replace(OUR_ROLE, login=False), replace(OUR_ROLE, replication=False)])
def test_a_role_that_an_earlier_run_has_made_is_ours(role: Role) -> None:
    seen = facts(server(roles=(role,)))
    assert codes(plan_attach(seen, SAMPLE, TARGET, MADE_ROLE)) == []
    other = (Remembered(CreateRole(PRIMARY, STANDBY, "other", "/p"), facts()),)
    assert codes(plan_attach(seen, SAMPLE, TARGET, other)) == ["P107"]


def test_a_slot_that_is_ours_needs_no_free_one() -> None:
    seen = facts(server(slots=(Slot("db2"),)), contents=Contents.STANDBY, follows=True)
    assert codes(plan_attach(seen, replace(SAMPLE, slots_in_use=10), TARGET)) == []


def test_a_standby_that_streams_is_asked_nothing_more() -> None:
    primary = server(roles=(OUR_ROLE,), slots=(Slot("db2"),), **with_settings(synchronous_standby_names="db2"))
    plan = plan_attach(facts(primary, **ATTACHED), Sample(), TARGET)
    # Somebody has made it synchronous since, and the disk is not looked at: there is nothing left to do.
    assert (kinds(plan.steps), codes(plan)) == ([], [])
    assert codes(plan_attach(facts(replace(primary, in_recovery=True), **ATTACHED), Sample(), TARGET)) == ["P111"]


def test_a_copy_that_runs_or_has_run_needs_no_room_and_no_binaries() -> None:
    stopped = {**ATTACHED, "running": False, "upstream": "", "timeline": 0, "started_by": "", "bin_version_num": 0}
    primary = server(roles=(OUR_ROLE,), slots=(Slot("db2"),), **with_settings(max_wal_senders="1"))
    plan = plan_attach(facts(primary, **stopped), replace(SAMPLE, free_bytes=0), TARGET)
    assert (kinds(plan.steps), codes(plan)) == (["StartStandby"], [])
