"""What is said of the place where a standby goes, or is, made into facts."""

from __future__ import annotations

from typing import Any

import pytest

from standbyctl.domain.facts import Contents, Draft, Passfile, Place
from standbyctl.observe.reading import parse_place
from tests.pure.examples import BIN, DATA, PRIMARY, STANDBY, SYSTEM
from tests.pure.said import ATTACHED, DRAFT, FRESH, PRIMARY_SAID, STANDBY_SAID, place, question, without


def test_where_nothing_is_there_is_room() -> None:
    said = PRIMARY_SAID | {"streaming": [], "slots": [], "roles": []}
    seen = parse_place(said, FRESH, (), {}, question(), "postgres")
    assert seen == Place(DATA, Contents.ABSENT, "postgres", BIN, 160014)


def test_a_standby_that_streams_is_all_that_it_should_be() -> None:
    assert place() == Place(
        data_directory=DATA,
        contents=Contents.STANDBY,
        os_user="postgres",
        bin_directory=BIN,
        bin_version_num=160014,
        passfile=Passfile.OURS,
        password_set=True,
        admitted=True,
        follows=True,
        running=True,
        started_by=STANDBY,
        timeline=1,
        upstream=PRIMARY,
    )


@pytest.mark.parametrize(
    ("probe", "contents"),
    [
        ({"contents": "empty"}, Contents.EMPTY),
        ({"system_identifier": ""}, Contents.FOREIGN),
        ({"system_identifier": "7"}, Contents.CLUSTER),
        ({"conninfo": ""}, Contents.CLUSTER),
    ],
)
def test_a_directory_is_a_standby_by_its_system_and_by_what_it_is_set_up_for(
    probe: dict[str, str], contents: Contents
) -> None:
    assert place(None, None, **probe).contents is contents


@pytest.mark.parametrize("kind", ["file", "unreadable", "files"])
def test_what_is_no_cluster_is_somebody_elses(kind: str) -> None:
    assert without("system_identifier", contents=kind).contents is Contents.FOREIGN


@pytest.mark.parametrize(
    ("probe", "same"),
    [
        ({}, False),
        ({"real": "/pg/db1"}, True),
        ({"real": "/pg/db1", "identity": "64768:1000", "machine": "another"}, False),
        ({"real": "/pg/db1/inside"}, True),
        ({"real": "/pg"}, True),
        ({"real": "/pg/db10"}, False),
        ({"identity": "64768:1000"}, True),
        ({"identity": "", "primary_identity": ""}, False),
        ({"primary_real": ""}, False),
        ({"real": ""}, False),
    ],
)
def test_the_directory_of_the_primary_is_known_by_any_name(probe: dict[str, str], same: bool) -> None:
    assert place(None, None, **probe).is_primary_directory == same


@pytest.mark.parametrize(
    ("probe", "follows"),
    [
        ({}, True),
        ({"slot_name": "other"}, False),
        ({"conninfo": ATTACHED["conninfo"].replace("port=5432", "port=5439")}, False),
        ({"conninfo": ATTACHED["conninfo"].replace("127.0.0.1", "10.0.0.7")}, False),
        ({"conninfo": ATTACHED["conninfo"].replace("application_name=db2", "application_name=db22")}, False),
        # Whatever else a DBA changes in it is the DBA's affair.
        ({"conninfo": ATTACHED["conninfo"] + " sslmode=require"}, True),
    ],
)
def test_a_standby_follows_whom_its_configuration_names(probe: dict[str, str], follows: bool) -> None:
    assert place(None, None, **probe).follows == follows


@pytest.mark.parametrize(
    ("said", "own", "upstream"),
    [
        ({}, {}, PRIMARY),
        ({"streaming": []}, {}, ""),
        ({"streaming": [{"application_name": "db2", "state": "catchup", "slot_name": "db2"}]}, {}, ""),
        ({"streaming": [{"application_name": "db2", "state": "streaming", "slot_name": None}]}, {}, ""),
        ({"streaming": [{"application_name": "db3", "state": "streaming", "slot_name": "db2"}]}, {}, ""),
        ({}, {"receiving": False}, ""),
    ],
)
def test_both_ends_must_agree_that_it_streams(said: dict[str, Any], own: dict[str, Any], upstream: str) -> None:
    assert place(said, STANDBY_SAID | own).upstream == upstream


