"""What becomes of a part whose bind went down before the answer, as its account has it."""

import pytest

from gateway.account import InDoubt
from gateway.message import Message, Status
from gateway.messaging.parked_receipts import PARK_S
from gateway.messaging.suspects import LOST_MAX
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import AttemptOutcome
from tests.messaging.intake_desk import Desk, an_earlier
from tests.messaging.traffic_world import (
    HOLD_S,
    LONG,
    OTHER,
    TWO,
    UNKNOWN_WAIT_S,
    WALL,
    Traffic,
    an_attempt,
)
from tests.support.virtual_time import virtual_time

WRITTEN, REFUSED, LOST = AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED, AttemptOutcome.LOST
UNANSWERED, RESENT, HELD = AttemptOutcome.UNANSWERED, AttemptOutcome.RESENT, AttemptOutcome.HELD
POLICIES = pytest.mark.parametrize("in_doubt", list(InDoubt))


async def a_loss(traffic: Traffic) -> None:
    """alpha's bind goes down, and comes back."""
    await traffic.turn(1)
    traffic.down("alpha/1")
    traffic.up("alpha/1")
    await traffic.turn()


# resend


@virtual_time
async def test_a_lost_part_is_sent_again_at_once() -> None:
    traffic = Traffic(in_doubt=InDoubt.RESEND)
    opened = await traffic.put()
    await a_loss(traffic)
    await traffic.turn(1)
    assert traffic.texts() == ["hello", "hello"]
    assert [outcome for _, outcome, _ in traffic.outcomes(opened)] == [WRITTEN, LOST, WRITTEN]


# hold


@virtual_time
async def test_a_held_part_is_sent_again_after_its_time() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put()
    await a_loss(traffic)
    await traffic.turn(HOLD_S - 1)
    assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1"), (1, HELD, "alpha/1")]
    await traffic.turn(2)
    assert traffic.texts() == ["hello", "hello"]
    assert [outcome for _, outcome, _ in traffic.outcomes(opened)[2:]] == [RESENT, WRITTEN]
    traffic.ok()
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_receipt_settles_a_held_part_and_it_is_not_sent_again() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put()
    await a_loss(traffic)
    answers = traffic.receipt("4a5b")
    await traffic.turn(PARK_S + HOLD_S + 10)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert (traffic.texts(), answers) == (["hello"], [None])
    assert traffic.dispatcher.answers.next_timer() is None


@virtual_time
async def test_a_held_message_holds_up_nobody() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    await traffic.put("first")
    await traffic.put("second")
    await a_loss(traffic)
    await traffic.turn(1)
    assert traffic.texts() == ["first", "second"]


@virtual_time
async def test_a_held_message_goes_before_all_that_wait_when_its_time_is_over() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD, window=1)
    await traffic.put("held")
    await a_loss(traffic)
    for number in range(3):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(HOLD_S)
    traffic.ok()
    await traffic.turn(1)
    assert traffic.texts() == ["held", "0", "held"]


@virtual_time
async def test_a_held_message_does_not_expire_before_it_is_to_be_sent_again() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put(expires_at=WALL + 60)
    await a_loss(traffic)
    await traffic.turn(HOLD_S - 2)
    assert traffic.told == []
    await traffic.turn(4)
    assert traffic.last(opened) == (Status.FAILED, 30001)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_only_the_part_that_was_lost_is_held() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="a")
    traffic.ok(carrier_id="b")
    await a_loss(traffic)
    await traffic.turn(HOLD_S + 1)
    traffic.ok(carrier_id="c")
    await traffic.turn()
    parts = [written.pdu.short_message[5] for written in traffic.binds["alpha/1"].written]
    assert (parts, traffic.last(opened)[0]) == ([1, 2, 3, 3], Status.SENT)


@virtual_time
async def test_all_parts_that_were_held_are_sent_again() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put(LONG, segments=3)
    await a_loss(traffic)
    await traffic.turn(HOLD_S + 2)
    for carrier_id in ("a", "b", "c"):
        traffic.ok(carrier_id=carrier_id)
    await traffic.turn()
    assert (traffic.last(opened)[0], len(traffic.texts())) == (Status.SENT, 6)


@virtual_time
async def test_a_message_that_failed_meanwhile_is_held_no_more() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put(LONG, segments=2)
    await traffic.turn(0.1)
    traffic.binds["alpha/1"].awaiting.reverse()
    refused = traffic.binds["alpha/1"].awaiting.pop()
    traffic.down("alpha/1")
    traffic.answer_to("alpha/1", refused, CommandStatus.ESME_RINVDSTADR)
    await traffic.turn(HOLD_S + 1)
    assert traffic.last(opened) == (Status.FAILED, 30005)
    assert (len(traffic.texts()), opened.in_doubt) == (2, 0)
    assert traffic.dispatcher.answers.next_timer() is None


