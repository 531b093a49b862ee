"""Messages without a receipt, receipts without a message, and restarts (RCP-5, RCP-6)."""

import pytest

from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.messaging import receipts
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.receipts import PARK_S, REMATCH_S
from gateway.smpp.receipt import Receipt
from gateway.store.interface import StoredMessage, Transition, UnmatchedReceipt
from tests.messaging.traffic_world import RECEIPT_WAIT_S, WALL, Traffic, part_id
from tests.store.builders import a_message, became
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.


async def two_parts_sent(traffic: Traffic) -> OpenMessage:
    return await traffic.sent(LONG, segments=2)


# RCP-5: no receipt


@virtual_time
async def test_a_message_whose_receipt_never_comes_is_given_up() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    await traffic.turn(RECEIPT_WAIT_S - 1)
    assert opened.status is Status.SENT
    await traffic.turn(61)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)
    assert (traffic.receipts.expected, len(traffic.journal)) == (0, 0)


@virtual_time
async def test_a_message_that_misses_the_receipt_of_one_part_is_given_up() -> None:
    """D, -, D."""
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 2))
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_a_message_that_has_ended_is_not_given_up_for_its_other_parts() -> None:
    """U, -."""
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 1), "UNDELIV", "001")
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]
    assert traffic.receipts.expected == 0


@virtual_time
async def test_a_message_to_which_the_carrier_gave_no_id_is_given_up() -> None:
    traffic = Traffic()
    made = []
    for number in range(2):
        made.append(await traffic.put(recipient=f"+1500555000{number}"))
        await traffic.turn()
        traffic.answer(carrier_id="")
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert [traffic.last(opened) for opened in made] == [(Status.UNDELIVERED, 30008)] * 2


@virtual_time
async def test_an_id_that_a_carrier_gives_twice_means_the_later_message() -> None:
    traffic = Traffic()
    earlier, later = [await traffic.put(recipient=f"+1500555000{number}") for number in range(2)]
    await traffic.turn()
    traffic.ok(carrier_id="77")
    traffic.ok(carrier_id="77")
    traffic.receipt("77")
    assert (earlier.status, later.status) == (Status.SENT, Status.DELIVERED)
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert traffic.last(earlier) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_nothing_is_kept_of_a_receipt_that_came() -> None:
    """Three days of messages are more than memory holds."""
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.receipt(part_id(opened))
    assert (traffic.receipts.expected, traffic.receipts._given_up.next_at()) == (0, None)


@virtual_time
async def test_more_receipts_than_memory_holds_are_not_expected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(receipts, "EXPECTED_MAX", 1)
    traffic = Traffic()
    await traffic.sent("first")
    await traffic.sent("second")
    assert (traffic.receipts.expected, len(traffic.journal)) == (1, 1)
    assert "too many receipts expected" in caplog.messages


# A carrier that gives no receipts


@virtual_time
async def test_a_message_over_a_silent_bind_stays_sent_and_is_let_go() -> None:
    traffic = Traffic(receipts=False)
    opened = await traffic.sent()
    assert (opened.status, traffic.receipts.expected, len(traffic.journal)) == (Status.SENT, 0, 0)


# RCP-6: no message


@virtual_time
async def test_a_receipt_that_finds_no_message_is_kept_and_answered() -> None:
    traffic = Traffic()
    answers = traffic.receipt("77", "UNDELIV", "001")
    await traffic.turn(PARK_S + 0.2)
    assert (answers, traffic.receipts.unmatched) == ([None], 1)
    (kept,) = traffic.ledger.unmatched
    assert kept == UnmatchedReceipt("alpha", "77", kept.at, "UNDELIV", "001", "2311142213")


@virtual_time
async def test_a_receipt_that_was_kept_still_meets_its_message() -> None:
    traffic = Traffic()
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
    traffic = Traffic()
    traffic.receipt("77")
    await traffic.turn(PARK_S + REMATCH_S + 2)
    opened = await traffic.put()
    await traffic.turn()
    traffic.ok(carrier_id="77")
    assert opened.status is Status.SENT


@virtual_time
async def test_a_receipt_that_was_kept_is_not_kept_twice() -> None:
    traffic = Traffic()
    traffic.receipt("77")
    await traffic.turn(PARK_S + 1)
    assert traffic.receipt("77") == [None]
    await traffic.turn(PARK_S + 1)
    assert len(traffic.ledger.unmatched) == 1


@virtual_time
async def test_a_receipt_that_cannot_be_kept_is_not_taken() -> None:
    traffic = Traffic()
    traffic.ledger.held = True
    answers = traffic.receipt("77")
    await traffic.turn(PARK_S + 0.2)
    traffic.ledger.fail()
    assert [type(answer) for answer in answers] == [StoreError]


