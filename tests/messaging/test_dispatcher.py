"""From the queue to a bind, and what follows from its answers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.carrier import BindType
from gateway.message import Encoding, Status
from gateway.messaging.dispatcher import LOST_MAX, ROUND_PAUSES_S, Dispatcher
from gateway.messaging.open_message import OpenMessage
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import FieldError, NotBound, WindowFull
from routing.circuit_breaker import CircuitState
from tests.messaging.traffic_world import (
    RECIPIENT,
    SENDER,
    UNKNOWN_WAIT_S,
    WALL,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time

OTHER = "+15005550009"
THIRD = "+15005550010"
LONG = "x" * 400  # Three parts.
TWO = {"alpha/1": (to("", 1),), "beta/1": (to("", 2),)}


def lanes_of(dispatcher: Dispatcher) -> int:
    return len(dispatcher._lanes)


# Order


@virtual_time
async def test_a_message_goes_out_as_the_customer_wrote_it() -> None:
    traffic = Traffic()
    await traffic.put("hello")
    await traffic.turn()
    (written,) = traffic.binds["alpha/1"].written
    assert (written.pdu.source_addr, written.pdu.destination_addr) == (SENDER, RECIPIENT[1:])
    assert (written.text, written.pdu.registered_delivery) == ("hello", 1)


@virtual_time
async def test_messages_of_a_sender_go_in_the_order_of_their_acceptance() -> None:
    traffic = Traffic()
    for number in range(5):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(1)
    assert traffic.texts() == ["0", "1", "2", "3", "4"]


@virtual_time
async def test_the_next_message_to_a_recipient_waits_for_the_answer_to_the_one_before() -> None:
    traffic = Traffic()
    await traffic.put("first")
    await traffic.put("second")
    await traffic.turn(1)
    assert traffic.texts() == ["first"]
    traffic.ok()
    await traffic.turn()
    assert traffic.texts() == ["first", "second"]


@virtual_time
async def test_a_sender_is_paced() -> None:
    traffic = Traffic(mps=10, window=100)
    for number in range(30):
        await traffic.put(recipient=f"+150055501{number:02d}")
    await traffic.turn(1.999)
    assert 18 <= len(traffic.texts()) <= 20


@virtual_time
async def test_the_account_is_paced_over_all_its_senders() -> None:
    traffic = Traffic(mps_max=10, window=100)
    for number in range(20):
        await traffic.put(sender=SENDER, recipient=f"+150055501{number:02d}")
        await traffic.put(sender="+15005550006", recipient=f"+150055502{number:02d}")
    await traffic.turn(1.999)
    assert 18 <= len(traffic.texts()) <= 20


@virtual_time
async def test_each_sender_has_a_rate_of_its_own() -> None:
    traffic = Traffic(mps=1)
    await traffic.put(sender=SENDER)
    await traffic.put(sender="+15005550006")
    await traffic.turn()
    assert len(traffic.texts()) == 2


@virtual_time
async def test_the_rate_is_counted_in_segments() -> None:
    traffic = Traffic(mps=1)
    await traffic.put(LONG, segments=3)
    await traffic.turn(1.9)
    assert len(traffic.texts()) == 2


# Taken


@virtual_time
async def test_what_the_carrier_takes_is_sent() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.ok(carrier_id="4a5b")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]
    (step,) = traffic.ledger.transitions
    assert (step.status, step.bind, step.carrier_id) == (Status.SENT, "alpha/1", "4a5b")


@virtual_time
async def test_sending_is_told_before_sent() -> None:
    traffic = Traffic()
    opened = await traffic.put(status_callback="https://hooks.example.com")
    await traffic.turn()
    traffic.ok()
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENDING, Status.SENT]


@virtual_time
async def test_a_message_without_receipts_is_let_go_when_it_is_sent() -> None:
    traffic = Traffic(receipts=False)
    await traffic.put()
    await traffic.turn()
    assert traffic.binds["alpha/1"].written[0].pdu.registered_delivery == 0
    traffic.ok()
    assert len(traffic.journal) == 0


# Throttled: back to the head


@pytest.mark.parametrize("status", [CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL])
def test_a_throttled_message_goes_again_before_later_ones(status: CommandStatus) -> None:
    """CLI-5."""

    @virtual_time
    async def throttled() -> None:
        traffic = Traffic(window=1)
        for number in range(3):
            await traffic.put(str(number), recipient=f"+1500555000{number}")
        await traffic.turn()
        traffic.answer(status=status)
        await traffic.turn(1)
        assert traffic.texts() == ["0", "0"]
        for _ in range(3):
            traffic.ok()
            await traffic.turn(1)
        assert traffic.texts() == ["0", "0", "1", "2"]

    throttled()


@virtual_time
async def test_several_throttled_messages_keep_their_order() -> None:
    traffic = Traffic()
    for number in range(4):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    for _ in range(3):
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    traffic.ok()
    await traffic.turn(5)
    assert traffic.texts() == ["0", "1", "2", "3", "0", "1", "2"]


@virtual_time
async def test_a_throttled_message_is_queued_again_and_nobody_is_told() -> None:
    traffic = Traffic(TWO | {"beta/1": (to("+49"),)})
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert (opened.status, traffic.segments_queued, traffic.told) == (Status.QUEUED, 1, [])


@virtual_time
async def test_a_throttled_message_goes_to_the_next_bind_meanwhile() -> None:
    traffic = Traffic(TWO)
    await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RTHROTTLED)
    await traffic.turn(0.05)
    assert traffic.texts("beta/1") == ["hello"]


@virtual_time
async def test_no_message_is_failed_for_being_throttled() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(50):
        await traffic.turn(10)
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn(10)
    traffic.ok()
    assert opened.status is Status.SENT


# Another bind


@virtual_time
async def test_a_message_that_one_carrier_does_not_take_goes_to_the_next() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RSYSERR)
    await traffic.turn()
    traffic.ok("beta/1")
    await traffic.turn()
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["hello"], ["hello"])
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_message_that_all_refuse_is_offered_around_again_after_pauses() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    for _ in range(1 + len(ROUND_PAUSES_S)):
        for bind in TWO:
            await traffic.turn(0)
            while not traffic.binds[bind].awaiting:
                await traffic.turn(0.05)
            traffic.answer(bind, CommandStatus.ESME_RSUBMITFAIL)
    await traffic.turn(60)
    at = [written.at - WALL for written in traffic.binds["alpha/1"].written]
    assert at == pytest.approx([0, 1, 5, 20], abs=0.5)
    assert len(traffic.texts("beta/1")) == 4
    assert traffic.last(opened) == (Status.FAILED, 30008)


@virtual_time
async def test_a_bind_that_is_only_busy_is_waited_for_before_one_that_refused_is_asked_again() -> (
    None
):
    traffic = Traffic(TWO, window=1)
    await traffic.put("busy", recipient=OTHER)
    await traffic.put("refused")
    await traffic.put("waits", recipient=THIRD)
    await traffic.turn(0.1)
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["busy"], ["refused"])
    traffic.answer("beta/1", CommandStatus.ESME_RSYSERR)
    await traffic.turn(60)
    assert traffic.texts("beta/1") == ["refused"]
    traffic.ok("alpha/1")
    await traffic.turn()
    assert traffic.texts("alpha/1") == ["busy", "refused"]


@virtual_time
async def test_a_sender_that_one_carrier_does_not_know_goes_by_another() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RINVSRCADR)
    await traffic.turn()
    traffic.ok("beta/1")
    assert opened.status is Status.SENT


@virtual_time
async def test_a_sender_that_no_carrier_knows_fails_as_not_provisioned() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(1 + len(ROUND_PAUSES_S)):
        while not traffic.binds["alpha/1"].awaiting:
            await traffic.turn(0.05)
        traffic.answer(status=CommandStatus.ESME_RINVSRCADR)
    await traffic.turn(60)
    assert traffic.last(opened) == (Status.FAILED, 30024)


@virtual_time
async def test_a_sender_that_a_carrier_does_not_know_costs_the_bind_nothing() -> None:
    """One customer must not be able to close a bind to all others."""
    traffic = Traffic()
    for number in range(4):
        await traffic.put(recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    for _ in range(4):
        traffic.answer(status=CommandStatus.ESME_RINVSRCADR)
    (alpha,) = traffic.router.snapshot(traffic.clock.now())
    assert alpha.circuit is CircuitState.CLOSED


# Fails


@pytest.mark.parametrize(
    ("status", "error_code"),
    [
        (CommandStatus.ESME_RINVMSGLEN, 30019),
        (CommandStatus.ESME_RINVDSTADR, 30005),
        (CommandStatus.ESME_RX_P_APPN, 30008),
        (CommandStatus.ESME_RX_R_APPN, 30007),
        (CommandStatus.ESME_RDELIVERYFAILURE, 30003),
    ],
)
def test_a_fault_of_the_message_fails_it_at_once(status: CommandStatus, error_code: int) -> None:
    @virtual_time
    async def fails() -> None:
        traffic = Traffic(TWO)
        opened = await traffic.put()
        await traffic.turn()
        traffic.answer("alpha/1", status)
        await traffic.turn(60)
        assert traffic.last(opened) == (Status.FAILED, error_code)
        assert (traffic.told[-1].bind, traffic.texts("beta/1")) == ("alpha/1", [])

    fails()


@virtual_time
async def test_a_message_that_no_route_takes_fails() -> None:
    traffic = Traffic({"alpha/1": (to("+49"),)})
    opened = await traffic.put()
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30006)


@virtual_time
async def test_a_type_of_sender_that_no_route_takes_fails() -> None:
    traffic = Traffic({"alpha/1": (to("", 1, "long_code"),)})
    opened = await traffic.put()
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30006)


@virtual_time
async def test_a_message_that_fits_no_pdu_fails_and_the_next_one_goes() -> None:
    traffic = Traffic()
    traffic.binds["alpha/1"].trouble = FieldError("destination_addr is too long")
    opened = await traffic.put("first")
    await traffic.turn()
    traffic.binds["alpha/1"].trouble = None
    await traffic.put("second")
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30006)
    assert traffic.texts() == ["second"]


@virtual_time
async def test_what_fails_makes_way_for_the_next() -> None:
    traffic = Traffic({"alpha/1": (to("+1"),)})
    await traffic.put("nowhere", recipient="+4915112345678")
    await traffic.put("somewhere")
    await traffic.turn()
    assert traffic.texts() == ["somewhere"]


# No answer


@virtual_time
async def test_a_message_in_doubt_is_never_sent_again() -> None:
    """CLI-2."""
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S - 1)
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["hello"], [])
    assert opened.status is Status.SENDING


@virtual_time
async def test_a_message_in_doubt_fails_after_the_wait() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S + 0.2)
    assert traffic.last(opened) == (Status.FAILED, 30410)


@virtual_time
async def test_doubt_is_stored_so_that_a_restart_does_not_send_it_again() -> None:
    traffic = Traffic()
    await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn()
    (step,) = traffic.ledger.transitions
    assert (step.part, step.status, step.bind) == (1, Status.SENDING, "alpha/1")


@virtual_time
async def test_a_late_answer_settles_it() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, carrier_id="4a5b", late=True)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.statuses(opened) == [Status.SENT]
    traffic.receipt("4a5b")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_a_late_refusal_sends_it_again() -> None:
    """The carrier has said that it does not have it."""
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    await traffic.turn()
    traffic.ok("beta/1")
    assert opened.status is Status.SENT


@virtual_time
async def test_a_late_refusal_for_good_fails_it() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RINVDSTADR, late=True)
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30005)


@virtual_time
async def test_an_answer_after_the_end_changes_nothing() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    traffic.answer_to("alpha/1", written, late=True)
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.FAILED]


@virtual_time
async def test_a_message_in_doubt_holds_up_nobody() -> None:
    traffic = Traffic()
    await traffic.put("first")
    await traffic.put("second")
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn()
    assert traffic.texts() == ["first", "second"]


# The bind is lost


@virtual_time
async def test_what_was_not_answered_when_the_bind_was_lost_is_sent_again() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.down("alpha/1")
    await traffic.turn()
    traffic.ok("beta/1")
    assert (traffic.texts("beta/1"), opened.status) == (["hello"], Status.SENT)


@virtual_time
async def test_what_was_lost_goes_in_its_order_and_first() -> None:
    traffic = Traffic()
    for number in range(4):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    traffic.ok()
    traffic.down("alpha/1")
    await traffic.put("4", recipient="+15005550004")
    await traffic.turn(5)
    traffic.up("alpha/1")
    await traffic.turn(1)
    assert traffic.texts() == ["0", "1", "2", "3", "1", "2", "3", "4"]


@virtual_time
async def test_a_queue_waits_while_every_bind_is_down() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    opened = await traffic.put()
    await traffic.turn(600)
    assert (traffic.texts(), opened.status) == ([], Status.QUEUED)
    traffic.up("alpha/1")
    await traffic.turn()
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_a_message_that_failed_meanwhile_is_not_sent_again() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    traffic.down("alpha/1")
    traffic.up("alpha/1")
    await traffic.turn(5)
    assert len(traffic.texts()) == 3
    assert traffic.statuses(opened) == [Status.FAILED]


@virtual_time
async def test_a_message_that_ends_every_bind_is_not_sent_for_ever() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(10):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    assert len(traffic.texts()) == LOST_MAX
    assert traffic.last(opened) == (Status.FAILED, 30410)


@virtual_time
async def test_messages_that_were_near_when_binds_ended_are_cleared_one_by_one() -> None:
    traffic = Traffic()
    senders = (SENDER, "+15005550006")
    for number in range(4):
        await traffic.put(str(number), sender=senders[number % 2], recipient=f"+1500555000{number}")
    for _ in range(2):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    seen = 0
    while traffic.segments_queued or traffic.binds["alpha/1"].awaiting:
        await traffic.turn(1)
        assert len(traffic.binds["alpha/1"].awaiting) == 1
        traffic.ok()
        seen += 1
    assert seen == 4


@virtual_time
async def test_a_lane_that_has_gone_while_another_was_cleared_does_no_harm() -> None:
    traffic = Traffic()
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", sender="+15005550006", expires_at=WALL + 60)
    for _ in range(2):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    await traffic.turn(120)
    assert traffic.last(opened) == (Status.FAILED, 30001)
    traffic.ok()
    await traffic.turn(1)
    await traffic.put("third", sender="+15005550006")
    await traffic.turn(1)
    assert traffic.texts()[-1] == "third"
    assert lanes_of(traffic.dispatcher) == 1


@pytest.mark.parametrize("trouble", [NotBound("unbinding"), WindowFull("10 await")])
def test_a_bind_that_takes_nothing_after_all_is_passed_over(trouble: Exception) -> None:
    """Its session is ending, and the router has not heard of it."""

    @virtual_time
    async def passed_over() -> None:
        traffic = Traffic(TWO)
        traffic.binds["alpha/1"].trouble = trouble
        await traffic.put()
        await traffic.turn()
        assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == ([], ["hello"])

    passed_over()


@virtual_time
async def test_a_bind_that_takes_nothing_after_all_is_asked_again() -> None:
    traffic = Traffic()
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    await traffic.put()
    await traffic.turn()
    traffic.binds["alpha/1"].trouble = None
    await traffic.turn(0.2)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_nothing_is_sent_over_a_receiver() -> None:
    traffic = Traffic(bind_type=BindType.RECEIVER)
    opened = await traffic.put()
    await traffic.turn(600)
    assert (traffic.texts(), opened.status) == ([], Status.QUEUED)
    traffic.down("alpha/1")
    assert traffic.router.snapshot(WALL)[0].drops == 0


# Time in the queue


@pytest.mark.parametrize("expired_code", [30001, 30036])
def test_a_message_expires_on_time_behind_others(expired_code: int) -> None:
    @virtual_time
    async def expires() -> None:
        traffic = Traffic(expired_code=expired_code)
        traffic.down("alpha/1")
        await traffic.put("head")
        opened = await traffic.put("behind", expires_at=WALL + 60)
        await traffic.turn(60.2)
        assert traffic.last(opened) == (Status.FAILED, expired_code)
        assert 60 <= traffic.told[-1].at - WALL < 60.2

    expires()


@virtual_time
async def test_an_expired_head_is_not_sent() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    await traffic.put("head", expires_at=WALL + 60)
    await traffic.put("behind", recipient=OTHER)
    await traffic.turn(61)
    traffic.up("alpha/1")
    await traffic.turn()
    assert traffic.texts() == ["behind"]


@virtual_time
async def test_a_head_is_not_sent_in_the_moment_after_its_time() -> None:
    """Its turn comes at 0.95 s, before the wheel of 0.1 s that would have expired it."""
    traffic = Traffic(mps=1.01 / 0.96)
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", expires_at=WALL + 0.91)
    await traffic.turn(3)
    assert traffic.texts() == ["first"]
    assert (traffic.last(opened), traffic.dispatcher.expired) == ((Status.FAILED, 30001), 1)


@virtual_time
async def test_what_an_expired_head_waited_for_does_not_hold_up_the_next() -> None:
    traffic = Traffic({"alpha/1": (to("+49"),), "beta/1": (to("+1"),)})
    traffic.down("alpha/1")
    await traffic.put("to a bind that is down", recipient="+4915112345678", expires_at=WALL + 60)
    await traffic.put("to one that is up")
    await traffic.turn(61)
    assert traffic.texts("beta/1") == ["to one that is up"]


@virtual_time
async def test_what_comes_back_after_its_time_expires_at_once() -> None:
    traffic = Traffic()
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn(61)
    assert opened.status is Status.SENDING
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30001)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_what_came_back_in_time_expires_on_time() -> None:
    traffic = Traffic()
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", expires_at=WALL + 60)
    await traffic.turn(1)
    traffic.down("alpha/1")
    await traffic.turn(59.2)
    assert traffic.last(opened) == (Status.FAILED, 30001)


@virtual_time
async def test_what_a_carrier_may_have_a_part_of_does_not_expire() -> None:
    traffic = Traffic(window=1)
    opened = await traffic.put(LONG, segments=3, expires_at=WALL + 60)
    await traffic.turn(50)
    traffic.time_out()
    traffic.down("alpha/1")
    await traffic.turn(50)
    assert (opened.status, traffic.dispatcher.expired) == (Status.SENDING, 0)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.last(opened) == (Status.FAILED, 30410)
    assert traffic.segments_queued == 0


@virtual_time
async def test_a_message_that_was_sent_does_not_expire() -> None:
    traffic = Traffic()
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn()
    traffic.ok()
    await traffic.turn(120)
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_message_that_is_settled_is_not_kept_until_its_time_would_be_over() -> None:
    """Four hours of messages are more than memory holds."""
    traffic = Traffic(receipts=False)
    await traffic.put()
    await traffic.turn()
    traffic.ok()
    await traffic.turn()
    assert traffic.dispatcher._expiry.next_at() is None


# Several parts


@virtual_time
async def test_the_parts_of_a_message_go_over_one_bind() -> None:
    traffic = Traffic({"alpha/1": (), "beta/1": ()})
    for number in range(10):
        await traffic.put(LONG, segments=3, recipient=f"+1500555000{number}")
    for _ in range(40):
        await traffic.turn(0.01)
        for bind in traffic.binds:
            if traffic.binds[bind].awaiting:
                traffic.ok(bind, "1")
    for bind in traffic.binds:
        by_recipient: dict[str, int] = {}
        for written in traffic.binds[bind].written:
            recipient = written.pdu.destination_addr
            by_recipient[recipient] = by_recipient.get(recipient, 0) + 1
        assert set(by_recipient.values()) == {3}
        assert len(by_recipient) == 5


@virtual_time
async def test_parts_are_numbered_and_share_a_reference() -> None:
    traffic = Traffic()
    await traffic.put(LONG, segments=3, concat_ref=0x12A)
    await traffic.turn(0.1)
    headers = [written.pdu.short_message[:6] for written in traffic.binds["alpha/1"].written]
    assert headers == [bytes([5, 0, 3, 0x2A, 3, number]) for number in (1, 2, 3)]


@virtual_time
async def test_a_message_is_sent_with_its_last_part() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    for carrier_id in ("a", "b"):
        traffic.ok(carrier_id=carrier_id)
    await traffic.turn()
    assert traffic.told == []
    traffic.ok(carrier_id="c")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]
    parts = [(step.part, step.carrier_id) for step in traffic.ledger.transitions]
    assert parts == [(1, "a"), (2, "b"), (3, "c"), (0, "")]


@virtual_time
async def test_parts_wait_for_their_own_bind_while_that_is_only_busy() -> None:
    traffic = Traffic(TWO, window=1)
    await traffic.put(LONG, segments=3)
    await traffic.turn(30)
    assert (len(traffic.texts("alpha/1")), traffic.texts("beta/1")) == (1, [])


@virtual_time
async def test_the_parts_that_are_left_move_when_their_bind_is_lost() -> None:
    traffic = Traffic(TWO, window=1)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn()
    traffic.ok("alpha/1", "a")
    await traffic.turn()
    traffic.down("alpha/1")
    for carrier_id in ("b", "c"):
        await traffic.turn()
        traffic.ok("beta/1", carrier_id)
    numbers = [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written]
    assert (numbers, opened.status) == ([2, 3], Status.SENT)


@virtual_time
async def test_parts_that_only_wait_move_too_when_their_bind_is_lost() -> None:
    """Nothing of them is under way, for the bind's window is full of another message."""
    traffic = Traffic(TWO | {"beta/1": (to("", 2, "short_code"),)}, mps=100, window=1)
    await traffic.put(LONG, segments=3)
    await traffic.turn(0)
    await traffic.put("other", sender="+15005550006", recipient=OTHER)
    await traffic.turn(0.1)
    traffic.ok("alpha/1", "a")
    await traffic.turn(0.1)
    assert traffic.texts("alpha/1")[1:] == ["other"]
    traffic.down("alpha/1")
    await traffic.turn(0.1)
    assert [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written] == [2]


