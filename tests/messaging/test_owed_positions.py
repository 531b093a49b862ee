"""The backlog of a host, as positions."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.owed_positions import ATTEMPTS_MAX, PACKED, OwedPositions, Position
from gateway.store.interface import OwedKey

POSITIONS = st.builds(
    Position,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, ATTEMPTS_MAX),
)


def a_position(message_id: int, since: int = 0, attempts: int = 0) -> Position:
    return Position(message_id, 1, 0, since, attempts)


def of(*positions: Position) -> OwedPositions:
    queue = OwedPositions()
    for position in positions:
        queue.append(position)
    return queue


@given(st.lists(POSITIONS))
def test_what_goes_in_comes_out_in_order(positions: list[Position]) -> None:
    assert of(*positions).take(len(positions)) == positions


def test_position_takes_some_twenty_octets() -> None:
    assert PACKED.size == 21


def test_no_more_is_taken_than_there_is() -> None:
    assert of(a_position(1)).take(5) == [a_position(1)]


def test_what_was_taken_is_gone() -> None:
    queue = of(a_position(1), a_position(2))
    queue.take(1)
    assert queue.take(5) == [a_position(2)]


def test_length_is_the_number_of_positions() -> None:
    assert [len(of()), len(of(a_position(1), a_position(2)))] == [0, 2]


def test_what_is_put_back_goes_first_in_its_order() -> None:
    queue = of(a_position(3))
    queue.put_back([a_position(1), a_position(2)])
    assert [position.message_id for position in queue.take(3)] == [1, 2, 3]


def test_old_ones_are_taken_from_the_front() -> None:
    queue = of(a_position(1, since=5), a_position(2, since=6), a_position(3, since=7))
    assert queue.take_older(6.5, 10) == [a_position(1, since=5), a_position(2, since=6)]


def test_no_more_old_ones_are_taken_than_asked_for() -> None:
    queue = of(a_position(1, since=5), a_position(2, since=6))
    assert queue.take_older(100, 1) == [a_position(1, since=5)]


def test_attempts_stop_counting_where_they_fit_no_longer() -> None:
    assert of(a_position(1, attempts=10_000)).take(1)[0].attempts == ATTEMPTS_MAX


def test_position_names_its_debt() -> None:
    assert Position(7, 3, 1, 99, 2).key == OwedKey(7, 3, 1)
