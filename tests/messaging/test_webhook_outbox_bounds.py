"""What the outbox does when its memory is full, and that no order is lost by it."""

import random
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.messaging.backlog_pages import PAGE_MAX, RETRY_S
from gateway.messaging.host_circuit import OPEN_AFTER
from gateway.messaging.webhook_delivery import Delivery
from gateway.messaging.webhook_outbox import Ended, Outbox, OutboxLimits
from gateway.store.interface import OwedKey
from tests.messaging.outbox_world import (
    DOWN,
    NOW,
    REFUSED,
    a_delivery,
    an_outbox,
    fail_host,
    ids,
    offer,
    read,
    resume,
)

SMALL = OutboxLimits(host_pending_max=2)


def test_what_exceeds_the_memory_of_a_host_waits_in_the_store() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    assert (outbox.pending, outbox.waiting) == (2, 1)


def test_bound_of_one_host_is_not_that_of_another() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)), a_delivery(9, host="b"))
    assert outbox.pending == 3


def test_nothing_overtakes_what_waits_in_the_store() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
    offer(outbox, a_delivery(4))
    assert outbox.take(NOW) == []


def test_store_is_read_once_half_of_the_memory_is_free() -> None:
    outbox = an_outbox(OutboxLimits(host_pending_max=4))
    offer(outbox, *(a_delivery(i) for i in range(6)))
    first, second, *_ = outbox.take(NOW)
    outbox.succeeded(first)
    assert outbox.page(NOW) == []
    outbox.succeeded(second)
    assert outbox.page(NOW) == [OwedKey(4, 1), OwedKey(5, 1)]


def overflowed_outbox() -> Outbox:
    """A host that is idle in memory, while messages 3 and 4 wait in the store."""
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in (1, 2, 3, 4)))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
    return outbox


def test_what_was_read_is_told() -> None:
    outbox = overflowed_outbox()
    read(outbox, NOW)
    assert ids(outbox.take(NOW)) == [(3, 1), (4, 1)]


def test_one_page_is_read_at_a_time() -> None:
    outbox = overflowed_outbox()
    outbox.page(NOW)
    offer(outbox, *(a_delivery(10 + i, host="b") for i in range(9)))
    assert outbox.page(NOW) == []


def test_page_is_shared_by_hosts_and_has_a_bound() -> None:
    outbox = an_outbox(OutboxLimits(host_pending_max=300))
    offer(outbox, *(a_delivery(i, host="abc"[i % 3]) for i in range(1_800)))
    while started := outbox.take(NOW):
        for delivery in started:
            outbox.succeeded(delivery)
    assert len(outbox.page(NOW)) == PAGE_MAX


def test_event_that_comes_during_a_reading_goes_after_it() -> None:
    outbox = overflowed_outbox()
    keys = outbox.page(NOW)
    offer(outbox, a_delivery(3, 2))
    outbox.paged({key: a_delivery(*key[:2]) for key in keys})
    assert ids(outbox.take(NOW)) == [(3, 1), (4, 1)]


def test_what_is_no_longer_in_the_store_is_forgotten() -> None:
    outbox = overflowed_outbox()
    outbox.page(NOW)
    outbox.paged({})
    assert (outbox.pending, outbox.waiting, outbox.hosts) == (0, 0, 0)


def test_page_that_could_not_be_read_is_read_later() -> None:
    outbox = overflowed_outbox()
    keys = outbox.page(NOW)
    outbox.page_failed(NOW)
    assert outbox.waiting == 2
    assert outbox.page(NOW) == []
    assert outbox.next_timer() == NOW + RETRY_S
    assert outbox.page(NOW + RETRY_S) == keys


def test_page_that_arrives_at_an_open_circuit_waits_behind_what_is_older() -> None:
    """Of message 1, the first event is in memory then, the second on the page, the third in the
    store."""
    outbox = an_outbox(OutboxLimits(in_flight_max=12, host_pending_max=8))
    offer(outbox, *(a_delivery(i) for i in (3, 4, 5, 6)))
    offer(outbox, *(a_delivery(i, fragment="rc=0") for i in (7, 8, 9)))
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
    last, *failing = outbox.take(NOW)
    outbox.succeeded(last)
    failing += outbox.take(NOW)
    keys = outbox.page(NOW)
    for delivery in failing:
        outbox.failed(delivery, DOWN, NOW)
    offer(outbox, a_delivery(1, 3))
    outbox.paged({key: a_delivery(*key[:2]) for key in keys})
    assert (keys, outbox.waiting) == ([OwedKey(1, 2)], 3)
    told = []
    for _ in range(3):
        (delivery,) = resume(outbox, NOW + 1)
        outbox.succeeded(delivery)
        told.append(delivery.event.number)
    assert told == [1, 2, 3]


def test_host_in_trouble_has_little_in_memory() -> None:
    """It goes one at a time; more would only be in the way of others."""
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert (outbox.pending, outbox.waiting) == (2, 4)


