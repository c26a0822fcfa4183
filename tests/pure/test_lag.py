"""True lag: the clock of LSNs is never off by more than the time between two samples, whatever the primary writes."""

import random
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.diagnosis.lag import MOST_SAMPLES, LsnClock
from standbyctl.diagnosis.rate import measure_rate, predict_full
from standbyctl.domain.picture import Rate

# What a primary does in each tenth of a second: mostly nothing, a little, or a burst.
WRITES = st.lists(st.sampled_from([0, 0, 0, 1, 200, 50_000]), min_size=1, max_size=120)


def history(writes):
    """Where the primary was at the end of each tenth of a second."""
    at, lsns = 1000, [1000]
    for more in writes:
        at += more
        lsns.append(at)
    return lsns


def true_lag(lsns, now, replayed):
    """How long ago the first was written that is not replayed."""
    if replayed >= lsns[now]:
        return 0.0
    return (now - bisect_right(lsns, replayed)) / 10


@given(WRITES, st.integers(0, 10**9), st.integers(1, 20))
def test_the_error_is_below_the_time_between_two_samples(writes, chosen, every):
    lsns, clock = history(writes), LsnClock()
    now = len(lsns) - 1
    for tenth in [*range(0, now, every), now]:
        clock.written(tenth / 10, lsns[tenth])
    replayed = lsns[0] + chosen % (lsns[-1] - lsns[0] + 1)
    lag = clock.lag(now / 10, replayed)
    assert not lag.at_least
    assert lag.behind_bytes == lsns[-1] - replayed
    assert abs(lag.seconds - true_lag(lsns, now, replayed)) < every / 10 + 1e-9


@given(WRITES, st.integers(1, 10_000))
def test_what_was_passed_before_the_first_sample_is_a_lower_bound_and_grows(writes, back):
    lsns, clock = history(writes), LsnClock()
    for tenth, lsn in enumerate(lsns):
        clock.written(tenth / 10, lsn)
    end = (len(lsns) - 1) / 10
    lag, later = clock.lag(end, lsns[0] - back), clock.lag(end + 7, lsns[0] - back)
    assert lag.at_least
    assert (lag.seconds, later.seconds) == (pytest.approx(end), pytest.approx(end + 7))


def test_an_idle_primary_is_no_lag_for_as_long_as_it_is_idle():
    clock = LsnClock()
    for second in range(100_000):
        clock.written(float(second), 5000)
    assert clock.lag(100_000.0, 5000).seconds == 0
    clock.written(100_000.0, 6000)
    assert clock.lag(100_000.5, 5000).seconds == 0.5, "since the first sample that showed something new"


def test_what_was_written_and_not_flushed_before_a_crash_is_forgotten():
    clock = LsnClock()
    clock.written(0.0, 100)
    clock.written(1.0, 900)
    clock.written(2.0, 500)
    assert clock.lag(2.0, 500).seconds == 0
    assert clock.newest == (2.0, 500)


def test_years_of_samples_take_bounded_memory_and_lose_only_what_is_old():
    clock = LsnClock()
    for second in range(3 * MOST_SAMPLES):
        clock.written(float(second), second)
    now = 3.0 * MOST_SAMPLES - 1
    assert len(clock._at) <= MOST_SAMPLES
    assert clock.lag(now, int(now) - 3000).seconds == pytest.approx(3000, abs=1)
    assert clock.lag(now, 5).seconds == pytest.approx(now - 5, rel=0.01)


def test_nothing_is_known_without_a_sample():
    assert LsnClock().lag(1.0, 1) is None


# --- when something is full


def written(rates, seconds=None):
    at, samples = 0.0, [(0.0, 0)]
    for second, rate in enumerate(rates[:seconds], 1):
        at += rate
        samples.append((float(second), int(at)))
    return samples


def test_a_steady_rate_forecasts_exactly_and_says_so():
    rate = measure_rate(written([1 << 20] * 600))
    full = predict_full(10 << 30, rate)
    assert full.seconds == pytest.approx(10240)
    assert full.soonest == pytest.approx(10240, rel=0.01)
    assert full.latest == pytest.approx(10240, rel=0.01)


def test_with_bursts_the_truth_is_inside_what_was_stated_19_times_in_20():
    """Half the time at rest, half in bursts of some seconds: forecast at half-way, then played to the end."""
    inside = 0
    for seed in range(200):
        chance, rates = random.Random(seed), []
        while len(rates) < 3000:
            rates += [chance.choice([0, 40 << 20])] * chance.randint(1, 8)
        left, samples = 15 << 30, written(rates, 400)
        truth = next(second for second, lsn in written(rates) if lsn >= samples[-1][1] + left) - 400
        full = predict_full(left, measure_rate(samples))
        inside += full.soonest <= truth and (full.latest is None or truth <= full.latest)
    assert inside >= 190


@given(st.integers(0, 10**13), st.integers(0, 10**9), st.one_of(st.none(), st.floats(0, 1e10)), st.floats(0.001, 900))
def test_a_forecast_is_between_its_own_bounds(left, speed, spread, block):
    full = predict_full(left, Rate(speed, block * 8, spread, block))
    if full is None:
        assert speed == 0
        return
    if full.soonest is not None:
        assert 0 <= full.soonest <= full.seconds
    if full.latest is not None:
        assert full.latest >= full.seconds


def test_two_moments_are_a_rate_without_a_spread_and_one_is_none():
    assert measure_rate([(0.0, 0), (0.5, 100)]) == Rate(200.0, 0.5)
    assert measure_rate([(0.0, 0)]) is None
    assert predict_full(100, None) is None
    assert predict_full(100, Rate(0.0, 10.0)) is None
