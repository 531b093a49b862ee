"""Whose turn it is."""

from collections.abc import Callable
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account import Account, Sender, SenderType
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.fair_line import NORMAL
from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.turns import Turns
from tests.store.builders import ACCOUNT, a_message

NOW = 1_700_000_000.0


def a_lane(name: str = "55501") -> Lane:
    account = Account(ACCOUNT, "0123456789abcdef0123456789abcdef")
    return Lane(account, Sender(name, SenderType.SHORT_CODE), AccountQueue(100, 100))


def lanes(count: int) -> list[Lane]:
    return [a_lane(str(number)) for number in range(count)]


def waits(turns: Turns, lane: Lane, *lines: str, room_at: float | None = None) -> None:
    turns.wait(lane, NORMAL, [(line, room_at) for line in lines])


def has(turns: Turns, now: float = NOW, room: int = 1_000) -> list[Lane]:
    """Who has a turn now, one after the other, while there is `room` for so many; none goes on."""
    found = []
    while turn := turns.next(now):
        lane, line = turn
        found.append(lane)
        turns.suspend(lane)
        room -= 1
        if line:
            turns.served(lane, line, now, now if room else inf)
    return found


# Time


def test_nobody_has_a_turn_at_first() -> None:
    turns = Turns()
    assert (turns.next(NOW), turns.next_at()) == (None, None)


def test_a_turn_comes_at_its_time() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW + 1)
    assert (turns.next_at(), turns.next(NOW)) == (NOW + 1, None)
    assert turns.next(NOW + 1) == (lane, "")


def test_a_turn_is_had_once() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    assert has(turns) == [lane]


def test_first_come_is_first_has() -> None:
    turns, (first, second, third) = Turns(), lanes(3)
    for lane in (first, second, third):
        turns.give(lane, NOW)
    assert has(turns) == [first, second, third]


def test_earlier_goes_before_later() -> None:
    turns, (late, early) = Turns(), lanes(2)
    turns.give(late, NOW + 2)
    turns.give(early, NOW + 1)
    assert has(turns, NOW + 3) == [early, late]


def test_a_new_turn_makes_the_old_one_void() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    turns.give(lane, NOW + 5)
    assert has(turns, NOW + 4) == []
    assert has(turns, NOW + 5) == [lane]


def test_a_suspended_lane_has_no_turn() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    turns.suspend(lane)
    assert has(turns) == []


# Room


def test_a_lane_waits_for_room() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1")
    assert (has(turns, NOW + 3_600), turns.next_at()) == ([], None)


def test_a_lane_that_waits_has_no_other_turn() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    waits(turns, lane, "alpha/1")
    assert has(turns) == []


def test_room_gives_the_first_in_line_its_turn_and_tells_where_it_is() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1")
    assert turns.next(NOW) == (first, "alpha/1")


def test_as_many_are_served_as_there_is_room() -> None:
    turns, waiting = Turns(), lanes(3)
    for lane in waiting:
        waits(turns, lane, "alpha/1")
    turns.wake("alpha/1")
    assert has(turns, room=2) == waiting[:2]
    turns.wake("alpha/1")
    assert has(turns) == waiting[2:]


def test_room_that_nobody_waits_for_wakes_nobody() -> None:
    turns = Turns()
    turns.wake("alpha/1")
    assert turns.next(NOW) is None


def test_who_waits_is_served_before_those_whose_time_has_come() -> None:
    turns, (early, waiting) = Turns(), lanes(2)
    waits(turns, waiting, "alpha/1")
    turns.give(early, NOW - 10)
    turns.wake("alpha/1")
    assert has(turns) == [waiting, early]


def test_the_loss_of_a_bind_wakes_all_in_its_line() -> None:
    turns, waiting = Turns(), lanes(5)
    for lane in waiting:
        waits(turns, lane, "alpha/1")
    turns.wake_all("alpha/1", NOW)
    assert has(turns) == waiting


def test_a_lane_that_waits_in_several_lines_goes_once() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", "beta/1")
    turns.wake("beta/1")
    turns.wake("alpha/1")
    assert has(turns) == [lane]


@pytest.mark.parametrize("leave", [Turns.suspend, lambda turns, lane: turns.give(lane, NOW + 60)])
def test_room_goes_past_those_who_wait_no_more(leave: Callable[[Turns, Lane], None]) -> None:
    turns, (gone, waiting) = Turns(), lanes(2)
    waits(turns, gone, "alpha/1")
    waits(turns, waiting, "alpha/1")
    leave(turns, gone)
    turns.wake("alpha/1")
    assert has(turns) == [waiting]


def test_a_lane_that_waits_elsewhere_is_not_woken_here() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", "beta/1")
    waits(turns, lane, "beta/1")
    turns.wake("alpha/1")
    assert has(turns) == []
    turns.wake("beta/1")
    assert has(turns) == [lane]


def test_who_found_no_room_after_all_keeps_its_place() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1")
    assert turns.next(NOW) == (first, "alpha/1")
    waits(turns, first, "alpha/1")
    turns.served(first, "alpha/1", NOW, NOW)
    assert turns.next(NOW) is None  # There was no room: nobody else is asked.
    turns.wake("alpha/1")
    assert has(turns) == [first, second]


