"""The decisions of the webhook outbox; no loop, no sockets, time is an argument."""

import random
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.webhook_destination import Destination, FailureKind, parse_destination
from gateway.messaging.webhook_outbox import GIVE_UP_AFTER_S, Delivery, Outbox, OutboxLimits
from gateway.messaging.webhook_request import Answer, WebhookRequest
from tests.messaging.webhook_world import WALL_START, an_event

NOW = WALL_START
DOWN = FailureKind.CONNECT


class NoSource:
    """The outbox carries the source and never calls it."""

    def url(self, message: Message) -> str:
        raise AssertionError

    def request(self, event: StatusEvent, destination: Destination) -> WebhookRequest | None:
        raise AssertionError

    def answered(self, event: StatusEvent, destination: Destination, answer: Answer) -> str:
        raise AssertionError


def a_delivery(
    message_id: int = 1, number: int = 1, host: str = "a", fragment: str = ""
) -> Delivery:
    destination = parse_destination(f"http://{host}.example/#{fragment}")
    return Delivery(an_event(message_id, number), destination, NoSource())


def an_outbox(limits: OutboxLimits | None = None, chance: float = 1.0) -> Outbox:
    return Outbox(limits or OutboxLimits(), lambda: chance, started_at=NOW)


def keys(deliveries: list[Delivery]) -> list[tuple[int, int]]:
    return [delivery.key for delivery in deliveries]


def offer(outbox: Outbox, *deliveries: Delivery) -> list[bool]:
    return [outbox.offer(delivery) for delivery in deliveries]


def fail_host(outbox: Outbox, message_id: int = 999, host: str = "a") -> Delivery:
    """Let one delivery fail, so that its host counts as failing."""
    offer(outbox, a_delivery(message_id, host=host))
    (delivery,) = outbox.take(NOW)
    outbox.failed(delivery, DOWN, NOW)
    return delivery


def test_new_delivery_starts_at_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert keys(outbox.take(NOW)) == [(1, 1)]


def test_delivery_is_handed_out_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    outbox.take(NOW)
    assert outbox.take(NOW) == []


def test_same_event_offered_twice_is_held_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1), a_delivery(1))
    assert outbox.pending == 1


def test_next_event_of_a_message_waits_for_the_one_before() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2))
    assert keys(outbox.take(NOW)) == [(1, 1)]


def test_next_event_of_a_message_goes_when_the_one_before_was_taken() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2))
    outbox.succeeded(outbox.take(NOW)[0])
    assert keys(outbox.take(NOW)) == [(1, 2)]


def test_next_event_of_a_message_goes_when_the_one_before_was_given_up() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1, fragment="rc=0"), a_delivery(1, 2))
    assert not outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert keys(outbox.take(NOW)) == [(1, 2)]


def test_failed_delivery_is_not_repeated_before_its_time() -> None:
    outbox = an_outbox()
    fail_host(outbox, 1)
    assert outbox.take(NOW + 0.9) == []


def test_failed_delivery_is_repeated_at_its_time() -> None:
    outbox = an_outbox()
    fail_host(outbox, 1)
    due = outbox.next_timer()
    assert due is not None
    assert keys(outbox.take(due)) == [(1, 1)]


@pytest.mark.parametrize(("chance", "delays"), [(1.0, [1, 2, 4, 8]), (0.0, [0.5, 1, 2, 4])])
def test_delays_double_between_half_and_all(chance: float, delays: list[float]) -> None:
    outbox = an_outbox(chance=chance)
    offer(outbox, a_delivery(1))
    now, seen = NOW, []
    for _ in delays:
        (delivery,) = outbox.take(now)
        outbox.failed(delivery, DOWN, now)
        due = outbox.next_timer()
        assert due is not None
        seen.append(due - now)
        now = due
    assert seen == pytest.approx(delays)


