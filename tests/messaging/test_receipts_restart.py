"""A restart goes on waiting for the receipts of what was sent before it."""

from typing import Any

import pytest

from gateway.message import Status
from gateway.messaging import receipts
from gateway.store.interface import Attempt, AttemptOutcome, Released, Transition
from tests.messaging.receipt_world import GIVEN_UP_S, ReceiptTraffic, sent_at
from tests.messaging.traffic_world import RECEIPT_WAIT_S, WALL
from tests.store.builders import a_message, became
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.
TWO_SENT = (sent_at(WALL, 1, 1, "a"), sent_at(WALL, 2, 2, "b"), sent_at(WALL, 3))


@virtual_time
async def test_a_receipt_finds_a_message_of_an_earlier_run() -> None:
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(WALL - 60, carrier_id="77"))
    answers = traffic.receipt("77")
    await traffic.turn()
    assert (traffic.status(message), answers) == (Status.DELIVERED, [None])
    assert [event.number for event in traffic.told] == [2]


@virtual_time
async def test_a_million_messages_that_are_sent_are_no_objects() -> None:
    traffic = ReceiptTraffic()
    traffic.restore(sent_at(WALL - 60, carrier_id="77"))
    assert (len(traffic.journal), traffic.receipts.set_aside) == (0, 1)
    assert traffic.receipts.awaits(1)


@virtual_time
async def test_routing_learns_how_long_the_receipt_took() -> None:
    traffic = ReceiptTraffic()
    traffic.restore(sent_at(WALL - 60, carrier_id="77"))
    traffic.receipt("77")
    await traffic.turn()
    (alpha,) = traffic.router.snapshot(traffic.clock.now())
    assert alpha.receipts_delivered == 1


@virtual_time
async def test_the_wait_goes_on_where_it_was() -> None:
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(WALL - RECEIPT_WAIT_S + 600, carrier_id="77"))
    await traffic.turn(500)
    assert traffic.status(message) is Status.SENT
    await traffic.turn(200)
    last = traffic.ledger.transitions[-1]
    assert (last.status, last.error_code) == (Status.UNDELIVERED, 30008)
    assert not traffic.receipts.awaits(1)


@virtual_time
async def test_a_message_without_an_id_is_given_up_after_a_restart_too() -> None:
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(WALL))
    await traffic.turn(GIVEN_UP_S)
    assert traffic.status(message) is Status.UNDELIVERED


@virtual_time
async def test_only_the_parts_without_a_receipt_are_awaited() -> None:
    traffic = ReceiptTraffic()
    settled = became(1, 4, Status.DELIVERED, part=1)
    message = traffic.restore(*TWO_SENT, settled, body=LONG, segments=2)
    assert traffic.receipts.expected == 1
    traffic.receipt("b")
    await traffic.turn()
    assert traffic.status(message) is Status.DELIVERED


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((Status.DELIVERED, Status.DELIVERED), (Status.DELIVERED, 0)),
        ((Status.DELIVERED, Status.UNDELIVERED), (Status.UNDELIVERED, 30005)),
    ],
)
def test_what_the_parts_had_decided_is_made_good(
    statuses: tuple[Status, Status], expected: tuple[Status, int]
) -> None:
    """The gateway stopped after it had stored the last part's receipt, and before the message."""

    @virtual_time
    async def decided() -> None:
        traffic = ReceiptTraffic()
        codes = {Status.DELIVERED: 0, Status.UNDELIVERED: 30005}
        told = [
            became(1, 4 + part, status, part=part, error_code=codes[status])
            for part, status in enumerate(statuses, 1)
        ]
        traffic.restore(*TWO_SENT, *told, body=LONG, segments=2)
        await traffic.turn()
        last = traffic.told[-1]
        assert (last.status, last.error_code) == expected

    decided()


@virtual_time
async def test_what_is_awaited_of_a_message_that_is_still_being_sent_stays_at_hand() -> None:
    traffic = ReceiptTraffic()
    traffic.restore(sent_at(WALL, 1, 1, "a"), body=LONG, segments=2)
    opened = traffic.journal.find(1)
    assert opened
    traffic.receipt("a")
    await traffic.turn()
    assert (opened.status, opened.settled_parts) == (Status.QUEUED, 1)


@pytest.mark.parametrize("outcome", [AttemptOutcome.WRITTEN, AttemptOutcome.UNANSWERED])
def test_a_part_in_doubt_is_not_awaited(outcome: AttemptOutcome) -> None:
    @virtual_time
    async def doubted() -> None:
        traffic = ReceiptTraffic()
        traffic.restore(Attempt(1, 1, WALL, outcome, "alpha/1"))
        assert (traffic.receipts.expected, traffic.receipts.awaits(1)) == (0, False)

    doubted()


@virtual_time
async def test_a_message_over_a_silent_bind_is_let_go_after_a_restart() -> None:
    """The gateway stopped after it had stored that it was sent, and before that it was let go."""
    traffic = ReceiptTraffic(receipts=False)
    message = traffic.restore(sent_at(WALL, carrier_id="77"))
    await traffic.turn(GIVEN_UP_S)
    assert (traffic.status(message), len(traffic.journal)) == (Status.SENT, 0)
    assert traffic.ledger.records[-1] == Released(1)


@virtual_time
async def test_a_receipt_of_a_bind_that_is_gone_is_taken() -> None:
    """The operator has removed the bind, and its carrier has others."""
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(WALL, carrier_id="77", bind="alpha/9"))
    answers = traffic.receipt("77")
    await traffic.turn()
    assert (traffic.status(message), answers) == (Status.DELIVERED, [None])


def a_sent(message_id: int) -> tuple[Transition, dict[str, Any]]:
    step = sent_at(WALL, carrier_id=f"{message_id}", message_id=message_id)
    return step, {"message_id": message_id}


@virtual_time
async def test_a_restart_awaits_no_more_receipts_than_memory_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It took up all that were open, however many."""
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 2)
    traffic = ReceiptTraffic()
    for message_id in range(1, 5):
        step, changes = a_sent(message_id)
        traffic.restore(step, **changes)
    await traffic.turn()
    assert [traffic.receipts.awaits(each) for each in range(1, 5)] == [True, True, False, False]
    assert traffic.ledger.records[-2:] == [Released(3), Released(4)]
    assert "too many receipts expected" in caplog.messages


@virtual_time
async def test_a_message_that_is_still_being_sent_needs_room_after_a_restart_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 0)
    traffic = ReceiptTraffic()
    traffic.restore(sent_at(WALL, 1, 1, "a"), body=LONG, segments=2)
    opened = traffic.journal.find(1)
    assert opened
    assert (opened.silent_parts, opened.awaited) == (1, ())


def test_a_message_of_the_builders_has_the_id_of_its_transitions() -> None:
    assert a_message().id == sent_at().message_id
