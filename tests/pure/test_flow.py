"""What is shown of a copy is what has arrived, not what fills the buffers of a slow line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.flow import MOST_BYTES, Flow

MB = 1 << 20


def copy(*, rate, buffers, begins, seconds, every=1.0):
    """A flow that has seen a copy for so long: as much as the line takes, and what fits into the buffers at once."""
    flow, now = Flow(), 0.0
    while now < begins + seconds:
        flow.see(now, int(buffers + rate * (now - begins)) if now > begins else 0)
        now += 0.25 if flow.began is None else every
    return flow, now - every


@given(
    rate=st.floats(MB, 200 * MB),
    buffers=st.floats(0, 12 * MB),
    begins=st.floats(0.3, 5),
    seconds=st.floats(5, 60),
)
def test_what_is_on_the_way_is_not_said_to_have_arrived(rate, buffers, begins, seconds):
    flow, now = copy(rate=rate, buffers=buffers, begins=begins, seconds=seconds)
    arrived = flow.arrived_bytes(flow.last[1])
    assert flow.rate_bytes == pytest.approx(rate, rel=0.01)
    # A look each 0.25 s tells no better when it began; more is never taken off than can be on the way.
    assert abs(arrived - rate * (now - begins)) <= rate * 0.13 + 1
    assert flow.on_the_way_bytes <= MOST_BYTES


def test_a_copy_that_slows_down_later_is_not_taken_for_one_with_more_on_its_way():
    flow, _ = copy(rate=50 * MB, buffers=4 * MB, begins=1, seconds=20)
    before = flow.on_the_way_bytes
    for second in range(30):
        flow.see(30.0 + second, flow.last[1] + MB)
    assert flow.on_the_way_bytes == before


def test_nothing_is_said_of_the_pace_before_it_can_be_told():
    flow = Flow()
    for now, sent in ((0.0, None), (0.25, 0), (0.5, 3 * MB), (1.5, 4 * MB), (2.5, 5 * MB)):
        flow.see(now, sent)
    assert flow.rate_bytes is None
    assert flow.arrived_bytes(5 * MB) == 5 * MB
    assert flow.arrived_bytes(None) is None