@virtual_time
async def test_the_oldest_receipt_makes_room_for_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "PARKED_MAX", 2)
    traffic = Traffic()
    answers = [traffic.receipt(carrier_id) for carrier_id in "abcd"]
    await traffic.turn(0)
    assert answers == [[None], [None], [], []]
    assert [kept.carrier_id for kept in traffic.ledger.unmatched] == ["a", "b"]
    assert len(traffic.receipts._parked) == 2


@virtual_time
async def test_what_was_kept_already_makes_room_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "PARKED_MAX", 2)
    traffic = Traffic()
    traffic.receipt("a")
    traffic.receipt("b")
    await traffic.turn(PARK_S + 1)
    answers = [traffic.receipt(carrier_id) for carrier_id in "cd"]
    await traffic.turn(REMATCH_S + 2)
    assert (answers, traffic.receipts.unmatched) == ([[None], [None]], 4)
    assert len(traffic.ledger.unmatched) == 4


# After a restart


def restored(
    traffic: Traffic, *steps: Transition, segments: int = 1, body: str = "hello"
) -> OpenMessage:
    message: Message = a_message(segments=segments, body=body)
    stored = StoredMessage(message, steps)
    opened = traffic.journal.restore(stored)
    traffic.receipts.restore(opened, stored)
    return opened


def sent_at(when: float, number: int = 1, part: int = 0, carrier_id: str = "") -> Transition:
    return Transition(1, number, Status.SENT, when, part, bind="alpha/1", carrier_id=carrier_id)


@virtual_time
async def test_a_receipt_finds_a_message_of_an_earlier_run() -> None:
    traffic = Traffic()
    opened = restored(traffic, sent_at(WALL - 60, carrier_id="77"))
    traffic.receipt("77")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_the_wait_goes_on_where_it_was() -> None:
    traffic = Traffic()
    opened = restored(traffic, sent_at(WALL - RECEIPT_WAIT_S + 600, carrier_id="77"))
    await traffic.turn(500)
    assert opened.status is Status.SENT
    await traffic.turn(200)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_a_message_without_an_id_is_given_up_after_a_restart_too() -> None:
    traffic = Traffic()
    opened = restored(traffic, sent_at(WALL))
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert traffic.last(opened) == (Status.UNDELIVERED, 30008)


@virtual_time
async def test_only_the_parts_without_a_receipt_are_awaited() -> None:
    traffic = Traffic()
    opened = restored(
        traffic,
        sent_at(WALL, 1, 1, carrier_id="a"),
        sent_at(WALL, 2, 2, carrier_id="b"),
        sent_at(WALL, 3),
        became(1, 4, Status.DELIVERED, part=1),
        segments=2,
    )
    assert traffic.receipts.expected == 1
    traffic.receipt("b")
    assert opened.status is Status.DELIVERED


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
        traffic = Traffic()
        receipts_of_parts = [
            became(
                1,
                4 + part,
                status,
                part=part,
                error_code=30005 if status is Status.UNDELIVERED else 0,
            )
            for part, status in enumerate(statuses, 1)
        ]
        opened = restored(
            traffic,
            sent_at(WALL, 1, 1, carrier_id="a"),
            sent_at(WALL, 2, 2, carrier_id="b"),
            sent_at(WALL, 3),
            *receipts_of_parts,
            segments=2,
        )
        await traffic.turn()
        assert traffic.last(opened) == expected

    decided()


@virtual_time
async def test_a_part_in_doubt_is_not_awaited() -> None:
    traffic = Traffic()
    restored(traffic, became(1, 1, Status.SENDING, part=1, bind="alpha/1"))
    assert traffic.receipts.expected == 0


@virtual_time
async def test_a_message_over_a_silent_bind_is_let_go_after_a_restart() -> None:
    traffic = Traffic(receipts=False)
    opened = restored(traffic, sent_at(WALL, carrier_id="77"))
    await traffic.turn(RECEIPT_WAIT_S + 60)
    assert (opened.status, len(traffic.journal)) == (Status.SENT, 0)


@virtual_time
async def test_a_receipt_of_a_bind_that_is_gone_is_taken() -> None:
    """The operator has removed the bind, and its carrier has others."""
    traffic = Traffic()
    gone = Transition(1, 1, Status.SENT, WALL, bind="alpha/9", carrier_id="77")
    opened = restored(traffic, gone)
    answers: list[object] = []
    traffic.receipts.on_receipt("alpha", Receipt("77", "DELIVRD"), answers.append)
    await traffic.turn()
    assert (opened.status, answers) == (Status.DELIVERED, [None])