def test_dead_server_is_tried_for_four_hours_at_most_every_quarter_of_an_hour() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    times, now = [NOW], NOW
    while outbox.failed(outbox.take(now)[0], DOWN, now):
        due = outbox.next_timer()
        assert due is not None
        now = due
        times.append(now)
    assert max(later - sooner for sooner, later in pairwise(times)) <= 900
    assert GIVE_UP_AFTER_S - 900 <= times[-1] - NOW <= GIVE_UP_AFTER_S
    assert outbox.pending == 0


def test_four_hours_count_from_our_start_for_older_events() -> None:
    """A time in which the gateway was down is not held against the server."""
    started_at = NOW + 10 * GIVE_UP_AFTER_S
    outbox = Outbox(OutboxLimits(), lambda: 1.0, started_at)
    offer(outbox, a_delivery(1))
    assert outbox.failed(outbox.take(started_at)[0], DOWN, started_at)


def test_forbidden_address_is_given_up_at_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert not outbox.failed(outbox.take(NOW)[0], FailureKind.FORBIDDEN, NOW)


def test_host_gets_no_more_than_its_places() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=2))
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert len(outbox.take(NOW)) == 2


def test_place_is_free_again_when_an_attempt_ends() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=2))
    offer(outbox, *(a_delivery(i) for i in range(5)))
    outbox.succeeded(outbox.take(NOW)[0])
    assert keys(outbox.take(NOW)) == [(2, 1)]


def test_all_hosts_together_get_no_more_than_all_places() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=3))
    offer(outbox, *(a_delivery(i, host=f"h{i}") for i in range(5)))
    assert len(outbox.take(NOW)) == 3


def test_hosts_take_turns() -> None:
    outbox = an_outbox()
    offer(outbox, *(a_delivery(i, host="busy") for i in range(3)))
    offer(outbox, a_delivery(100, host="quiet"))
    assert keys(outbox.take(NOW)) == [(0, 1), (100, 1), (1, 1), (2, 1)]


def test_one_host_gets_no_more_than_a_quarter_of_all_places() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=40, host_in_flight_max=40))
    offer(outbox, *(a_delivery(i) for i in range(40)))
    assert len(outbox.take(NOW)) == 10


def test_failing_host_gets_one_attempt_at_a_time() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert len(outbox.take(NOW)) == 1


def test_first_success_gives_a_host_its_places_back() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    outbox.succeeded(outbox.take(NOW)[0])
    assert len(outbox.take(NOW)) == 4


def test_request_that_a_host_dislikes_does_not_narrow_its_lane() -> None:
    outbox = an_outbox()
    offer(outbox, *(a_delivery(i) for i in range(5)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, FailureKind.CLIENT_ERROR, NOW)
    assert len(outbox.take(NOW + 1)) == 5


def test_host_that_begins_to_fail_loses_its_turn() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=8))
    offer(outbox, a_delivery(1), *(a_delivery(i, host=f"h{i}") for i in range(2, 9)))
    first, second, *_ = outbox.take(NOW)
    offer(outbox, a_delivery(10), a_delivery(11))
    outbox.succeeded(second)
    outbox.failed(first, DOWN, NOW)
    assert keys(outbox.take(NOW)) == [(10, 1)]


def test_failing_hosts_leave_places_to_the_others() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=8))
    for i in range(20):
        fail_host(outbox, i, host=f"dead{i}")
    outbox.take(NOW + 1)
    offer(outbox, *(a_delivery(100 + i, host=f"well{i}") for i in range(20)))
    assert len(outbox.take(NOW + 1)) == 6


def test_event_of_a_host_that_failed_all_the_time_is_given_up_without_an_attempt() -> None:
    outbox = an_outbox()
    fail_host(outbox, 1)
    offer(outbox, *(a_delivery(i) for i in (2, 3)))
    (probe,) = outbox.take(NOW)
    later = NOW + GIVE_UP_AFTER_S
    outbox.failed(probe, DOWN, later - 1)
    outbox.take(later)
    assert (3, 1) in keys(outbox.given_up())