@virtual_time
async def test_a_lane_that_was_forgotten_while_its_message_was_held_is_there_again() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    opened = await traffic.put()
    await a_loss(traffic)
    await traffic.turn(60)
    assert traffic.lanes == 0
    await traffic.turn(HOLD_S)
    traffic.ok()
    await traffic.turn(1)
    assert (traffic.statuses(opened), traffic.lanes) == ([Status.SENT], 0)


# unknown


@virtual_time
async def test_a_lost_part_is_never_sent_again_and_its_message_fails_after_the_wait() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put()
    await a_loss(traffic)
    await traffic.turn(UNKNOWN_WAIT_S - 2)
    assert traffic.told == []
    await traffic.turn(4)
    assert traffic.last(opened) == (Status.FAILED, 30410)
    assert traffic.texts("alpha/1") + traffic.texts("beta/1") == ["hello"]
    assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1"), (1, LOST, "alpha/1")]


@virtual_time
async def test_a_receipt_tells_of_a_part_whose_outcome_was_unknown() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put()
    await a_loss(traffic)
    await traffic.turn(600)
    traffic.receipt("4a5b", "UNDELIV", "001")
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.UNDELIVERED]


@virtual_time
async def test_one_part_whose_outcome_is_unknown_fails_the_message_after_the_wait() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="a")
    await a_loss(traffic)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert (traffic.last(opened), len(traffic.texts())) == ((Status.FAILED, 30410), 3)


# All the same


@POLICIES
def test_what_was_not_answered_in_time_is_never_sent_again(in_doubt: InDoubt) -> None:
    @virtual_time
    async def never() -> None:
        traffic = Traffic(in_doubt=in_doubt)
        opened = await traffic.put()
        await traffic.turn(10)
        traffic.time_out()
        await traffic.turn(UNKNOWN_WAIT_S + 1)
        assert (traffic.texts(), traffic.last(opened)) == (["hello"], (Status.FAILED, 30410))
        assert traffic.outcomes(opened)[-1] == (1, UNANSWERED, "alpha/1")

    never()


@POLICIES
def test_an_answer_in_time_leaves_no_doubt(in_doubt: InDoubt) -> None:
    @virtual_time
    async def answered() -> None:
        traffic = Traffic(in_doubt=in_doubt)
        opened = await traffic.sent()
        assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1")]
        assert (len(traffic.journal.doubts), opened.in_doubt) == (0, 0)

    answered()


@pytest.mark.parametrize("in_doubt", [InDoubt.RESEND, InDoubt.HOLD])
def test_a_message_that_ends_every_bind_is_given_up(in_doubt: InDoubt) -> None:
    """It stays in doubt, and not even a restart sends it again."""

    @virtual_time
    async def given_up() -> None:
        traffic = Traffic(in_doubt=in_doubt)
        opened = await traffic.put()
        for _ in range(10):
            await a_loss(traffic)
            await traffic.turn(HOLD_S + 1)
        assert len(traffic.texts()) == LOST_MAX
        assert traffic.outcomes(opened)[-1] == (1, UNANSWERED, "alpha/1")
        await traffic.turn(UNKNOWN_WAIT_S)
        assert traffic.last(opened) == (Status.FAILED, 30410)

    given_up()


@virtual_time
async def test_a_late_answer_after_a_receipt_changes_nothing() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    traffic.receipt("4a5b")
    await traffic.turn(PARK_S + 1)
    traffic.answer_to("alpha/1", written, carrier_id="4a5b", late=True)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]


@virtual_time
async def test_each_doubt_of_a_message_has_its_own_wait() -> None:
    """The first was ended by a late refusal; the second begins much later."""
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S - 60)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    await traffic.turn(10)
    traffic.time_out("beta/1")
    await traffic.turn(UNKNOWN_WAIT_S - 10)
    assert traffic.told == []
    await traffic.turn(20)
    assert traffic.last(opened) == (Status.FAILED, 30410)


# After a restart


def last_words(desk: Desk, message: Message) -> list[AttemptOutcome]:
    return [each.outcome for each in desk.traffic.ledger.attempts if each.message_id == message.id]


@pytest.mark.parametrize("found", [WRITTEN, LOST, HELD])
def test_what_was_in_flight_before_a_restart_is_sent_again(found: AttemptOutcome) -> None:
    @virtual_time
    async def again() -> None:
        desk, message = Desk(in_doubt=InDoubt.RESEND), an_earlier(body="hello")
        desk.restore(message, an_attempt(1, found))
        await desk.traffic.turn()
        assert desk.traffic.texts() == ["hello"]
        noted = [] if found is LOST else [LOST]
        assert last_words(desk, message) == [found, *noted, WRITTEN]

    again()