def test_a_server_that_does_not_run_streams_from_nobody() -> None:
    stopped = place(None, {}, running="no", running_port="")
    assert (stopped.running, stopped.upstream, stopped.timeline, stopped.started_by) == (False, "", 0, "")
    # Whatever streams under its name then is another.
    assert stopped.elsewhere


@pytest.mark.parametrize(
    ("application", "slot", "elsewhere"),
    [("db2", "db2", False), ("db3", "db2", True), ("db2_copy", "db2", False), ("db3", "db3", False)],
)
def test_who_uses_what_was_made_for_this_standby_and_is_not_here(application: str, slot: str, elsewhere: bool) -> None:
    streaming = [{"application_name": application, "state": "streaming", "slot_name": slot}]
    assert place({"streaming": streaming}).elsewhere == elsewhere


@pytest.mark.parametrize(
    ("changes", "password_set"),
    [
        ({}, True),
        ({"comment": "standbyctl: db3, key 0123456789abcdef, fedcba9876543210"}, False),
        ({"fingerprint": "0"}, False),
    ],
)
def test_a_password_is_in_force_where_mark_file_and_role_belong_together(
    changes: dict[str, Any], password_set: bool
) -> None:
    assert place({"roles": [PRIMARY_SAID["roles"][0] | changes]}).password_set == password_set
    assert not place(None, None, key="ffffffffffffffff").password_set
    assert not without("key", passfile="changed").password_set


@pytest.mark.parametrize("found", Passfile)
def test_a_passfile_of_the_operators_is_never_ours(found: Passfile) -> None:
    probe = ATTACHED | {"passfile": found.value}
    assert parse_place(PRIMARY_SAID, probe, (), {}, question()).passfile is found
    theirs = parse_place(PRIMARY_SAID, probe, (), {}, question(own_role=False)).passfile
    assert theirs is (found if found in {Passfile.ABSENT, Passfile.UNSAFE} else Passfile.FOREIGN)


@pytest.mark.parametrize(("said", "admitted"), [(f"{SYSTEM}|1|0/3000148|", True), ("7|1|0/1|", False), ("", False)])
def test_who_is_let_in_by_another_cluster_is_not_let_in(said: str, admitted: bool) -> None:
    assert place({"streaming": []}, None, admitted=said).admitted == admitted
    assert not without("admitted").admitted
    # Where no walsender is left for another attempt, the standby that has it is proof enough.
    assert place(None, None, admitted="").admitted


@pytest.mark.parametrize(
    ("restart_lsn", "wal_status", "last_wal", "covered"),
    [
        ("0/3000060", "reserved", "000000010000000000000003", True),
        # The last file of the copy is whole: what comes next begins with the file after it.
        ("0/4000000", "extended", "000000010000000000000003", True),
        ("0/4000001", "reserved", "000000010000000000000003", False),
        ("0/5000000", "reserved", "000000010000000000000003", False),
        ("1/0", "reserved", "0000000100000000000000FF", True),
        ("0/3000060", "lost", "000000010000000000000003", False),
        (None, "reserved", "000000010000000000000003", False),
        ("0/3000060", "reserved", "", False),
    ],
)
def test_a_copy_is_covered_while_its_slot_keeps_what_comes_after_its_last_file(
    restart_lsn: str | None, wal_status: str, last_wal: str, covered: bool
) -> None:
    slots = [{"slot_name": "db2", "slot_type": "physical", "wal_status": wal_status, "restart_lsn": restart_lsn}]
    assert place({"slots": slots}, None, last_wal=last_wal).covered == covered
    line = f"no yes {last_wal or '-'} 16777216 {SYSTEM} {DRAFT}"
    assert place({"slots": slots}, None, line).drafts == (Draft(DRAFT, whole=covered),)