def test_late_event_of_a_host_that_works_is_still_attempted() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert keys(outbox.take(NOW + 2 * GIVE_UP_AFTER_S)) == [(1, 1)]


def test_abandoned_delivery_says_nothing_about_its_host() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    outbox.abandoned(outbox.take(NOW)[0])
    assert len(outbox.take(NOW)) == 1


SMALL = OutboxLimits(host_pending_max=2)


def test_host_beyond_its_bound_is_left_to_the_store() -> None:
    outbox = an_outbox(SMALL)
    assert offer(outbox, *(a_delivery(i) for i in range(3))) == [True, True, False]


def test_bound_of_one_host_is_not_that_of_another() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    assert outbox.offer(a_delivery(9, host="b"))


def test_after_an_overflow_newer_events_of_the_host_stay_behind_it() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
    assert not outbox.offer(a_delivery(4))


def test_refill_waits_until_there_is_room() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    assert not outbox.begin_refill()


def overflowed_outbox() -> Outbox:
    """A host that is idle in memory, while message 3 waits in the store."""
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in (1, 2, 3)))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
        outbox.recorded(delivery)
    assert outbox.begin_refill()
    return outbox


def test_refill_fetches_what_overflowed() -> None:
    outbox = overflowed_outbox()
    assert outbox.refill(a_delivery(3))
    outbox.end_refill(complete=True)
    assert keys(outbox.take(NOW)) == [(3, 1)]


def test_event_during_a_refill_goes_after_it() -> None:
    outbox = overflowed_outbox()
    outbox.offer(a_delivery(3, 2))
    outbox.refill(a_delivery(3, 1))
    outbox.end_refill(complete=True)
    outbox.succeeded(outbox.take(NOW)[0])
    assert keys(outbox.take(NOW)) == [(3, 2)]


def test_event_that_comes_both_ways_during_a_refill_is_held_once() -> None:
    outbox = overflowed_outbox()
    outbox.offer(a_delivery(3))
    outbox.refill(a_delivery(3))
    outbox.end_refill(complete=True)
    assert outbox.pending == 1


def test_refill_beyond_the_bound_ends_the_reading() -> None:
    outbox = overflowed_outbox()
    assert [outbox.refill(a_delivery(i)) for i in (3, 4, 5)] == [True, True, False]


def test_after_a_refill_beyond_the_bound_the_rest_is_still_in_the_store() -> None:
    outbox = overflowed_outbox()
    for i in (3, 4, 5):
        outbox.refill(a_delivery(i))
    outbox.end_refill(complete=True)
    assert outbox.overflowed == 1


def test_refill_that_was_cut_short_is_repeated() -> None:
    outbox = overflowed_outbox()
    outbox.end_refill(complete=False)
    assert outbox.begin_refill()


def test_refill_ignores_other_hosts() -> None:
    outbox = overflowed_outbox()
    outbox.refill(a_delivery(8, host="b"))
    outbox.end_refill(complete=True)
    assert outbox.pending == 0


def test_event_told_during_a_refill_is_not_told_again() -> None:
    """The refill reads a snapshot, in which it was not yet told."""
    outbox = overflowed_outbox()
    outbox.refill(a_delivery(3))
    (delivery,) = outbox.take(NOW)
    outbox.succeeded(delivery)
    outbox.recorded(delivery)
    outbox.refill(a_delivery(3))
    assert outbox.pending == 0


def test_event_told_during_a_refill_is_forgotten_after_it() -> None:
    outbox = overflowed_outbox()
    outbox.refill(a_delivery(3))
    (delivery,) = outbox.take(NOW)
    outbox.succeeded(delivery)
    outbox.recorded(delivery)
    outbox.end_refill(complete=True)
    offer(outbox, a_delivery(3))
    assert outbox.pending == 1


