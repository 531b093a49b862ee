"""Messages of several segments that a carrier gets in one submit_sm, in message_payload."""

from typing import Any

import pytest

from gateway.account import InDoubt
from gateway.config.dialect import Concatenation, Dialect
from gateway.message import Status
from gateway.messaging.open_message import OpenMessage
from gateway.smpp.constants import CommandStatus, EsmClass, Tag
from gateway.smpp.errors import NotBound
from gateway.store.interface import WHOLE, AttemptOutcome, SentPart
from tests.messaging.intake_desk import Desk, an_earlier
from tests.messaging.receipt_world import ASIDE_S, GIVEN_UP_S, ReceiptTraffic, sent_at
from tests.messaging.traffic_world import (
    HOLD_S,
    LONG,
    OTHER,
    RECIPIENT,
    SENDER,
    TWO,
    UNKNOWN_WAIT_S,
    WALL,
    Traffic,
    a_bind,
    an_attempt,
)
from tests.support.virtual_time import virtual_time

PAYLOAD: dict[str, Any] = {"dialect": Dialect(concatenation=Concatenation.PAYLOAD)}
WRITTEN, REFUSED, LOST = AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED, AttemptOutcome.LOST
HELD, RESENT, UNANSWERED = AttemptOutcome.HELD, AttemptOutcome.RESENT, AttemptOutcome.UNANSWERED


def payloads(traffic: Traffic, bind: str = "alpha/1") -> list[str]:
    """What was written there whole; nothing for what was not."""
    return [
        written.pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"").decode()
        for written in traffic.binds[bind].written
    ]


async def put(traffic: Traffic, body: str = LONG, **changes: Any) -> OpenMessage:
    return await traffic.put(body, segments=3, concat_ref=7, **changes)


@virtual_time
async def test_gsm_17_a_long_message_goes_whole_to_a_carrier_that_cuts_it_up_itself() -> None:
    traffic = Traffic(**PAYLOAD)
    await put(traffic)
    await traffic.put("short", recipient=OTHER)
    await traffic.turn(0.1)
    assert payloads(traffic) == [LONG, ""]
    whole, short = (written.pdu for written in traffic.binds["alpha/1"].written)
    assert (whole.short_message, short.short_message) == (b"", b"short")
    assert not whole.esm_class & EsmClass.UDHI


@virtual_time
async def test_gsm_17_it_is_sent_once_and_settled_by_one_receipt() -> None:
    traffic = Traffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="17")
    await traffic.turn()
    traffic.receipt("17")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    steps = [(step.part, step.carrier_id) for step in traffic.ledger.transitions]
    assert steps == [(0, "17"), (0, "17")]
    assert traffic.outcomes(opened) == [(WHOLE, WRITTEN, "alpha/1")]
    assert (traffic.receipts.expected, len(traffic.journal.doubts)) == (0, 0)


@virtual_time
async def test_a_failure_of_the_whole_is_one_of_the_message() -> None:
    traffic = Traffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="17")
    await traffic.turn()
    traffic.receipt("17", "UNDELIV", "001")
    await traffic.turn()
    assert traffic.last(opened)[0] is Status.UNDELIVERED


@virtual_time
async def test_it_takes_the_time_of_all_its_segments() -> None:
    traffic = Traffic(mps=1.0, mps_max=0.5, **PAYLOAD)
    await put(traffic)
    await traffic.put("next", recipient=OTHER)
    await traffic.turn(5.9)
    assert payloads(traffic) == [LONG]
    await traffic.turn(0.3)
    assert payloads(traffic) == [LONG, ""]


@virtual_time
async def test_it_has_the_room_of_all_its_segments_until_it_is_sent() -> None:
    traffic = Traffic(**PAYLOAD)
    traffic.down("alpha/1")
    await put(traffic)
    assert traffic.segments_queued == 3
    traffic.up("alpha/1")
    await traffic.turn(0.1)
    assert traffic.segments_queued == 0
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert traffic.segments_queued == 3


@virtual_time
async def test_cli_5_what_was_refused_for_now_goes_whole_again_and_first() -> None:
    traffic = Traffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.put("next", recipient=OTHER)
    await traffic.turn(10)
    assert payloads(traffic) == [LONG, LONG, ""]
    assert traffic.outcomes(opened)[:2] == [
        (WHOLE, WRITTEN, "alpha/1"),
        (WHOLE, REFUSED, "alpha/1"),
    ]


