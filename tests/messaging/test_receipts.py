"""Receipts find their message, and settle it (RCP-1 to RCP-6; RCP-1 and RCP-3 are the parser's)."""

import pytest

from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.messaging import receipts
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.receipts import PARK_S, REMATCH_S, carrier_of
from gateway.smpp.receipt import Receipt
from gateway.store.interface import StoredMessage, Transition, UnmatchedReceipt
from tests.messaging.traffic_world import RECEIPT_WAIT_S, WALL, Traffic
from tests.store.builders import a_message, became
from tests.support.virtual_time import virtual_time

LONG = "x" * 300  # Two parts.


def part_id(opened: OpenMessage, part: int = 1) -> str:
    """As `Traffic.sent` has the carrier name them."""
    return f"{opened.message.id:x}-{part}"


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
async def test_a_receipt_is_answered_once_it_is_durable() -> None:
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
async def test_two_carriers_may_give_the_same_id() -> None:
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
async def test_a_receipt_may_come_over_another_bind_of_the_carrier() -> None:
    traffic = Traffic({"alpha/1": (), "alpha/2": ()})
    opened = await traffic.sent(bind="alpha/1")
    traffic.receipt(part_id(opened), bind="alpha/2")
    assert opened.status is Status.DELIVERED


def test_the_carrier_is_named_before_the_slash() -> None:
    assert carrier_of("alpha/eu-1") == "alpha"


@virtual_time
async def test_an_id_is_taken_as_it_is_written() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.ok(carrier_id="00FF")
    traffic.receipt("255")
    traffic.receipt("00ff")
    assert opened.status is Status.SENT


# RCP-4: early, late, twice


@virtual_time
async def test_a_receipt_may_precede_its_submit_sm_resp() -> None:
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
async def test_a_receipt_that_comes_twice_changes_nothing() -> None:
    traffic = Traffic()
    opened = await traffic.sent()
    traffic.receipt(part_id(opened))
    assert traffic.receipt(part_id(opened)) == [None]
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.receipts.duplicates == 1


@pytest.mark.parametrize(("first", "then"), [("DELIVRD", "UNDELIV"), ("UNDELIV", "DELIVRD")])
def test_a_final_state_is_never_left(first: str, then: str) -> None:
    @virtual_time
    async def contradicted() -> None:
        traffic = Traffic()
        opened = await traffic.sent()
        traffic.receipt(part_id(opened), first)
        status = opened.status
        assert traffic.receipt(part_id(opened), then) == [None]
        await traffic.turn()
        assert (opened.status, len(traffic.told)) == (status, 2)

    contradicted()


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
async def test_old_receipts_are_forgotten_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receipts, "SETTLED_MAX", 2)
    traffic = Traffic()
    made = [await traffic.sent(str(number)) for number in range(3)]
    for opened in made:
        traffic.receipt(part_id(opened))
    traffic.receipt(part_id(made[0]))
    traffic.receipt(part_id(made[2]))
    assert traffic.receipts.duplicates == 1


# RCP-5: intermediate notifications, and parts


@pytest.mark.parametrize("stat", ["ENROUTE", "ACCEPTD", "BUFFRED"])
def test_an_intermediate_state_ends_nothing(stat: str) -> None:
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
async def test_an_intermediate_state_does_not_take_the_place_of_an_early_receipt() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.receipt("77", "DELIVRD")
    traffic.receipt("77", "ENROUTE")
    traffic.ok(carrier_id="77")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_a_message_of_parts_is_delivered_with_the_last_of_them() -> None:
    traffic = Traffic()
    opened = await two_parts_sent(traffic)
    traffic.receipt(part_id(opened, 2))
    assert opened.status is Status.SENT
    traffic.receipt(part_id(opened, 1))
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert traffic.told[-1].carrier_status == "DELIVRD"


@virtual_time
async def test_a_message_of_parts_is_undelivered_with_the_first_that_is() -> None:
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
async def test_an_undelivered_part_decides_once_the_message_is_sent() -> None:
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
    assert traffic.receipts.expected == 1
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
