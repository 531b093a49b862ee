"""From the queue to a bind: order, pace, and what a carrier takes."""

import pytest

from gateway.message import Status
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import FieldError
from tests.messaging.traffic_world import (
    LONG,
    RECIPIENT,
    SENDER,
    TWO,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time

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
