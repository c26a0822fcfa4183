"""A switchover that is interrupted, killed or waited for in its pause: somebody is the primary in the end."""

import shutil
import signal
import subprocess

import pytest

from tests.roles import Cast

pytestmark = [pytest.mark.live, pytest.mark.one_version, pytest.mark.settled]


@pytest.fixture
def cast(pair):
    made = Cast(pair)
    made.attach("db2")
    return made


def begin(cast, *more):
    """As far as into the pause: the old primary has stopped, and the hook goes on."""
    marks = cast.pair.area.path / "paused"
    hook = cast.pair.area.path / "hook.sh"
    hook.write_text('touch "$1"; exec sleep 60\n')
    argv = ["switchover", "--to", "db2", "--yes", "--at", f"sh {hook} {marks}", *more]
    run = cast.pair.start_tool(*argv, env={"STANDBYCTL_CONFIG": str(cast.config)})
    cast.pair.wait(marks.exists, 60)
    assert cast.writable() == []
    return run


@pytest.mark.sample
def test_an_interrupt_in_the_pause_takes_it_back(cast):
    before, back = cast.auto_conf("db1"), cast.pair.area.path / "back"
    run = begin(cast, "--back", f"touch {back}")
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 5, said
    assert "the change of roles was taken back: interrupted" in " ".join(said.split())
    assert cast.writable() == ["db1"]
    assert cast.auto_conf("db1") == before
    assert back.exists()
    assert [path.name for path in cast.data("db1").glob(".standbyctl*")] == []
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    cast.switchover("db2")
    assert cast.follows("db1", "db2")


def test_an_interrupt_while_the_first_hook_runs_runs_the_one_that_takes_it_back(cast):
    marks, back = cast.pair.area.path / "before", cast.pair.area.path / "back"
    hook = cast.pair.area.path / "hook.sh"
    hook.write_text('touch "$1"; exec sleep 60\n')
    started = cast.pair.started_at()
    argv = ["switchover", "--to", "db2", "--yes", "--before", f"sh {hook} {marks}", "--back", f"touch {back}"]
    run = cast.pair.start_tool(*argv, env={"STANDBYCTL_CONFIG": str(cast.config)})
    cast.pair.wait(marks.exists, 60)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    assert back.exists()
    assert cast.pair.started_at() == started


def test_the_same_command_again_goes_on_where_the_old_primary_is_down(cast):
    run = begin(cast)
    run.kill()
    run.communicate(timeout=60)
    assert cast.writable() == []
    cast.switchover("db2")
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")


def test_what_a_standby_has_for_sessions_of_others_does_not_end_ours(cast):
    """It waits for the stop and for a hook longer than an idle session is suffered there."""
    with cast.connect("db2") as conn:
        [(major,)] = conn.execute("SELECT current_setting('server_version_num')::int / 10000").fetchall()
        if major >= 14:
            conn.execute("ALTER SYSTEM SET idle_session_timeout = '500ms'")
        conn.execute("ALTER SYSTEM SET statement_timeout = '500ms'")
        conn.execute("SELECT pg_reload_conf()")
    cast.switchover("db2", "--at", "sleep 2")
    assert cast.writable() == ["db2"]


def test_what_a_killed_run_has_stopped_is_not_started_again_by_one_that_fails(cast):
    """The killed one may have asked for the promotion: nobody but the same command goes on from there."""
    run = begin(cast)
    run.kill()
    run.wait()
    refused = cast.switchover("db2", "--at", "false", status=None)
    assert "CODE:   R412" in refused.stderr, refused.stdout + refused.stderr
    assert cast.writable() == []
    said = cast.switchover("db2").stdout
    assert "which was stopped before" in " ".join(said.split())
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")


def test_a_primary_that_was_started_by_a_relative_path_is_started_again(cast):
    area, data = cast.pair.area, cast.data("db1")
    area.run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-s")
    start = f"cd {area.path} && exec {area.bin}/pg_ctl start -D db1 -w -s -l db1.again"
    subprocess.run([*area.as_user(), "sh", "-c", start], check=True, stdin=subprocess.DEVNULL)
    assert '"-D" "db1"' in (data / "postmaster.opts").read_text()
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    refused = cast.switchover("db2", "--at", "false", status=5)
    assert "was taken back" in " ".join(refused.stderr.split())
    assert cast.writable() == ["db1"]
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    cast.switchover("db2")
    assert cast.follows("db1", "db2")


