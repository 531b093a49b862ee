from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers_sim.delay import Delay, Lognormal, draw, happens, pick, require_delay, require_weight

SECONDS = st.floats(0, 1_000)


@given(SECONDS, st.integers())
def test_a_fixed_delay_is_itself(seconds: float, seed: int) -> None:
    assert draw(seconds, Random(seed)) == seconds


@given(SECONDS, SECONDS, st.integers())
def test_a_uniform_delay_stays_within_its_ends(one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    assert low <= draw((low, high), Random(seed)) <= high


def test_half_of_lognormal_delays_are_below_the_median() -> None:
    chance = Random(1)
    draws = [draw(Lognormal(0.05, 0.5), chance) for _ in range(2_000)]
    assert 900 < sum(drawn < 0.05 for drawn in draws) < 1_100


def test_a_lognormal_delay_is_cut_at_its_maximum() -> None:
    chance = Random(1)
    assert max(draw(Lognormal(1.0, 5.0, max_s=3.0), chance) for _ in range(100)) == 3.0


@pytest.mark.parametrize(
    ("written", "delay"),
    [
        (0.5, 0.5),
        (2, 2.0),
        ([0.2, 2.0], (0.2, 2.0)),
        ({"median_s": 1.0, "sigma": 0.3}, Lognormal(1.0, 0.3)),
    ],
)
def test_each_shape_can_be_written_in_toml(written: object, delay: Delay) -> None:
    assert msgspec.convert(written, Delay) == delay


@pytest.mark.parametrize("delay", [-1.0, (2.0, 1.0), (-1.0, 1.0), (0.0, 1e9), float("nan")])
def test_an_impossible_delay_is_refused(delay: Delay) -> None:
    with pytest.raises(ValueError, match="delay"):
        require_delay(delay)


def test_what_befalls_nobody_costs_no_chance() -> None:
    chance = Random(1)
    before = chance.getstate()
    assert not happens(0.0, chance)
    assert chance.getstate() == before


def test_what_befalls_everybody_always_happens() -> None:
    chance = Random(1)
    assert all(happens(1.0, chance) for _ in range(1_000))


def test_outcomes_come_by_their_weights() -> None:
    chance = Random(1)
    picked = [pick({"A": 3, "B": 1}, chance) for _ in range(4_000)]
    assert 2_850 < picked.count("A") < 3_150


@given(st.integers())
def test_an_outcome_without_weight_never_comes(seed: int) -> None:
    assert pick({"never": 0, "always": 1, "nor this": 0}, Random(seed)) == "always"


@pytest.mark.parametrize("weights", [{}, {"A": 0.0}, {"A": float("inf")}])
def test_outcomes_without_a_usable_weight_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="outcomes needs"):
        require_weight(weights, "outcomes")
