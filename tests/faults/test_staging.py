"""Wherever plan --stage-restart or --unstage is killed, the same again finishes, and unstage gives everything back."""

import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
WHENS = ("before", "during", "after")
STAGED = ["max_wal_senders = '10'", "wal_level = 'replica'"]


class Owner:
    """A primary that needs a restart, and a tool that dies at a point."""

    def __init__(self, pair):
        self.pair, self.note = pair, pair.area.path / "note"
        with (pair.primary.data / "postgresql.conf").open("a") as conf:
            conf.write("wal_level = minimal\nmax_wal_senders = 0\n")
        pair.primary.stop("fast")
        pair.primary.start()
        self.pristine = pair.raw()
        self.stage = ("plan", "--stage-restart", "-p", pair.primary.conninfo, "--yes")
        self.unstage = ("plan", "--unstage", "-p", pair.primary.conninfo, "--yes")

    def dies(self, point, delay, args):
        """Run it so that it dies there; whatever it leaves, a server starts with it, and no trial is left."""
        self.note.write_text("")
        env = {"DYING_POINT": point, "DYING_DELAY": str(delay), "DYING_NOTE": str(self.note)}
        done = self.pair.tool(*args, module="tests.faults.dying", env=env)
        assert done.returncode == -signal.SIGKILL, f"{point}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        self.settled()
        due = dict(line.split(" = ") for line in self.auto())
        assert "max_wal_senders" not in due or "wal_level" in due

    def durations(self, args):
        self.note.write_text("")
        env = {"DYING_POINT": "never:0", "DYING_DELAY": "0", "DYING_NOTE": str(self.note)}
        self.pair.tool(*args, module="tests.faults.dying", env=env, status=0)
        return [float(line.split()[1]) for line in self.note.read_text().splitlines()]

    def settled(self):
        self.pair.wait(lambda: not list(Path("/tmp").glob("standbyctl-trial.*")))

    def auto(self):
        return self.pair.raw()["auto"]

    def is_as_before(self):
        raw = self.pair.raw()
        raw["files"], self.pristine["files"] = [], []
        assert raw == self.pristine


@pytest.fixture
def owner(pair):
    return Owner(pair)


@pytest.mark.seldom
def test_wherever_staging_and_unstaging_are_killed_both_finish(owner, subtests):
    stage, unstage = owner.durations(owner.stage), owner.durations(owner.unstage)
    assert (len(stage), len(unstage)) == (3, 3)
    owner.is_as_before()
    for n, when, took in [(n, when, took / 2) for n, took in enumerate(stage, 1) for when in WHENS]:
        with subtests.test(f"stage, {when} {n}"):
            owner.dies(f"{when}:{n}", took, owner.stage)
            owner.pair.tool(*owner.stage, status=0)
            assert owner.auto() == STAGED
            owner.pair.tool(*owner.unstage, status=0)
            owner.is_as_before()
            owner.dies(f"{when}:{n}", took, owner.stage)
            owner.pair.tool(*owner.unstage, status=0)
            owner.is_as_before()
    for n, when, took in [(n, when, took / 2) for n, took in enumerate(unstage, 1) for when in WHENS]:
        with subtests.test(f"unstage, {when} {n}"):
            owner.pair.tool(*owner.stage, status=0)
            owner.dies(f"{when}:{n}", took, owner.unstage)
            owner.pair.tool(*owner.unstage, status=0)
            owner.is_as_before()


def test_what_would_not_start_is_taken_back_by_the_next_run_where_one_was_killed_over_it(owner, subtests):
    with (owner.pair.primary.data / "postgresql.conf").open("a") as conf:
        conf.write("max_connections = 3\nsuperuser_reserved_connections = 3\n")
    for point in ("before:3", "during:3", "after:2"):
        with subtests.test(point):
            owner.dies(point, 0.02, owner.stage)
            assert owner.auto() in ([], STAGED)
            assert "S303" in owner.pair.tool(*owner.stage, status=1).stderr
            owner.is_as_before()
