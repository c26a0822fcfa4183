"""Every line of a preflight is seen to change on a real server, or it is said here why not."""

from tests.live import stages_place, stages_primary  # noqa: F401 they fill STAGES
from tests.live.stages import STAGES
from tests.live.test_preflight import RESTARTED
from tests.pure.test_preflight import CODES

NOT_STAGED = {
    "P111": "a standby as primary is refused whole: test_refusals.test_a_primary_that_is_a_standby",
    "P116": "it takes another role, not another condition: test_rights",
    "P130": "WAL never leaves the machine here, and not every build has TLS: test_preflight's words",
    "P135": "behind a pooler there are no lines at all: test_named_refusals.test_a_pooler_in_front",
    "P137": "the copy has another source only with --copy-from: the tests of attach --copy-from",
    "P215": "of two hosts only: tests/hosts/test_likeness.py",
    "P216": "of two hosts only: tests/hosts/test_likeness.py",
    "P217": "of two hosts only, and this machine has one architecture: test_likeness's words",
    "P218": "of two hosts only, and this machine has one clock: test_likeness's words",
    "P211": "SELinux is not here: test_preflight's words",
}


def test_every_line_has_a_stage_or_a_reason() -> None:
    staged = {code for stage in STAGES for code in (stage.code, *stage.also)}
    restarted = {code for _, blocks, other in RESTARTED for code in (*blocks, *other)}
    assert set(CODES) - staged - restarted == set(NOT_STAGED)
    # P123 warns of what is a quarter of an hour old: staged as OK, with words of a prepared transaction.
    assert "P123" in restarted
