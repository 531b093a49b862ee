"""How often messages convert, learnt at a few ages though the no never comes."""

from random import Random

import pytest

from routing.conversion_rate import AGES_AT_FIRST, HALF_LIFE_S, LEARNT_MIN, ConversionRate
from routing.delay_law import MATURE_S


def converting(rate: ConversionRate, bind: str, share: float, messages: int, seed: int = 1) -> None:
    """So many messages of which that share converts, in the second stretch between ages."""
    random = Random(seed)
    for _ in range(messages):
        rate.learn(bind, 0, converted=False, second=0)
        converted = random.random() < share
        rate.learn(bind, 1, converted, second=0)
        if not converted:
            rate.learn(bind, 2, converted=False, second=0)


def total(rate: ConversionRate, bind: str, second: int = 0) -> float:
    return sum(stretch.share for stretch in rate.expected(bind, second))


def test_nothing_is_expected_before_anything_is_learnt() -> None:
    rate = ConversionRate(0)
    assert total(rate, "alpha/1") == 0.0
    converting(rate, "alpha/1", 1.0, int(LEARNT_MIN) - 1)
    assert total(rate, "alpha/1") == 0.0


def test_what_others_do_is_expected_of_a_bind() -> None:
    rate = ConversionRate(0)
    converting(rate, "alpha/1", 0.5, 2_000)
    assert total(rate, "beta/1") == pytest.approx(0.5, abs=0.05)


def test_expected_is_what_is_sure_and_few_messages_may_be_luck() -> None:
    few, many = ConversionRate(0), ConversionRate(0)
    converting(few, "alpha/1", 0.5, 20)
    converting(many, "alpha/1", 0.5, 2_000)
    assert total(few, "beta/1") < total(many, "beta/1") - 0.05


def test_a_bind_is_held_to_its_own_good_past() -> None:
    rate = ConversionRate(0)
    converting(rate, "alpha/1", 0.6, 2_000)
    converting(rate, "beta/1", 0.1, 2_000)
    assert total(rate, "alpha/1") > 0.5
    assert total(rate, "beta/1") > 0.5


def test_stretches_say_what_came_before_and_what_comes_later() -> None:
    rate = ConversionRate(0)
    converting(rate, "alpha/1", 0.5, 2_000)
    first, second, third = rate.expected("alpha/1", 0)
    assert (first.share, third.share) == (0.0, 0.0)
    assert first.after == pytest.approx(second.share)
    assert third.before == pytest.approx(second.share)


def test_it_fades_by_half_in_its_half_life() -> None:
    rate = ConversionRate(0)
    converting(rate, "alpha/1", 0.5, 100)
    asked = rate.counts[0][0]
    rate.expected("alpha/1", int(HALF_LIFE_S))
    assert rate.counts[0][0] == pytest.approx(asked / 2, rel=0.01)


def test_ages_follow_what_is_seen_of_the_delays() -> None:
    rate = ConversionRate(0)
    random = Random(2)
    for _ in range(2_000):
        rate.conversion(random.uniform(90.0, 150.0))
    rate.expected("alpha/1", MATURE_S)
    assert rate.ages != AGES_AT_FIRST
    assert min(rate.ages) > 80


def test_what_was_kept_is_taken_back() -> None:
    rate = ConversionRate(0)
    converting(rate, "alpha/1", 0.5, 200)
    kept = ConversionRate(0)
    kept.restore(rate.ages, *rate.counts)
    assert kept.expected("beta/1", 0) == rate.expected("beta/1", 0)


def test_what_does_not_fit_its_ages_is_refused() -> None:
    with pytest.raises(ValueError, match="two counts for each age"):
        ConversionRate(0).restore((15, 30), [1.0, 2.0], {})