@virtual_time
async def test_a_part_that_its_carrier_does_not_take_goes_by_another() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.ok("alpha/1", "a")
    traffic.answer("alpha/1", CommandStatus.ESME_RSYSERR)
    traffic.ok("alpha/1", "c")
    await traffic.turn()
    traffic.ok("beta/1", "b")
    await traffic.turn()
    assert opened.status is Status.SENT
    assert [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written] == [2]


@virtual_time
async def test_a_part_that_is_refused_for_good_ends_the_message() -> None:
    traffic = Traffic(window=2)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    traffic.ok()
    await traffic.turn(60)
    assert traffic.last(opened) == (Status.FAILED, 30005)
    assert (len(traffic.texts()), traffic.segments_queued) == (2, 0)


@virtual_time
async def test_throttled_parts_go_again() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    for _ in range(3):
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert (opened.status, traffic.segments_queued) == (Status.QUEUED, 3)
    await traffic.turn(5)
    for carrier_id in ("a", "b", "c"):
        traffic.ok(carrier_id=carrier_id)
    assert opened.status is Status.SENT


@virtual_time
async def test_the_next_message_waits_for_all_parts_of_the_one_before() -> None:
    traffic = Traffic()
    await traffic.put(LONG, segments=3)
    await traffic.put("next")
    await traffic.turn(1)
    traffic.ok()
    traffic.ok()
    await traffic.turn(1)
    assert "next" not in traffic.texts()
    traffic.ok()
    await traffic.turn()
    assert traffic.texts()[-1] == "next"


