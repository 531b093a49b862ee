"""Messages without a receipt, and receipts without a message (RCP-5, RCP-6)."""

import pytest

from gateway.message import Status
from gateway.messaging import receipts
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import PARK_S, REMATCH_S
from gateway.store.interface import Released, UnmatchedReceipt
from tests.messaging.receipt_world import GIVEN_UP_S, ReceiptTraffic
from tests.messaging.traffic_world import RECEIPT_WAIT_S, part_id
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.


async def two_parts_sent(traffic: ReceiptTraffic) -> OpenMessage:
    return await traffic.sent(LONG, segments=2)


# RCP-5: no receipt


@virtual_time
async def test_a_message_whose_receipt_never_comes_is_given_up() -> None:
    traffic = ReceiptTraffic()
    opened = await traffic.sent()
    await traffic.turn(RECEIPT_WAIT_S - 1)
    assert opened.status is Status.SENT
    await traffic.turn(61)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)
    assert (traffic.receipts.expected, len(traffic.journal)) == (0, 0)


@virtual_time
async def test_rcp_5_a_message_that_misses_the_receipt_of_one_part_is_given_up() -> None:
    """D, -, D."""
    traffic = ReceiptTraffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 2))
    await traffic.turn(GIVEN_UP_S)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_a_message_that_has_ended_is_not_given_up_for_its_other_parts() -> None:
    """U, -."""
    traffic = ReceiptTraffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 1), "UNDELIV", "001")
    await traffic.turn(GIVEN_UP_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]
    assert traffic.receipts.expected == 0


@virtual_time
async def test_a_message_to_which_the_carrier_gave_no_id_is_given_up() -> None:
    traffic = ReceiptTraffic()
    made = []
    for number in range(2):
        made.append(await traffic.put(recipient=f"+1500555000{number}"))
        await traffic.turn()
        traffic.answer(carrier_id="")
    await traffic.turn(GIVEN_UP_S)
    assert [traffic.last(opened) for opened in made] == [(Status.UNDELIVERED, 30008)] * 2


@virtual_time
async def test_an_id_that_a_carrier_gives_twice_means_the_later_message() -> None:
    traffic = ReceiptTraffic()
    earlier, later = [await traffic.put(recipient=f"+1500555000{number}") for number in range(2)]
    await traffic.turn()
    traffic.ok(carrier_id="77")
    traffic.ok(carrier_id="77")
    traffic.receipt("77")
    assert (earlier.status, later.status) == (Status.SENT, Status.DELIVERED)
    await traffic.turn(GIVEN_UP_S)
    assert traffic.last(earlier) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_nothing_is_kept_of_a_receipt_that_came() -> None:
    """Three days of messages are more than memory holds."""
    traffic = ReceiptTraffic()
    opened = await traffic.sent()
    traffic.receipt(part_id(opened))
    assert (traffic.receipts.expected, traffic.receipts.awaits(opened.message.id)) == (0, False)


@virtual_time
async def test_more_receipts_than_memory_holds_are_not_expected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 1)
    traffic = ReceiptTraffic()
    await traffic.sent("first")
    opened = await traffic.sent("second")
    assert (traffic.receipts.expected, len(traffic.journal)) == (1, 1)
    assert "too many receipts expected" in caplog.messages
    assert traffic.receipts.not_awaited == 1
    assert traffic.ledger.records[-1] == Released(opened.message.id)


@virtual_time
async def test_a_message_is_awaited_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 1)
    traffic = ReceiptTraffic()
    opened = await two_parts_sent(traffic)
    assert (traffic.receipts.expected, opened.silent_parts) == (2, 0)


@virtual_time
async def test_a_message_without_room_for_its_first_part_has_none_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It became undelivered with 30008 for a receipt that was never awaited."""
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 1)
    traffic = ReceiptTraffic()
    first = await traffic.sent("first")
    opened = await traffic.put(LONG, segments=2)
    await traffic.turn()
    traffic.ok()
    traffic.receipt(part_id(first))
    traffic.ok()
    await traffic.turn(GIVEN_UP_S)
    assert (opened.status, traffic.receipts.expected) == (Status.SENT, 0)
    assert traffic.receipts.not_awaited == 1
    assert traffic.ledger.records[-1] == Released(opened.message.id)


@virtual_time
async def test_a_receipt_that_is_here_already_needs_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 0)
    traffic = ReceiptTraffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.receipt("77")
    traffic.ok(carrier_id="77")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_nothing_is_given_up_and_nothing_kept_after_the_close() -> None:
    traffic = ReceiptTraffic()
    opened = await traffic.sent()
    traffic.receipt("77")
    traffic.receipts.close()
    await traffic.turn(GIVEN_UP_S)
    assert (opened.status, traffic.ledger.unmatched) == (Status.SENT, [])


# A carrier that gives no receipts


@virtual_time
async def test_a_message_over_a_silent_bind_stays_sent_and_is_let_go() -> None:
    traffic = ReceiptTraffic(receipts=False)
    opened = await traffic.sent()
    assert (opened.status, traffic.receipts.expected, len(traffic.journal)) == (Status.SENT, 0, 0)
    assert traffic.ledger.records[-1] == Released(opened.message.id)


# RCP-6: no message


@virtual_time
async def test_rcp_6_a_receipt_that_finds_no_message_is_kept_and_answered() -> None:
    traffic = ReceiptTraffic()
    answers = traffic.receipt("77", "UNDELIV", "001")
    await traffic.turn(PARK_S + 0.2)
    assert (answers, traffic.receipts.unmatched) == ([None], 1)
    (kept,) = traffic.ledger.unmatched
    assert kept == UnmatchedReceipt("alpha", "77", kept.at, "UNDELIV", "001", "2311142213")


@virtual_time
async def test_rcp_6_a_receipt_that_was_kept_still_meets_its_message() -> None:
    traffic = ReceiptTraffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.receipt("77")
    await traffic.turn(REMATCH_S / 2)
    traffic.ok(carrier_id="77")
    await traffic.turn(REMATCH_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_a_receipt_of_long_ago_is_not_taken_for_a_new_message() -> None:
    """Carriers use their ids again."""
    traffic = ReceiptTraffic()
    traffic.receipt("77")
    await traffic.turn(PARK_S + REMATCH_S + 2)
    opened = await traffic.put()
    await traffic.turn()
    traffic.ok(carrier_id="77")
    assert opened.status is Status.SENT
