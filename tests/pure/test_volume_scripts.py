"""The scripts that move parts of a copy, killed before and after each command that changes anything."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from standbyctl.nodes.world import script_text

CHANGING = ("mkdir", "mv", "ln", "rm", "rmdir", "sync", "find")
# The nth call of any of these kills the shells that called it: before it has done anything, or after.
DEADLY = """#!/bin/sh
count=$(($(cat "$COUNT") + 1))
echo $count >"$COUNT"
[ "$DIES" != "before:$count" ] || kill -9 0
PATH=$REAL {program} "$@"
status=$?
[ "$DIES" != "after:$count" ] || kill -9 0
exit $status
"""


WHOLE = ("PG_VERSION", "standby.signal", "base/1", "global/pg_control")


# There is no server here to ask.
GUARD = """guard() {
    [ "$(stat -c %d:%i -- "$1")" = "$4" ] || { echo not the directory that was looked at >&2; exit 90; }
}
"""


class Scene:
    """A sealed draft whose WAL and one tablespace are elsewhere, and somebody's file beside each.

    `mounted`: its destination is a mount point, and it stands in it.
    """

    def __init__(self, path: Path, *, mounted: bool = False) -> None:
        self.path, self.mounted = path, mounted
        self.main, self.wal, self.space = path / "main", path / "wal volume", path / "space"
        self.draft = (self.main if mounted else path) / ".main.standbyctl-1"
        data, inner = self.draft / "data", [each / self.draft.name for each in (self.wal, self.space)]
        for directory in (data / "pg_tblspc", inner[0] / "data", inner[1] / "data" / "PG_16_1", path / "bin"):
            directory.mkdir(parents=True)
        (self.draft / "owner").write_text("db2\n")
        (self.draft / "volumes").write_text(f"pg_wal {self.wal}\npg_tblspc/16385 {self.space}\n")
        for each, volume in zip(inner, (self.wal, self.space), strict=True):
            (each / "owner").write_text("db2\n")
            (volume / "lost+found").mkdir()
        for name in ("000000010000000000000001", "000000010000000000000002"):
            (inner[0] / "data" / name).write_text(name)
        (inner[0] / "data" / "archive_status").mkdir()
        (inner[1] / "data" / "PG_16_1" / "16400").write_text("row")
        (data / "pg_wal").symlink_to(inner[0] / "data")
        (data / "pg_tblspc" / "16385").symlink_to(inner[1] / "data")
        for directory in ("base", "global"):
            (data / directory).mkdir()
        for name in WHOLE:
            (data / name).touch()
        (self.draft / "whole").touch()
        for program in CHANGING:
            wrapper = path / "bin" / program
            # No power fails here: to wait for a disk would prove nothing.
            wrapper.write_text(DEADLY.format(program=":" if program == "sync" else program))
            wrapper.chmod(0o755)

    def run(self, script: str, *args: object, dies: str = "") -> int:
        real = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        env = {"PATH": f"{self.path}/bin:{real}", "REAL": real, "COUNT": f"{self.path}/count", "DIES": dies}
        (self.path / "count").write_text("0")
        text = script_text("volumes.sh") + GUARD + script_text(script)
        done = subprocess.run(
            ["sh", "-c", text, "sh", *map(str, args)], env=env, capture_output=True, check=False, start_new_session=True
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
        return done.returncode

    def place(self, dies: str = "") -> int:
        return self.run("put_in_place.sh", self.draft, self.main, dies=dies)

    def discard(self, dies: str = "") -> int:
        return self.run("discard.sh", self.draft, "db2", dies=dies)

    @property
    def placed(self) -> bool:
        return (self.main / "global").exists()

    def never_half(self) -> None:
        """Half a copy never looks like a whole one."""
        assert not self.placed or all((self.main / name).exists() for name in WHOLE)

    def is_in_place(self) -> None:
        self.never_half()
        assert sorted(path.name for path in self.main.iterdir()) == [
            *("PG_VERSION", "base", "global", "pg_tblspc", "pg_wal", "standby.signal")
        ]
        wal = sorted(path.name for path in self.wal.iterdir())
        assert wal == ["000000010000000000000001", "000000010000000000000002", "archive_status", "lost+found"]
        assert sorted(path.name for path in self.space.iterdir()) == ["PG_16_1", "lost+found"]
        assert (self.main / "pg_wal").readlink() == self.wal
        assert (self.main / "pg_tblspc" / "16385" / "PG_16_1" / "16400").read_text() == "row"
        assert not self.draft.exists()

    def is_gone(self) -> None:
        assert [path.name for volume in (self.wal, self.space) for path in volume.iterdir()] == ["lost+found"] * 2
        assert not self.draft.exists()
        assert list(self.main.iterdir()) == [] if self.mounted else not self.main.exists()


def points(scene: Scene, script: str) -> int:
    """How many commands of a script change anything."""
    assert getattr(scene, script)() == 0
    return int((scene.path / "count").read_text())


def every(tmp_path: Path, script: str, *, mounted: bool = False) -> list[str]:
    count = points(Scene(tmp_path / "counted", mounted=mounted), script)
    assert count > 3
    return [f"{when}:{n}" for n in range(1, count + 1) for when in ("before", "after")]


@pytest.mark.parametrize("mounted", [False, True])
def test_killed_anywhere_on_its_way_the_copy_is_put_in_place_by_the_same_again(tmp_path: Path, mounted: bool) -> None:
    for point in every(tmp_path, "place", mounted=mounted):
        scene = Scene(tmp_path / point.replace(":", "-"), mounted=mounted)
        assert scene.place(point) == -signal.SIGKILL
        scene.never_half()
        scene.place()
        scene.is_in_place()
        shutil.rmtree(scene.path)


@pytest.mark.parametrize("mounted", [False, True])
def test_killed_anywhere_on_its_way_what_was_moved_goes_with_the_draft_and_nothing_else(
    tmp_path: Path, mounted: bool
) -> None:
    for point in every(tmp_path, "place", mounted=mounted):
        scene = Scene(tmp_path / point.replace(":", "-"), mounted=mounted)
        scene.place(point)
        # Once it is in its place it is a standby, and its draft no more than a leftover.
        placed = scene.placed
        scene.discard()
        (scene.is_in_place if placed else scene.is_gone)()
        shutil.rmtree(scene.path)


@pytest.mark.parametrize("mounted", [False, True])
def test_killed_anywhere_on_its_way_a_draft_is_discarded_by_the_same_again(tmp_path: Path, mounted: bool) -> None:
    for point in every(tmp_path, "discard", mounted=mounted):
        scene = Scene(tmp_path / point.replace(":", "-"), mounted=mounted)
        assert scene.discard(point) == -signal.SIGKILL
        scene.discard()
        scene.is_gone()
        shutil.rmtree(scene.path)


def test_what_somebody_put_there_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "taken")
    (scene.space / "PG_16_1").mkdir()
    with pytest.raises(AssertionError, match="PG_16_1 exists"):
        scene.place()
    scene.discard()
    assert sorted(path.name for path in scene.space.iterdir()) == ["PG_16_1", "lost+found"]


def test_a_directory_of_another_draft_is_not_removed(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "other")
    (scene.wal / scene.draft.name / "owner").write_text("db3\n")
    scene.discard()
    assert (scene.wal / scene.draft.name / "data" / "000000010000000000000001").exists()
    assert not scene.draft.exists()


def test_where_a_volume_is_not_mounted_half_a_copy_is_neither_put_in_place_nor_forgotten(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "unmounted")
    (scene.space / scene.draft.name).rename(tmp_path / "volume")
    for attempt in (scene.place, scene.discard):
        with pytest.raises(AssertionError, match="is its volume mounted"):
            attempt()
    assert not scene.main.exists()
    (tmp_path / "volume").rename(scene.space / scene.draft.name)
    scene.place()
    scene.is_in_place()


def test_what_somebody_has_made_under_a_name_that_was_not_moved_yet_is_not_removed(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "named")
    (scene.space / scene.draft.name / "moved").write_text("PG_16_1\n")
    (scene.space / "PG_16_1").mkdir()
    scene.discard()
    assert (scene.space / "PG_16_1").exists()


def test_of_a_wal_directory_only_what_postgresql_makes_there_is_deleted(tmp_path: Path) -> None:
    aside, wal = tmp_path / "aside", tmp_path / "wal"
    for directory in (aside, wal / "archive_status", wal / "db3", wal / "lost+found"):
        directory.mkdir(parents=True)
    for name in ("00000001000000000000000A", "00000002.history", "0000000100000000000000AB.partial", "xlogtemp.12"):
        (wal / name).touch()
    (aside / "pg_wal").symlink_to(wal)
    status = aside.stat()
    identity, there = f"{status.st_dev}:{status.st_ino}", f"{wal.stat().st_dev}:{wal.stat().st_ino}"
    text = "guard() { :; }\n" + script_text("delete_aside.sh")
    args = [str(aside), "/bin", "7", identity, "pg_wal", str(wal), there]
    subprocess.run(["sh", "-c", text, "sh", *args], check=True)
    assert sorted(path.name for path in wal.iterdir()) == ["db3", "lost+found"]
    assert not aside.exists()
