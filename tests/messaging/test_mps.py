"""MPS limiting: never more segments in a second than the sender bought, and hardly fewer."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.mps import JITTER_S, MpsLimiter

rates = st.one_of(st.floats(0.1, 10), st.integers(1, 300).map(float))


def test_second_segment_waits_for_its_spacing() -> None:
    limiter = MpsLimiter(mps=10)
    limiter.take(now=100.0)
    assert math.isclose(limiter.ready_at(now=100.0), 100.0 + 0.101 - JITTER_S)


def test_limiter_at_rest_is_ready_at_once() -> None:
    limiter = MpsLimiter(mps=1)
    limiter.take(now=100.0)
    assert limiter.ready_at(now=200.0) == 200.0


def test_rest_earns_no_burst() -> None:
    limiter = MpsLimiter(mps=10)
    limiter.take(now=1_000.0)
    limiter.take(now=limiter.ready_at(now=1_000.0))
    assert limiter.ready_at(now=1_000.1) > 1_000.1


@given(rates, st.lists(st.floats(0, 0.5), max_size=400))
def test_no_second_carries_more_than_mps(mps: float, delays: list[float]) -> None:
    """However late each call is, and however long the pauses."""
    limiter, now, passed = MpsLimiter(mps), 1_000.0, []
    for delay in delays:
        now = limiter.ready_at(now + delay)
        limiter.take(now)
        passed.append(now)
    for start in passed:
        in_window = sum(start <= at < start + 1.0 - 1e-6 for at in passed)
        assert in_window <= max(1, math.ceil(mps))


@given(st.integers(1, 400), st.floats(0, JITTER_S))
def test_timer_that_is_late_by_the_jitter_costs_no_rate(mps: int, lateness: float) -> None:
    """Whoever is woken late sends all that is due by then."""
    limiter, now, passed = MpsLimiter(mps), 1_000.0, 0
    while now < 1_010.2:
        now = limiter.ready_at(now) + lateness
        while limiter.ready_at(now) <= now:
            limiter.take(now)
            passed += 1
    assert passed >= 10 * mps
