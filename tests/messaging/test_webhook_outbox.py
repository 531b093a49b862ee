"""The decisions of the webhook outbox; no loop, no sockets, time is an argument."""

from itertools import pairwise

import pytest

from gateway.messaging.webhook_outbox import Outbox, OutboxLimits
from gateway.webhooks.retry import GIVE_UP_AFTER_S
from tests.messaging.outbox_world import (
    DOWN,
    FORBIDDEN,
    NOW,
    POSTPONED,
    REFUSED,
    UNUSABLE,
    a_delivery,
    an_outbox,
    fail_host,
    ids,
    offer,
    resume,
)


def next_time(outbox: Outbox) -> float:
    due = outbox.next_timer()
    assert due is not None
    return due


def test_new_delivery_starts_at_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert ids(outbox.take(NOW)) == [(1, 1)]


def test_delivery_is_handed_out_once() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    outbox.take(NOW)
    assert outbox.take(NOW) == []


def test_next_event_of_a_message_waits_for_the_one_before() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2))
    assert ids(outbox.take(NOW)) == [(1, 1)]


def test_next_event_of_a_message_goes_when_the_one_before_was_taken() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2))
    outbox.succeeded(outbox.take(NOW)[0])
    assert ids(outbox.take(NOW)) == [(1, 2)]


def test_next_event_of_a_message_goes_when_the_one_before_was_given_up() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, 1, fragment="rc=0"), a_delivery(1, 2))
    assert not outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert ids(outbox.take(NOW)) == [(1, 2)]


def test_failed_delivery_is_not_repeated_before_its_time() -> None:
    outbox = an_outbox()
    fail_host(outbox, 1)
    assert outbox.take(NOW + 0.9) == []


def test_failed_delivery_is_repeated_at_its_time() -> None:
    outbox = an_outbox()
    fail_host(outbox, 1)
    assert ids(outbox.take(next_time(outbox))) == [(1, 1)]


@pytest.mark.parametrize(("chance", "delays"), [(1.0, [1, 2, 4, 8]), (0.0, [0.5, 1, 2, 4])])
def test_delays_double_between_half_and_all(chance: float, delays: list[float]) -> None:
    outbox = an_outbox(chance=chance)
    offer(outbox, a_delivery(1))
    now, seen = NOW, []
    for _ in delays:
        (delivery,) = outbox.take(now)
        outbox.failed(delivery, REFUSED, now)
        seen.append(next_time(outbox) - now)
        now = next_time(outbox)
    assert seen == pytest.approx(delays)


def test_refused_delivery_is_tried_for_four_hours_at_most_every_quarter_of_an_hour() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    times, now = [NOW], NOW
    while outbox.failed(outbox.take(now)[0], REFUSED, now):
        now = next_time(outbox)
        times.append(now)
    assert max(later - sooner for sooner, later in pairwise(times)) <= 900
    assert GIVE_UP_AFTER_S - 900 <= times[-1] - NOW <= GIVE_UP_AFTER_S
    assert outbox.pending == 0


def test_four_hours_count_from_when_the_event_came_here() -> None:
    """A time in which the gateway was down is not held against the server."""
    outbox = an_outbox()
    later = NOW + 10 * GIVE_UP_AFTER_S
    offer(outbox, a_delivery(1), now=later)
    assert outbox.failed(outbox.take(later)[0], DOWN, later)


@pytest.mark.parametrize("failure", [FORBIDDEN, UNUSABLE])
def test_what_another_attempt_would_not_change_is_given_up_at_once(failure: object) -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert not outbox.failed(outbox.take(NOW)[0], failure, NOW)  # type: ignore[arg-type]


def test_trouble_of_ours_does_not_count_among_the_customers_retries() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, fragment="rc=0"))
    assert outbox.failed(outbox.take(NOW)[0], POSTPONED, NOW)


def test_retries_that_the_customer_wants_are_counted() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, fragment="rc=1"))
    assert outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert not outbox.failed(outbox.take(NOW + 1)[0], DOWN, NOW + 1)


