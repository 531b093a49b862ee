"""What the outbox does for a host whose circuit is open, and what its fallback is for."""

from gateway.messaging.host_circuit import PAUSE_MAX_S
from gateway.messaging.host_lanes import FORGET_AFTER_S, REMEMBERED_MAX
from gateway.messaging.webhook_delivery import Failed
from gateway.messaging.webhook_outbox import UNRECORDED_MAX, YIELD_S, Ended, Outbox, OutboxLimits
from gateway.store.interface import OwedKey
from gateway.webhooks.retry import GIVE_UP_AFTER_S
from tests.messaging.outbox_world import (
    DOWN,
    FORBIDDEN,
    NOW,
    REFUSED,
    UNUSABLE,
    a_delivery,
    an_outbox,
    fail_host,
    ids,
    of_account,
    offer,
    open_circuit,
    read,
    resume,
)


def test_failures_in_a_row_open_the_circuit() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    assert outbox.open_circuits == 1


def test_nothing_of_the_backlog_is_attempted_while_the_circuit_is_open() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert resume(outbox, due - 0.1) == []


def test_what_comes_while_the_circuit_is_open_waits_in_the_store() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert (outbox.pending, outbox.waiting) == (0, 5)


def test_what_was_in_memory_waits_in_the_store_when_the_circuit_opens() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=12))
    offer(outbox, *(a_delivery(i) for i in range(50)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    assert (outbox.pending, outbox.waiting) == (3, 47)


def test_one_probe_goes_when_the_pause_is_over() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    assert ids(resume(outbox, due)) == [(0, 1)]
    assert resume(outbox, due) == []


def test_next_probe_is_another_delivery_after_a_longer_pause() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(5)))
    outbox.failed(resume(outbox, due)[0], DOWN, due)
    assert resume(outbox, due + 1.9) == []
    assert ids(resume(outbox, due + 2)) == [(1, 1)]


def test_first_success_closes_the_circuit() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, a_delivery(1), a_delivery(2))
    outbox.succeeded(resume(outbox, due)[0])
    assert outbox.open_circuits == 0


def test_backlog_is_read_and_goes_at_full_width_once_the_circuit_is_closed() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(100)))
    outbox.succeeded(resume(outbox, due)[0])
    assert ids(resume(outbox, due)) == [(i, 1) for i in range(1, 65)]


def test_host_that_dislikes_the_probe_is_there_again() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, a_delivery(1))
    outbox.failed(resume(outbox, due)[0], REFUSED, due)
    assert outbox.open_circuits == 0


def test_attempt_from_before_that_succeeds_closes_the_circuit() -> None:
    outbox = an_outbox()
    offer(outbox, *(a_delivery(i) for i in range(4)))
    *failing, late = outbox.take(NOW)
    for delivery in failing:
        outbox.failed(delivery, DOWN, NOW)
    outbox.succeeded(late)
    assert outbox.open_circuits == 0


def test_probes_that_failed_take_turns_once_nothing_else_waits() -> None:
    outbox = an_outbox()
    now = open_circuit(outbox)
    offer(outbox, a_delivery(1), a_delivery(2))
    probes: list[int] = []
    while len(probes) < 8:
        for probe in resume(outbox, now):
            probes.append(probe.message_id)
            outbox.failed(probe, DOWN, now)
        now += 1
    assert probes[:2] == [1, 2]
    assert min(probes.count(1), probes.count(2)) >= 3


def test_url_of_one_account_that_fails_is_not_in_the_way_of_another() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, of_account(2, a_delivery(1)))
    assert ids(outbox.take(NOW)) == [(1, 1)]


