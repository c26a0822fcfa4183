"""A switchover that is interrupted, killed or waited for in its pause: somebody is the primary in the end."""

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