@pytest.mark.parametrize(
    ("restart_lsn", "last_wal", "timeline", "covered"),
    [
        # It ends within its last file, which is streamed again from its beginning; files are kept whole.
        ("0/3000060", "000000010000000000000003", 1, True),
        ("0/3FFFFFF", "000000010000000000000003", 1, True),
        ("0/4000000", "000000010000000000000003", 1, False),
        ("0/5000060", "000000010000000000000003", 1, False),
        # The source was promoted just before the copy began.
        ("0/3000060", "000000020000000000000003", 1, False),
        ("0/3000060", "000000020000000000000003", 2, True),
    ],
)
def test_a_copy_of_a_standby_is_covered_while_its_slot_keeps_its_last_file(
    restart_lsn: str, last_wal: str, timeline: int, covered: bool
) -> None:
    slots = [{"slot_name": "db2", "slot_type": "physical", "wal_status": "reserved", "restart_lsn": restart_lsn}]
    said = {"slots": slots, "timeline": timeline}
    label = {"label": "yes", "label_of_standby": "yes"}
    assert place(said, None, last_wal=last_wal, **label).covered == covered
    # Once it has run, it tells the primary itself what it needs.
    assert place(said, None, last_wal="000000020000000000000007").covered
    line = f"no yes {last_wal}.standby 16777216 {SYSTEM} {DRAFT}"
    assert place(said, None, line).drafts == (Draft(DRAFT, whole=covered),)
    assert place(said, None, f"no yes - 16777216 {SYSTEM} {DRAFT}").drafts == (Draft(DRAFT),)


SLOTLESS = question(slot="")


@pytest.mark.parametrize(
    ("oldest", "label", "last", "written", "covered"),
    [
        # Never started: what comes next begins with the file after its last.
        ("000000010000000000000004", "yes", "000000010000000000000003", "", True),
        ("000000010000000000000005", "yes", "000000010000000000000003", "", False),
        (None, "yes", "000000010000000000000003", "", False),
        # Started: it goes on within the last file it has written; others are there in advance.
        ("000000010000000000000003", "no", "000000010000000000000009", "000000010000000000000003", True),
        ("000000010000000000000004", "no", "000000010000000000000009", "000000010000000000000003", False),
        ("0000000100000001000000FF", "no", "000000010000000200000001", "000000010000000200000000", True),
        ("000000010000000000000001", "no", "000000010000000000000009", "", False),
    ],
)
def test_without_a_slot_a_copy_is_covered_while_the_primary_has_the_file_that_it_needs_next(
    oldest: str | None, label: str, last: str, written: str, covered: bool
) -> None:
    probe = ATTACHED | {"label": label, "last_wal": last, "written_wal": written}
    said = PRIMARY_SAID | {"oldest_wal": oldest}
    assert parse_place(said, probe, (), {}, SLOTLESS).covered == covered
    line = f"no yes {last} 16777216 {SYSTEM} {DRAFT}"
    [draft] = parse_place(said, probe, [line], {}, SLOTLESS).drafts
    assert draft.whole == (oldest is not None and oldest[8:] <= f"{last[8:16]}{int(last[16:], 16) + 1:08X}")
    [draft] = parse_place(said, probe, [line.replace(last, f"{last}.standby")], {}, SLOTLESS).drafts
    assert draft.whole == (oldest is not None and oldest[8:] <= last[8:])


def test_a_standby_without_a_slot_is_known_by_its_name_and_by_naming_none() -> None:
    streaming = [{"application_name": "db2", "state": "streaming", "slot_name": None}]
    said = PRIMARY_SAID | {"streaming": streaming, "oldest_wal": "000000010000000000000001"}
    place = parse_place(said, ATTACHED | {"slot_name": ""}, (), STANDBY_SAID, SLOTLESS)
    assert (place.upstream, place.elsewhere, place.follows) == (PRIMARY, False, True)
    assert not parse_place(said, ATTACHED | {"slot_name": "db2"}, (), STANDBY_SAID, SLOTLESS).follows
    unnamed = {key: value for key, value in ATTACHED.items() if key != "slot_name"}
    assert parse_place(said, unnamed, (), STANDBY_SAID, SLOTLESS).follows
    # Whoever streams without a slot is no stranger who uses one.
    other = [{"application_name": "db3", "state": "streaming", "slot_name": None}]
    assert not parse_place(said | {"streaming": other}, ATTACHED, (), {}, SLOTLESS).elsewhere