def test_retry_that_is_due_while_the_circuit_is_open_waits_for_the_probe() -> None:
    outbox = an_outbox(chance=0.0)
    offer(outbox, *(a_delivery(i, fragment="rc=5") for i in range(3)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    assert len(resume(outbox, NOW + 0.5)) == 1
    assert (outbox.pending, outbox.in_flight, outbox.waiting) == (3, 1, 0)


def test_events_of_a_message_keep_their_order_through_an_open_circuit() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, a_delivery(1, 1), a_delivery(1, 2), a_delivery(1, 3))
    told = []
    for _ in range(3):
        (delivery,) = resume(outbox, due)
        outbox.succeeded(delivery)
        told.append(delivery.event.number)
    assert told == [1, 2, 3]


def test_next_event_stays_behind_one_that_goes_back_to_the_store() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=12))
    offer(outbox, *(a_delivery(i) for i in range(3)), a_delivery(9, 1), a_delivery(9, 2))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    offer(outbox, a_delivery(9, 3))
    told, now = [], NOW
    while outbox.pending or outbox.waiting:
        now += 1
        for delivery in resume(outbox, now):
            outbox.succeeded(delivery)
            told.append((delivery.message_id, delivery.event.number))
    assert [key for key in told if key[0] == 9] == [(9, 1), (9, 2), (9, 3)]


def test_attempts_are_remembered_through_the_store() -> None:
    """The customer's `rc` counts all of them."""
    outbox = an_outbox(chance=0.0)
    offer(outbox, *(a_delivery(i, fragment="rc=5") for i in range(3)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    probe, *others = resume(outbox, NOW + 0.5)
    assert others == []
    outbox.succeeded(probe)
    later = NOW + 0.5 + YIELD_S
    assert [delivery.attempts for delivery in resume(outbox, later)] == [2, 2]


def test_first_event_after_the_pause_is_the_probe() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    assert outbox.take(due) == []
    offer(outbox, a_delivery(1, fallback="b"), now=due)
    assert [delivery.host for delivery in outbox.take(due)] == ["a.example:80"]


def test_trouble_of_a_host_is_remembered_while_there_is_nothing_to_tell_it() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    outbox.take(NOW + FORGET_AFTER_S - 1)
    assert (outbox.hosts, outbox.open_circuits) == (1, 1)


def test_trouble_of_a_host_is_forgotten_in_the_end() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    outbox.take(NOW + FORGET_AFTER_S)
    assert (outbox.hosts, outbox.open_circuits, outbox.next_timer()) == (0, 0, None)


def test_newer_trouble_of_a_host_is_remembered_longer() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    later = NOW + FORGET_AFTER_S - 1
    outbox.take(later)
    offer(outbox, a_delivery(1, fragment="rc=0"), now=later)
    outbox.failed(outbox.take(later)[0], DOWN, later)
    outbox.take(NOW + FORGET_AFTER_S)
    assert outbox.hosts == 1
    outbox.take(later + FORGET_AFTER_S)
    assert outbox.hosts == 0


def test_no_more_troubles_are_remembered_than_there_is_room_for() -> None:
    outbox = an_outbox()
    for host in range(REMEMBERED_MAX + 5):
        offer(outbox, a_delivery(host, host=f"h{host}", fragment="rc=0"))
        outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert outbox.hosts == REMEMBERED_MAX


def test_probe_that_was_abandoned_makes_way_for_another() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox)
    offer(outbox, a_delivery(1), a_delivery(2))
    outbox.abandoned(resume(outbox, due)[0])
    assert ids(resume(outbox, due)) == [(2, 1)]


def test_backlog_of_a_dead_host_is_given_up_after_four_hours() -> None:
    outbox = an_outbox()
    now = open_circuit(outbox)
    offer(outbox, a_delivery(1), a_delivery(2))
    while outbox.waiting or outbox.pending:
        for delivery in resume(outbox, now):
            outbox.failed(delivery, DOWN, now)
        now += 60
    assert GIVE_UP_AFTER_S - PAUSE_MAX_S <= now - NOW <= GIVE_UP_AFTER_S + PAUSE_MAX_S + 60


def test_what_is_given_up_without_an_attempt_has_the_hosts_last_trouble_as_reason() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, a_delivery(1))
    outbox.take(NOW + GIVE_UP_AFTER_S + 1)
    assert outbox.ended() == [Ended(OwedKey(1, 1), "a.example:80", "11205 cannot connect")]


def test_what_is_owed_for_less_than_four_hours_is_not_given_up_with_the_rest() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, a_delivery(1))
    offer(outbox, a_delivery(2), now=NOW + 60)
    outbox.take(NOW + GIVE_UP_AFTER_S + 1)
    assert (len(outbox.ended()), outbox.waiting) == (1, 1)


