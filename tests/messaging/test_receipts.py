"""Receipts find their message, and settle it (RCP-1 to RCP-6; RCP-1 and RCP-3 are the parser's)."""

import pytest

from gateway.errors import StoreError
from gateway.message import SmppFields, Status
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import PARK_S
from gateway.messaging.receipts import carrier_of
from gateway.smpp.receipt import Receipt
from tests.messaging.traffic_world import OTHER, Traffic, part_id
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.


async def two_parts_sent(traffic: Traffic) -> OpenMessage:
    return await traffic.sent(LONG, segments=2)


def parts_told(traffic: Traffic) -> list[tuple[int, Status, str]]:
    """What is on record of the parts' receipts."""
    return [
        (step.part, step.status, step.carrier_status)
        for step in traffic.ledger.transitions
        if step.part and step.carrier_status
    ]


# A receipt settles its message


@virtual_time
async def test_a_message_is_delivered_with_its_receipt() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.receipt(part_id(opened))
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.told[-1].done_date == "2311142213"
    assert traffic.told[-1].carrier_status == "DELIVRD"


@pytest.mark.parametrize(
    ("stat", "err", "error_code"),
    [("UNDELIV", "000", 30008), ("UNDELIV", "001", 30005), ("EXPIRED", "000", 30003)],
)
def test_a_message_is_undelivered_with_the_reason_of_its_receipt(
    stat: str, err: str, error_code: int
) -> None:
    @virtual_time
    async def undelivered() -> None:
        traffic = Traffic()
        opened = await traffic.sent()
        traffic.receipt(part_id(opened), stat, err)
        await traffic.turn()
        assert traffic.last(opened) == (Status.UNDELIVERED, error_code)

    undelivered()


@virtual_time
async def test_rcp_4_a_receipt_is_answered_once_it_is_durable() -> None:
    """RCP-4."""
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.ledger.held = True
    answers = traffic.receipt(part_id(opened))
    await traffic.turn(60)
    assert answers == []
    traffic.ledger.commit()
    assert answers == [None]


@virtual_time
async def test_a_receipt_that_cannot_be_stored_is_not_taken() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.ledger.held = True
    answers = traffic.receipt(part_id(opened))
    traffic.ledger.fail()
    assert [type(answer) for answer in answers] == [StoreError]


@virtual_time
async def test_routing_learns_from_receipts() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    await traffic.turn(7)
    traffic.receipt(part_id(opened))
    (alpha,) = traffic.router.snapshot(traffic.clock.now())
    assert alpha.receipts_delivered == 1


# RCP-2: an id is the carrier's


@virtual_time
async def test_rcp_2_two_carriers_may_give_the_same_id() -> None:
    traffic = Traffic({"alpha/1": (), "beta/1": ()})
    made = [await traffic.put(recipient=f"+1500555000{number}") for number in range(2)]
    await traffic.turn()
    traffic.ok("alpha/1", "77")
    traffic.ok("beta/1", "77")
    by_alpha = next(each for each in made if each.message.id == 1)
    traffic.receipt("77", bind="alpha/1")
    await traffic.turn()
    assert sorted(each.status for each in made) == [Status.DELIVERED, Status.SENT]
    assert by_alpha.status is Status.DELIVERED


@virtual_time
async def test_rcp_4_a_receipt_may_come_over_another_bind_of_the_carrier() -> None:
    traffic = Traffic({"alpha/1": (), "alpha/2": ()})
    opened = await traffic.sent(bind="alpha/1")
    traffic.receipt(part_id(opened), bind="alpha/2")
    assert opened.status is Status.DELIVERED


def test_the_carrier_is_named_before_the_slash() -> None:
    assert carrier_of("alpha/eu-1") == "alpha"


@virtual_time
async def test_rcp_2_an_id_is_taken_as_it_is_written() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.ok(carrier_id="00FF")
    traffic.receipt("255")
    traffic.receipt("00ff")
    assert opened.status is Status.SENT


