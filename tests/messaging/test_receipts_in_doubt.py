"""A receipt without a message may be the first that is heard of a part in doubt."""

import pytest

from gateway.message import Status
from gateway.messaging import receipts
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import PARK_S, REMATCH_S
from gateway.messaging.receipts import Receipts
from gateway.smpp.receipt import Receipt
from gateway.store.interface import (
    AttemptOutcome,
    CarrierId,
    Deleted,
    StoredMessage,
    Transition,
)
from tests.messaging.receipt_world import ASIDE_S, GIVEN_UP_S, ReceiptTraffic
from tests.messaging.traffic_world import RECEIPT_WAIT_S, WALL, an_attempt
from tests.store.builders import a_message
from tests.support.virtual_time import virtual_time

SENDER = "+15005550006"
RECIPIENT = "+15017122661"


class Confirming(ReceiptTraffic):
    """A dispatcher that takes each confirmation as it must be taken, or none."""

    def __init__(self, taking: bool = True, silent_binds: tuple[str, ...] = ()) -> None:
        super().__init__(dict.fromkeys(("alpha/1", *silent_binds), ()), silent_binds=silent_binds)
        self.confirmed: list[tuple[int, int, str, str]] = []
        self._taking = taking
        self.receipts.on_confirmed = self._on_confirmed

    def _on_confirmed(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        self.confirmed.append((opened.message.id, part, bind, carrier_id))
        if self._taking:
            self.journal.advance(opened, Status.SENT, bind=bind, carrier_id=carrier_id)
            self.receipts.expect(opened, part, bind, carrier_id)

    def doubt(self, message_id: int = 1) -> OpenMessage:
        opened = self.in_doubt(message_id=message_id, sender=SENDER, recipient=RECIPIENT)
        self.journal._open[message_id] = opened
        return opened


@virtual_time
async def test_a_receipt_confirms_the_part_in_doubt_that_its_addresses_name() -> None:
    traffic = Confirming()
    opened = traffic.doubt()
    answers = traffic.receipt_from("15017122661", "15005550006")
    assert traffic.confirmed == []
    await traffic.turn(PARK_S + 0.2)
    assert traffic.confirmed == [(1, 1, "alpha/1", "77")]
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert (answers, traffic.ledger.unmatched, traffic.receipts.confirmed) == ([None], [], 1)


@virtual_time
async def test_a_receipt_confirms_a_part_that_was_not_delivered() -> None:
    traffic = Confirming()
    opened = traffic.doubt()
    traffic.receipt_from(RECIPIENT, SENDER, stat="UNDELIV")
    await traffic.turn(PARK_S + 0.2)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_a_receipt_that_comes_again_after_it_confirmed_changes_nothing() -> None:
    traffic = Confirming()
    opened = traffic.doubt()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert traffic.receipt_from(RECIPIENT, SENDER) == [None]
    await traffic.turn(PARK_S + REMATCH_S + 2)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.receipts.duplicates == 1


@virtual_time
async def test_two_parts_that_fit_are_not_guessed_between() -> None:
    traffic = Confirming()
    for message_id in (1, 2):
        traffic.doubt(message_id)
    answers = traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, answers, traffic.receipts.unmatched) == ([], [None], 1)


@virtual_time
async def test_the_id_comes_before_the_addresses() -> None:
    """The answer to the message that the receipt means is only late."""
    traffic = Confirming()
    traffic.doubt()
    known = await traffic.put(sender=SENDER, recipient=RECIPIENT)
    await traffic.turn()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S / 2)
    traffic.ok(carrier_id="77")
    await traffic.turn(PARK_S)
    assert (traffic.confirmed, known.status) == ([], Status.DELIVERED)


@virtual_time
async def test_a_receipt_that_precedes_the_doubt_confirms_the_part_later() -> None:
    """It came in time, and the answer did not."""
    traffic = Confirming()
    opened = traffic.doubt()
    opened.in_flight = 1
    answers = traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (answers, traffic.receipts.unmatched) == ([None], 1)
    opened.in_flight = 0
    await traffic.turn(REMATCH_S + 1)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_a_receipt_does_not_confirm_what_was_written_after_it_came() -> None:
    traffic = Confirming()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(1)
    traffic.doubt()
    await traffic.turn(PARK_S + REMATCH_S + 2)
    assert traffic.confirmed == []


@pytest.mark.parametrize("addresses", [("", ""), (SENDER, RECIPIENT)])
def test_a_receipt_without_our_addresses_confirms_nothing(addresses: tuple[str, str]) -> None:
    @virtual_time
    async def unknown() -> None:
        traffic = Confirming()
        traffic.doubt()
        traffic.receipt_from(*addresses)
        await traffic.turn(PARK_S + 0.2)
        assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)

    unknown()


