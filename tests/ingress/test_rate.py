"""How fast a customer may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.rate import Rate

NOW = 1_700_000_000.0


def passed(rate: Rate, *times: float) -> list[float]:
    """Those of the times at which one more may pass."""
    return [at for at in times if not rate.ahead_s(NOW + at)]


def test_a_second_s_worth_may_come_at_once() -> None:
    assert len(passed(Rate(10), *[0.0] * 50)) == 10


def test_after_the_burst_one_passes_with_each_interval() -> None:
    rate = Rate(10)
    passed(rate, *[0.0] * 10)
    assert passed(rate, 0.05, 0.1, 0.15, 0.2) == [0.1, 0.2]


def test_the_wait_is_told() -> None:
    rate = Rate(10)
    passed(rate, *[0.0] * 10)
    assert rate.ahead_s(NOW) == pytest.approx(0.1, abs=1e-5)


def test_what_is_refused_does_not_count() -> None:
    rate = Rate(10)
    passed(rate, *[0.0] * 1_000)
    assert passed(rate, 0.1) == [0.1]


def test_a_customer_who_was_silent_has_his_burst_again() -> None:
    rate = Rate(10)
    passed(rate, *[0.0] * 10)
    assert len(passed(rate, *[60.0] * 50)) == 10


@pytest.mark.parametrize("per_second", [0.5, 1.0])
def test_a_rate_of_one_or_less_has_no_burst(per_second: float) -> None:
    rate = Rate(per_second)
    assert passed(rate, 0.0, 0.1, 1.0 / per_second - 0.01, 1.0 / per_second) == [
        0.0,
        1.0 / per_second,
    ]


@given(st.floats(0.5, 1_000), st.lists(st.floats(0, 0.5), max_size=200))
def test_no_second_holds_more_than_twice_the_rate(per_second: float, gaps: list[float]) -> None:
    """The burst, and what a second adds to it."""
    rate, at, times = Rate(per_second), 0.0, []
    for gap in gaps:
        at += gap
        times.append(at)
    through = passed(rate, *times)
    for start in through:
        within = [at for at in through if start <= at < start + 1]
        assert len(within) <= max(per_second, 1) + per_second + 1


@given(st.floats(0.5, 1_000), st.lists(st.floats(0, 0.5), max_size=100))
def test_whoever_waits_as_long_as_he_is_told_may_pass(per_second: float, gaps: list[float]) -> None:
    rate, now = Rate(per_second), NOW
    for gap in gaps:
        now += gap
        ahead_s = rate.ahead_s(now)
        if ahead_s:
            now += ahead_s
            assert rate.ahead_s(now) == 0