def test_refill_waits_while_the_memory_is_full_of_others() -> None:
    outbox = an_outbox(OutboxLimits(pending_max=16))
    offer(outbox, a_delivery(1), a_delivery(2, host="b"))
    assert not outbox.begin_refill()


def test_event_whose_end_is_not_yet_written_is_not_told_again() -> None:
    outbox = an_outbox(SMALL)
    offer(outbox, *(a_delivery(i) for i in (1, 2, 3)))
    for delivery in outbox.take(NOW):
        outbox.succeeded(delivery)
    outbox.begin_refill()
    outbox.refill(a_delivery(1))
    assert outbox.pending == 0


def test_however_many_hosts_are_dead_there_is_room_for_another() -> None:
    outbox = an_outbox(OutboxLimits(pending_max=10_000, host_pending_max=1_000))
    for host in range(100):
        for i in range(1_000):
            outbox.offer(a_delivery(host * 1_000 + i, host=f"dead{host}"))
    assert outbox.offer(a_delivery(10**9, host="well"))
    assert outbox.pending <= 10_000


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_random_hosts_keep_every_order_and_bound(seed: int) -> None:
    """A store, an outbox with tight bounds, and servers that fail at random until they do not."""
    rng = random.Random(seed)
    limits = OutboxLimits(
        in_flight_max=8,
        host_in_flight_max=3,
        pending_max=80,
        host_pending_max=4,
    )
    outbox = Outbox(limits, rng.random, NOW)
    store: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []
    flying: list[Delivery] = []
    unwritten: list[Delivery] = []
    numbers: dict[int, int] = defaultdict(int)
    now, refilling = NOW, False

    def fresh(key: tuple[int, int]) -> Delivery:
        return a_delivery(*key, host=f"h{key[0] % 3}")

    def write() -> None:
        for delivery in unwritten:
            store.remove(delivery.key)
            outbox.recorded(delivery)
        unwritten.clear()

    def land(delivery: Delivery, works: bool) -> None:
        if works:
            outbox.succeeded(delivery)
            told.append(delivery.key)
            unwritten.append(delivery)
        else:
            assert outbox.failed(delivery, DOWN, now)

    snapshot: list[tuple[int, int]] = []
    for step in range(600):
        now += rng.random()
        calm = step > 400
        if not calm and rng.random() < 0.6:
            message_id = rng.randrange(12)
            numbers[message_id] += 1
            key = (message_id, numbers[message_id])
            store.append(key)
            outbox.offer(fresh(key))
        flying += outbox.take(now)
        assert len(flying) <= limits.in_flight_max
        assert outbox.in_flight == len(flying)
        assert outbox.pending <= limits.pending_max
        while flying and rng.random() < 0.7:
            land(flying.pop(rng.randrange(len(flying))), calm or rng.random() < 0.6)
        if rng.random() < 0.5:
            write()
        if not refilling and rng.random() < 0.3:
            refilling, snapshot = outbox.begin_refill(), list(store)
        for _ in range(rng.randrange(6)):
            if refilling and (not snapshot or not outbox.refill(fresh(snapshot.pop(0)))):
                outbox.end_refill(complete=True)
                refilling = False
        assert not outbox.given_up()
    for _ in range(200):
        now += 60
        for delivery in outbox.take(now) + flying:
            land(delivery, works=True)
        flying = []
        write()
        if refilling or outbox.begin_refill():
            for key in list(store):
                if not outbox.refill(fresh(key)):
                    break
            outbox.end_refill(complete=True)
            refilling = False
    assert not store
    assert len(told) == len(set(told)) == sum(numbers.values())
    for message_id, last in numbers.items():
        assert [number for told_id, number in told if told_id == message_id] == list(
            range(1, last + 1)
        )
    assert outbox.pending == outbox.in_flight == outbox.overflowed == outbox.hosts == 0
    assert outbox.next_timer() is None