@virtual_time
async def test_a_receipt_is_kept_where_its_confirmation_is_not_taken() -> None:
    traffic = Confirming(taking=False)
    traffic.doubt()
    answers = traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (answers, traffic.receipts.unmatched, traffic.receipts.confirmed) == ([None], 1, 0)


@virtual_time
async def test_a_receipt_is_kept_where_nobody_takes_confirmations() -> None:
    traffic = ReceiptTraffic()
    traffic.in_doubt(sender=SENDER, recipient=RECIPIENT)
    unheard = Receipts(traffic.journal, traffic.ledger, traffic.router, traffic.clock, 60.0)
    answers: list[object] = []
    told = Receipt("77", "DELIVRD", source_addr=RECIPIENT, destination_addr=SENDER)
    unheard.on_receipt("alpha", told, answers.append)
    await traffic.turn(PARK_S + 0.2)
    assert (answers, unheard.unmatched) == ([None], 1)


# What may be meant and is not awaited


@virtual_time
async def test_a_receipt_that_came_too_late_means_no_other_message() -> None:
    traffic = Confirming()
    await traffic.sent(sender=SENDER, recipient=RECIPIENT)
    await traffic.turn(GIVEN_UP_S)
    traffic.doubt(2)
    answers = traffic.receipt_from(RECIPIENT, SENDER, carrier_id="1-1")
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, answers, traffic.receipts.unmatched) == ([], [None], 1)


@virtual_time
async def test_a_receipt_of_a_deleted_message_means_no_other_message() -> None:
    traffic = Confirming()
    await traffic.sent(sender=SENDER, recipient=RECIPIENT)
    await traffic.turn(ASIDE_S)
    traffic.ledger.records.append(Deleted(1))
    traffic.doubt(2)
    traffic.receipt_from(RECIPIENT, SENDER, carrier_id="1-1")
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)


@virtual_time
async def test_an_id_that_changes_nothing_means_no_other_message() -> None:
    traffic = Confirming()
    traffic.receipts.disregard("alpha/2", "77")
    traffic.doubt()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)


@pytest.mark.parametrize(("settled", "unmatched"), [(True, 0), (False, 1)])
def test_an_id_of_an_earlier_run_means_no_other_message(settled: bool, unmatched: int) -> None:
    @virtual_time
    async def known() -> None:
        traffic = Confirming()
        traffic.receipts.restore_past(CarrierId("alpha/2", "77", settled))
        traffic.doubt()
        answers = traffic.receipt_from(RECIPIENT, SENDER)
        await traffic.turn(PARK_S + 0.2)
        assert (traffic.confirmed, answers) == ([], [None])
        assert (traffic.receipts.unmatched, traffic.receipts.duplicates) == (unmatched, settled)

    known()


@virtual_time
async def test_a_copy_that_an_earlier_run_left_may_be_meant() -> None:
    traffic = Confirming()
    lost = a_message(2, sender=SENDER, recipient=RECIPIENT)
    told = (an_attempt(2, AttemptOutcome.WRITTEN), an_attempt(2, AttemptOutcome.LOST))
    failed = Transition(2, 1, Status.FAILED, WALL, error_code=30001)
    traffic.journal.restore_strays(StoredMessage(lost, (failed,), told))
    traffic.doubt()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)


@virtual_time
async def test_a_carrier_that_gives_no_ids_confirms_nothing() -> None:
    traffic = Confirming()
    await traffic.put()
    await traffic.turn()
    traffic.answer(carrier_id="")
    traffic.doubt(2)
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)


@virtual_time
async def test_a_carrier_with_a_silent_bind_confirms_nothing() -> None:
    """It may send receipts all the same, and their ids are not awaited."""
    traffic = Confirming(silent_binds=("alpha/2",))
    traffic.doubt()
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert (traffic.confirmed, traffic.receipts.unmatched) == ([], 1)


@virtual_time
async def test_while_receipts_come_that_are_not_awaited_none_confirms_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 0)
    traffic = Confirming()
    await traffic.sent()
    monkeypatch.undo()
    traffic.doubt(2)
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(PARK_S + 0.2)
    assert traffic.confirmed == []
    await traffic.turn(RECEIPT_WAIT_S)
    traffic.receipt_from(RECIPIENT, SENDER, carrier_id="78")
    await traffic.turn(PARK_S + 0.2)
    assert traffic.confirmed == [(2, 1, "alpha/1", "78")]
