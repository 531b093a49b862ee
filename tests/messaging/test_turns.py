"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.turns import Lane, Turns
from tests.store.builders import ACCOUNT, a_message

NOW = 1_700_000_000.0


def a_lane(name: str = "55501") -> Lane:
    return Lane(ACCOUNT, name, "short_code", AccountQueue(100, 100))


def lanes(count: int) -> list[Lane]:
    return [a_lane(str(number)) for number in range(count)]


def parked(turns: Turns, lane: Lane, bind: str, retry_at: float | None = None) -> None:
    """As the dispatcher does it."""
    turns.suspend(lane)
    turns.park(lane, bind, retry_at)


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


def test_a_parked_lane_waits_for_its_bind() -> None:
    turns, lane = Turns(), a_lane()
    parked(turns, lane, "alpha/1")
    assert turns.is_parked(lane, "alpha/1")
    assert (served(turns, NOW + 3_600), turns.next_at()) == ([], None)


def test_room_gives_one_lane_its_turn_and_tells_which_bind_has_it() -> None:
    turns, (first, second) = Turns(), lanes(2)
    parked(turns, first, "alpha/1")
    parked(turns, second, "alpha/1")
    assert turns.wake("alpha/1", NOW)
    assert turns.next(NOW) == (first, "alpha/1")
    assert turns.next(NOW) is None


def test_room_that_nobody_waits_for_wakes_nobody() -> None:
    assert not Turns().wake("alpha/1", NOW)


def test_a_bind_that_is_up_again_wakes_all() -> None:
    turns, waiting = Turns(), lanes(5)
    for lane in waiting:
        parked(turns, lane, "alpha/1")
    turns.wake_all("alpha/1", NOW)
    assert served(turns) == waiting


def test_a_lane_waits_for_several_binds_and_goes_once() -> None:
    turns, lane = Turns(), a_lane()
    turns.suspend(lane)
    for bind in ("alpha/1", "beta/1"):
        turns.park(lane, bind, None)
    turns.wake("beta/1", NOW)
    assert not turns.wake("alpha/1", NOW)
    assert served(turns) == [lane]


def test_room_goes_past_those_who_wait_no_more() -> None:
    turns, (gone, waiting) = Turns(), lanes(2)
    parked(turns, gone, "alpha/1")
    parked(turns, waiting, "alpha/1")
    turns.give(gone, NOW + 60)
    turns.wake("alpha/1", NOW)
    assert served(turns) == [waiting]


def test_who_waits_again_stands_behind_those_who_wait_still() -> None:
    turns, (again, waiting) = Turns(), lanes(2)
    parked(turns, again, "alpha/1")
    parked(turns, waiting, "alpha/1")
    turns.give(again, NOW)
    served(turns)
    parked(turns, again, "alpha/1")
    turns.wake("alpha/1", NOW)
    assert served(turns) == [waiting]


def test_room_that_a_lane_has_no_more_use_for_goes_to_the_next() -> None:
    """The first is woken, and before its turn comes something else moves it on."""
    turns, (moved_on, waiting) = Turns(), lanes(2)
    parked(turns, moved_on, "alpha/1")
    parked(turns, waiting, "alpha/1")
    turns.wake("alpha/1", NOW)
    turns.give(moved_on, NOW + 60)
    assert served(turns) == [waiting]


def test_a_lane_that_is_gone_stands_nowhere() -> None:
    turns, lane = Turns(), a_lane()
    turns.suspend(lane)
    for bind in ("alpha/1", "beta/1"):
        turns.park(lane, bind, None)
    turns.forget(lane)
    assert not turns.is_parked(lane, "alpha/1")
    assert not turns.wake("alpha/1", NOW)
    assert not turns.wake("beta/1", NOW)


# Room that time alone makes


def test_time_wakes_a_lane_where_it_makes_room() -> None:
    turns, lane = Turns(), a_lane()
    parked(turns, lane, "alpha/1", NOW + 2)
    assert (turns.next_at(), turns.next(NOW + 1)) == (NOW + 2, None)
    assert turns.next(NOW + 2) == (lane, "alpha/1")


def test_the_earliest_time_counts() -> None:
    turns, (late, early) = Turns(), lanes(2)
    parked(turns, late, "alpha/1", NOW + 5)
    parked(turns, early, "alpha/1", NOW + 1)
    assert turns.next_at() == NOW + 1
    assert turns.next(NOW + 1) == (late, "alpha/1")


def test_a_time_that_was_overtaken_wakes_nobody() -> None:
    turns, (first, second, third) = Turns(), lanes(3)
    parked(turns, first, "alpha/1", NOW + 5)
    parked(turns, second, "alpha/1", NOW + 1)
    parked(turns, third, "alpha/1", NOW + 6)
    assert served(turns, NOW + 1) == [first]
    assert served(turns, NOW + 5) == []


def test_each_bind_has_its_own_time() -> None:
    turns, (first, second) = Turns(), lanes(2)
    parked(turns, first, "alpha/1", NOW + 1)
    parked(turns, second, "beta/1", NOW + 2)
    assert served(turns, NOW + 1) == [first]
    assert served(turns, NOW + 2) == [second]


@given(st.data())
def test_no_lane_waits_for_ever(data: st.DataObject) -> None:
    """Every lane always has something to send; each room of a bind is used once, by whoever has
    the turn. In as many rooms as there are lanes, everybody has been served."""
    turns, everybody = Turns(), lanes(data.draw(st.integers(1, 6)))
    for lane in everybody:
        parked(turns, lane, "alpha/1")
        turns.park(lane, "beta/1", None)
    seen: list[Lane] = []
    for bind in data.draw(st.lists(st.sampled_from(["alpha/1", "beta/1"]), min_size=40)):
        turns.wake(bind, NOW)
        for lane in served(turns):
            seen.append(lane)
            turns.suspend(lane)
            turns.park(lane, "alpha/1", None)
            turns.park(lane, "beta/1", None)
    for start in range(len(seen) - len(everybody) + 1):
        assert len(set(seen[start : start + len(everybody)])) == len(everybody)


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
