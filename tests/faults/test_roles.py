"""Wherever the tool is killed in a change of roles: one primary at most, nothing lost, and the same again ends it."""

import contextlib
import random
import signal
from pathlib import Path

import pytest

from tests.roles import Cast, Writer, lose

pytestmark = [pytest.mark.live, pytest.mark.settled]
WHENS = ("before", "during", "after")
# The one deed that is the pause is struck all along it.
STRIKES = (0.02, 0.08, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    made.note = pair.area.path / "state" / "note"
    made.table = []
    yield made
    if made.table:
        print("\n" + "\n".join(made.table))


def run(cast, point, delay, to):
    """The kind of effect it died at, or None where it did not die."""
    cast.note.write_text("")
    env = {"DYING_POINT": point, "DYING_DELAY": str(delay), "DYING_NOTE": str(cast.note)}
    done = cast.switchover(to, status=None, module="tests.faults.dying", env=env)
    if done.returncode == 0:
        return None
    assert done.returncode == -signal.SIGKILL, f"{point}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = cast.note.read_text().splitlines()
    assert lines[-1].endswith("died")
    return lines[-1].split()[0]


def crash(cast, n, when, delay):
    """Killed there, on the way to db2; then the same again, and back."""
    with Writer(cast) as writer:
        writer.more()
        kind = run(cast, f"{when}:{n}", delay, "db2")
        assert kind is not None
        # What it has left running on the hosts comes to its end.
        cast.pair.wait(lambda: not at_work(cast))
        assert len(cast.writable()) <= 1
        cast.switchover("db2")
        writer.more()
        assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
    for name in ("db1", "db2"):
        assert writer.lost(name) == set()
    assert cast.slots("db1") == []
    cast.switchover("db1")
    cast.table.append(f"switchover {n:>2} {kind:<15} {when:<7} killed; run again: finished; nothing lost")


def at_work(cast):
    """Whether a script of a killed run still lives on the old primary's host."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = line.read_bytes()
            if b"standby.signal" in words and str(cast.pair.area.path).encode() in words:
                return True
    return False


def points(cast):
    """Every effect of a change that nobody kills, and when to strike it. The first makes more than later ones."""
    cast.note.parent.mkdir(exist_ok=True)
    cast.switchover("db2")
    cast.switchover("db1")
    assert run(cast, "never:0", 0, "db2") is None
    took = [(kind, float(seconds)) for kind, seconds in map(str.split, cast.note.read_text().splitlines())]
    cast.switchover("db1")
    for n, (kind, seconds) in enumerate(took, 1):
        yield n, kind, "before", 0.0
        strikes = STRIKES if kind == "HandOver" else (0.5,)
        yield from ((n, kind, "during", seconds * part) for part in strikes)
        yield n, kind, "after", 0.0


@pytest.mark.one_version
@pytest.mark.timeout(280)
def test_killed_in_the_pause_it_goes_on_and_nothing_is_lost(cast):
    every = [each for each in points(cast) if each[1] == "HandOver"]
    for n, _, when, delay in random.SystemRandom().sample(every, 3):
        crash(cast, n, when, delay)


@pytest.mark.seldom
@pytest.mark.one_version
@pytest.mark.timeout(2400)
def test_wherever_a_switchover_is_killed_it_goes_on_and_nothing_is_lost(cast, subtests):
    for n, kind, when, delay in [*points(cast)]:
        with subtests.test(f"{when} effect {n}, {kind}"):
            crash(cast, n, when, delay)


def dies(cast, point, delay, *args):
    """The kind of effect at which the tool was killed, or None where it came to its end; what it has left is over."""
    cast.note.write_text("")
    env = {"DYING_POINT": point, "DYING_DELAY": str(delay), "DYING_NOTE": str(cast.note)}
    done = cast.tool(*args, "--yes", module="tests.faults.dying", env=env)
    assert done.returncode in {0, -signal.SIGKILL}, f"{point}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    cast.pair.wait(lambda: not at_work(cast))
    return cast.note.read_text().splitlines()[-1].split()[0] if done.returncode else None


def effects(cast):
    """What the last run did, and how long each took."""
    return [(kind, float(seconds)) for kind, seconds in map(str.split, cast.note.read_text().splitlines())]


def moments(took, verb):
    for n, (kind, seconds) in enumerate(took, 1):
        for when, delay in (("before", 0.0), ("during", seconds / 2), ("after", 0.0)):
            yield verb, n, kind, when, delay


def comes_back(cast, verb, n, when, delay, way):
    """db1 is lost, db2 takes its place, db1 comes back, and is the primary again; the tool is killed on the way."""
    with Writer(cast) as writer:
        writer.more()
        lose(cast, "db1")
        at = f"{when}:{n}"
        killed = dies(cast, at, delay, "failover", "--to", "db2") if verb == "failover" else None
        assert cast.writable() in ([], ["db2"])
        cast.tool("failover", "--to", "db2", "--yes", status=0)
        writer.more()
        assert cast.writable() == ["db2"]
        if verb == "resync":
            killed = dies(cast, at, delay, "resync", "db1", *way)
        assert cast.writable() == ["db2"]
        cast.tool("resync", "db1", "--yes", *way, status=0)
        writer.more()
    assert cast.follows("db1", "db2")
    cast.caught_up("db1", "db2")
    rows = {name: cast.rows(name, "SELECT count(*), sum(id) FROM ledger") for name in ("db1", "db2")}
    assert rows["db1"] == rows["db2"]
    cast.switchover("db1")
    return killed


def strikes(cast, way):
    """Every effect of a failover, and of the resync after it."""
    cast.note.parent.mkdir(exist_ok=True)
    # What the first one makes, as roles and lines, later ones find.
    for _ in range(2):
        lose(cast, "db1")
        assert dies(cast, "never:0", 0, "failover", "--to", "db2") is None
        over = effects(cast)
        assert dies(cast, "never:0", 0, "resync", "db1", *way) is None
        back = effects(cast)
        cast.switchover("db1")
    return [*moments(over, "failover"), *moments(back, "resync")]


WAYS = [(), ("--way", "rewind")]


@pytest.mark.one_version
@pytest.mark.timeout(280)
@pytest.mark.parametrize("way", WAYS, ids=["cheapest", "rewind"])
@pytest.mark.turns
def test_killed_on_its_way_a_failover_and_what_follows_come_to_their_end(cast, way):
    for verb, n, _, when, delay in random.SystemRandom().sample(strikes(cast, way), 2):
        assert comes_back(cast, verb, n, when, delay, way)


@pytest.mark.seldom
@pytest.mark.one_version
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("way", WAYS, ids=["cheapest", "rewind"])
def test_wherever_a_failover_or_a_resync_is_killed_it_goes_on(cast, way, subtests):
    for verb, n, kind, when, delay in strikes(cast, way):
        with subtests.test(f"{verb}: {when} effect {n}, {kind}"):
            assert comes_back(cast, verb, n, when, delay, way) == kind
            cast.table.append(f"{verb:<10} {n:>2} {kind:<15} {when:<7} killed; run again: finished; one primary")