# Nobody starves


@virtual_time
async def test_senders_take_turns_on_a_bind_that_is_full() -> None:
    traffic = Traffic(window=1)
    for number in range(10):
        await traffic.put("code", recipient=f"+150055501{number:02d}")
    for number in range(10):
        await traffic.put("long", sender="+15005550006", recipient=f"+150055502{number:02d}")
    for _ in range(19):
        await traffic.turn(0.01)
        traffic.ok()
    texts = traffic.texts()[:10]
    assert 4 <= texts.count("code") <= 6


@virtual_time
async def test_a_long_conversation_leaves_room_for_others() -> None:
    """Its next message may go the moment that the one before is answered."""
    traffic = Traffic(window=1)
    for _ in range(10):
        await traffic.put("talk")
    await traffic.turn()
    for number in range(3):
        await traffic.put("other", sender="+15005550006", recipient=f"+1500555000{number}")
    for _ in range(9):
        await traffic.turn(0.1)
        traffic.ok()
    assert traffic.texts()[:7] == ["talk", "other", "talk", "other", "talk", "other", "talk"]


@virtual_time
async def test_a_head_that_cannot_go_keeps_nobody_else_waiting() -> None:
    traffic = Traffic({"alpha/1": (to("+49"),), "beta/1": (to("+1"),)})
    traffic.down("alpha/1")
    await traffic.put("stuck", recipient="+4915112345678")
    await traffic.put("free", sender="+15005550006")
    await traffic.turn()
    assert traffic.texts("beta/1") == ["free"]


