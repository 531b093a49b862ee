"""Whose turn it is."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account import Account, Sender, SenderType
from gateway.messaging.account_queue import AccountQueue
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


def waits(turns: Turns, lane: Lane, *binds: str, retry_at: float | None = None) -> None:
    turns.wait(lane, [(bind, retry_at) for bind in binds])


def served(turns: Turns, now: float = NOW) -> list[Lane]:
    """All whose turn it is, one after the other."""
    found = []
    while turn := turns.next(now):
        found.append(turn[0])
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
    assert served(turns) == [lane]


def test_first_come_is_first_served() -> None:
    turns, (first, second, third) = Turns(), lanes(3)
    for lane in (first, second, third):
        turns.give(lane, NOW)
    assert served(turns) == [first, second, third]


def test_earlier_goes_before_later() -> None:
    turns, (late, early) = Turns(), lanes(2)
    turns.give(late, NOW + 2)
    turns.give(early, NOW + 1)
    assert served(turns, NOW + 3) == [early, late]


def test_a_new_turn_makes_the_old_one_void() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    turns.give(lane, NOW + 5)
    assert served(turns, NOW + 4) == []
    assert served(turns, NOW + 5) == [lane]


def test_a_suspended_lane_has_no_turn() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    turns.suspend(lane)
    assert served(turns) == []


# Room on a bind


def test_a_lane_waits_for_room() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1")
    assert (served(turns, NOW + 3_600), turns.next_at()) == ([], None)


def test_a_lane_that_waits_has_no_other_turn() -> None:
    turns, lane = Turns(), a_lane()
    turns.give(lane, NOW)
    waits(turns, lane, "alpha/1")
    assert served(turns) == []


def test_room_gives_the_first_in_line_its_turn_and_tells_which_bind_has_it() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    assert turns.wake("alpha/1", NOW)
    assert turns.next(NOW) == (first, "alpha/1")
    assert turns.next(NOW) is None


def test_more_room_goes_to_the_next_in_line() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.wake("alpha/1", NOW)
    assert served(turns) == [first, second]


def test_room_that_nobody_waits_for_wakes_nobody() -> None:
    assert not Turns().wake("alpha/1", NOW)


def test_a_change_of_the_bind_wakes_all() -> None:
    turns, waiting = Turns(), lanes(5)
    for lane in waiting:
        waits(turns, lane, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.wake_all("alpha/1", NOW)
    assert served(turns) == waiting


def test_a_lane_that_waits_for_several_binds_goes_once() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", "beta/1")
    turns.wake("beta/1", NOW)
    assert not turns.wake("alpha/1", NOW)
    assert served(turns) == [lane]


@pytest.mark.parametrize("leave", [Turns.suspend, lambda turns, lane: turns.give(lane, NOW + 60)])
def test_room_goes_past_those_who_wait_no_more(leave: Callable[[Turns, Lane], None]) -> None:
    turns, (gone, waiting) = Turns(), lanes(2)
    waits(turns, gone, "alpha/1")
    waits(turns, waiting, "alpha/1")
    leave(turns, gone)
    turns.wake("alpha/1", NOW)
    assert served(turns) == [waiting]


def test_a_lane_that_waits_elsewhere_is_not_woken_here() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", "beta/1")
    waits(turns, lane, "beta/1")
    assert (turns.wake("alpha/1", NOW), turns.wake("beta/1", NOW)) == (False, True)


def test_who_was_served_stands_behind_those_who_wait_still() -> None:
    turns, (again, waiting) = Turns(), lanes(2)
    waits(turns, again, "alpha/1")
    waits(turns, waiting, "alpha/1")
    turns.give(again, NOW)
    served(turns)
    waits(turns, again, "alpha/1")
    turns.wake("alpha/1", NOW)
    assert served(turns) == [waiting]


@pytest.mark.parametrize("woken_by", ["alpha/1", "beta/1"])
def test_who_found_no_room_after_all_keeps_its_place(woken_by: str) -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1", "beta/1")
    waits(turns, second, "alpha/1", "beta/1")
    turns.wake(woken_by, NOW)
    turns.next(NOW)
    waits(turns, first, "alpha/1", "beta/1")
    turns.pass_on(first, woken_by, NOW)
    turns.wake_all("alpha/1", NOW)
    assert served(turns) == [first, second]


def test_who_was_served_lets_the_next_in_line_see_what_is_left() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.next(NOW)
    turns.give(first, NOW + 1)
    turns.pass_on(first, "alpha/1", NOW)
    assert turns.next(NOW) == (second, "alpha/1")


def test_who_waits_for_another_bind_now_lets_the_next_in_line_see_what_is_left() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1")
    waits(turns, second, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.next(NOW)
    waits(turns, first, "beta/1")
    turns.pass_on(first, "alpha/1", NOW)
    assert turns.next(NOW) == (second, "alpha/1")


def test_room_that_a_lane_has_no_more_use_for_goes_to_the_next() -> None:
    """The first is woken, and before its turn comes something else moves it on."""
    turns, (moved_on, waiting) = Turns(), lanes(2)
    waits(turns, moved_on, "alpha/1")
    waits(turns, waiting, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.give(moved_on, NOW + 60)
    assert served(turns) == [waiting]


# Room that time alone makes


def test_time_wakes_a_lane_where_it_makes_room() -> None:
    turns, lane = Turns(), a_lane()
    waits(turns, lane, "alpha/1", retry_at=NOW + 2)
    assert (turns.next_at(), turns.next(NOW + 1)) == (NOW + 2, None)
    assert turns.next(NOW + 2) == (lane, "alpha/1")


def test_the_earliest_time_counts() -> None:
    turns, (late, early) = Turns(), lanes(2)
    waits(turns, late, "alpha/1", retry_at=NOW + 5)
    waits(turns, early, "alpha/1", retry_at=NOW + 1)
    assert turns.next_at() == NOW + 1
    assert turns.next(NOW + 1) == (late, "alpha/1")


def test_a_time_that_was_overtaken_wakes_nobody() -> None:
    turns, (first, second, third) = Turns(), lanes(3)
    waits(turns, first, "alpha/1", retry_at=NOW + 5)
    waits(turns, second, "alpha/1", retry_at=NOW + 1)
    waits(turns, third, "alpha/1", retry_at=NOW + 6)
    assert served(turns, NOW + 1) == [first]
    assert served(turns, NOW + 5) == []


def test_each_bind_has_its_own_time() -> None:
    turns, (first, second) = Turns(), lanes(2)
    waits(turns, first, "alpha/1", retry_at=NOW + 1)
    waits(turns, second, "beta/1", retry_at=NOW + 2)
    assert served(turns, NOW + 1) == [first]
    assert served(turns, NOW + 2) == [second]


@given(st.data())
def test_no_lane_waits_for_ever(data: st.DataObject) -> None:
    """Every lane always has something to send, as the dispatcher does it: who is served has the
    next turn too, and finds the bind full like all others. In any order of rooms, each lane is
    served once before any is served again."""
    binds = ["alpha/1", "beta/1"]
    turns, everybody = Turns(), lanes(data.draw(st.integers(1, 6)))
    for lane in everybody:
        waits(turns, lane, *binds)
    seen: list[Lane] = []
    for bind in data.draw(st.lists(st.sampled_from(binds), min_size=30)):
        room = 1
        turns.wake(bind, NOW)
        while turn := turns.next(NOW):
            lane, woken_by = turn
            if room and woken_by:
                room = 0
                seen.append(lane)
                turns.give(lane, NOW)
            else:
                waits(turns, lane, *binds)
            if woken_by:
                turns.pass_on(lane, woken_by, NOW)
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
