"""Pairs of ports: taken, rested, given again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import NoPorts
from media.port_range import REST_S, PortRange


def ports(least: int = 20_000, most: int = 20_009, seed: int = 1) -> PortRange:
    return PortRange(least, most, Random(seed))


def drained(range_: PortRange, now: float = 0) -> list[int]:
    return [range_.take(now) for _ in range(len(range_))]


def test_pairs_are_even_and_stay_within() -> None:
    assert sorted(drained(ports())) == [20_000, 20_002, 20_004, 20_006, 20_008]
    assert sorted(drained(ports(20_001, 20_006))) == [20_002, 20_004]


def test_none_left_is_said() -> None:
    range_ = ports()
    drained(range_)
    with pytest.raises(NoPorts):
        range_.take(0)


def test_the_order_is_the_seeds() -> None:
    assert drained(ports(most=20_099)) == drained(ports(most=20_099))
    assert drained(ports(most=20_099)) != drained(ports(most=20_099, seed=2))


def test_a_pair_rests_before_it_is_given_again() -> None:
    range_ = ports(20_000, 20_001)
    range_.give_back(range_.take(0), 10)
    assert len(range_) == 1
    with pytest.raises(NoPorts):
        range_.take(10 + REST_S / 2)
    assert range_.take(10 + REST_S) == 20_000


def test_both_of_a_pair_are_held() -> None:
    range_ = ports(20_000, 20_001)
    assert not range_.holds(20_000)
    range_.take(0)
    assert range_.holds(20_000)
    assert range_.holds(20_001)
    assert not range_.holds(20_002)


@given(st.lists(st.booleans(), max_size=60))
def test_no_pair_is_given_twice(takes: list[bool]) -> None:
    range_, held = ports(), list[int]()
    for now, take in enumerate(takes):
        if take and len(held) < 5:
            port = range_.take(now * REST_S)
            assert port not in held
            held.append(port)
        elif held:
            range_.give_back(held.pop(0), now * REST_S)
    assert range_.taken == set(held)
