"""What holds at this moment."""

from gateway.streams.state_board import CLEARED, DOWN, RAISED, UP, StateBoard

BIND = "binds/alpha/1"
ALARM = "alarms/store_down"


def test_state_holds_since_it_changed() -> None:
    board = StateBoard()
    board.set(BIND, DOWN, 1.0, "connection lost")
    board.set(BIND, DOWN, 9.0, "refused")
    state = board.get(BIND)
    assert state
    assert (state.value, state.since, state.detail) == (DOWN, 1.0, "connection lost")


def test_only_a_change_is_one() -> None:
    board = StateBoard()
    changes = [board.set(BIND, value, 1.0) for value in (UP, UP, DOWN)]
    assert changes == [True, False, True]


def test_unknown_topic_has_no_state() -> None:
    assert StateBoard().get(BIND) is None


def test_who_knows_nothing_is_told_the_latest_of_each() -> None:
    board = StateBoard()
    board.set(BIND, UP, 1.0)
    board.set(ALARM, RAISED, 2.0)
    board.set(BIND, DOWN, 3.0)
    assert [(state.topic, state.value) for state in board.changed_since(0)] == [
        (ALARM, RAISED),
        (BIND, DOWN),
    ]


def test_who_knows_a_version_is_told_what_is_newer() -> None:
    board = StateBoard()
    board.set(BIND, UP, 1.0)
    known = board.changed_since(0)[-1].version
    board.set(ALARM, CLEARED, 2.0)
    assert [state.topic for state in board.changed_since(known)] == [ALARM]


def test_change_is_told_at_once() -> None:
    board, calls = StateBoard(), list[int]()
    board.on_change = lambda: calls.append(1)
    board.set(BIND, UP, 1.0)
    board.set(BIND, UP, 2.0)
    assert calls == [1]
