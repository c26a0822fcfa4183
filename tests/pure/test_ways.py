"""Ways around what only a restart changes, and the runbook's values: what is planned, said, refused and given back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from standbyctl import steps as known
from standbyctl.app.values import choice, restore_command, wal_keep_size
from standbyctl.domain.codec import decode, decode_tagged, encode, encode_tagged
from standbyctl.domain.copies import CopyCluster
from standbyctl.domain.effects import AwaitSettings
from standbyctl.domain.errors import Need, UsageError
from standbyctl.domain.facts import Contents, Facts, Passfile, Role, Setting
from standbyctl.domain.parameter import Wanted
from standbyctl.domain.target import SettingsWay, Target
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import plan_detach
from standbyctl.planner.plan import Plan
from standbyctl.planner.standby import standby_settings
from standbyctl.steps.base import predict
from standbyctl.steps.setting import SetByHand, SetParameter
from standbyctl.steps.slot import CapSlots
from tests.pure.attached import KEEP, names
from tests.pure.examples import (
    CAP,
    GB,
    PRIMARY,
    ROLE,
    SAMPLE,
    STANDBY,
    TARGET,
    codes,
    facts,
    kinds,
    remember,
    server,
    settings,
)

SLOTLESS = replace(TARGET, slot="", wal_keep_size="2GB")
PRINT = replace(TARGET, settings=SettingsWay.PRINT)
COMMIT = "synchronous_commit"


def plan(target: Target, seen: Facts | None = None, **sample: Any) -> Plan:
    return plan_attach(seen or facts(), replace(SAMPLE, **sample), target)


def said(plan: Plan) -> str:
    return "\n".join(map(str, (*(step.text for step in plan.steps), *plan.notes)))


def with_settings(**values: str | Setting) -> Facts:
    return facts(server(settings=settings(**values)))


def restart_only(**values: str) -> Facts:
    return with_settings(
        **{name: Setting(name, value, "configuration file", context="postmaster") for name, value in values.items()}
    )


# --- no slot


def test_without_a_slot_none_is_made_and_none_is_used() -> None:
    made = plan(SLOTLESS)
    assert codes(made) == []
    assert "CreateSlot" not in kinds(made.steps)
    assert "CapSlots" not in kinds(made.steps)
    effects = "\n".join(str(effect) for step in made.steps for effect in step.effects())
    assert "--no-slot" in effects
    assert "pg_replication_slots" not in effects
    assert "ALTER SYSTEM SET wal_keep_size = '2GB'" in effects
    conf = dict(standby_settings(server(), SLOTLESS))
    assert (conf["primary_slot_name"], conf["wal_receiver_create_temp_slot"]) == ("", "off")
    assert "nothing guarantees the WAL that db2 needs" in said(made)
    assert "keeps the last 2048 MB" in said(made)


@pytest.mark.parametrize(
    ("present", "asked", "blocked"),
    [("0", "", True), ("1023", "", True), ("1024", "", False), ("0", "64MB", False), ("2048", "1GB", False)],
)
def test_how_much_wal_is_kept_has_to_be_said_unless_it_is_enough(present: str, asked: str, blocked: bool) -> None:
    made = plan(replace(SLOTLESS, wal_keep_size=asked), with_settings(wal_keep_size=present))
    assert codes(made) == (["P108"] if blocked else [])
    if blocked:
        assert "--wal-keep-size SIZE" in str(made.blockers[0].hint)


def test_a_standby_that_only_has_to_be_started_is_not_asked_what_keeps_its_wal() -> None:
    there = facts(contents=Contents.STANDBY, follows=True)
    assert "P108" not in codes(plan(replace(SLOTLESS, wal_keep_size=""), there))


def test_where_all_slots_are_taken_the_way_around_is_named_and_works() -> None:
    for total, used in (("10", 10), ("0", 0)):
        seen = restart_only(max_replication_slots=total)
        [blocker] = plan(TARGET, seen, slots_in_use=used).blockers
        assert (blocker.code, blocker.need) == ("P104", Need.WAY)
        assert "--no-slot with --wal-keep-size SIZE" in str(blocker.hint)
        assert codes(plan(SLOTLESS, seen, slots_in_use=used)) == []


def test_a_standby_without_a_slot_that_fell_behind_is_made_anew_unless_an_archive_may_have_what_it_needs() -> None:
    behind = facts(contents=Contents.STANDBY, follows=True, covered=False)
    [blocker] = plan(SLOTLESS, behind).blockers
    assert blocker.code == "P203"
    assert "It has no slot" in str(blocker.detail)
    tries = plan(replace(SLOTLESS, restore_command="cp /a/%f %p"), behind)
    assert codes(tries) == []
    assert kinds(tries.steps)[-1] == "StartStandby"
    never_started = facts(contents=Contents.STANDBY, follows=True, covered=False, never_started=True)
    assert "SetDirectoryAside" in kinds(plan(SLOTLESS, never_started).steps)


def test_more_wal_than_there_is_room_for_is_not_kept() -> None:
    [blocker] = plan(replace(TARGET, wal_keep_size="41GB")).blockers
    assert (blocker.code, "the disk would be full" in str(blocker.detail)) == ("P108", True)
    # What is kept already takes up room already.
    assert codes(plan(replace(TARGET, wal_keep_size="41GB"), with_settings(wal_keep_size="51200"))) == []
    assert codes(plan(replace(TARGET, wal_keep_size="1GB", wal_cap="keep"), wal_free_bytes=GB)) == []
    assert codes(plan(replace(TARGET, wal_keep_size="1GB", wal_cap="keep"), wal_free_bytes=None)) == []


# --- one walsender


def test_one_walsender_is_enough_where_the_wal_comes_last() -> None:
    fetch = replace(TARGET, wal_method="fetch")
    assert codes(plan(fetch, wal_senders_in_use=9)) == []
    [blocker] = plan(fetch, wal_senders_in_use=10).blockers
    assert (blocker.code, "fetch" in str(blocker.hint)) == ("P103", False)
    [blocker] = plan(TARGET, wal_senders_in_use=9).blockers
    assert "--wal-method fetch: it needs the one that is free" in str(blocker.hint)
    assert "the slot holds all that db1 writes" in said(plan(fetch))
    assert "removed what it wrote at the beginning" in said(plan(replace(fetch, slot="", wal_keep_size="1GB")))


@pytest.mark.parametrize(
    ("slot", "method", "options"),
    [
        ("db2", "stream", ["--wal-method", "stream", "--slot", "db2", "--checkpoint"]),
        ("", "stream", ["--wal-method", "stream", "--no-slot", "--checkpoint"]),
        # pg_basebackup takes a slot, and needs to be told of none, only where it streams.
        ("db2", "fetch", ["--wal-method", "fetch", "--checkpoint"]),
        ("", "fetch", ["--wal-method", "fetch", "--checkpoint"]),
    ],
)
def test_pg_basebackup_is_told_how_the_wal_comes(slot: str, method: str, options: list[str]) -> None:
    argv = CopyCluster("db2", "db1", "/d", "/bin", "host=db1", slot, "db2", "fast", "", method).argv()
    first = argv.index("--wal-method")
    assert list(argv[first : first + len(options)]) == options


# --- what only a restart changes


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("wal_level", "minimal", "P102"), ("max_wal_senders", "0", "P103"), ("listen_addresses", "", "P105")],
)
def test_what_a_restart_takes_is_read_from_the_server_not_assumed(name: str, value: str, code: str) -> None:
    for context, need in (("postmaster", Need.RESTART), ("sighup", Need.WAY)):
        seen = with_settings(**{name: Setting(name, value, "configuration file", context=context)})
        assert [(each.code, each.need) for each in plan(TARGET, seen).blockers] == [(code, need)]


# --- the runbook's values


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synchronous_commit": "off"}, "is not what makes replication asynchronous"),
        ({"synchronous_commit": "off"}, "up to three times wal_writer_delay, in a crash"),
        ({"synchronous_commit": "local"}, "differ only while synchronous_standby_names is not empty"),
        ({"wal_keep_size": "1GB"}, "always keeps so much WAL in pg_wal"),
        ({"auth_method": "md5"}, "MD5 is deprecated"),
        ({"restore_command": "cp /archive/%f %p"}, "is asked before db1 is"),
        ({"restore_command": "fetch-wal %f"}, "WARNING: restore_command has no %p"),
        ({"restore_command": "fetch-wal"}, "no %f and no %p"),
        ({}, "hot_standby = on"),
    ],
)
def test_what_was_asked_for_is_planned_with_its_consequence(changes: dict[str, str], words: str) -> None:
    plain, asked = plan(TARGET), plan(replace(TARGET, **changes))
    assert codes(asked) == []
    assert words in said(asked)
    assert (words in said(plain)) == (not changes)


def test_a_superuser_as_the_role_is_called_what_it_is() -> None:
    theirs = replace(TARGET, own_role=False)
    for superuser in (True, False):
        role = Role(ROLE, login=True, replication=not superuser, superuser=superuser)
        made = plan(theirs, facts(server(roles=(role,)), passfile=Passfile.FOREIGN))
        assert codes(made) == []
        assert ("is a superuser: whoever can read" in said(made)) == superuser


def test_wal_keep_size_is_raised_and_never_lowered() -> None:
    asked = replace(TARGET, wal_keep_size="1GB")
    assert "wal_keep_size: 0 -> 1GB (reload)" in said(plan(asked))
    assert "wal_keep_size: 512MB -> 1GB (reload)" in said(plan(asked, with_settings(wal_keep_size="512")))
    kept = plan(asked, with_settings(wal_keep_size="2048"))
    assert "SetParameter" not in kinds(kept.steps)
    assert "wal_keep_size stays 2048MB" in said(kept)


def test_what_the_command_line_of_the_server_says_cannot_be_changed_in_a_file() -> None:
    given = with_settings(**{COMMIT: Setting(COMMIT, "on", "command line")})
    for target in (replace(TARGET, synchronous_commit="off"), replace(PRINT, synchronous_commit="off")):
        assert codes(plan(target, given)) == ["P115"]
    assert codes(plan(replace(TARGET, synchronous_commit="on"), given)) == []


# --- given back


def attached(target: Target) -> tuple[Facts, Plan]:
    made = plan(target)
    return predict(made.steps, facts()), made


def test_what_was_set_is_given_back_unless_somebody_has_changed_it_or_relies_on_it() -> None:
    target = replace(SLOTLESS, synchronous_commit="off")
    after, made = attached(target)
    memory = remember(made, facts())
    back = plan_detach(after, SAMPLE, target, memory, KEEP)
    assert names(back.steps).count("-SetParameter") == 2
    assert predict(back.steps, after).server(PRIMARY).settings == facts().server(PRIMARY).settings
    theirs = tuple(
        replace(setting, value="local", auto_conf="local") if setting.name == COMMIT else setting
        for setting in after.server(PRIMARY).settings
    )
    changed = plan_detach(after.with_server(PRIMARY, settings=theirs), SAMPLE, target, memory, KEEP)
    assert names(changed.steps).count("-SetParameter") == 1
    assert "synchronous_commit is local: not as attach left it, so it is kept" in said(changed)
    relied = plan_detach(after, replace(SAMPLE, others_without_slot="db3"), target, memory, KEEP)
    assert names(relied.steps).count("-SetParameter") == 1
    assert "wal_keep_size is kept: standbys without a slot rely on it (db3)" in said(relied)


def test_what_a_person_has_set_is_named_until_it_is_taken_out() -> None:
    target = replace(PRINT, synchronous_commit="off", wal_keep_size="1GB")
    after, made = attached(target)
    [step] = [step for step in made.steps if isinstance(step, SetByHand)]
    [effect] = step.effects()
    assert isinstance(effect, AwaitSettings)
    assert [str(each) for each in effect.wanted] == [
        "max_slot_wal_keep_size = '20GB'",
        "wal_keep_size = '1GB'",
        "synchronous_commit = 'off'",
    ]
    back = plan_detach(after, SAMPLE, target, remember(made, facts()), KEEP)
    assert said(back).count("was set by hand; take this out of /pg/db1/postgresql.conf again") == 3
    assert "-SetByHand" not in names(back.steps)
    taken_out = after.with_server(PRIMARY, settings=facts().server(PRIMARY).settings)
    assert "by hand" not in said(plan_detach(taken_out, SAMPLE, target, remember(made, facts()), KEEP))


def test_a_setting_is_written_where_it_stands_now() -> None:
    cap = Setting(CAP, "-1", "configuration file", file="/etc/pg/ansible.conf")
    made = plan(PRINT, with_settings(**{CAP: cap}))
    assert "/etc/pg/ansible.conf: max_slot_wal_keep_size = '20GB'" in said(made)


@pytest.mark.parametrize(
    ("wanted", "value", "accepted"),
    [
        (Wanted(CAP, "20GB", "f", 64), "-1", False),
        (Wanted(CAP, "20GB", "f", 64), "64", True),
        (Wanted(CAP, "20GB", "f"), "64", False),
        (Wanted(CAP, "20GB", "f"), "20480", True),
        (Wanted("wal_keep_size", "1GB", "f", 1024), "1023", False),
        (Wanted("wal_keep_size", "1GB", "f", 1024), "4096", True),
        (Wanted(COMMIT, "off", "f"), "off", True),
        (Wanted(COMMIT, "off", "f"), "on", False),
    ],
)
def test_what_a_person_sets_instead_may_do_too(wanted: Wanted, value: str, accepted: bool) -> None:
    assert wanted.accepts(value) == accepted
    seen = with_settings(**{wanted.parameter: value})
    assert SetByHand(PRIMARY, (wanted,)).satisfied(seen) == accepted


# --- what is read and written


def test_a_journal_of_0_1_0_is_still_read() -> None:
    cap = {"kind": "CapSlots", "primary": PRIMARY, "megabytes": 2048, "previous": "-1"}
    assert decode_tagged(known.ALL, cap) == CapSlots(PRIMARY, 2048, "-1")
    newer = {"wal_method", "wal_keep_size", "synchronous_commit", "auth_method", "restore_command", "settings"}
    old = {key: value for key, value in encode(TARGET).items() if key not in newer}
    assert decode(Target, old) == TARGET
    for step in plan(TARGET).steps:
        record = encode_tagged(step)
        for key in ("wal_method", "slotless"):
            record.pop(key, None)
        assert decode_tagged(known.ALL, json.loads(json.dumps(record))) == step


@pytest.mark.parametrize("text", ["", "64MB", "1GB", "1024MB", "65536kB", "2TB"])
def test_a_size_is_kept_in_whole_megabytes(text: str) -> None:
    assert wal_keep_size(text) == {"1024MB": "1GB", "65536kB": "64MB", "2TB": "2048GB"}.get(text, text)


@pytest.mark.parametrize("text", ["1", "1GiB", "-1GB", "63MB", "1kB", "9999999TB", "0MB", "1GB; x"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no wal_keep_size"):
        wal_keep_size(text)


@pytest.mark.parametrize("text", ["cp a\nrm b", "a\x00b", "  ", "a\tb"])
def test_a_restore_command_is_one_line(text: str) -> None:
    assert restore_command("cp '/a b/%f' \"%p\"") == "cp '/a b/%f' \"%p\""
    with pytest.raises(UsageError, match="must be one line"):
        restore_command(text)


def test_a_word_that_an_option_does_not_know_is_refused_with_those_that_it_knows() -> None:
    assert choice("settings", "print") == "print"
    assert choice("settings", "", "alter") == "alter"
    with pytest.raises(UsageError) as refused:
        choice("settings", "guess")
    assert (refused.value.code, "alter, print" in str(refused.value.hint)) == ("C107", True)


def test_a_step_that_sets_says_what_was_there() -> None:
    step = SetParameter(PRIMARY, COMMIT, "off", "on")
    assert str(step.text) == "synchronous_commit: on -> off (reload)"
    assert step.place != STANDBY
