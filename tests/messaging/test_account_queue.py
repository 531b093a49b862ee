"""The queue of one sender: order, room, rate."""

from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.account_queue import STALE_MAX, AccountQueue
from gateway.messaging.mps import MpsLimiter


@dataclass
class Item:
    position: int
    segments: int = 1
    waiting: bool = True


def queue(mps: float = 1.0, max_queue_s: float = 100.0) -> AccountQueue[Item]:
    return AccountQueue(mps, max_queue_s)


def fill(lane: AccountQueue[Item], *items: Item) -> None:
    for item in items:
        assert lane.reserve(item.segments)
        lane.put(item)


def drain(lane: AccountQueue[Item]) -> list[int]:
    positions = []
    while lane.head():
        positions.append(lane.pop().position)
    return positions


def test_first_in_is_first_out() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2), Item(3))
    assert drain(lane) == [1, 2, 3]


def test_short_code_holds_four_hours_of_its_rate() -> None:
    assert queue(mps=100, max_queue_s=14_400).capacity == 1_440_000


def test_full_queue_reserves_nothing() -> None:
    lane = queue(max_queue_s=2)
    fill(lane, Item(1), Item(2))
    assert not lane.reserve(1)


def test_room_is_counted_in_segments() -> None:
    lane = queue(max_queue_s=5)
    fill(lane, Item(1, segments=3))
    assert (lane.reserve(3), lane.reserve(2)) == (False, True)


def test_message_longer_than_the_queue_passes_when_it_is_alone() -> None:
    """Else a low rate could never send a long message."""
    assert queue(max_queue_s=2).reserve(5)


@pytest.mark.parametrize("segments", [1, 4])
def test_room_comes_back_with_what_leaves(segments: int) -> None:
    lane = queue(max_queue_s=4)
    fill(lane, Item(1, segments))
    lane.pop()
    assert lane.segments == 0


def test_room_that_was_not_used_is_given_back() -> None:
    lane = queue(max_queue_s=1)
    assert lane.reserve(1)
    lane.forget(1)
    assert lane.reserve(1)


def test_message_of_before_has_room_in_a_queue_that_is_full() -> None:
    lane = queue(max_queue_s=1)
    fill(lane, Item(1))
    lane.hold(1)
    lane.put(Item(2))
    assert drain(lane) == [1, 2]


def test_what_came_back_stands_before_what_was_accepted_later() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2), Item(3))
    lane.head()
    first = lane.pop()
    lane.head()
    second = lane.pop()
    lane.put_back(second)
    lane.put_back(first)
    assert drain(lane) == [1, 2, 3]


def test_what_expired_is_skipped() -> None:
    lane = queue()
    gone = Item(1)
    fill(lane, gone, Item(2))
    gone.waiting = False
    lane.forget(gone.segments)
    assert drain(lane) == [2]


def test_what_expired_after_it_came_back_is_skipped() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2))
    lane.head()
    gone = lane.pop()
    lane.put_back(gone)
    gone.waiting = False
    lane.forget(gone.segments)
    assert drain(lane) == [2]


def test_what_expired_behind_a_head_that_cannot_go_is_let_go() -> None:
    lane = queue(max_queue_s=2)
    fill(lane, Item(0))
    for position in range(1, 10 * STALE_MAX):
        gone = Item(position)
        fill(lane, gone)
        gone.waiting = False
        lane.forget(gone.segments)
    fill(lane, Item(10 * STALE_MAX))
    assert len(lane) <= STALE_MAX + 4
    assert drain(lane) == [0, 10 * STALE_MAX]


def test_slower_of_sender_and_account_decides() -> None:
    account = MpsLimiter(mps=1)
    fast: AccountQueue[Item] = AccountQueue(100, 10, account)
    other: AccountQueue[Item] = AccountQueue(100, 10, account)
    fast.take(now=50.0)
    assert other.ready_at(now=50.0) == account.ready_at(now=50.0) > 50.5


def test_length_is_in_messages() -> None:
    lane = queue()
    fill(lane, Item(1, segments=3), Item(2))
    assert len(lane) == 2


@given(st.lists(st.sampled_from(["put", "send", "refuse", "expire"]), max_size=200))
def test_order_and_room_hold_whatever_happens(steps: list[str]) -> None:
    """A deque that is sorted anew after each step is the model."""
    lane, model, sent, position = queue(max_queue_s=1_000), deque[Item](), list[Item](), 0
    for step in steps:
        head = lane.head()
        assert (head.position if head else None) == (model[0].position if model else None)
        if step == "put":
            position += 1
            item = Item(position)
            fill(lane, item)
            model.append(item)
        elif step == "send" and model:
            sent.append(lane.pop())
            assert sent[-1] is model.popleft()
        elif step == "refuse" and sent:
            item = sent.pop()
            lane.put_back(item)
            model = deque(sorted([*model, item], key=lambda one: one.position))
        elif step == "expire" and model:
            item = model.pop()
            item.waiting = False
            lane.forget(item.segments)
        assert lane.segments == len(model)