@virtual_time
async def test_room_goes_on_to_the_next_when_the_first_has_no_use_for_it() -> None:
    """The sender that is woken finds its head blocked by its own conversation."""
    traffic = Traffic({"alpha/1": (to("", 2),), "beta/1": (to("+1"),)}, window=1)
    await traffic.put("fills beta", recipient=OTHER)
    await traffic.put("fills alpha", recipient=THIRD)
    await traffic.put("waits", recipient=RECIPIENT)
    await traffic.put("waits too", sender="+15005550006", recipient="+15005550011")
    await traffic.turn(0.1)
    traffic.ok("alpha/1")
    traffic.ok("beta/1")
    await traffic.turn(0.1)
    assert sorted(traffic.texts("alpha/1") + traffic.texts("beta/1"))[-2:] == [
        "waits",
        "waits too",
    ]


@virtual_time
async def test_more_senders_than_one_run_serves_are_all_served() -> None:
    traffic = Traffic(mps=1_000_000, window=1_000, tps=1_000_000)
    traffic.down("alpha/1")
    for number in range(450):
        await traffic.put(str(number), recipient=f"+1500555{number:04d}")
    traffic.up("alpha/1")
    await traffic.turn()
    assert len(traffic.texts()) == 450


# Nothing is left over


@virtual_time
async def test_an_idle_lane_is_forgotten() -> None:
    traffic = Traffic()
    await traffic.put()
    await traffic.turn()
    assert lanes_of(traffic.dispatcher) == 1
    traffic.ok()
    await traffic.turn(1)
    assert lanes_of(traffic.dispatcher) == 0