def test_host_gets_no_more_than_its_places() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=2))
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert len(outbox.take(NOW)) == 2


def test_place_is_free_again_when_an_attempt_ends() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=2))
    offer(outbox, *(a_delivery(i) for i in range(5)))
    outbox.succeeded(outbox.take(NOW)[0])
    assert ids(outbox.take(NOW)) == [(2, 1)]


def test_all_hosts_together_get_no_more_than_all_places() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=3))
    offer(outbox, *(a_delivery(i, host=f"h{i}") for i in range(5)))
    assert len(outbox.take(NOW)) == 3


def test_hosts_take_turns() -> None:
    outbox = an_outbox()
    offer(outbox, *(a_delivery(i, host="busy") for i in range(3)))
    offer(outbox, a_delivery(100, host="quiet"))
    assert ids(outbox.take(NOW)) == [(0, 1), (100, 1), (1, 1), (2, 1)]


def test_one_host_gets_no_more_than_a_quarter_of_all_places() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=40, host_in_flight_max=40))
    offer(outbox, *(a_delivery(i) for i in range(40)))
    assert len(outbox.take(NOW)) == 10


def test_host_in_trouble_gets_one_attempt_at_a_time() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert len(outbox.take(NOW)) == 1


def test_first_success_gives_a_host_its_places_back() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    outbox.succeeded(outbox.take(NOW)[0])
    assert len(resume(outbox, NOW)) == 4


def test_request_that_a_host_dislikes_does_not_narrow_its_lane() -> None:
    outbox = an_outbox()
    offer(outbox, *(a_delivery(i) for i in range(5)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, REFUSED, NOW)
    assert len(outbox.take(NOW + 1)) == 5


def test_host_that_begins_to_fail_loses_its_turn() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=8))
    offer(outbox, a_delivery(1), *(a_delivery(i, host=f"h{i}") for i in range(2, 9)))
    first, second, *_ = outbox.take(NOW)
    offer(outbox, a_delivery(10), a_delivery(11))
    outbox.succeeded(second)
    outbox.failed(first, DOWN, NOW)
    assert ids(outbox.take(NOW)) == [(10, 1)]


def test_hosts_in_trouble_leave_places_to_the_others() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=8))
    for i in range(20):
        fail_host(outbox, i, host=f"dead{i}")
    outbox.take(NOW + 1)
    offer(outbox, *(a_delivery(100 + i, host=f"well{i}") for i in range(20)))
    assert len(outbox.take(NOW + 1)) == 6


def test_what_comes_from_the_store_leaves_places_to_what_is_new() -> None:
    """Or it would stand in line behind the backlogs of many hosts."""
    outbox = an_outbox(OutboxLimits(in_flight_max=8, host_pending_max=1))
    for i in range(10):
        offer(outbox, a_delivery(i, host=f"h{i}"), a_delivery(20 + i, host=f"h{i}"))
    while started := outbox.take(NOW):
        for delivery in started:
            outbox.succeeded(delivery)
    keys = outbox.page(NOW)
    outbox.paged({key: a_delivery(*key[:2], host=f"h{key[0] - 20}") for key in keys})
    assert len(outbox.take(NOW)) == 4
    offer(outbox, *(a_delivery(100 + i, host=f"new{i}") for i in range(10)))
    assert len(outbox.take(NOW)) == 4


def test_late_event_of_a_host_that_works_is_still_attempted() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    assert ids(outbox.take(NOW + 2 * GIVE_UP_AFTER_S)) == [(1, 1)]


def test_abandoned_delivery_says_nothing_about_its_host() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, *(a_delivery(i) for i in range(3)))
    outbox.abandoned(outbox.take(NOW)[0])
    assert len(resume(outbox, NOW)) == 1


def test_host_without_anything_to_tell_costs_nothing() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1))
    outbox.succeeded(outbox.take(NOW)[0])
    assert outbox.hosts == 0


def test_replayed_event_is_a_debt_of_its_own() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, round_=2))
    assert outbox.take(NOW)[0].key == (1, 1, 2)
