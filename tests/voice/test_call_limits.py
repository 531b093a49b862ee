"""How many calls may begin in a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.voice.call_limits import CallPace, retry_after


def begun(cps: float, times: list[float]) -> list[float]:
    pace, taken = CallPace(cps), []
    for now in times:
        if pace.wait_s(now) == 0:
            pace.take(now)
            taken.append(now)
    return taken


def test_a_seconds_worth_may_begin_at_once() -> None:
    assert begun(3.0, [0.0, 0.0, 0.0, 0.0, 0.5, 1.0]) == [0.0, 0.0, 0.0, 1.0]


def test_less_than_one_a_second_is_one_in_so_many_seconds() -> None:
    assert begun(0.5, [0.0, 1.0, 2.0, 3.0]) == [0.0, 2.0]


def test_how_long_to_wait_is_told() -> None:
    pace = CallPace(1.0)
    pace.take(0.0)
    assert pace.wait_s(0.25) == 0.75
    assert (retry_after(0.25), retry_after(1.5)) == ("1", "2")


@given(st.sampled_from([1.0, 2.0, 5.0]), st.lists(st.floats(0.0, 4.0), max_size=60))
def test_no_second_holds_more(cps: float, times: list[float]) -> None:
    taken = begun(cps, sorted(times))
    assert all(sum(1 for t in taken if start <= t < start + 1.0) <= cps for start in taken)
