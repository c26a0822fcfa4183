"""A data directory that is a mount point: what moves in it, killed before and after each command that changes it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from standbyctl.domain.names import condemned_path
from standbyctl.observe.texts import text
from tests.pure.test_volume_scripts import Scene


class Standby(Scene):
    """One that is in its place on a mount point, beside a lost+found."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, mounted=True)
        self.place()
        (self.main / "lost+found").mkdir()
        status = self.main.stat()
        self.identity = f"{status.st_dev}:{status.st_ino}"
        self.condemned = Path(condemned_path(str(self.main), inside=True))

    def empty(self, dies: str = "") -> int:
        return self.run("set_aside.sh", self.main, "/bin", "7", self.identity, self.condemned, "yes", dies=dies)

    def delete(self, dies: str = "") -> int:
        return self.run("delete_aside.sh", self.condemned, "/bin", "7", self.identity, dies=dies)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.main.iterdir())


def every(tmp_path: Path, *scripts: str) -> list[str]:
    scene = Standby(tmp_path / "counted")
    for script in scripts:
        assert getattr(scene, script)() == 0
    count = int((scene.path / "count").read_text())
    assert count > 2
    return [f"{when}:{n}" for n in range(1, count + 1) for when in ("before", "after")]


def test_killed_anywhere_a_mount_point_is_emptied_by_the_same_again_and_no_half_of_it_looks_whole(
    tmp_path: Path,
) -> None:
    for point in every(tmp_path, "empty"):
        scene = Standby(tmp_path / point.replace(":", "-"))
        assert scene.empty(point) == -signal.SIGKILL
        scene.never_half()
        scene.empty()
        assert scene.left() == ["lost+found", "main.standbyctl-deleting"]
        assert (scene.condemned / "base" / "1").exists()
        assert (scene.condemned / "pg_wal").is_symlink()
        shutil.rmtree(scene.path)


def test_killed_anywhere_what_was_in_it_is_deleted_by_the_same_again(tmp_path: Path) -> None:
    for point in every(tmp_path, "empty", "delete"):
        scene = Standby(tmp_path / point.replace(":", "-"))
        scene.empty()
        assert scene.delete(point) == -signal.SIGKILL
        scene.delete()
        assert scene.left() == ["lost+found"]
        shutil.rmtree(scene.path)


def test_another_mount_than_was_looked_at_is_not_emptied(tmp_path: Path) -> None:
    scene = Standby(tmp_path / "other")
    scene.empty()
    scene.identity = "1:2"
    for attempt in (scene.empty, scene.delete):
        with pytest.raises(AssertionError, match="not the directory that was looked at"):
            attempt()
    assert (scene.condemned / "base" / "1").exists()


def test_what_somebody_has_put_on_the_mount_point_meanwhile_is_not_built_around(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "taken", mounted=True)
    (scene.main / "notes").touch()
    with pytest.raises(AssertionError, match="is not empty"):
        scene.place()
    scene.discard()
    assert [path.name for path in scene.main.iterdir()] == ["notes"]


def seen(scene: Scene) -> dict[str, str]:
    """What the probe says of a mount point: here one is whatever `mountpoint` calls so."""
    program = scene.path / "bin" / "mountpoint"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    args = [scene.main, "/bin", scene.path / "none", "mark", "entry", "", "5432", "/none", "no", "no", ""]
    done = subprocess.run(
        ["sh", "-c", text("probe.sh"), "sh", *map(str, args)],
        env={"PATH": f"{scene.path}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "REAL": "", "COUNT": "", "DIES": ""},
        capture_output=True,
        check=True,
        text=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def points(tmp_path: Path) -> list[str]:
    scene = Scene(tmp_path / "counted", mounted=True)
    scene.place()
    count = int((scene.path / "count").read_text())
    return [f"{when}:{n}" for n in range(1, count + 1) for when in ("before", "after")]


def test_what_is_on_its_way_is_the_drafts_until_the_last_of_it_is_in_its_place(tmp_path: Path) -> None:
    for point in points(tmp_path):
        scene = Scene(tmp_path / point.replace(":", "-"), mounted=True)
        scene.place(point)
        for program in (scene.path / "bin").iterdir():
            program.unlink()
        found = seen(scene)
        assert found["contents"] == ("files" if scene.placed else "empty"), point
        assert found["mount_point"] == "yes"
        if not scene.placed and (scene.draft / "moved").exists():
            assert found["draft"].split()[:3] == ["no", "yes", "000000010000000000000002"], point
        shutil.rmtree(scene.path)