@virtual_time
async def test_what_was_in_flight_before_a_restart_goes_before_what_was_not() -> None:
    desk = Desk()
    desk.restore(an_earlier(message_id=1, body="waited", recipient=OTHER))
    desk.restore(an_earlier(message_id=2, body="in flight"), an_attempt(2, WRITTEN))
    await desk.traffic.turn(0.1)
    assert desk.traffic.texts() == ["in flight", "waited"]


@pytest.mark.parametrize("found", [WRITTEN, LOST, HELD])
def test_what_was_in_flight_before_a_restart_is_held_from_then_on(found: AttemptOutcome) -> None:
    @virtual_time
    async def held() -> None:
        desk, message = Desk(in_doubt=InDoubt.HOLD), an_earlier()
        desk.restore(message, an_attempt(1, found))
        await desk.traffic.turn(HOLD_S - 1)
        assert desk.traffic.texts() == []
        await desk.traffic.turn(2)
        assert len(desk.traffic.texts()) == 1
        noted = [] if found is HELD else [HELD]
        assert last_words(desk, message) == [found, *noted, RESENT, WRITTEN]

    held()


@pytest.mark.parametrize("found", [WRITTEN, LOST, HELD])
def test_what_was_in_flight_before_a_restart_stays_unknown(found: AttemptOutcome) -> None:
    @virtual_time
    async def unknown() -> None:
        desk, message = Desk(in_doubt=InDoubt.UNKNOWN), an_earlier(expires_at=WALL + 20_000)
        desk.restore(message, an_attempt(1, found))
        await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
        assert desk.traffic.texts() == []
        assert desk.traffic.told[-1].error_code == 30410
        assert last_words(desk, message) == [found, *([] if found is LOST else [LOST])]

    unknown()


@POLICIES
def test_a_receipt_tells_of_what_was_in_flight_before_a_restart(in_doubt: InDoubt) -> None:
    """Where it was sent again, nobody knows which of the two it means."""

    @virtual_time
    async def told() -> None:
        desk, message = Desk(in_doubt=in_doubt), an_earlier()
        desk.restore(message, an_attempt(1, WRITTEN))
        desk.traffic.receipt("4a5b", recipient=message.recipient)
        await desk.traffic.turn(PARK_S + 1)
        resent = in_doubt is InDoubt.RESEND
        assert desk.traffic.ledger.statuses(message) == (
            [] if resent else [Status.SENT, Status.DELIVERED]
        )
        assert len(desk.traffic.texts()) == resent

    told()


@virtual_time
async def test_a_receipt_tells_of_what_was_not_answered_before_a_restart() -> None:
    desk, message = Desk(), an_earlier()
    desk.restore(message, an_attempt(1, UNANSWERED))
    desk.traffic.receipt("4a5b", recipient=message.recipient)
    await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
    assert desk.traffic.ledger.statuses(message) == [Status.SENT, Status.DELIVERED]
    assert desk.traffic.dispatcher.answers.next_timer() is None


@virtual_time
async def test_the_parts_of_a_message_are_decided_on_one_by_one_after_a_restart() -> None:
    desk, message = Desk(), an_earlier(body=LONG, segments=3)
    desk.restore(
        message,
        an_attempt(1, UNANSWERED, part=1),
        an_attempt(1, WRITTEN, part=2),
    )
    await desk.traffic.turn(0.1)
    parts = [written.pdu.short_message[5] for written in desk.traffic.binds["alpha/1"].written]
    assert sorted(parts) == [2, 3]
    await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
    assert desk.traffic.told[-1].error_code == 30410


@virtual_time
async def test_parts_that_were_in_flight_before_a_restart_go_in_their_order() -> None:
    desk = Desk()
    attempts = [an_attempt(1, WRITTEN, part=part) for part in (1, 2, 3)]
    desk.restore(an_earlier(body=LONG, segments=3), *attempts)
    await desk.traffic.turn(0.1)
    parts = [written.pdu.short_message[5] for written in desk.traffic.binds["alpha/1"].written]
    assert parts == [1, 2, 3]


@virtual_time
async def test_a_lane_whose_only_message_is_held_is_forgotten_until_then() -> None:
    desk = Desk(in_doubt=InDoubt.HOLD)
    desk.restore(an_earlier(), an_attempt(1, WRITTEN))
    await desk.traffic.turn(1)
    assert desk.traffic.lanes == 0
