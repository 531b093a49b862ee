"""The wheel of deadlines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging import deadlines
from gateway.messaging.deadlines import EMPTY_MAX, Deadlines

NOW = 1_700_000_000.0
GRAINS = st.sampled_from([0.1, 0.5, 1.0, 60.0, 0.3])
TIMES = st.floats(NOW, NOW + 300)


def a_wheel(*times: float, grain_s: float = 0.1) -> Deadlines[str]:
    wheel: Deadlines[str] = Deadlines(grain_s)
    for number, when in enumerate(times):
        wheel.add(when, f"item {number}")
    return wheel


def due_at(wheel: Deadlines[str]) -> float:
    when = wheel.next_at()
    assert when is not None
    return when


def test_nothing_is_due_in_an_empty_wheel() -> None:
    wheel = a_wheel()
    assert (wheel.next_at(), wheel.due(NOW)) == (None, [])


@given(GRAINS, TIMES)
def test_an_item_is_due_never_before_its_time_and_less_than_a_grain_after(
    grain_s: float, when: float
) -> None:
    at = due_at(a_wheel(when, grain_s=grain_s))
    assert when <= at < when + grain_s + 1e-6


@given(GRAINS, TIMES)
def test_an_item_is_due_at_the_time_that_is_told(grain_s: float, when: float) -> None:
    wheel = a_wheel(when, grain_s=grain_s)
    at = due_at(wheel)
    assert wheel.due(at - grain_s / 2) == []
    assert wheel.due(at) == ["item 0"]


def test_what_is_due_comes_once() -> None:
    wheel = a_wheel(NOW)
    wheel.due(NOW + 1)
    assert (wheel.due(NOW + 2), wheel.next_at()) == ([], None)


def test_items_come_in_the_order_of_their_time() -> None:
    wheel = a_wheel(NOW + 3, NOW + 1, NOW + 2)
    assert wheel.due(NOW + 10) == ["item 1", "item 2", "item 0"]


def test_items_of_one_grain_come_in_the_order_of_their_coming() -> None:
    wheel = a_wheel(NOW + 0.09, NOW + 0.02, NOW + 0.05)
    assert wheel.due(NOW + 0.15) == ["item 0", "item 1", "item 2"]


def test_what_is_not_due_stays() -> None:
    wheel = a_wheel(NOW + 1, NOW + 5)
    assert wheel.due(NOW + 2) == ["item 0"]
    assert due_at(wheel) == pytest.approx(NOW + 5)


def test_what_was_settled_is_not_due() -> None:
    wheel = a_wheel(NOW + 1, NOW + 1)
    assert wheel.discard(NOW + 1, "item 0")
    assert wheel.due(NOW + 2) == ["item 1"]


@pytest.mark.parametrize("item", ["item 0", "nobody"])
@pytest.mark.parametrize("when", [NOW + 1, NOW + 7])
def test_to_discard_what_is_not_there_is_harmless(when: float, item: str) -> None:
    wheel = a_wheel(NOW + 3)
    assert not wheel.discard(when, item)
    assert wheel.due(NOW + 4) == ["item 0"]


def test_a_wheel_that_was_emptied_rings_for_nothing() -> None:
    wheel = a_wheel(NOW + 1, NOW + 9)
    wheel.discard(NOW + 1, "item 0")
    assert due_at(wheel) == pytest.approx(NOW + 9)
    wheel.discard(NOW + 9, "item 1")
    assert wheel.next_at() is None


def test_a_discarded_item_can_be_added_again() -> None:
    """As a message that a carrier sends back."""
    wheel = a_wheel(NOW + 1)
    for _ in range(3):
        wheel.discard(NOW + 1, "item 0")
        wheel.add(NOW + 1, "item 0")
    assert wheel.due(NOW + 2) == ["item 0"]


def test_what_was_settled_is_not_there_any_more() -> None:
    wheel = a_wheel(NOW + 1, NOW + 1)
    wheel.discard(NOW + 1, "item 0")
    assert not wheel.discard(NOW + 1, "item 0")


def test_what_was_settled_long_before_its_time_leaves_nothing_behind() -> None:
    """Four hours of buckets are more than memory should hold for messages that have gone."""
    wheel = a_wheel(NOW + 14_400)
    for second in range(3 * EMPTY_MAX):
        wheel.add(NOW + second, "gone")
        wheel.discard(NOW + second, "gone")
    assert len(wheel._buckets) <= EMPTY_MAX + 2
    assert wheel.due(NOW + 20_000) == ["item 0"]


def test_buckets_that_are_in_use_are_not_swept_out_again_and_again() -> None:
    wheel = a_wheel(*(NOW + second for second in range(3 * EMPTY_MAX)))
    for second in range(EMPTY_MAX + 1):
        wheel.discard(NOW + second, f"item {second}")
    assert len(wheel._buckets) == 3 * EMPTY_MAX
    assert due_at(wheel) == pytest.approx(NOW + EMPTY_MAX + 1)


@dataclass(frozen=True)
class Step:
    do: Callable[[Deadlines[int], dict[int, float], Any], None]
    argument: Any


def _add(wheel: Deadlines[int], model: dict[int, float], when: float) -> None:
    model[len(model)] = when
    wheel.add(when, len(model) - 1)


def _discard(wheel: Deadlines[int], model: dict[int, float], chance: float) -> None:
    alive = [item for item, when in model.items() if when < float("inf")]
    if alive:
        item = alive[int(chance * len(alive))]
        wheel.discard(model[item], item)
        model[item] = float("inf")


def _take(wheel: Deadlines[int], model: dict[int, float], now: float) -> None:
    taken = wheel.due(now)
    assert len(set(taken)) == len(taken)
    assert all(model[item] <= now for item in taken)
    for item in taken:
        model[item] = float("inf")
    assert all(when > now - 0.1 for when in model.values())


STEPS = st.one_of(
    st.builds(Step, st.just(_add), TIMES),
    st.builds(Step, st.just(_discard), st.floats(0, 1, exclude_max=True)),
    st.builds(Step, st.just(_take), TIMES),
)


@given(st.lists(STEPS, max_size=60), st.sampled_from([0, EMPTY_MAX]))
def test_a_wheel_does_as_a_plain_table_would(steps: list[Step], empty_max: int) -> None:
    wheel: Deadlines[int] = Deadlines(0.1)
    model: dict[int, float] = {}
    with patch.object(deadlines, "EMPTY_MAX", empty_max):
        for step in steps:
            step.do(wheel, model, step.argument)
            assert wheel._empty == sum(not bucket for bucket in wheel._buckets.values())
            ahead = [when for when in model.values() if when < float("inf")]
            next_at = wheel.next_at()
            assert (next_at is None) is (not ahead)
            if next_at is not None:
                assert min(ahead) <= next_at < min(ahead) + 0.1 + 1e-6
