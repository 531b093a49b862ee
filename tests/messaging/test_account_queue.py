"""The queue of one sender: order, room, rate."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.account_queue import HEAD_MAX, HEAD_MIN, STALE_MAX, AccountQueue
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
    lane.give_back(1)
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
    lane.leave(gone)
    assert drain(lane) == [2]


def test_what_expired_after_it_came_back_is_skipped() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2))
    lane.head()
    gone = lane.pop()
    lane.put_back(gone)
    gone.waiting = False
    lane.leave(gone)
    assert drain(lane) == [2]


def test_what_expired_behind_a_head_that_cannot_go_is_let_go() -> None:
    lane = queue(max_queue_s=2)
    fill(lane, Item(0))
    for position in range(1, 10 * STALE_MAX):
        gone = Item(position)
        fill(lane, gone)
        gone.waiting = False
        lane.leave(gone)
    fill(lane, Item(10 * STALE_MAX))
    assert len(lane._fresh) <= STALE_MAX + 4
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


def test_what_has_left_otherwise_is_not_counted() -> None:
    lane, gone = queue(), Item(2)
    fill(lane, Item(1), gone)
    gone.waiting = False
    lane.leave(gone)
    assert (len(lane), [item.position for item in lane]) == (1, [1])


def test_what_came_back_is_among_those_that_are_here() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2))
    lane.put_back(lane.pop())
    assert sorted(item.position for item in lane) == [1, 2]


# What is aside


@pytest.mark.parametrize(("mps", "held"), [(1, HEAD_MIN), (400, 800), (100_000, HEAD_MAX)])
def test_the_head_is_two_seconds_of_the_rate_within_bounds(mps: float, held: int) -> None:
    assert queue(mps).head_max == held


def aside(lane: AccountQueue[Item], *ids: int, expires_at: float = 9.0) -> None:
    for message_id in ids:
        assert lane.reserve(1)
        lane.set_aside(message_id, 1, expires_at)


def read(lane: AccountQueue[Item]) -> None:
    """What is under way has been read, and is all there."""
    assert lane.page
    lane.page_read([Item(message_id) for message_id in lane.page.ids])


def test_what_is_aside_has_its_room_and_is_counted() -> None:
    lane = queue()
    fill(lane, Item(1))
    aside(lane, 2, 3)
    assert (len(lane), lane.aside, lane.segments, drain(lane)) == (3, 2, 3, [1])


def test_a_page_is_read_into_the_head() -> None:
    lane = queue()
    aside(lane, 1, 2, 3)
    page = lane.next_page(0.0, head_max=4)
    assert page
    assert page.ids.tolist() == [1, 2, 3]
    read(lane)
    assert (lane.aside, lane.held, drain(lane)) == (0, 3, [1, 2, 3])


def test_a_page_fills_the_head_and_no_more() -> None:
    lane = queue()
    fill(lane, Item(1))
    aside(lane, 2, 3, 4, 5, 6)
    page = lane.next_page(0.0, head_max=4)
    assert page
    assert page.ids.tolist() == [2, 3, 4]


def test_a_head_that_is_half_full_wants_no_page() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2))
    aside(lane, 3)
    assert lane.next_page(0.0, head_max=4) is None


def test_a_page_that_could_not_be_read_is_the_next_again() -> None:
    lane = queue()
    aside(lane, 1, 2, 3)
    page = lane.next_page(0.0, head_max=2)
    fill(lane, Item(4), Item(5))
    assert page
    assert lane.next_page(99.0, head_max=2) is page


def test_what_is_read_and_has_left_meanwhile_is_aside_no_more() -> None:
    lane = queue()
    aside(lane, 1, 2)
    lane.next_page(0.0, head_max=4)
    lane.give_back(1)
    lane.page_read([Item(2)])
    assert (len(lane), lane.segments, drain(lane)) == (1, 1, [2])


def test_what_has_expired_behind_a_full_head_is_a_page() -> None:
    lane = queue()
    fill(lane, Item(1), Item(2))
    aside(lane, 3, expires_at=9.0)
    aside(lane, 4, expires_at=5.0)
    assert lane.expires_at() == 5.0
    page = lane.next_page(5.0, head_max=2)
    assert page
    assert page.ids.tolist() == [4]


def test_what_came_back_stands_before_what_is_read_later() -> None:
    lane = queue()
    fill(lane, Item(1))
    lane.head()
    first = lane.pop()
    aside(lane, 2)
    lane.next_page(0.0, head_max=2)
    lane.put_back(first)
    read(lane)
    assert drain(lane) == [1, 2]


class Paged:
    """A queue with a head of `head_max` as the dispatcher uses it, beside the plain list that it
    must be equal to: of those that wait, in the order of acceptance. Messages have ids in that
    order, which are their positions as well."""

    def __init__(self, head_max: int) -> None:
        self.queue: AccountQueue[Item] = queue(max_queue_s=1_000)
        self.head_max = head_max
        self.now = 0.0
        self.model: list[int] = []
        self.expires_at: dict[int, float] = {}
        self.here: dict[int, Item] = {}
        self.sent: list[Item] = []
        self.expired: list[int] = []

    def put(self, validity_s: int) -> None:
        message_id = len(self.expires_at) + 1
        self.expires_at[message_id] = self.now + validity_s
        assert self.queue.reserve(1)
        if self.queue.aside or self.queue.held >= self.head_max:
            self.queue.set_aside(message_id, 1, self.expires_at[message_id])
        else:
            self.queue.put(self.make(message_id))
        self.model.append(message_id)

    def make(self, message_id: int) -> Item:
        item = self.here[message_id] = Item(message_id)
        return item

    def send(self) -> None:
        head = self.queue.head()
        if head is None:
            assert self.queue.aside == len(self.model)
        else:
            assert head.position == self.model.pop(0)
            self.sent.append(self.queue.pop())

    def refuse(self, which: int) -> None:
        if self.sent:
            item = self.sent.pop(which % len(self.sent))
            self.queue.put_back(item)
            self.model = sorted([*self.model, item.position])

    def page(self) -> None:
        """A read begins, or the one that is under way ends."""
        if self.queue.page is None:
            self.queue.next_page(self.now, self.head_max)
            return
        page, items = self.queue.page, []
        for message_id in page.ids:
            if self.expires_at[message_id] <= self.now:
                self.queue.give_back(1)
                self.end(message_id)
            else:
                items.append(self.make(message_id))
        self.queue.page_read(items)

    def end(self, message_id: int) -> None:
        self.expired.append(message_id)
        self.model.remove(message_id)

    def expire(self, seconds: int) -> None:
        """Time passes: what is here expires at once, what is aside once it has been read."""
        self.now += seconds
        for item in list(self.queue):
            if self.expires_at[item.position] <= self.now:
                item.waiting = False
                self.queue.leave(item)
                self.end(item.position)

    def settle(self) -> None:
        """Whatever is to be read has been."""
        for _ in range(10_000):
            self.page()
            if self.queue.page is None and self.queue.next_page(self.now, self.head_max) is None:
                return
        raise AssertionError("reading never ends")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "send", "refuse", "page", "page", "expire"]),
        st.integers(1, 12),
    ),
    max_size=200,
)


@given(STEPS, st.integers(2, 12))
def test_a_queue_with_pages_does_as_a_plain_list_would(
    steps: list[tuple[str, int]], head_max: int
) -> None:
    """In any order of operations, reads that take any time among them: the same order, and the same
    expiries."""
    both = Paged(head_max)
    for step, number in steps:
        if step == "put":
            both.put(number)
        elif step == "send":
            both.send()
        elif step == "refuse":
            both.refuse(number)
        elif step == "page":
            both.page()
        else:
            both.expire(number)
        assert (len(both.queue), both.queue.segments) == (len(both.model), len(both.model))
    both.expire(0)
    both.settle()
    assert [each for each in both.model if both.expires_at[each] <= both.now] == []
    while both.model:
        both.send()
        both.settle()
    assert len(both.queue) == both.queue.segments == 0
    assert sorted(both.expired + [item.position for item in both.sent]) == sorted(both.expires_at)
