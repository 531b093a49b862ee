"""A message may end while a part of it is at a carrier: another part was refused for good."""

import pytest

from gateway.message import Status
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import PARK_S
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import AttemptOutcome, UnmatchedReceipt
from tests.messaging.traffic_world import LONG, UNKNOWN_WAIT_S, Traffic, Written
from tests.support.virtual_time import virtual_time

LOST, UNANSWERED = AttemptOutcome.LOST, AttemptOutcome.UNANSWERED


async def failed(traffic: Traffic) -> OpenMessage:
    """Part 1 of three was refused; the others await their answers."""
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    assert opened.status is Status.FAILED
    return opened


async def in_doubt(traffic: Traffic) -> OpenMessage:
    """Another message to the same recipient."""
    opened = await traffic.put("second")
    await traffic.turn(1)
    traffic.time_out()
    return opened


@virtual_time
async def test_a_part_that_was_taken_all_the_same_is_on_record() -> None:
    traffic = Traffic()
    await failed(traffic)
    traffic.ok(carrier_id="2")
    traffic.ok(carrier_id="3")
    await traffic.turn()
    steps = [(step.part, step.status, step.carrier_id) for step in traffic.ledger.transitions]
    assert steps == [(0, Status.FAILED, ""), (2, Status.SENT, "2"), (3, Status.SENT, "3")]
    assert (len(traffic.journal.doubts), len(traffic.journal.doubts.strays)) == (0, 0)


@virtual_time
async def test_the_receipts_of_such_parts_are_known() -> None:
    traffic = Traffic()
    opened = await failed(traffic)
    traffic.ok(carrier_id="2")
    traffic.ok(carrier_id="3")
    answers = [traffic.receipt(carrier_id) for carrier_id in "23"]
    await traffic.turn()
    assert (answers, traffic.receipts.matched, traffic.receipts.expected) == ([[None]] * 2, 2, 0)
    assert traffic.statuses(opened) == [Status.FAILED]


@virtual_time
async def test_a_part_that_was_refused_too_leaves_nothing() -> None:
    traffic = Traffic()
    await failed(traffic)
    for _ in range(2):
        traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    assert (len(traffic.journal.doubts), len(traffic.journal.doubts.strays)) == (0, 0)


@virtual_time
async def test_parts_that_are_lost_may_be_what_a_receipt_means() -> None:
    traffic = Traffic()
    opened = await failed(traffic)
    traffic.down("alpha/1")
    traffic.up("alpha/1")
    await traffic.turn()
    assert traffic.outcomes(opened)[3:] == [(2, LOST, "alpha/1"), (3, LOST, "alpha/1")]
    other = await in_doubt(traffic)
    traffic.receipt("4a5b")
    await traffic.turn(PARK_S + 1)
    assert (other.status, traffic.receipts.unmatched) == (Status.SENDING, 1)


@virtual_time
async def test_parts_that_are_not_answered_may_be_what_a_receipt_means() -> None:
    traffic = Traffic()
    opened = await failed(traffic)
    for _ in range(2):
        traffic.time_out()
    await traffic.turn()
    assert traffic.outcomes(opened)[3:] == [(part, UNANSWERED, "alpha/1") for part in (2, 3)]
    other = await in_doubt(traffic)
    traffic.receipt("4a5b")
    await traffic.turn(PARK_S + 1)
    assert (other.status, traffic.receipts.unmatched) == (Status.SENDING, 1)


@pytest.mark.parametrize("carrier_id", ["4a5b", "4a5c"])
def test_the_receipt_of_a_message_that_was_given_up_means_no_other(carrier_id: str) -> None:
    """Its answer came late, or never."""

    @virtual_time
    async def given_up() -> None:
        traffic = Traffic()
        await traffic.put()
        await traffic.turn(10)
        written: Written = traffic.time_out()
        await traffic.turn(UNKNOWN_WAIT_S + 1)
        traffic.answer_to("alpha/1", written, carrier_id="4a5b", late=True)
        other = await in_doubt(traffic)
        traffic.receipt(carrier_id)
        await traffic.turn(PARK_S + 1)
        assert other.status is Status.SENDING
        assert [type(each) for each in traffic.ledger.unmatched] == [UnmatchedReceipt]

    given_up()


@virtual_time
async def test_a_message_that_was_lost_and_sent_again_may_be_what_a_receipt_means() -> None:
    """It was taken twice, and the first time under an id that nobody knows."""
    traffic = Traffic()
    await traffic.put()
    await traffic.turn()
    traffic.down("alpha/1")
    traffic.up("alpha/1")
    await traffic.turn()
    traffic.ok(carrier_id="2")
    other = await in_doubt(traffic)
    traffic.receipt("1")
    await traffic.turn(PARK_S + 1)
    assert (other.status, traffic.receipts.unmatched) == (Status.SENDING, 1)
