from hypothesis import given
from hypothesis import strategies as st

from carriers_sim.rate_window import RateWindow


def test_what_came_a_second_ago_has_left_the_window() -> None:
    window = RateWindow()
    window.add(1, 0.0)
    assert not window.add(1, 1.0)
    assert window.peak == 1


def test_a_new_peak_is_told() -> None:
    window = RateWindow()
    assert window.add(1, 0.0)
    assert window.add(2, 0.5)
    assert window.peak == 3


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1, max_size=60))
def test_the_peak_is_that_of_the_busiest_second(came: list[tuple[int, int]]) -> None:
    came.sort()
    window = RateWindow()
    for eighths, segments in came:
        window.add(segments, eighths / 8)
    busiest = max(sum(segments for at, segments in came if end - 8 < at <= end) for end, _ in came)
    assert window.peak == busiest