def test_who_waits_for_another_line_now_leaves_the_room_to_the_next() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1")
    turns.next(NOW)
    waits(turns, first, "beta/1")
    turns.served(first, "alpha/1", NOW, NOW)
    assert turns.next(NOW) == (second, "alpha/1")


def test_who_has_no_more_use_for_room_leaves_it_to_the_next() -> None:
    turns, (done, waiting) = Turns(), lanes(2)
    waits(turns, done, "alpha/1")
    waits(turns, waiting, "alpha/1")
    turns.wake("alpha/1")
    assert turns.next(NOW) == (done, "alpha/1")
    turns.served(done, "alpha/1", NOW, NOW)  # Nothing was said of it.
    assert turns.next(NOW) == (waiting, "alpha/1")


# Going on


def test_who_goes_on_has_its_share_of_room_and_not_more() -> None:
    """All of its room comes at once: one account has one sender, the other three."""
    turns = Turns()
    single, *several = lanes(4)
    for lane in several:
        lane.account_sid = "AC2"
    for lane in (single, *several):
        waits(turns, lane, "alpha/1")
    turns.wake("alpha/1")
    served = []
    for room in range(12, 0, -1):
        turn = turns.next(NOW)
        assert turn is not None
        lane, _ = turn
        turns.charge(lane, "alpha/1", 1)
        served.append(lane)
        turns.contend(lane, NORMAL, "alpha/1")
        turns.served(lane, "alpha/1", NOW, NOW if room > 1 else inf)
    assert [served.count(lane) for lane in (single, *several)] == [6, 2, 2, 2]


def test_who_would_go_on_looks_elsewhere_once_there_is_no_more_room() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1")
    turns.wake("alpha/1")
    turns.next(NOW)
    turns.contend(lane, NORMAL, "alpha/1")
    turns.served(lane, "alpha/1", NOW, inf)
    assert turns.next(NOW) == (lane, "")


# Room that time alone makes


def test_time_wakes_a_lane_where_it_makes_room() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", room_at=NOW + 2)
    assert (turns.next_at(), turns.next(NOW + 1)) == (NOW + 2, None)
    assert turns.next(NOW + 2) == (lane, "alpha/1")


def test_the_earliest_time_counts() -> None:
    turns, (late, early) = Turns(), lanes(2)
    waits(turns, late, "alpha/1", room_at=NOW + 5)
    waits(turns, early, "alpha/1", room_at=NOW + 1)
    assert turns.next_at() == NOW + 1
    assert turns.next(NOW + 1) == (late, "alpha/1")


def test_who_is_left_is_woken_when_there_is_more_room() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1", room_at=NOW + 1)
    waits(turns, second, "alpha/1", room_at=NOW + 1)
    assert turns.next(NOW + 1) == (first, "alpha/1")
    turns.suspend(first)
    turns.served(first, "alpha/1", NOW + 1, NOW + 3)
    assert (turns.next(NOW + 2), turns.next(NOW + 3)) == (None, (second, "alpha/1"))


def test_a_time_that_was_overtaken_wakes_nobody() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1", room_at=NOW + 5)
    waits(turns, second, "alpha/1", room_at=NOW + 1)
    assert has(turns, NOW + 1, room=1) == [first]
    assert has(turns, NOW + 5) == []


def test_each_line_has_its_own_time() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1", room_at=NOW + 1)
    waits(turns, second, "beta/1", room_at=NOW + 2)
    assert has(turns, NOW + 1) == [first]
    assert has(turns, NOW + 2) == [second]


@given(st.data())
def test_no_lane_waits_for_ever(data: st.DataObject) -> None:
    """Every lane always has something to send, and finds both binds full at other times than these.
    In any order of rooms, each lane is served once before any is served again."""
    binds = ["alpha/1", "beta/1"]
    turns, everybody = Turns(), lanes(data.draw(st.integers(1, 6)))
    for lane in everybody:
        waits(turns, lane, *binds)
    seen: list[Lane] = []
    for bind in data.draw(st.lists(st.sampled_from(binds), min_size=30)):
        room = data.draw(st.integers(1, 3))
        turns.wake(bind)
        while turn := turns.next(NOW):
            lane, line = turn
            if not line:
                waits(turns, lane, *binds)
                continue
            room -= 1
            seen.append(lane)
            turns.charge(lane, bind, 1)
            turns.contend(lane, NORMAL, line)
            turns.served(lane, line, NOW, NOW if room else inf)
    for start in range(len(seen) - len(everybody) + 1):
        assert set(seen[start : start + len(everybody)]) == set(everybody)


# The guard of a conversation


def test_a_message_waits_for_the_one_before_to_its_recipient() -> None:
    lane, earlier = a_lane(), OpenMessage(a_message(1))
    lane.busy[earlier.message.recipient] = earlier
    assert lane.blocks(a_message(2))


def test_a_message_does_not_wait_for_itself() -> None:
    lane, itself = a_lane(), OpenMessage(a_message(1))
    lane.busy[itself.message.recipient] = itself
    assert not lane.blocks(itself.message)


def test_a_message_to_somebody_else_does_not_wait() -> None:
    lane, earlier = a_lane(), OpenMessage(a_message(1))
    lane.busy[earlier.message.recipient] = earlier
    assert not lane.blocks(a_message(2, recipient="+15005550009"))
