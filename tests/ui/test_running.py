"""How a run looks while it goes on."""

from standbyctl.domain.message import msg
from standbyctl.domain.progress import FINISHING, Note, Progress
from standbyctl.engine.events import StepBegun, StepDone
from standbyctl.steps.slot import CreateSlot
from standbyctl.ui.cli.running import Running, render_progress

MB = 1 << 20
STREAMING = "streaming database files"


def progress(**changes):
    given = {"phase": STREAMING, "done_bytes": 50 * MB, "total_bytes": 200 * MB, "rate_bytes": 10.0 * MB,
             "held_bytes": 3 * MB, "stalled_seconds": 0.0}  # fmt: skip
    return Progress(**(given | changes))


def test_a_copy_says_how_far_it_is_how_fast_and_how_long_yet():
    assert render_progress(progress()) == "copying 25% of 200 MB, 10 MB/s, 15.0 s left, slot holds 3 MB"


def test_waiting_for_a_checkpoint_is_named_and_is_no_stall():
    waiting = progress(phase="waiting for checkpoint to finish", done_bytes=None, stalled_seconds=42.0)
    assert render_progress(waiting) == "waiting for checkpoint to finish, 42 s, slot holds 3 MB"


def test_a_stall_is_said_before_fifteen_seconds():
    ending = progress(phase=FINISHING, done_bytes=None, total_bytes=None, stalled_seconds=42.0)
    assert render_progress(ending) == f"{FINISHING}, 42 s, slot holds 3 MB"
    assert render_progress(progress(stalled_seconds=9.0)) == f"STALLED: nothing has moved for 9 s ({STREAMING})"


def test_what_is_unknown_is_left_out_and_not_zero():
    unknown = progress(phase="", done_bytes=None, total_bytes=None, rate_bytes=None, held_bytes=None)
    assert render_progress(unknown) == "starting"


def test_more_than_was_estimated_is_not_more_than_all():
    assert render_progress(progress(done_bytes=210 * MB)).startswith("copying 100% of 200 MB")


def test_without_a_terminal_a_line_a_step_and_a_phase_once(capsys):
    running, step = Running(quiet=False), CreateSlot("db1", "db2", "db2")
    with running:
        running.report(StepBegun(1, 2, step))
        running.tell(progress())
        running.tell(progress(done_bytes=60 * MB))
        running.tell(progress(stalled_seconds=9.0))
        running.tell(Note(msg("a word")))
        running.report(StepDone(1, 2, step))
    assert capsys.readouterr().out.splitlines() == [
        "        copying 25% of 200 MB, 10 MB/s, 15.0 s left, slot holds 3 MB",
        f"        STALLED: nothing has moved for 9 s ({STREAMING})",
        "        a word",
        "   1/2 slot            done",
    ]


def test_quiet_says_nothing(capsys):
    running = Running(quiet=True)
    running.report(progress())
    assert capsys.readouterr().out == ""
