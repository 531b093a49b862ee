"""Which callbacks of calls are posted, in which order, and when again."""

import pytest

from gateway.call import CallStatus
from gateway.voice.call_callback_queue import CallbackLimits, CallbackQueue, CallDelivery
from gateway.webhooks.destination import FailureKind, parse_destination
from gateway.webhooks.request import Failure
from gateway.webhooks.retry import GIVE_UP_AFTER_S
from tests.store.call_builders import NOON, a_call, an_event

DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")
FORBIDDEN = Failure(FailureKind.FORBIDDEN, 11205, "private")
URL = "https://hooks.example.com/calls"


def a_queue(**limits: int) -> CallbackQueue:
    return CallbackQueue(CallbackLimits(**limits), lambda: 1.0)


def offer(queue: CallbackQueue, call_id: int = 1, number: int = 1, url: str = URL) -> bool:
    event = an_event(a_call(call_id), number, CallStatus.RINGING)
    return queue.offer(event, parse_destination(url), NOON)


def names(taken: list[CallDelivery]) -> list[tuple[int, int]]:
    return [(each.event.call.id, each.event.number) for each in taken]


def test_the_events_of_a_call_go_one_after_the_other() -> None:
    queue = a_queue()
    for call_id, number in ((1, 1), (1, 2), (2, 1)):
        offer(queue, call_id, number)
    taken = queue.take(NOON)
    assert names(taken) == [(1, 1), (2, 1)]
    queue.ended(taken[0])
    assert names(queue.take(NOON)) == [(1, 2)]


def test_what_failed_is_tried_again_later_and_later() -> None:
    queue = a_queue()
    offer(queue)
    now = NOON
    for wait_s in (1, 2, 4, 8):
        (delivery,) = queue.take(now)
        assert queue.failed(delivery, DOWN, now)
        assert queue.take(now) == []
        assert queue.next_timer() == now + wait_s
        now += wait_s


def test_what_comes_after_a_failed_event_of_the_call_waits_for_it() -> None:
    queue = a_queue()
    offer(queue, number=1)
    offer(queue, number=2)
    (delivery,) = queue.take(NOON)
    queue.failed(delivery, DOWN, NOON)
    assert names(queue.take(NOON + 1)) == [(1, 1)]


def test_after_four_hours_it_is_given_up() -> None:
    queue = a_queue()
    offer(queue)
    (delivery,) = queue.take(NOON)
    assert not queue.failed(delivery, DOWN, NOON + GIVE_UP_AFTER_S)
    assert (queue.pending, queue.in_flight, queue.next_timer()) == (0, 0, None)


@pytest.mark.parametrize(("url", "failure"), [(f"{URL}#rc=0", DOWN), (URL, FORBIDDEN)])
def test_where_there_is_no_use_it_is_not_tried_again(url: str, failure: Failure) -> None:
    queue = a_queue()
    offer(queue, url=url)
    (delivery,) = queue.take(NOON)
    assert not queue.failed(delivery, failure, NOON)


def test_a_host_has_its_share_and_no_more() -> None:
    queue = a_queue(in_flight_max=3, host_in_flight_max=2)
    for call_id in range(1, 5):
        offer(queue, call_id)
    offer(queue, 5, url="https://other.example.com/")
    offer(queue, 6, url="https://other.example.com/")
    taken = queue.take(NOON)
    assert names(taken) == [(1, 1), (2, 1), (5, 1)]
    queue.ended(taken[0])
    assert names(queue.take(NOON)) == [(3, 1)] or queue.in_flight == 3


def test_what_there_is_no_room_for_is_not_taken() -> None:
    queue = a_queue(pending_max=2, host_pending_max=1)
    assert offer(queue, 1)
    assert not offer(queue, 2)
    assert offer(queue, 2, url="https://b.example.com/")
    assert not offer(queue, 3, url="https://c.example.com/")


def test_nothing_is_left_of_what_has_ended() -> None:
    queue = a_queue()
    for number in (1, 2, 3):
        offer(queue, number=number)
    for _ in range(3):
        (delivery,) = queue.take(NOON)
        queue.ended(delivery)
    assert (queue.pending, queue.in_flight, queue.take(NOON)) == (0, 0, [])
    assert queue._hosts == {}
    assert queue._calls == {}
