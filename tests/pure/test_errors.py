"""What an error says, and the exit code that it promises."""

from __future__ import annotations

import pytest

from standbyctl.domain.errors import (
    NOTHING_CHANGED,
    BlockedError,
    Blocker,
    CannotTellError,
    DriftError,
    InterruptedRunError,
    RefusedError,
    StandbyctlError,
    StoppedError,
    UsageError,
)
from standbyctl.domain.message import msg

WHAT, DETAIL, HINT = msg("it did not work"), msg("because of the rain"), msg("wait for the sun")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UsageError, 2),
        (CannotTellError, 3),
        (RefusedError, 4),
        (StoppedError, 5),
        (InterruptedRunError, 130),
        (StandbyctlError, 70),
    ],
)
def test_every_kind_of_error_has_its_exit_code(kind: type[StandbyctlError], status: int) -> None:
    error = kind("X100", WHAT, detail=DETAIL, hint=HINT, state=NOTHING_CHANGED)
    assert error.status == status
    assert str(error) == "it did not work: because of the rain"
    assert (error.code, error.what, error.detail, error.hint) == ("X100", WHAT, DETAIL, HINT)
    assert error.state == NOTHING_CHANGED
    assert str(kind("X100", WHAT)) == "it did not work"


def test_the_answer_no_is_1_and_4_as_soon_as_one_reason_is_safety() -> None:
    no = Blocker("P101", WHAT, DETAIL, HINT)
    never = Blocker("P201", WHAT, DETAIL, HINT, refused=True)
    assert BlockedError((no,)).status == 1
    assert BlockedError((no, never)).status == 4
    assert BlockedError((never, no)).status == 4
    error = BlockedError((no, never))
    assert (error.code, error.hint, error.state) == ("P101", HINT, NOTHING_CHANGED)
    assert error.blockers == (no, never)


@pytest.mark.parametrize(("begun", "status"), [(False, 1), (True, 5)])
def test_drift_is_1_before_the_first_effect_and_5_after_it(begun: bool, status: int) -> None:
    error = DriftError("A207", WHAT, begun=begun, detail=DETAIL, hint=HINT)
    assert (error.status, error.begun, error.state) == (status, begun, None)


def test_an_interrupted_run_has_stopped_part_way() -> None:
    assert issubclass(InterruptedRunError, StoppedError)
