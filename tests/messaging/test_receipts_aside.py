"""Receipts that come late find messages that are no longer at hand."""

import pytest

from gateway.errors import StoreError
from gateway.message import Status
from gateway.messaging.open_message import OpenMessage
from gateway.store.interface import Deleted
from tests.messaging.receipt_world import ASIDE_S, GIVEN_UP_S, ReceiptTraffic
from tests.messaging.traffic_world import part_id
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.


async def aside(traffic: ReceiptTraffic, segments: int = 1) -> OpenMessage:
    """A message that was sent, and has been set aside since."""
    opened = await traffic.sent(LONG if segments > 1 else "hello", segments=segments)
    await traffic.turn(ASIDE_S)
    assert traffic.receipts.set_aside == 1
    return opened


@virtual_time
async def test_a_late_receipt_settles_its_message_and_is_answered_once_that_is_durable() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    traffic.ledger.held = True
    answers = traffic.receipt(part_id(opened))
    await traffic.turn()
    assert answers == []
    traffic.ledger.commit()
    assert answers == [None]
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert [event.number for event in traffic.told] == [1, 2]


@virtual_time
async def test_nothing_is_kept_of_a_message_that_has_ended() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    traffic.receipt(part_id(opened))
    await traffic.turn()
    receipts = traffic.receipts
    assert (receipts.expected, receipts.awaits(1), len(traffic.journal)) == (0, False, 0)
    assert len(receipts._sent) == 0
    assert receipts._sent._overdue.next_at() is None


@virtual_time
async def test_a_late_receipt_that_comes_twice_counts_once_and_both_are_answered() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    answers = [traffic.receipt(part_id(opened)) for _ in range(2)]
    await traffic.turn()
    assert answers == [[None], [None]]
    assert traffic.receipts.duplicates == 1
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_late_receipts_of_all_parts_at_once_deliver_the_message() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic, segments=2)
    answers = [traffic.receipt(part_id(opened, part)) for part in (2, 1)]
    await traffic.turn()
    assert answers == [[None], [None]]
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_the_receipts_of_the_parts_may_come_an_hour_apart() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic, segments=2)
    for part in (2, 1):
        traffic.receipt(part_id(opened, part))
        await traffic.turn(3_600)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    numbers = [step.number for step in traffic.ledger.transitions]
    assert numbers == sorted(set(numbers))


@virtual_time
async def test_the_receipt_of_another_part_is_kept_long_after_the_end() -> None:
    traffic = ReceiptTraffic()
    opened = await traffic.sent(LONG, segments=2)
    traffic.receipt(part_id(opened, 1), "UNDELIV")
    await traffic.turn(ASIDE_S)
    assert traffic.receipts.set_aside == 1
    answers = traffic.receipt(part_id(opened, 2))
    await traffic.turn()
    last = traffic.ledger.transitions[-1]
    assert (last.part, last.status, answers) == (2, Status.DELIVERED, [None])
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]
    assert (traffic.receipts.awaits(1), len(traffic.journal)) == (False, 0)


@virtual_time
async def test_the_receipt_of_another_part_may_never_come() -> None:
    traffic = ReceiptTraffic()
    opened = await traffic.sent(LONG, segments=2)
    traffic.receipt(part_id(opened, 1), "UNDELIV")
    await traffic.turn(GIVEN_UP_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]
    assert (traffic.receipts.expected, len(traffic.receipts._sent)) == (0, 0)


@virtual_time
async def test_a_message_is_given_up_after_the_wait_wherever_it_is() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    await traffic.turn(GIVEN_UP_S)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)
    assert traffic.told[-1].bind == "alpha/1"
    assert (traffic.receipts.expected, len(traffic.receipts._sent)) == (0, 0)


@virtual_time
async def test_a_part_over_a_silent_bind_is_remembered_as_such() -> None:
    """Part 1 went over alpha, and part 2 over beta, which gives no receipts."""
    traffic = ReceiptTraffic({"alpha/1": (), "beta/1": ()}, silent_binds=("beta/1",))
    message = traffic.a_message(LONG, segments=2)
    opened: list[OpenMessage | None] = []
    traffic.journal.accept(message, opened.append)
    await traffic.turn()
    (made,) = opened
    assert made
    made.status, made.unsent = Status.SENDING, []
    traffic.journal.note_part(made, 1, Status.SENT, "alpha/1", "a")
    traffic.receipts.expect(made, 1, "alpha/1", "a")
    traffic.journal.note_part(made, 2, Status.SENT, "beta/1", "b")
    traffic.journal.advance(made, Status.SENT)
    traffic.receipts.expect(made, 2, "beta/1", "b")
    await traffic.turn(ASIDE_S)
    traffic.receipt("a")
    await traffic.turn()
    assert traffic.statuses(made) == [Status.SENT]
    assert (traffic.receipts.awaits(message.id), len(traffic.journal)) == (False, 0)


# The store


@virtual_time
async def test_a_receipt_whose_message_cannot_be_read_is_asked_for_again() -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    traffic.ledger.readable = False
    answers = traffic.receipt(part_id(opened))
    await traffic.turn()
    assert [type(answer) for answer in answers] == [StoreError]
    traffic.ledger.readable = True
    assert traffic.receipt(part_id(opened)) == []
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_a_receipt_whose_message_is_no_more_has_no_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    traffic = ReceiptTraffic()
    opened = await aside(traffic)
    traffic.ledger.records.append(Deleted(opened.message.id))
    answers = traffic.receipt(part_id(opened))
    await traffic.turn(5)
    assert (answers, traffic.receipts.unmatched, traffic.receipts.expected) == ([None], 1, 0)