def test_no_more_is_read_than_half_of_the_memory_holds() -> None:
    outbox = an_outbox(OutboxLimits(pending_max=34))
    offer(outbox, *(a_delivery(i, host=f"h{i}") for i in range(6)))
    assert (outbox.pending, outbox.waiting) == (2, 4)
    read(outbox, NOW)
    assert (outbox.pending, outbox.waiting) == (4, 2)
    assert outbox.page(NOW) == []
    assert outbox.next_timer() is None


def test_however_many_hosts_are_slow_there_is_room_for_another() -> None:
    outbox = an_outbox(OutboxLimits(pending_max=10_000, host_pending_max=1_000))
    for host in range(100):
        for i in range(1_000):
            outbox.offer(a_delivery(host * 1_000 + i, host=f"slow{host}"), NOW)
    held = outbox.pending
    outbox.offer(a_delivery(10**9, host="well"), NOW)
    assert held < outbox.pending <= 10_000


def test_dead_hosts_leave_room_in_memory_for_those_that_work() -> None:
    outbox = an_outbox(OutboxLimits(pending_max=640))
    for i in range(600):
        offer(outbox, a_delivery(i, host=f"dead{i // OPEN_AFTER}"))
        for delivery in resume(outbox, NOW, host=f"dead{i // OPEN_AFTER}"):
            outbox.failed(delivery, DOWN, NOW)
    outbox.take(NOW + 1)
    assert outbox.pending + outbox.waiting == 600
    # Half of what new ones may have, and half of what late ones may.
    assert outbox.pending - outbox.in_flight <= 160 + 160


def test_what_finds_no_room_among_the_positions_either_is_given_up() -> None:
    outbox = an_outbox(OutboxLimits(host_pending_max=1, waiting_max=10))
    offer(outbox, *(a_delivery(i) for i in range(8)))
    assert outbox.waiting == 5
    reason = "too many wait for the host"
    assert outbox.ended() == [
        Ended(OwedKey(6, 1), "a.example:80", reason),
        Ended(OwedKey(7, 1), "a.example:80", reason),
    ]


def test_host_that_fills_the_positions_leaves_room_for_another() -> None:
    outbox = an_outbox(OutboxLimits(host_pending_max=1, waiting_max=10))
    offer(outbox, *(a_delivery(i) for i in range(8)))
    offer(outbox, *(a_delivery(20 + i, host="b") for i in range(2)))
    assert outbox.waiting == 6


class FlakyWorld:
    """A store, an outbox with tight bounds, and servers that fail at random until they do not."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.limits = OutboxLimits(
            in_flight_max=8, host_in_flight_max=3, pending_max=80, host_pending_max=4
        )
        self.outbox = Outbox(self.limits, self.rng.random)
        self.now = NOW
        self.flying: list[Delivery] = []
        self.page: list[OwedKey] = []
        self.told: list[tuple[int, int]] = []
        self.numbers: dict[int, int] = defaultdict(int)

    def tell(self) -> None:
        """One more event of one of twelve messages, or a new message that has a fallback."""
        message_id = self.rng.randrange(24)
        if message_id >= 12:
            message_id = 100 + len(self.numbers)
        self.numbers[message_id] += 1
        self.outbox.offer(self.delivery(message_id, self.numbers[message_id]), self.now)

    def delivery(self, message_id: int, number: int) -> Delivery:
        host, fallback = (f"h{(message_id + i) % 3}" for i in (0, 1))
        return a_delivery(
            message_id, number, host=host, fallback=fallback if message_id >= 100 else ""
        )

    def start(self) -> None:
        self.flying += self.outbox.take(self.now)
        self.page = self.page or self.outbox.page(self.now)
        assert self.outbox.in_flight == len(self.flying) <= self.limits.in_flight_max
        assert self.outbox.pending <= self.limits.pending_max

    def land(self, share_that_works: float) -> None:
        delivery = self.flying.pop(self.rng.randrange(len(self.flying)))
        if self.rng.random() < share_that_works:
            self.outbox.succeeded(delivery)
            self.told.append((delivery.message_id, delivery.event.number))
        else:
            failure = self.rng.choice([DOWN, DOWN, REFUSED])
            assert self.outbox.failed(delivery, failure, self.now)

    def read(self) -> None:
        if self.rng.random() < 0.2:
            self.outbox.page_failed(self.now)
        else:
            self.outbox.paged({key: self.delivery(*key[:2]) for key in self.page})
        self.page = []


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_random_hosts_keep_every_order_and_bound(seed: int) -> None:
    world = FlakyWorld(seed)
    outbox, rng = world.outbox, world.rng
    for step in range(600):
        world.now += rng.random()
        if step < 400 and rng.random() < 0.6:
            world.tell()
        world.start()
        while world.flying and rng.random() < 0.7:
            world.land(0.6 if step < 400 else 1.0)
        if world.page and rng.random() < 0.5:
            world.read()
    for _ in range(400):
        world.now += 60
        world.start()
        while world.flying:
            world.land(1.0)
        if world.page:
            world.read()
    assert not outbox.ended()
    for message_id, last in world.numbers.items():
        told = [number for told_id, number in world.told if told_id == message_id]
        assert told == list(range(1, last + 1))
    assert outbox.pending == outbox.in_flight == outbox.waiting == outbox.hosts == 0
    assert outbox.open_circuits == 0
    assert outbox.next_timer() is None
