"""The primary is gone: a standby takes over, everybody follows, and the old one comes back as a standby."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.roles import Cast, Writer
from tests.sound import sound

pytestmark = [pytest.mark.live, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    return made


def kill(cast, name):
    """As a crash does: nothing more is written, and its children see that it is gone."""
    pid = int((cast.data(name) / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)


@pytest.mark.sample
def test_a_standby_takes_over_and_the_old_primary_comes_back(cast):
    cast.attach("db3")
    with Writer(cast) as writer:
        writer.more()
        kill(cast, "db1")
        said = cast.tool("failover", "--to", "db2", "--yes", status=0).stdout
        writer.more()
        assert "what is lost is not known" in said
        assert cast.writable() == ["db2"]
        assert cast.follows("db3", "db2")
        again = cast.tool("failover", "--to", "db2", "--yes", status=0).stdout
        assert again == "Nothing to do: db2 is the primary.\n"
        # Whatever starts it by mistake: it is no primary.
        assert (cast.data("db1") / "standby.signal").exists()
        cast.tool("resync", "db1", "--way", "clone", "--yes", status=0)
        writer.more()
    assert cast.follows("db1", "db2")
    for name in ("db1", "db3"):
        cast.caught_up(name, "db2")
    rows = {name: cast.rows(name, "SELECT count(*), sum(id) FROM ledger") for name in ("db1", "db2", "db3")}
    assert len({tuple(each) for each in rows.values()}) == 1
    # What it held is kept.
    assert (cast.data("db1").with_name("db1.detached-1") / "PG_VERSION").exists()
    assert "Nothing to do" in cast.tool("resync", "db1", "--yes", status=0).stdout
    sound(cast, "db1", "db2")
    cast.switchover("db1")
    assert cast.writable() == ["db1"]


def begins(primary):
    """What a killed server has left holds its memory for a moment."""
    try:
        primary.start()
    except subprocess.CalledProcessError:
        return False
    return True


@pytest.mark.one_version
def test_a_lost_primary_that_was_started_again_as_a_standby_is_made_anew(cast):
    """Its unit starts it after a reboot: it is sealed, follows nobody, and no attach has started it."""
    kill(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    cast.pair.wait(lambda: begins(cast.pair.primary))
    assert cast.writable() == ["db2"]
    said = cast.tool("resync", "db1", "--yes", status=0).stdout
    assert "(it is a standby)" in " ".join(said.split())
    assert cast.follows("db1", "db2")


@pytest.mark.one_version
def test_two_primaries_are_said_and_neither_is_touched(cast):
    kill(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    (cast.data("db1") / "standby.signal").unlink()
    (cast.data("db1") / "postmaster.pid").unlink(missing_ok=True)
    cast.pair.wait(lambda: begins(cast.pair.primary))
    said = cast.tool("status", status=1).stdout
    assert "2 primaries take writes: db2 (timeline 2), db1 (timeline 1)" in said
    started = {name: cast.rows(name, "SELECT pg_postmaster_start_time()") for name in ("db1", "db2")}
    done = cast.tool("resync", "db1", "--yes")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "R419" in done.stderr
    assert {name: cast.rows(name, "SELECT pg_postmaster_start_time()") for name in started} == started


@pytest.mark.one_version
def test_who_was_lost_and_is_a_primary_again_lets_nobody_else_be_promoted(cast):
    cast.attach("db3")
    kill(cast, "db1")
    cast.tool("failover", "--to", "db2", "--yes", status=0)
    (cast.data("db1") / "standby.signal").unlink()
    (cast.data("db1") / "postmaster.pid").unlink(missing_ok=True)
    cast.pair.wait(lambda: begins(cast.pair.primary))
    said = cast.tool("switchover", "--to", "db3", "--yes", status=4).stderr
    assert "R419" in said
    assert "db1 was lost in a failover, and takes writes again." in said
    kill(cast, "db2")
    said = cast.tool("failover", "--to", "db3", "--yes", status=4).stderr
    assert "db1 was lost in a failover, and takes writes again." in said
    assert cast.writable() == ["db1"]


@pytest.mark.one_version
def test_who_has_more_of_the_wal_is_said(cast):
    cast.attach("db3")
    area = cast.pair.area
    area.run("pg_ctl", "stop", "-D", str(cast.data("db2")), "-m", "fast", "-w")
    with Writer(cast) as writer:
        writer.more()
    cast.caught_up("db3", "db1")
    kill(cast, "db1")
    area.run("pg_ctl", "start", "-D", str(cast.data("db2")), "-w", "-l", str(cast.data("db2") / "log2"))
    done = cast.tool("failover", "--to", "db2", "--yes")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "R444" in done.stderr
    assert "standbyctl failover --to db3" in done.stderr
    assert cast.writable() == []
    cast.tool("failover", "--to", "db3", "--yes", status=0)
    assert cast.follows("db2", "db3")
    assert writer.lost("db3") == set()


@pytest.mark.one_version
def test_another_standby_that_is_gone_can_be_left_out_and_comes_back(cast):
    """With what streams from it: that stays where it is, and comes back with it."""
    cast.attach("db3")
    cast.attach("db4", "--upstream", "db3")
    area = cast.pair.area
    with Writer(cast) as writer:
        area.run("pg_ctl", "stop", "-D", str(cast.data("db3")), "-m", "fast", "-w")
        writer.more()
        kill(cast, "db1")
        before = sorted(writer.acknowledged)
        done = cast.tool("failover", "--to", "db2", "--yes")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "R444" in done.stderr
        assert "--without db3" in done.stderr
        done = cast.tool("failover", "--to", "db2", "--without", "db9", "--yes", status=2)
        assert "Those are: db3, db4." in done.stderr
        said = cast.tool("failover", "--without", "db3", "--yes", status=0).stdout
        assert "db3 is left out (--without)" in said
        assert cast.writable() == ["db2"]
        writer.more()
        area.run("pg_ctl", "start", "-D", str(cast.data("db3")), "-w", "-l", str(cast.data("db3") / "log2"))
        cast.tool("resync", "db3", "--yes", status=0)
        writer.more()
    assert cast.follows("db3", "db2")
    cast.pair.wait(lambda: cast.follows("db4", "db3"), 60)
    # Commits do not wait for the standby: what was under way then.
    assert writer.lost("db2") <= set(before[-20:])
    for name in ("db3", "db4"):
        cast.caught_up(name, "db2")
    cast.tool("resync", "db1", "--way", "clone", "--yes", status=0)
    said = cast.tool("status", status=0).stdout
    assert {name for name in cast.ports if name in said} == {*cast.ports}


@pytest.mark.one_version
def test_a_fence_that_fails_promotes_nobody(cast):
    kill(cast, "db1")
    done = cast.tool("failover", "--to", "db2", "--yes", "--fence", shutil.which("false"))
    assert done.returncode == 5, done.stdout + done.stderr
    assert "R430" in done.stderr
    assert cast.writable() == []
    early = cast.tool("resync", "db1", "--yes", status=4)
    assert "End it first: standbyctl failover --to db2" in early.stderr
    done = cast.tool("failover", "--to", "db2", "--yes", "--fence", "sh -c 'test {node} = db1'", status=0)
    assert cast.writable() == ["db2"]


@pytest.mark.one_version
def test_what_a_watch_has_seen_says_how_much_is_lost(cast):
    """And it stays known while the failover goes on: the limit is looked at before every step."""
    watch = cast.pair.start_tool("watch", "-p", "db1", env={"STANDBYCTL_CONFIG": str(cast.config)})
    history = cast.pair.state / "history"
    cast.pair.wait(lambda: history.is_dir() and any(history.iterdir()))
    with Writer(cast) as writer:
        writer.more()
        cast.pair.wait(lambda: '"primary"' in cast.tool("status", "--json").stdout)
        time.sleep(3)
        kill(cast, "db1")
        said = cast.tool("failover", "--to", "db2", "--yes", "--max-loss", "1GB", status=0).stdout
        writer.more()
    watch.terminate()
    assert re.search(r"lost: .* of WAL that db1 was seen to have .* ago", said)
    assert cast.writable() == ["db2"]
