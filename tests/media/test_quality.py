"""The E-model, by values that the recommendations and others who use it give."""

from __future__ import annotations

import pytest

from media.quality import mos, mos_of, r_factor


@pytest.mark.parametrize(
    ("r", "value"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (100, 4.5)]
)
def test_r_becomes_mos_as_in_g_107_annex_b(r: float, value: float) -> None:
    assert mos_of(r) == pytest.approx(value, abs=0.01)


def test_the_best_is_that_of_the_defaults() -> None:
    assert r_factor(0, 0) == pytest.approx(93.2)
    assert mos_of(r_factor(0, 0)) == pytest.approx(4.41, abs=0.005)


def test_delay_hurts_more_beyond_177_ms() -> None:
    assert r_factor(0.100, 0) == pytest.approx(93.2 - 2.4)
    assert r_factor(0.300, 0) == pytest.approx(93.2 - 7.2 - 0.11 * 122.7)


def test_a_loss_as_large_as_bpl_takes_half() -> None:
    assert r_factor(0, 0.251) == pytest.approx(93.2 - 47.5)


def test_nothing_heard_has_no_quality() -> None:
    assert mos(0, 10, 0, 0) == 0


def test_it_falls_with_losses_jitter_and_distance() -> None:
    best = mos(1_000, 0, 0, 0)
    assert 4.3 < best < 4.5
    assert mos(1_000, 50, 0, 0) < best
    assert mos(1_000, 0, 0.100, 0) < best
    assert mos(1_000, 0, 0, 0.800) < best
    assert mos(1, 1_000_000, 9, 30) == 1