def test_without_its_slot_or_its_segment_size_nothing_is_covered() -> None:
    assert not place({"slots": []}).covered
    assert not without("segment_bytes").covered
    assert without("last_wal", contents="empty").covered


@pytest.mark.parametrize(
    ("line", "draft"),
    [
        (f"yes no - - - {DRAFT}", Draft(DRAFT, alive=True)),
        (f"no no 000000010000000000000003 16777216 {SYSTEM} {DRAFT}", Draft(DRAFT)),
        (f"no yes 000000010000000000000003 16777216 7 {DRAFT}", Draft(DRAFT)),
        (f"no yes 000000010000000000000003 16777216 {SYSTEM} /a b/.c d", Draft("/a b/.c d", whole=True)),
        (f"no verified 000000010000000000000003 16777216 {SYSTEM} {DRAFT}", Draft(DRAFT, whole=True, verified=True)),
        (f"no verified 000000010000000000000003 16777216 7 {DRAFT}", Draft(DRAFT)),
    ],
)
def test_a_draft_is_whole_only_if_it_is_marked_is_of_this_system_and_is_covered(line: str, draft: Draft) -> None:
    assert place(None, None, line).drafts == (draft,)


@pytest.mark.parametrize(
    ("probe", "taken"),
    [
        ({}, False),
        ({"port_taken": ""}, False),
        ({"running": "no"}, True),
        ({"running_port": "5444"}, True),
    ],
)
def test_a_port_is_taken_by_anybody_but_this_standby(probe: dict[str, str], taken: bool) -> None:
    assert place(None, None, **probe).port_taken == taken


@pytest.mark.parametrize(
    ("text", "version"), [("16 14", 160014), ("18 0", 180000), ("", 0), ("pg_controldata (PostgreSQL) 19devel", 0)]
)
def test_a_version_that_cannot_be_read_is_none(text: str, version: int) -> None:
    assert place(None, None, binary=text).bin_version_num == version


@pytest.mark.parametrize(
    ("own", "probe", "asked"),
    [
        (STANDBY_SAID, {}, True),
        ({}, {}, False),
        # It is not ready to let anybody in: nobody can be connected.
        ({}, {"server_status": "starting"}, True),
        ({}, {"running": "no"}, True),
    ],
)
def test_a_server_that_does_not_answer_is_not_taken_for_unused(
    own: dict[str, Any], probe: dict[str, str], asked: bool
) -> None:
    assert place(None, own, **probe).asked == asked


def test_what_the_server_says_counts_for_more_than_its_files() -> None:
    told = place(None, STANDBY_SAID | {"in_recovery": False, "timeline": 2, "started_by": "db9"}, started_by="db2")
    assert (told.in_recovery, told.timeline, told.started_by, told.same_timeline) == (False, 2, "db9", False)
    files = place(None, {}, started_by="db2", signal="no", control_timeline="2")
    assert (files.in_recovery, files.timeline, files.started_by, files.same_timeline) == (False, 2, "db2", False)
    used = place(None, STANDBY_SAID | {"downstreams": ["db3"], "sessions": 2})
    assert (used.downstreams, used.foreign_sessions) == (("db3",), 2)


def test_a_directory_that_is_no_standby_is_on_no_other_timeline() -> None:
    assert without("control_timeline", contents="empty").same_timeline


def test_what_was_left_by_an_earlier_detach_is_seen() -> None:
    assert not place().condemned
    assert place(None, None, condemned="64768:7").condemned
    mounted = place(None, None, mount_point="yes", lost_found="yes", private="no")
    assert (mounted.mount_point, mounted.lost_found, mounted.private) == (True, True, False)
    assert not place().mount_point
    assert not place(None, None, parent_writable="no").parent_writable
    assert place(None, None, label="yes").never_started