@virtual_time
async def test_a_lane_that_must_pause_is_not_forgotten_before() -> None:
    """Else a new lane of the same sender could send too early."""
    traffic = Traffic(mps=0.1)
    await traffic.put("first", recipient=OTHER)
    await traffic.turn()
    traffic.ok()
    await traffic.turn(5)
    await traffic.put("second")
    await traffic.turn(4)
    assert traffic.texts() == ["first"]
    await traffic.turn(2)
    assert traffic.texts() == ["first", "second"]


@virtual_time
async def test_a_late_answer_finds_its_lane_forgotten_and_does_no_harm() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(60)
    assert lanes_of(traffic.dispatcher) == 0
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RTHROTTLED, late=True)
    await traffic.turn(1)
    traffic.ok()
    await traffic.turn(1)
    assert (opened.status, lanes_of(traffic.dispatcher)) == (Status.SENT, 0)


@virtual_time
async def test_a_late_answer_goes_to_the_lane_that_stands_now() -> None:
    traffic = Traffic(window=1)
    await traffic.put("first")
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(60)
    await traffic.put("holds the bind", recipient=OTHER)
    await traffic.turn()
    await traffic.put("later", recipient=THIRD)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    for _ in range(3):
        await traffic.turn(2)
        traffic.ok()
    assert traffic.texts() == ["first", "holds the bind", "first", "later"]
    assert lanes_of(traffic.dispatcher) == 0


