"""What the primary and its host say, made into facts and a sample."""

from __future__ import annotations

from typing import Any

import pytest

from standbyctl.domain.facts import HbaRule, Role, Slot
from standbyctl.domain.sample import Sample
from standbyctl.observe.reading import parse_probe, parse_sample
from standbyctl.planner.attach import plan_attach
from tests.pure.examples import CAP, ROLE, SAMPLE, STANDBY, SYSTEM, TARGET, facts
from tests.pure.examples import server as primary
from tests.pure.said import ATTACHED, FRESH, PRIMARY_SAID, server


def test_a_value_of_the_probe_may_hold_anything_but_a_line_feed() -> None:
    assert parse_probe("a=b=c\nd=\x0b\u2028e\r\n\nf=") == [("a", "b=c"), ("d", "\x0b\u2028e\r"), ("f", "")]


def test_the_primary_is_what_it_says_it_is() -> None:
    seen = server()
    assert (seen.version_num, seen.system_identifier, seen.timeline, seen.in_recovery) == (160014, SYSTEM, 1, False)
    assert seen.setting(CAP).auto_conf == "20GB"
    assert not seen.has("promote_trigger_file")
    assert seen.slots == (Slot("archive"), Slot("db2"), Slot("debezium", "logical", lost=True))
    assert seen.roles == (Role(ROLE, True, True, STANDBY, pristine=True),)
    assert (seen.tablespaces, seen.fault) == ((), "")
    assert "/pg/db1/postgresql.conf" in seen.config_sources


def test_every_rule_is_kept_and_a_line_that_is_none_too() -> None:
    local, _, broken, ours = server().hba.rules
    assert (local.type, local.address, local.netmask) == ("local", "", "")
    assert broken == HbaRule(93, "", (), (), "", "", "", "/pg/db1/pg_hba.conf", 'invalid connection type "hots"')
    assert (ours.databases, ours.users, ours.line) == (("replication",), (ROLE,), 95)
    # Version 15 does not say which file.
    rules = [{key: value for key, value in rule.items() if key != "file_name"} for rule in PRIMARY_SAID["hba"]]
    assert {rule.file for rule in server(hba=rules).hba.rules} == {""}


@pytest.mark.parametrize(
    ("changes", "made_for", "pristine"),
    [
        ({}, "db2", True),
        ({"altered": True}, "db2", False),
        ({"login": False}, "db2", False),
        ({"replication": False}, "db2", False),
        ({"fingerprint": "0000000000000000"}, "db2", False),
        ({"fingerprint": None}, "db2", False),
        ({"comment": None}, "", False),
        ({"comment": "the role of db2"}, "", False),
        ({"comment": "standbyctl: db2, 0123456789abcdef, fedcba9876543210"}, "", False),
        ({"comment": "standbyctl: db2, key 0123456789abcdef"}, "", False),
    ],
)
def test_a_role_is_ours_by_its_mark_and_pristine_while_nothing_of_it_was_changed(
    changes: dict[str, Any], made_for: str, pristine: bool
) -> None:
    [role] = server(roles=[PRIMARY_SAID["roles"][0] | changes]).roles
    assert (role.made_for, role.pristine) == (made_for, pristine)


@pytest.mark.parametrize(
    ("changed_at", "loaded"),
    [("1777597200.400000", True), ("1777597200.500000", False), ("1777597201", False), ("", True)],
)
def test_a_file_that_was_changed_after_it_was_loaded_is_not_in_force(changed_at: str, loaded: bool) -> None:
    assert server(ATTACHED | {"hba_changed_at": changed_at}).hba.loaded == loaded


@pytest.mark.parametrize(
    ("changes", "at_hand"),
    [({}, True), ({"hba_at_hand": "no"}, False), ({"primary_system": "7"}, False), ({"primary_system": ""}, False)],
)
def test_a_file_is_at_hand_where_it_may_be_replaced_and_is_that_of_this_very_primary(
    changes: dict[str, str], at_hand: bool
) -> None:
    assert server(ATTACHED | changes).hba.at_hand == at_hand


def test_our_line_is_seen_where_the_file_can_be_read() -> None:
    assert (server().hba.has_line, server().hba.digest) == (True, "0f1e")
    assert not server(FRESH).hba.has_line
    unread = {key: value for key, value in ATTACHED.items() if not key.startswith("hba_") or key == "hba_at_hand"}
    hba = server(unread).hba
    assert (hba.has_line, hba.digest, hba.loaded) == (False, "", True)


def test_others_that_stream_without_a_slot_are_seen() -> None:
    streaming = [
        {"application_name": name, "state": state, "slot_name": slot}
        for name, state, slot in [
            ("db2", "streaming", None),
            ("db4", "streaming", None),
            ("db3", "streaming", None),
            ("db5", "streaming", "db5"),
            ("db6_copy", "backup", None),
        ]
    ]
    assert parse_sample(PRIMARY_SAID | {"streaming": streaming}, ATTACHED, "db2").others_without_slot == "db3, db4"


def test_what_is_wrong_with_the_configuration_is_passed_on() -> None:
    assert server(fault="postgresql.conf line 7: syntax error").fault == "postgresql.conf line 7: syntax error"
    links = server(ATTACHED | {"config_links": " /pg/db1/postgresql.conf"}).config_sources
    assert links[-1] == "symbolic link /pg/db1/postgresql.conf"
    [blocker] = plan_attach(facts(primary(config_sources=links)), SAMPLE, TARGET).blockers
    assert blocker.code == "P112", "a base backup leaves it out, though it stands in the data directory"


def test_a_look_brings_a_little_of_a_sample_along() -> None:
    assert parse_sample(PRIMARY_SAID, ATTACHED) == Sample(
        free_bytes=104857600 * 1024,
        wal_free_bytes=41943040 * 1024,
        slots_in_use=3,
        entries="PG_VERSION backup_label.old base",
        free_aside="/pg/db2.detached-1",
        directory_identity="64768:1001",
    )
    unknown = parse_sample(
        PRIMARY_SAID, FRESH | {"free_kb": "", "primary_system": "7", "refusal": "no", "condemned": "1:2"}
    )
    assert (unknown.free_bytes, unknown.wal_free_bytes) == (None, None)
    assert (unknown.refusal, unknown.condemned_identity, unknown.directory_identity) == ("no", "1:2", "")
