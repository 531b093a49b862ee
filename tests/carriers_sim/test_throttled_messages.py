import pytest

from carriers_sim.bind_attempts import BindAttempts
from carriers_sim.throttled_messages import ThrottledMessages

PAIR = ("1", "2")


def throttled() -> ThrottledMessages:
    messages = ThrottledMessages()
    messages.throttled(PAIR, content=7, now=0.0)
    return messages


def test_cli_5_another_message_that_comes_later_overtakes() -> None:
    assert throttled().overtaken(PAIR, 8, 2.0)


def test_cli_5_what_was_in_flight_overtakes_nobody() -> None:
    messages = throttled()
    assert not messages.overtaken(PAIR, 8, 0.5)
    assert len(messages) == 1


def test_cli_5_the_same_message_ends_the_wait() -> None:
    messages = throttled()
    assert not messages.overtaken(PAIR, 7, 2.0)
    assert not messages.overtaken(PAIR, 8, 3.0)


def test_cli_5_another_pair_is_another_matter() -> None:
    assert not throttled().overtaken(("1", "3"), 8, 2.0)


def test_cli_5_a_message_that_never_comes_again_may_have_expired() -> None:
    messages = throttled()
    assert not messages.overtaken(PAIR, 8, 20.0)
    assert len(messages) == 0


def test_the_first_throttled_message_of_a_pair_counts() -> None:
    messages = throttled()
    messages.throttled(PAIR, content=8, now=0.1)
    assert not messages.overtaken(PAIR, 7, 2.0)


def test_the_oldest_pair_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carriers_sim.throttled_messages.PAIRS_MAX", 1)
    messages = throttled()
    messages.throttled(("3", "4"), 9, 0.0)
    assert len(messages) == 1
    assert not messages.overtaken(PAIR, 8, 2.0)


def test_cli_4_too_many_attempts_in_a_minute_are_told_once() -> None:
    attempts = BindAttempts(most=3)
    assert [attempts.add(at) for at in (0, 1, 2, 3, 4)] == [False, False, False, True, False]


def test_cli_4_attempts_of_long_ago_are_forgotten() -> None:
    attempts = BindAttempts(most=3)
    assert not any(attempts.add(at) for at in range(0, 600, 20))
