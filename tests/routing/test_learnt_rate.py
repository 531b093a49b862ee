"""The pace of a bind: never above the contract, slower when throttled, back by itself."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.learnt_rate import FRACTION_MIN, LearntRate

NOW = 1_700_000_000.0
ROUNDING_S = 1e-6


def sent_at(rate: LearntRate, wake_ups: list[float]) -> list[float]:
    """When segments go, if all that may go do so at each wake-up."""
    sent = []
    for now in wake_ups:
        while rate.token_at <= now:
            rate.submitted(now)
            sent.append(now)
    return sent


@given(
    tps=st.sampled_from([1.0, 3.0, 7.0, 100.0, 400.0]),
    gaps=st.lists(st.floats(0.0, 0.3), min_size=1, max_size=200),
)
@example(tps=100.0, gaps=[0.0011] * 2000)
def test_no_window_of_a_second_holds_more_than_the_contract(tps: float, gaps: list[float]) -> None:
    wake_ups = [NOW + sum(gaps[: n + 1]) for n in range(len(gaps))]
    sent = sent_at(LearntRate(tps), wake_ups)
    in_windows = [sum(start <= at < start + 1.0 - ROUNDING_S for at in sent) for start in sent]
    assert max(in_windows, default=0) <= tps


def test_the_long_run_rate_is_98_percent_of_the_contract() -> None:
    sent = sent_at(LearntRate(100.0), [NOW + n / 1000 for n in range(100_000)])
    assert len(sent) == pytest.approx(9_800, rel=0.01)


def test_a_segment_without_a_token_is_paid_for_by_a_longer_wait() -> None:
    rate = LearntRate(1.0)
    for _ in range(3):
        rate.submitted(NOW)
    assert rate.token_at == pytest.approx(NOW + 3.04)


def test_a_throttle_cuts_the_rate_to_80_percent() -> None:
    rate = LearntRate(100.0)
    rate.throttled(NOW)
    assert rate.tps == pytest.approx(80.0)


def test_many_throttles_within_a_second_cut_once() -> None:
    rate = LearntRate(100.0)
    for n in range(50):
        rate.throttled(NOW + n * 0.01)
    assert rate.fraction == pytest.approx(0.8)


def test_the_rate_never_falls_below_5_percent() -> None:
    rate = LearntRate(100.0)
    for second in range(60):
        rate.throttled(NOW + second)
    assert rate.fraction == FRACTION_MIN


def test_after_two_calm_seconds_the_rate_grows_by_2_percent_of_the_contract_a_second() -> None:
    rate = LearntRate(100.0)
    rate.throttled(NOW)
    rate.settle(NOW + 2.0)
    assert rate.fraction == pytest.approx(0.8)
    rate.settle(NOW + 7.0)
    assert rate.fraction == pytest.approx(0.9)


def test_the_rate_comes_back_to_the_contract_and_no_higher() -> None:
    rate = LearntRate(100.0)
    rate.throttled(NOW)
    rate.submitted(NOW + 3600.0)
    assert rate.tps == 100.0


def test_growth_does_not_depend_on_how_often_it_is_settled() -> None:
    often, seldom = LearntRate(100.0), LearntRate(100.0)
    for rate in (often, seldom):
        rate.throttled(NOW)
    for n in range(1, 81):
        often.settle(NOW + n / 10)
    seldom.settle(NOW + 8.0)
    assert often.fraction == pytest.approx(seldom.fraction)


def test_a_refused_bind_rests_twice_as_long_each_time_up_to_5_seconds() -> None:
    rate = LearntRate(100.0)
    rests = []
    now = NOW
    for _ in range(8):
        rate.throttled(now)
        rests.append(rate.held_until - now)
        now = rate.held_until
    assert rests == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_refusals_of_what_was_on_its_way_do_not_prolong_the_rest() -> None:
    rate = LearntRate(100.0)
    for n in range(5):
        rate.throttled(NOW + n * 0.01)
    assert rate.held_until == pytest.approx(NOW + 0.1)


def test_an_accepted_segment_makes_the_next_rest_short_again() -> None:
    rate = LearntRate(100.0)
    rate.throttled(NOW)
    rate.accepted()
    rate.throttled(NOW + 1.0)
    assert rate.held_until == pytest.approx(NOW + 1.1)


def test_a_carrier_at_40_percent_gives_goodput_close_to_what_it_takes() -> None:
    rate = LearntRate(100.0)
    taken, refused, carrier_tokens = 0, 0, 0.0
    for n in range(600_000):
        now = NOW + n / 1000
        carrier_tokens = min(10.0, carrier_tokens + 0.04)
        if max(rate.token_at, rate.held_until) > now:
            continue
        rate.submitted(now)
        if carrier_tokens >= 1.0:
            carrier_tokens -= 1.0
            taken += 1
            rate.accepted()
        else:
            refused += 1
            rate.throttled(now)
    assert taken / (600 * 40) > 0.98
    assert refused / taken < 0.005