def test_long_backlog_is_given_up_as_fast_as_it_is_recorded() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, *(a_delivery(i) for i in range(UNRECORDED_MAX + 10)))
    later = NOW + GIVE_UP_AFTER_S + 1
    outbox.take(later)
    # The three that opened the circuit are not yet recorded either.
    assert len(outbox.ended()) == UNRECORDED_MAX - 3
    assert outbox.has_overdue
    for _ in range(20):
        outbox.recorded()
    outbox.take(later)
    assert len(outbox.ended()) == 13


# Fallbacks


def to_fallback(outbox: Outbox, now: float = NOW) -> Failed | None:
    """Why the one delivery that starts now goes to the host `b`."""
    (delivery,) = outbox.take(now)
    assert delivery.host == "b.example:80"
    return delivery.instead_of


def test_fallback_is_called_after_as_many_attempts_as_twilio_makes() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, fallback="b"))
    assert outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert outbox.failed(outbox.take(NOW + 1)[0], DOWN, NOW + 1)
    assert to_fallback(outbox, NOW + 1) == Failed(11205, "http://a.example/")


def test_fallback_is_called_after_as_many_attempts_as_the_customer_says() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, fragment="rc=0", fallback="b"))
    outbox.failed(outbox.take(NOW)[0], REFUSED, NOW)
    assert to_fallback(outbox) == Failed(11200, "http://a.example/")


def test_fallback_is_called_at_once_where_no_other_attempt_would_help() -> None:
    for failure in (FORBIDDEN, UNUSABLE):
        outbox = an_outbox()
        offer(outbox, a_delivery(1, fallback="b"))
        outbox.failed(outbox.take(NOW)[0], failure, NOW)
        assert to_fallback(outbox) == Failed(failure.code, "http://a.example/")


def test_fallback_is_called_at_once_while_the_circuit_is_open() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, a_delivery(1, fallback="b"))
    assert to_fallback(outbox) == Failed(11205, "http://a.example/")


def test_what_waited_in_memory_goes_to_its_fallback_when_the_circuit_opens() -> None:
    outbox = an_outbox(OutboxLimits(in_flight_max=12))
    offer(outbox, *(a_delivery(i) for i in range(3)), a_delivery(4, fallback="b"))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    assert to_fallback(outbox) == Failed(11205, "http://a.example/")


def test_what_waited_in_the_store_goes_to_its_fallback_when_the_circuit_opens() -> None:
    outbox = an_outbox(OutboxLimits(host_pending_max=3))
    offer(outbox, *(a_delivery(i) for i in range(3)), a_delivery(4, fallback="b"))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    assert read(outbox, NOW, fallback="b") == [OwedKey(4, 1)]
    assert to_fallback(outbox) == Failed(11205, "http://a.example/")


def test_fallback_is_tried_as_long_as_any_other_url() -> None:
    outbox = an_outbox()
    offer(outbox, a_delivery(1, fragment="rc=0", fallback="b"))
    outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    for now in (NOW, NOW + 1, NOW + 3):
        (delivery,) = outbox.take(now)
        assert outbox.failed(delivery, REFUSED, now)


def test_what_waits_for_a_fallback_that_is_dead_too_is_still_for_the_fallback() -> None:
    outbox = an_outbox()
    due = open_circuit(outbox, host="b")
    offer(outbox, a_delivery(1, fragment="rc=0", fallback="b"))
    outbox.failed(outbox.take(NOW)[0], DOWN, NOW)
    assert outbox.waiting == 1
    (delivery,) = resume(outbox, due, fallback="b")
    assert (delivery.host, delivery.instead_of) == (
        "b.example:80",
        Failed(11205, "http://a.example/"),
    )


def test_fallback_on_the_same_host_waits_with_the_rest() -> None:
    outbox = an_outbox()
    open_circuit(outbox)
    offer(outbox, a_delivery(1, fallback="a"))
    assert outbox.waiting == 1
    assert outbox.page(NOW) == []


def test_trouble_of_a_fallback_is_that_of_its_own_host() -> None:
    outbox = an_outbox()
    fail_host(outbox)
    offer(outbox, a_delivery(1, fragment="rc=0", fallback="b"))
    outbox.succeeded(outbox.take(NOW)[0])
    assert outbox.open_circuits == 0
