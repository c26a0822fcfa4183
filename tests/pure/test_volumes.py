"""What goes outside the data directory: where to, on which disk, and why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from standbyctl.app.values import tablespace_mapping
from standbyctl.domain.copies import CopyCluster
from standbyctl.domain.errors import Blocker, UsageError
from standbyctl.domain.facts import Contents, Tablespace
from standbyctl.domain.sample import Reserved
from standbyctl.domain.target import Target
from standbyctl.domain.volumes import Linked, Volume, VolumeSeen
from standbyctl.observe.volumes import parse_linked, parse_volumes
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.detach import DetachOptions, plan_detach
from standbyctl.planner.preflight import preflight
from standbyctl.planner.volumes import disks, volumes_of
from standbyctl.steps.base import predict
from standbyctl.steps.clone.basebackup import CopyByBasebackup
from standbyctl.steps.directory import DeleteDirectory
from tests.pure.examples import GB, SAMPLE, TARGET, facts, remember, server
from tests.pure.test_preflight import line

FAST = Tablespace(16385, "fast", "/ssd/fast")
WAL, SPACE = Volume("pg_wal", "/wal"), Volume("pg_tblspc/16385", "/nvme", "/ssd/fast")
ASKED = replace(TARGET, waldir="/wal", tablespace_mapping=(("/ssd/fast", "/nvme"),))
PRIMARY = server(tablespaces=(FAST,))
ROOMY = replace(SAMPLE, volumes=(VolumeSeen(WAL, Contents.EMPTY), VolumeSeen(SPACE, Contents.EMPTY)))


def blockers(*seen: VolumeSeen, target: Target = ASKED) -> tuple[Blocker, ...]:
    return plan_attach(facts(PRIMARY), replace(SAMPLE, volumes=seen), target).blockers


def copy() -> CopyByBasebackup:
    [found] = [s for s in plan_attach(facts(PRIMARY), ROOMY, ASKED).steps if isinstance(s, CopyByBasebackup)]
    return found


def test_the_copy_puts_each_part_into_a_draft_within_its_own_directory() -> None:
    step = copy()
    assert step.volumes == (WAL, SPACE)
    assert str(step.text).endswith(", the WAL into /wal, /ssd/fast into /nvme")
    [effect] = [e for e in step.effects() if isinstance(e, CopyCluster)]
    base = step.draft.rpartition("/")[2]
    words = effect.argv()
    assert words[words.index("--waldir") + 1] == f"/wal/{base}/data"
    assert words[words.index("--tablespace-mapping") + 1] == f"/ssd/fast=/nvme/{base}/data"


def test_an_equals_sign_in_a_path_is_escaped_for_pg_basebackup_and_in_a_plan_file() -> None:
    odd = Volume("pg_tblspc/16385", "/b=c", "/a=b")
    [effect] = [e for e in replace(copy(), volumes=(odd,)).effects() if isinstance(e, CopyCluster)]
    word = effect.argv()[effect.argv().index("--tablespace-mapping") + 1]
    assert word.startswith("/a\\=b=/b\\=c/")
    assert tablespace_mapping("/a\\=b=/b\\=c") == ("/a=b", "/b=c")


@pytest.mark.parametrize("text", ["", "/a", "a=/b", "/a=", "/a=/b=/c"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        tablespace_mapping(text)


def test_a_standby_that_is_copied_may_have_its_tablespaces_elsewhere() -> None:
    moved = server(tablespaces=(replace(FAST, location="/mnt/fast"),))
    assert volumes_of(PRIMARY, moved, ASKED) == (WAL, replace(SPACE, source="/mnt/fast"))


@pytest.mark.parametrize(
    ("seen", "detail", "hint", "refused"),
    [
        ({"of_primary": True}, "db1 itself has it.", "--tablespace-mapping /ssd/fast=DIR", True),
        ({"contents": Contents.ABSENT}, "There is no such directory.", "install -d -o postgres -m 700 /nvme", False),
        ({"contents": Contents.FOREIGN}, "is not an empty directory", "--tablespace-mapping /ssd/fast=DIR", True),
        ({"writable": False}, "postgres cannot write there.", "Give it to postgres.", False),
        ({"volume": replace(SPACE, path="/n\nvme")}, "control characters", "--tablespace-mapping", False),
        ({"volume": replace(SPACE, path=f"{TARGET.data_directory}/x")}, "one within the other", "DIR", False),
        ({"volume": replace(SPACE, path="/wal/fast")}, "It and /wal are the same, or one", "DIR", False),
    ],
)
def test_a_directory_that_will_not_do_is_named_with_the_reason(
    seen: dict[str, object], detail: str, hint: str, refused: bool
) -> None:
    found = [
        each
        for each in blockers(
            VolumeSeen(WAL, Contents.EMPTY),
            replace(VolumeSeen(SPACE, Contents.EMPTY), **seen),  # type: ignore[arg-type]
        )
        if "/ssd/fast" in str(each.what)
    ]
    assert [(each.code, each.refused) for each in found] == [("P230", refused)]
    assert detail in str(found[0].detail)
    assert hint in str(found[0].hint)


def test_the_wal_has_a_hint_of_its_own() -> None:
    [blocker] = blockers(VolumeSeen(WAL, Contents.FOREIGN))
    assert (str(blocker.what), str(blocker.hint)) == (
        "the WAL cannot go into /wal",
        "Choose another directory: --waldir DIR",
    )


def test_a_mapping_that_fits_nothing_is_a_slip() -> None:
    odd = replace(ASKED, tablespace_mapping=(("/ssd/fats", "/nvme"),))
    [blocker] = blockers(target=odd)
    assert (blocker.code, str(blocker.detail)) == ("P113", "It has: fast in /ssd/fast.")
    [none] = plan_attach(facts(), SAMPLE, odd).blockers
    assert str(none.detail) == "It has none outside its data directory."


def test_each_filesystem_must_have_room_for_all_that_comes_there() -> None:
    sample = replace(
        ROOMY,
        cluster_bytes=10 * GB,
        tablespace_bytes=((1663, 4 * GB), (16385, 6 * GB)),
        free_device="1",
        free_bytes=5 * GB,
        volumes=(
            VolumeSeen(WAL, Contents.EMPTY, device="1", free_bytes=5 * GB),
            VolumeSeen(SPACE, Contents.EMPTY, device="2", free_bytes=7 * GB),
        ),
    )
    first, second = disks(sample, ASKED)
    assert (first.paths, first.held_bytes) == ((TARGET.data_directory, "/wal"), 4 * GB)
    assert first.needed_bytes == 4 * GB * 12 // 10 + (48 << 20)
    assert (second.paths, second.needed_bytes) == (("/nvme",), 6 * GB * 12 // 10)
    [blocker] = plan_attach(facts(PRIMARY), sample, ASKED).blockers
    assert (blocker.code, str(blocker.what)) == ("P206", "the disk is too small for /nvme")
    said = preflight(facts(PRIMARY), sample, ASKED)
    assert line(said, "P206")[1].startswith(f"{TARGET.data_directory} and /wal: 5 GB free; 4 GB")
    assert line(said, "P230") == ("OK", "the WAL into /wal, /ssd/fast into /nvme")
    unknown = replace(sample, volumes=(sample.volumes[0], replace(sample.volumes[1], free_bytes=None)))
    assert [disk.paths for disk in disks(unknown, ASKED)] == [(TARGET.data_directory, "/wal")]


def test_what_a_host_says_of_a_directory() -> None:
    said = [
        ("machine", "m 1"),
        ("primary_machine", "m 1"),
        ("primary_real", "/pg/main"),
        ("primary_identity", "64768:1"),
        ("primary_volume", "64768:9"),
        ("volume", "pg_wal empty yes 64768 64768:7 1024 /a b"),
        ("volume", "pg_tblspc/16385 files no 64768 64768:9 - /nvme"),
    ]
    wal, space = parse_volumes(said, (WAL, SPACE))
    assert wal == VolumeSeen(WAL, Contents.EMPTY, True, False, "64768", 1 << 20)
    assert space == VolumeSeen(SPACE, Contents.FOREIGN, False, True, "64768", None)
    inside = [*said[:-1], ("volume", "pg_tblspc/16385 empty yes 64768 64768:8 9 /pg/main/x")]
    assert parse_volumes(inside, (WAL, SPACE))[1].of_primary
    # The same numbers on another machine say nothing.
    apart = [("primary_machine", "m 2") if pair[0] == "primary_machine" else pair for pair in inside]
    assert not parse_volumes(apart, (WAL, SPACE))[1].of_primary
    absent = [*said[:-1], ("volume", "pg_tblspc/16385 absent no - - - ")]
    assert parse_volumes(absent, (WAL, SPACE))[1] == VolumeSeen(SPACE, Contents.ABSENT, False)


def test_a_link_that_leads_nowhere_is_not_taken_for_what_could_not_be_looked_at_on_the_primary() -> None:
    said = [("machine", "m 1"), ("primary_machine", "m 1"), ("primary_volume", ""), ("linked", " pg_wal /gone")]
    assert parse_linked(said, "linked") == (Linked("pg_wal", "/gone", "", of_primary=False),)


def test_only_where_attach_has_put_a_part_is_anything_deleted_and_the_rest_is_named() -> None:
    seen = facts(PRIMARY)
    plan = plan_attach(seen, ROOMY, ASKED)
    linked = (
        Linked("pg_wal", "/wal", "64768:7"),
        Linked("pg_tblspc/16385", "/elsewhere", "64768:8"),
        Linked("pg_tblspc/16999", "/late", "64768:9", of_primary=True),
    )
    sample = replace(ROOMY, linked=linked, directory_identity="64768:5")
    after = predict(plan.steps, seen)
    back = plan_detach(after, sample, ASKED, remember(plan, seen), DetachOptions(True, True))
    [last] = [step for step in back.steps if isinstance(step, DeleteDirectory)]
    assert last.linked == linked[:1]
    assert str(last.text).endswith(", and what it has in /wal")
    [effect] = last.effects()
    assert str(effect).endswith(" /wal/*")
    said = [str(note) for note in back.notes if "is left as it is" in str(note)]
    assert said == [
        "/elsewhere is left as it is (pg_tblspc/16385 leads there): attach has not put it there",
        "/late is left as it is (pg_tblspc/16999 leads there): the primary itself has it",
    ]
    # Set aside it is whole, with all that it leads to.
    aside = plan_detach(after, sample, ASKED, remember(plan, seen), DetachOptions(True, False))
    assert "is left as it is" not in " ".join(map(str, aside.notes))


def test_where_the_primary_has_made_a_tablespace_of_its_own_place_nothing_is_deleted_even_if_it_was_ours() -> None:
    seen = facts(PRIMARY)
    plan = plan_attach(seen, ROOMY, ASKED)
    sample = replace(ROOMY, linked=(Linked("pg_tblspc/16385", "/nvme", "64768:8", of_primary=True),))
    back = plan_detach(predict(plan.steps, seen), sample, ASKED, remember(plan, seen), DetachOptions(True, True))
    [last] = [step for step in back.steps if isinstance(step, DeleteDirectory)]
    assert last.linked == ()


def test_nothing_is_started_on_files_that_the_primary_has() -> None:
    shared = (Linked("pg_tblspc/16999", "/late", "64768:9", of_primary=True),)
    stopped = facts(PRIMARY, contents=Contents.STANDBY, follows=True)
    [blocker] = plan_attach(stopped, replace(SAMPLE, linked=shared), TARGET).blockers
    assert (blocker.code, blocker.refused) == ("P230", True)
    assert "Two servers on one directory destroy it." in str(blocker.detail)
    assert plan_attach(facts(PRIMARY), replace(SAMPLE, linked=()), TARGET).blockers == ()


def test_what_others_of_the_same_command_will_take_is_not_free() -> None:
    [disk] = disks(SAMPLE, TARGET)
    taken = replace(
        SAMPLE, reserved=Reserved(room=((disk.device, disk.free_bytes - disk.needed_bytes), ("other", 1 << 60)))
    )
    assert [each.free_bytes for each in disks(taken, TARGET)] == [disk.needed_bytes]
    assert plan_attach(facts(), taken, TARGET).blockers == ()
    more = replace(SAMPLE, reserved=Reserved(room=((disk.device, disk.free_bytes),)))
    [blocker] = plan_attach(facts(), more, TARGET).blockers
    assert blocker.code == "P206"
    assert "beside what the other standbys of this command take" in str(blocker.detail)