@virtual_time
async def test_a_stopped_dispatcher_sends_nothing_more() -> None:
    traffic = Traffic()
    await traffic.put("first")
    await traffic.turn()
    opened = await traffic.put("second", recipient=OTHER)
    traffic.dispatcher.stop()
    await traffic.put("third", recipient=THIRD)
    traffic.ok()
    await traffic.turn(60)
    assert (traffic.texts(), opened.status) == (["first"], Status.QUEUED)


@virtual_time
async def test_the_backlog_is_told_by_sender() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    await traffic.put(LONG, segments=3)
    await traffic.put()
    assert traffic.dispatcher.backlog() == [(traffic.account.sid, SENDER, 2, 4)]


@virtual_time
async def test_binary_messages_go_as_they_are() -> None:
    traffic = Traffic()
    await traffic.put("", octets=b"\x00\xff", encoding=Encoding.BINARY)
    await traffic.turn()
    (written,) = traffic.binds["alpha/1"].written
    assert (written.pdu.short_message, written.pdu.data_coding) == (b"\x00\xff", 4)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put long", "ok", "throttle", "other", "fail", "time out", "lost"]),
        st.integers(0, 3),
        st.floats(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_carriers_do_each_message_ends_once_and_all_room_comes_back(
    steps: list[tuple[str, int, float]],
) -> None:
    @virtual_time
    async def run() -> None:
        traffic = Traffic(TWO, window=2)
        made: list[OpenMessage] = []
        statuses = {
            "ok": CommandStatus.ESME_ROK,
            "throttle": CommandStatus.ESME_RTHROTTLED,
            "other": CommandStatus.ESME_RSYSERR,
            "fail": CommandStatus.ESME_RINVDSTADR,
        }
        for number, (step, which, pause_s) in enumerate(steps):
            bind = ("alpha/1", "beta/1")[which % 2]
            recipient = f"+1500555000{which}"
            if step.startswith("put"):
                body, segments = (LONG, 3) if step == "put long" else (str(number), 1)
                made.append(await traffic.put(body, segments=segments, recipient=recipient))
            elif step == "lost":
                traffic.down(bind)
                traffic.up(bind)
            elif traffic.binds[bind].awaiting:
                if step == "time out":
                    traffic.time_out(bind)
                else:
                    traffic.answer(bind, statuses[step], f"{number}")
            await traffic.turn(pause_s)
        for _ in range(400):
            for bind in traffic.binds:
                while traffic.binds[bind].awaiting:
                    traffic.ok(bind, f"end {len(traffic.binds[bind].written)}")
            await traffic.turn(1)
        await traffic.turn(UNKNOWN_WAIT_S + 20_000)
        ends = {Status.SENT, Status.FAILED}
        for opened in made:
            assert [each for each in traffic.statuses(opened) if each in ends] == [opened.status]
        assert all(each.in_flight == 0 for each in made)
        assert (lanes_of(traffic.dispatcher), traffic.dispatcher.backlog()) == (0, [])
        _assert_order(traffic, made)

    run()


def _assert_order(traffic: Traffic, made: list[OpenMessage]) -> None:
    """To one recipient the first attempts are in the order of acceptance."""
    written = [each for bind in traffic.binds.values() for each in bind.written]
    written.sort(key=lambda each: each.at)
    first: dict[int, float] = {}
    for each in written:
        first.setdefault(each.reference[0].message.id, each.at)
    by_recipient: dict[str, list[float]] = {}
    for opened in made:
        if opened.message.id in first:
            times = by_recipient.setdefault(opened.message.recipient, [])
            times.append(first[opened.message.id])
    assert all(times == sorted(times) for times in by_recipient.values())