# RCP-4: early, late, twice


@virtual_time
async def test_rcp_4_a_receipt_may_precede_its_submit_sm_resp() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    answers = traffic.receipt("77")
    await traffic.turn(PARK_S / 2)
    assert answers == []
    traffic.ok(carrier_id="77")
    await traffic.turn(PARK_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert (answers, traffic.receipts.unmatched) == ([None], 0)


@virtual_time
async def test_rcp_4_a_receipt_that_comes_twice_changes_nothing() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.receipt(part_id(opened))
    await traffic.turn()
    assert traffic.receipt(part_id(opened)) == [None]
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.receipts.duplicates == 1


@pytest.mark.parametrize(("first", "then"), [("DELIVRD", "UNDELIV"), ("UNDELIV", "DELIVRD")])
def test_rcp_4_a_final_state_is_never_left(first: str, then: str) -> None:
    @virtual_time
    async def contradicted() -> None:
        traffic = Traffic()
        opened = await traffic.sent()
        traffic.receipt(part_id(opened), first)
        status = opened.status
        traffic.receipt(part_id(opened), then)
        await traffic.turn()
        assert (opened.status, len(traffic.told)) == (status, 2)

    contradicted()


@virtual_time
async def test_rcp_4_a_receipt_that_comes_twice_is_not_answered_before_it_is_durable() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.ledger.held = True
    answers = [traffic.receipt(part_id(opened)) for _ in range(3)]
    assert answers == [[], [], []]
    traffic.ledger.commit()
    assert answers == [[None], [None], [None]]


@virtual_time
async def test_a_receipt_that_was_never_stored_is_not_taken_when_it_comes_twice() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.ledger.held = True
    answers = [traffic.receipt(part_id(opened)) for _ in range(2)]
    traffic.ledger.fail()
    assert [type(answer) for (answer,) in answers] == [StoreError, StoreError]
    assert traffic.receipt(part_id(opened)) == []


@virtual_time
async def test_an_early_receipt_that_comes_twice_counts_once_and_both_are_answered() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    first, second = traffic.receipt("77"), traffic.receipt("77")
    traffic.ok(carrier_id="77")
    await traffic.turn()
    assert (first, second) == ([None], [None])
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_rcp_4_of_two_early_receipts_that_contradict_the_first_counts() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.receipt("77", "UNDELIV", "001")
    traffic.receipt("77", "DELIVRD")
    traffic.ok(carrier_id="77")
    await traffic.turn()
    assert traffic.last(opened) == (Status.UNDELIVERED, 30005)


# RCP-5: intermediate notifications, and parts


def notifying(traffic: Traffic) -> list[tuple[int, str, str]]:
    """What is handed up: message, stat and err."""
    heard: list[tuple[int, str, str]] = []
    traffic.receipts.on_intermediate = lambda message, stat, err, at: heard.append(
        (message.id, stat, err)
    )
    return heard


@virtual_time
async def test_rcp_5_an_intermediate_notification_is_handed_up_where_it_was_asked_for() -> None:
    traffic = Traffic()
    heard = notifying(traffic)
    asks = await traffic.sent(smpp=SmppFields(intermediate=True))
    silent = await traffic.sent(recipient=OTHER)
    for opened in (asks, silent):
        traffic.receipt(part_id(opened), "ENROUTE", "000")
    assert heard == [(asks.message.id, "ENROUTE", "000")]
    assert traffic.receipts.intermediate == 2


@virtual_time
async def test_rcp_5_an_intermediate_notification_of_a_final_state_is_not_final() -> None:
    traffic = Traffic()
    heard = notifying(traffic)
    opened = await traffic.sent(smpp=SmppFields(intermediate=True))
    told = Receipt(part_id(opened), "DELIVRD", intermediate=True)
    traffic.receipts.on_receipt("alpha", told, lambda error: None)
    await traffic.turn()
    assert (opened.status, heard) == (Status.SENT, [(opened.message.id, "DELIVRD", "")])


@virtual_time
async def test_rcp_5_an_intermediate_notification_of_nobodys_message_is_answered() -> None:
    traffic = Traffic()
    heard = notifying(traffic)
    assert traffic.receipt("77", "ENROUTE") == [None]
    assert heard == []


@pytest.mark.parametrize("stat", ["ENROUTE", "ACCEPTD", "BUFFRED"])
def test_rcp_5_an_intermediate_state_ends_nothing(stat: str) -> None:
    @virtual_time
    async def intermediate() -> None:
        traffic = Traffic()
        opened = await traffic.sent()
        assert traffic.receipt(part_id(opened), stat) == [None]
        traffic.receipt(part_id(opened))
        await traffic.turn()
        assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]

    intermediate()