AGAIN = """
if [ ! -e {data}/postmaster.pid ] && [ ! -e {place}/once ]; then
    touch {place}/once
    {bin}/pg_ctl start -D {data} -w -s -l {place}/log </dev/null >/dev/null 2>&1 9<&-
fi
"""
# It has looked, and does not know yet; and it has put the signal there, and not looked again.
BEFORE_THE_SIGNAL = "pg_controldata", 'said=$({bin}/pg_controldata "$@")', "printf '%s\\n' \"$said\""
AFTER_THE_SIGNAL = "sync", 'case $* in *standby.signal*) ;; *) exec /bin/sync "$@" ;; esac', 'exec /bin/sync "$@"'


def started_again(cast, program, first, last):
    """The variables with which somebody starts the old primary again while it is being sealed."""
    area, place = cast.pair.area, cast.pair.area.path / "between"
    place.mkdir()
    for each in area.bin.iterdir():
        (place / each.name).symlink_to(each)
    wrapper = place / program
    wrapper.unlink(missing_ok=True)
    lines = f"#!/bin/sh\n{first}{AGAIN}{last}\n"
    wrapper.write_text(lines.replace("{bin}", f"{area.bin}").format(data=cast.data("db1"), place=place))
    wrapper.chmod(0o755)
    shutil.chown(place, area.user)
    return {"BETWEEN": f"{place}"}


def test_an_old_primary_that_somebody_starts_again_before_it_is_sealed_stays_the_primary(cast):
    before = cast.auto_conf("db1")
    between = started_again(cast, *BEFORE_THE_SIGNAL)
    refused = cast.switchover("db2", status=5, module="tests.faults.between", env=between)
    said = " ".join(refused.stderr.split())
    assert "was taken back: somebody else has started db1 again just after its stop" in said
    assert "db1 is the primary again; db2 was not promoted" in said
    assert "CODE: R409" in said
    assert (cast.pair.area.path / "between/once").exists()
    assert cast.writable() == ["db1"]
    unsealed(cast, before)
    cast.pair.wait(lambda: cast.follows("db2", "db1"))
    cast.switchover("db2")
    assert cast.follows("db1", "db2")


def unsealed(cast, before):
    assert not (cast.data("db1") / "standby.signal").exists()
    assert cast.auto_conf("db1") == before
    assert [path.name for path in cast.data("db1").glob(".standbyctl*")] == []


def test_one_that_is_started_again_once_it_is_sealed_is_a_standby_of_the_new_one(cast):
    between = started_again(cast, *AFTER_THE_SIGNAL)
    with cast.connect("db1") as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS n")
    cast.switchover("db2", module="tests.faults.between", env=between)
    assert (cast.pair.area.path / "between/once").exists()
    assert cast.writable() == ["db2"]
    assert cast.rows("db2", "SELECT n FROM kept") == [(1,)]
    assert cast.follows("db1", "db2")


def test_and_where_that_promotes_nobody_it_is_said_that_it_is_a_standby(cast):
    between = started_again(cast, *AFTER_THE_SIGNAL)
    refused = cast.switchover("db2", "--at", "false", status=5, module="tests.faults.between", env=between)
    said = " ".join(refused.stderr.split())
    assert "and db1 runs as a standby" in said
    assert "CODE: R411" in said
    assert cast.writable() == []
    cast.switchover("db2")
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")


def seal(cast):
    """As a run that was killed leaves a primary that somebody has started again meanwhile."""
    data, user = cast.data("db1"), cast.pair.area.user
    shutil.copy(data / "postgresql.auto.conf", data / ".standbyctl-auto.conf.was")
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write("primary_conninfo = 'host=nowhere'\nprimary_slot_name = 'db1'\n")
    (data / "standby.signal").touch()
    for name in (".standbyctl-auto.conf.was", "standby.signal"):
        shutil.chown(data / name, user)


def test_a_standby_signal_of_ours_in_a_running_primary_is_taken_away_and_nobody_elses(cast):
    seal(cast)
    cast.switchover("db2")
    assert cast.writable() == ["db2"]
    assert cast.follows("db1", "db2")
    cast.switchover("db1")
    before = cast.auto_conf("db1")
    (cast.data("db1") / "standby.signal").touch()
    refused = cast.switchover("db2", status=5)
    assert "has a standby.signal, and its server is no standby" in " ".join(refused.stderr.split())
    assert cast.writable() == ["db1"]
    (cast.data("db1") / "standby.signal").unlink()
    unsealed(cast, before)
