"""Wherever the tool is killed, the same command again finishes, and detach gives everything back.

A point counts only if a real process of ours was killed by SIGKILL while real servers ran.
"""

import random
import signal

import pytest

pytestmark = pytest.mark.live
WHENS = ("before", "during", "after")


class Crashes:
    """Runs the tool so that it dies at a point, and knows where that was."""

    def __init__(self, pair):
        self.pair = pair
        self.note = pair.area.path / "state" / "note"
        self.table = []

    def run(self, point, delay, *args):
        """The kind of effect it died at, or None where it did not die."""
        self.note.parent.mkdir(exist_ok=True)
        self.note.write_text("")
        env = {"DYING_POINT": point, "DYING_DELAY": str(delay), "DYING_NOTE": str(self.note)}
        done = self.pair.tool(*args, module="tests.faults.dying", env=env)
        lines = self.note.read_text().splitlines()
        if done.returncode == 0:
            return None
        assert done.returncode == -signal.SIGKILL, f"{point}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert lines[-1].endswith("died")
        self.pair.wait(lambda: not self.pair.ours())
        self.half_never_looks_whole()
        return lines[-1].split()[0]

    def durations(self, *args):
        """Every effect of a run that nobody kills: its kind and how long it took."""
        assert self.run("never:0", 0, *args) is None
        return [(kind, float(took)) for kind, took in (line.split() for line in self.note.read_text().splitlines())]

    def half_never_looks_whole(self):
        data = self.pair.data
        if data.exists() and any(data.iterdir()):
            assert (data / "standby.signal").exists()
            assert (data / "global" / "pg_control").exists()
            assert "primary_conninfo" in (data / "postgresql.auto.conf").read_text()

    def finish(self, *args):
        """The same again, by the plain tool; then nothing is left to do."""
        self.pair.tool(*args, status=0)

    def record(self, verb, n, kind, when):
        self.table.append(f"{verb} {n:>2} {kind:<16} {when:<7} killed; run again: finished; undone: as before")


@pytest.fixture
def crashes(pair):
    made = Crashes(pair)
    yield made
    if made.table:
        print("\n" + "\n".join(made.table))


def attach_args(pair):
    return ("attach", *pair.where, "--yes")


def detach_args(pair):
    return ("detach", "db2", "--yes", "--remove-data-dir", str(pair.data), "--delete")


def is_as_before(pair, raw, facts):
    assert pair.raw() == raw
    assert pair.facts() == facts
    assert pair.beside() == []


def streams(pair):
    assert pair.plan().plan.steps == ()
    assert pair.facts().place("db2").upstream


def crash_attach(crashes, n, when, delay, pristine):
    pair = crashes.pair
    kind = crashes.run(f"{when}:{n}", delay, *attach_args(pair))
    assert kind is not None
    crashes.finish(*attach_args(pair))
    streams(pair)
    crashes.finish(*detach_args(pair))
    is_as_before(pair, *pristine)
    crashes.record("attach", n, kind, when)


def crash_attach_and_undo_at_once(crashes, n, when, delay, pristine):
    pair = crashes.pair
    assert crashes.run(f"{when}:{n}", delay, *attach_args(pair)) is not None
    if pair.journal():
        crashes.finish(*detach_args(pair))
    is_as_before(pair, *pristine)


def crash_detach(crashes, n, when, delay, pristine):
    pair = crashes.pair
    crashes.finish(*attach_args(pair))
    kind = crashes.run(f"{when}:{n}", delay, *detach_args(pair))
    assert kind is not None
    crashes.finish(*detach_args(pair))
    is_as_before(pair, *pristine)
    crashes.record("detach", n, kind, when)


def every_point(durations):
    return [(n, when, took / 2) for n, (_, took) in enumerate(durations, 1) for when in WHENS]


def points(durations, config):
    """All of them; for CI, which has half an hour, every twentieth: others each time."""
    every = every_point(durations)
    return every[random.SystemRandom().randrange(20) :: 20] if config.getoption("--after-test") else every


@pytest.fixture
def start(crashes):
    """What it was like, and the effects of an attach and a detach that nobody kills."""
    pair = crashes.pair
    pristine = (pair.raw(), pair.facts())
    attach = crashes.durations(*attach_args(pair))
    detach = crashes.durations(*detach_args(pair))
    is_as_before(pair, *pristine)
    assert len(attach) > 10
    assert len(detach) > 8
    return pristine, attach, detach


@pytest.mark.seldom
@pytest.mark.sample
@pytest.mark.timeout(280)
def test_killed_at_a_few_points_it_goes_on_and_undoes(crashes, start):
    pristine, attach, detach = start
    chosen = random.Random(20261122)
    for n, when, delay in chosen.sample(every_point(attach), 4):
        crash_attach(crashes, n, when, delay, pristine)
    for n, when, delay in chosen.sample(every_point(attach), 2):
        crash_attach_and_undo_at_once(crashes, n, when, delay, pristine)
    for n, when, delay in chosen.sample(every_point(detach), 2):
        crash_detach(crashes, n, when, delay, pristine)


@pytest.mark.one_version
@pytest.mark.timeout(1500)
def test_wherever_attach_is_killed_it_goes_on_and_undoes(crashes, start, subtests, pytestconfig):
    pristine, attach, _ = start
    for n, when, delay in points(attach, pytestconfig):
        with subtests.test(f"{when} effect {n}, {attach[n - 1][0]}"):
            crash_attach(crashes, n, when, delay, pristine)


@pytest.mark.one_version
@pytest.mark.timeout(1500)
def test_wherever_detach_is_killed_it_goes_on(crashes, start, subtests, pytestconfig):
    pristine, _, detach = start
    for n, when, delay in points(detach, pytestconfig):
        with subtests.test(f"{when} effect {n}, {detach[n - 1][0]}"):
            crash_detach(crashes, n, when, delay, pristine)