@virtual_time
async def test_rcp_5_an_intermediate_state_does_not_take_the_place_of_an_early_receipt() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.receipt("77", "DELIVRD")
    traffic.receipt("77", "ENROUTE")
    traffic.ok(carrier_id="77")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_rcp_5_a_message_of_parts_is_delivered_with_the_last_of_them() -> None:
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 2))
    assert opened.status is Status.SENT
    traffic.receipt(part_id(opened, 1))
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.told[-1].carrier_status == "DELIVRD"


@virtual_time
async def test_rcp_5_a_message_of_parts_is_undelivered_with_the_first_that_is() -> None:
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 1), "UNDELIV", "001")
    await traffic.turn()
    assert traffic.last(opened) == (Status.UNDELIVERED, 30005)
    assert traffic.told[-1].carrier_status == "UNDELIV"


@virtual_time
async def test_receipts_of_the_other_parts_are_kept_after_the_end() -> None:
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 1), "UNDELIV")
    assert traffic.receipt(part_id(opened, 2)) == []
    await traffic.turn()
    assert parts_told(traffic) == [
        (1, Status.UNDELIVERED, "UNDELIV"),
        (2, Status.DELIVERED, "DELIVRD"),
    ]
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]


@virtual_time
async def test_a_receipt_of_a_part_is_answered_once_it_is_durable() -> None:
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.ledger.held = True
    answers = [traffic.receipt(part_id(opened, part)) for part in (1, 2)]
    assert answers == [[], []]
    traffic.ledger.commit()
    assert answers == [[None], [None]]


@virtual_time
async def test_rcp_5_an_undelivered_part_decides_once_the_message_is_sent() -> None:
    """Its receipt comes while other parts still wait."""
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=2)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="a")
    traffic.receipt("a", "UNDELIV", "001")
    assert opened.status is Status.SENDING
    traffic.ok(carrier_id="b")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]
    assert traffic.last(opened) == (Status.UNDELIVERED, 30005)


@pytest.mark.parametrize("stats", [("UNDELIV", "DELIVRD"), ("DELIVRD", "UNDELIV")])
def test_one_undelivered_part_is_enough_when_all_receipts_are_early(
    stats: tuple[str, str],
) -> None:
    @virtual_time
    async def early() -> None:
        traffic = Traffic()
        opened = await traffic.put(LONG, segments=2)
        await traffic.turn(0.1)
        for carrier_id, stat in zip("ab", stats, strict=True):
            traffic.receipt(carrier_id, stat)
        for carrier_id in "ab":
            traffic.ok(carrier_id=carrier_id)
        await traffic.turn()
        assert traffic.last(opened) == (Status.UNDELIVERED, 30008)
        assert traffic.told[-1].carrier_status in {"", "UNDELIV"}

    early()


@virtual_time
async def test_early_receipts_of_all_parts_deliver_the_message_when_it_is_sent() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=2)
    await traffic.turn(0.1)
    traffic.receipt("a")
    traffic.receipt("b")
    traffic.ok(carrier_id="b")
    traffic.ok(carrier_id="a")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