@virtual_time
async def test_gsm_17_another_carrier_gets_it_in_parts() -> None:
    traffic = Traffic(TWO, **PAYLOAD)
    traffic.binds["beta/1"].config = a_bind("beta/1")
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RSYSERR)
    await traffic.turn(0.1)
    for carrier_id in "abc":
        traffic.ok("beta/1", carrier_id)
    await traffic.turn()
    headers = [written.pdu.short_message[:6] for written in traffic.binds["beta/1"].written]
    assert headers == [bytes([5, 0, 3, 7, 3, number]) for number in (1, 2, 3)]
    for carrier_id in "abc":
        traffic.receipt(carrier_id, bind="beta/1")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert len(traffic.journal.doubts) == 0


@virtual_time
async def test_what_was_begun_in_parts_goes_on_in_parts() -> None:
    traffic = Traffic(TWO, window=1)
    traffic.binds["beta/1"].config = a_bind("beta/1", **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="a")
    traffic.down("alpha/1")
    for carrier_id in "bc":
        await traffic.turn(1)
        traffic.ok("beta/1", carrier_id)
    await traffic.turn()
    assert payloads(traffic, "beta/1") == ["", ""]
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_what_every_part_was_refused_of_may_go_whole() -> None:
    traffic = Traffic(TWO)
    traffic.binds["beta/1"].config = a_bind("beta/1", **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    for _ in range(3):
        traffic.answer(status=CommandStatus.ESME_RSYSERR)
    await traffic.turn(1)
    assert payloads(traffic, "beta/1") == [LONG]
    traffic.ok("beta/1", "17")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_carrier_that_refuses_the_whole_for_good_fails_the_message() -> None:
    traffic = Traffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    await traffic.turn(0.1)
    assert traffic.last(opened)[0] is Status.FAILED
    assert (traffic.segments_queued, len(traffic.journal.doubts.strays)) == (0, 0)


# In doubt


@virtual_time
async def test_a_lost_whole_is_sent_again_at_once() -> None:
    traffic = Traffic(TWO, **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.down("alpha/1")
    await traffic.turn(0.1)
    assert payloads(traffic, "beta/1") == [LONG]
    assert traffic.outcomes(opened) == [
        (WHOLE, WRITTEN, "alpha/1"),
        (WHOLE, LOST, "alpha/1"),
        (WHOLE, WRITTEN, "beta/1"),
    ]


@virtual_time
async def test_a_lost_whole_is_sent_again_in_parts_where_the_other_carrier_wants_that() -> None:
    traffic = Traffic(TWO, **PAYLOAD)
    traffic.binds["beta/1"].config = a_bind("beta/1")
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.down("alpha/1")
    await traffic.turn(0.1)
    for carrier_id in "abc":
        traffic.ok("beta/1", carrier_id)
        traffic.receipt(carrier_id, bind="beta/1")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    # The copy at alpha may still have a receipt, and that is nobody else's.
    assert len(traffic.journal.doubts.strays) == 1


@virtual_time
async def test_a_held_whole_is_sent_again_after_its_time() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.HOLD, **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.down("alpha/1")
    await traffic.turn(HOLD_S - 1)
    assert payloads(traffic, "beta/1") == []
    await traffic.turn(2)
    assert payloads(traffic, "beta/1") == [LONG]
    outcomes = [outcome for _, outcome, _ in traffic.outcomes(opened)]
    assert outcomes == [WRITTEN, HELD, RESENT, WRITTEN]


@virtual_time
async def test_a_receipt_settles_a_held_whole() -> None:
    traffic = ReceiptTraffic(TWO, in_doubt=InDoubt.HOLD, **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.down("alpha/1")
    traffic.receipt_from(RECIPIENT, SENDER)
    await traffic.turn(HOLD_S + 1)
    assert traffic.statuses(opened) == [Status.SENT, Status.DELIVERED]
    assert payloads(traffic, "beta/1") == []


@virtual_time
async def test_cli_2_a_whole_whose_outcome_is_unknown_fails_after_the_wait() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.UNKNOWN, **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.down("alpha/1")
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    assert traffic.last(opened) == (Status.FAILED, 30410)
    assert payloads(traffic, "beta/1") == []


@virtual_time
async def test_cli_2_a_whole_that_is_not_answered_in_time_is_not_sent_again() -> None:
    traffic = Traffic(TWO, **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    assert payloads(traffic, "beta/1") == []
    traffic.answer_to("alpha/1", written, carrier_id="17", late=True)
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_late_refusal_of_the_whole_sends_it_again() -> None:
    traffic = Traffic(TWO, **PAYLOAD)
    await put(traffic)
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    await traffic.turn(0.1)
    assert payloads(traffic, "beta/1") == [LONG]


@virtual_time
async def test_a_whole_is_noted_before_it_goes_out() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN, **PAYLOAD)
    opened = await put(traffic)
    traffic.ledger.held = True
    await traffic.turn(1)
    assert payloads(traffic) == []
    traffic.ledger.held = False
    traffic.ledger.commit()
    await traffic.turn(1)
    assert payloads(traffic) == [LONG]
    assert traffic.outcomes(opened) == [(WHOLE, WRITTEN, "alpha/1")]


@virtual_time
async def test_a_note_of_the_whole_is_taken_back_as_one() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN, **PAYLOAD)
    traffic.binds["alpha/1"].trouble = NotBound("its session is ending")
    opened = await put(traffic)
    await traffic.turn(0.05)
    traffic.dispatcher.stop()
    await traffic.turn()
    assert traffic.outcomes(opened) == [(WHOLE, WRITTEN, "alpha/1"), (WHOLE, REFUSED, "alpha/1")]


# After a restart


@pytest.mark.parametrize("found", [WRITTEN, LOST, HELD])
@virtual_time
async def test_a_whole_that_was_in_flight_before_a_restart_is_sent_again(
    found: AttemptOutcome,
) -> None:
    desk = Desk(in_doubt=InDoubt.RESEND, **PAYLOAD)
    message = an_earlier(body=LONG, segments=3)
    desk.restore(message, an_attempt(1, found, part=WHOLE))
    await desk.traffic.turn(0.1)
    assert payloads(desk.traffic) == [LONG]
    desk.traffic.ok(carrier_id="17")
    await desk.traffic.turn()
    assert desk.traffic.ledger.statuses(message) == [Status.SENT]


@virtual_time
async def test_a_whole_that_was_in_flight_before_a_restart_is_held_from_then_on() -> None:
    desk = Desk(in_doubt=InDoubt.HOLD, **PAYLOAD)
    desk.restore(an_earlier(body=LONG, segments=3), an_attempt(1, WRITTEN, part=WHOLE))
    await desk.traffic.turn(HOLD_S - 1)
    assert payloads(desk.traffic) == []
    await desk.traffic.turn(2)
    assert payloads(desk.traffic) == [LONG]


@pytest.mark.parametrize("found", [WRITTEN, UNANSWERED])
@virtual_time
async def test_a_whole_that_was_in_flight_before_a_restart_stays_unknown(
    found: AttemptOutcome,
) -> None:
    desk = Desk(in_doubt=InDoubt.UNKNOWN, **PAYLOAD)
    message = an_earlier(body=LONG, segments=3, expires_at=WALL + 20_000)
    desk.restore(message, an_attempt(1, found, part=WHOLE))
    await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
    assert payloads(desk.traffic) == []
    assert desk.traffic.told[-1].error_code == 30410
    assert len(desk.traffic.journal) == 0


@virtual_time
async def test_the_receipt_of_a_whole_comes_after_a_restart() -> None:
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(carrier_id="17"), segments=3)
    traffic.receipt("17")
    await traffic.turn()
    assert traffic.status(message) is Status.DELIVERED


@virtual_time
async def test_the_receipt_of_a_whole_comes_after_it_was_set_aside() -> None:
    traffic = ReceiptTraffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="17")
    await traffic.turn(ASIDE_S)
    assert traffic.receipts.set_aside == 1
    traffic.receipt("17")
    await traffic.turn()
    assert traffic.last(opened)[0] is Status.DELIVERED


@virtual_time
async def test_a_whole_without_a_receipt_is_given_up() -> None:
    traffic = ReceiptTraffic()
    message = traffic.restore(sent_at(carrier_id="17"), segments=3)
    await traffic.turn(GIVEN_UP_S)
    assert traffic.status(message) is Status.UNDELIVERED


@virtual_time
async def test_a_whole_over_a_bind_without_receipts_stays_sent() -> None:
    traffic = Traffic(silent_binds=("alpha/1",), **PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="17")
    await traffic.turn(60)
    assert (traffic.statuses(opened), len(traffic.journal)) == ([Status.SENT], 0)


@virtual_time
async def test_a_whole_is_awaited_as_one_part() -> None:
    traffic = Traffic(**PAYLOAD)
    opened = await put(traffic)
    await traffic.turn(0.1)
    traffic.ok(carrier_id="17")
    assert opened.awaited == (SentPart(WHOLE, "alpha/1", "17", traffic.clock.now()),)
