"""Messages that say something else before they are sent (replace_sm, SMPP v3.4 §4.10)."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.account import InDoubt
from gateway.errors import Refusal
from gateway.message import Encoding, Message, Origin, Receipts, Status
from gateway.messaging import schedule
from gateway.messaging.pending_messages import Replacement
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import OptOut
from tests.messaging.intake_desk import SOON, Desk, an_earlier, queued, refusal_of, sent_of
from tests.messaging.slow_ledger import SlowLedger
from tests.messaging.traffic_world import HEAD, LONG, OTHER, RECIPIENT, SENDER, WALL
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT
from tests.support.virtual_time import virtual_time

LATER = WALL + 1_200

pytestmark = pytest.mark.usefixtures("short_heads")


def stored(desk: Desk, message: Message) -> Message:
    """The message as the store has it."""
    return next(each for each in desk.traffic.ledger.accepted if each.id == message.id)


# Where it waits


@pytest.mark.parametrize("place", [0, 2, HEAD, 7, 9])
@virtual_time
async def test_srv_27_a_replaced_message_keeps_its_id_and_its_place(place: int) -> None:
    desk = Desk(window=100)
    messages = await queued(desk, 10)
    assert await desk.replace(messages[place]) is None
    assert stored(desk, messages[place]) == replace(messages[place], body="new")
    expected = [str(number) for number in range(10)]
    expected[place] = "new"
    assert await sent_of(desk) == expected
    assert desk.room == 0


@pytest.mark.parametrize("commit_s", [1.0, 10.0])
@virtual_time
async def test_a_page_that_is_being_read_may_say_what_was_said_before(commit_s: float) -> None:
    """The commit comes before the page, or after it."""
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 7)
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(1)
    assert desk.traffic.texts() == ["0", "1", "2", "3"]
    desk.traffic.ledger.held = True
    asyncio.get_running_loop().call_later(commit_s, desk.traffic.ledger.commit)
    assert await desk.replace(messages[5]) is None
    desk.traffic.ledger.held = False
    assert await sent_of(desk) == ["0", "1", "2", "3", "4", "new", "6"]
    assert desk.traffic.dispatcher.lanes._amended == {}


@virtual_time
async def test_a_page_of_the_old_text_that_is_asked_for_before_the_commit_is_corrected() -> None:
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 7)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.replace(messages[5]))
    await desk.traffic.turn()
    desk.traffic.ledger.commit()
    assert await call is None
    desk.traffic.ledger.held = False
    assert await sent_of(desk) == ["0", "1", "2", "3", "4", "new", "6"]
    assert desk.traffic.dispatcher.lanes._amended == {}


@virtual_time
async def test_nothing_goes_out_before_the_new_text_is_durable() -> None:
    """Else a crash could bring the old text back, after the new one was sent."""
    desk = Desk(window=100)
    messages = await queued(desk, 3)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.replace(messages[0]))
    await desk.traffic.turn()
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(60)
    assert (desk.traffic.texts(), call.done()) == ([], False)
    desk.traffic.ledger.commit()
    assert await call is None
    await desk.traffic.turn(1)
    assert desk.traffic.texts() == ["new", "1", "2"]


@virtual_time
async def test_what_a_carrier_refused_for_now_says_the_new_text() -> None:
    desk = Desk(window=100)
    message = await desk.accept(LONG)
    await desk.traffic.turn(0.1)
    for _ in range(3):
        desk.traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert await desk.replace(message, "new") is None
    assert (await sent_of(desk))[3:] == ["new"]
    assert desk.traffic.ledger.statuses(message) == [Status.SENT]


@virtual_time
async def test_the_last_of_several_replacements_counts() -> None:
    desk = Desk(window=100)
    messages = await queued(desk, 6)
    answers = await asyncio.gather(
        desk.replace(messages[5], "one"), desk.replace(messages[5], "two")
    )
    assert list(answers) == [None, None]
    assert (await sent_of(desk))[5] == "two"


@virtual_time
async def test_a_message_is_replaced_and_then_canceled() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    answers = await asyncio.gather(desk.replace(message), desk.cancel(message))
    assert list(answers) == [None, None]
    assert desk.traffic.ledger.statuses(message) == [Status.CANCELED]
    assert desk.intake.scheduled == 0


# What it says


@virtual_time
async def test_a_new_text_gets_its_encoding_and_a_reference() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    assert await desk.replace(message, "щ" * 80) is None
    now = stored(desk, message)
    assert (now.encoding, now.segments, now.concat_ref > 0) == (Encoding.UCS2, 2, True)


@virtual_time
async def test_octets_stay_as_they_are() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    new = {"octets": b"\1\2", "udh": b"\6\5\4\0\0\0\0", "encoding": Encoding.BINARY}
    assert await desk.replace(message, "", **new) is None
    assert await sent_of(desk) == ["\6\5\4\0\0\0\0\1\2"]


@virtual_time
async def test_srv_27_its_receipts_are_those_of_the_replacement() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1, origin=Origin.SMPP, receipts=Receipts.ALL)
    await desk.replace(message, receipts=Receipts.FAILURE, intermediate=True)
    now = stored(desk, message)
    assert now.receipts is Receipts.FAILURE
    assert now.smpp
    assert now.smpp.intermediate
    await desk.replace(message)
    assert not stored(desk, message).receipts


@pytest.mark.parametrize(
    ("body", "refusal"),
    [("", Refusal.BODY_MISSING), ("x" * 1601, Refusal.BODY_TOO_LONG)],
)
@virtual_time
async def test_a_replacement_is_admitted_as_a_new_message_would_be(
    body: str, refusal: Refusal
) -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    assert await desk.replace(message, body) is refusal
    assert await sent_of(desk) == ["0"]


@virtual_time
async def test_who_has_opted_out_since_gets_no_other_text() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.opt_outs.apply(OptOut(ACCOUNT, SENDER, message.recipient, WALL, opted_out=True))
    assert await desk.replace(message) is Refusal.OPTED_OUT


# Room


@virtual_time
async def test_room_is_that_of_the_new_text() -> None:
    desk = Desk()
    messages = await queued(desk, 6)
    for place, body, room in ((0, LONG, 8), (5, LONG, 10), (0, "x", 8), (5, "x", 6)):
        assert await desk.replace(messages[place], body) is None
        assert desk.room == room
    await sent_of(desk)
    assert desk.room == 0


@pytest.mark.parametrize("place", [0, 5])
@virtual_time
async def test_a_queue_without_room_refuses_the_longer_text(place: int) -> None:
    desk = Desk(mps=1.0, max_queue_s=7)
    messages = await queued(desk, 6)
    assert await desk.replace(messages[place], LONG) is Refusal.QUEUE_FULL
    assert (desk.room, stored(desk, messages[place])) == (6, messages[place])


@virtual_time
async def test_a_message_that_is_alone_always_has_room() -> None:
    desk = Desk(mps=1.0, max_queue_s=1)
    (message,) = await queued(desk, 1)
    assert await desk.replace(message, LONG) is None


# Times


@pytest.mark.parametrize("place", [0, 5])
@virtual_time
async def test_validity_stays_unless_it_is_given(place: int) -> None:
    desk = Desk()
    messages = await queued(desk, 6)
    await desk.replace(messages[place])
    assert stored(desk, messages[place]).expires_at == messages[place].expires_at
    await desk.traffic.turn(100)
    await desk.replace(messages[place], validity_s=60.0)
    assert stored(desk, messages[place]).expires_at == pytest.approx(WALL + 160, abs=1)
    await desk.traffic.turn(61)
    assert desk.traffic.ledger.statuses(messages[place]) == [Status.FAILED]
    assert desk.room == 5


@pytest.mark.parametrize("place", [0, 5])
@virtual_time
async def test_a_longer_validity_is_waited_for(place: int) -> None:
    desk = Desk()
    messages = await queued(desk, 6, validity_s=60.0)
    await desk.replace(messages[place], validity_s=600.0)
    await desk.traffic.turn(300)
    assert desk.traffic.ledger.statuses(messages[place]) == []
    assert desk.room == 1
    assert await sent_of(desk) == ["new"]


@virtual_time
async def test_a_scheduled_message_is_replaced_and_goes_at_its_time() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    await desk.traffic.turn(500)  # So near that nobody could schedule it now.
    assert await desk.replace(message) is None
    assert stored(desk, message) == replace(message, body="new")
    await desk.traffic.turn(99)
    assert desk.traffic.texts() == []
    await desk.traffic.turn(2)
    assert desk.traffic.texts() == ["new"]


@virtual_time
async def test_a_scheduled_message_does_not_come_due_before_it_is_durable() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    await desk.traffic.turn(599)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.replace(message))
    await desk.traffic.turn(60)
    assert (desk.traffic.texts(), call.done()) == ([], False)
    desk.traffic.ledger.held = False
    desk.traffic.ledger.commit()
    assert await call is None
    await desk.traffic.turn(1)
    assert desk.traffic.texts() == ["new"]


@virtual_time
async def test_a_scheduled_message_gets_another_time() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    assert await desk.replace(message, send_at=LATER) is None
    now = stored(desk, message)
    assert (now.send_at, now.expires_at) == (LATER, message.expires_at + LATER - SOON)
    await desk.traffic.turn(1_199)
    assert desk.traffic.texts() == []
    await desk.traffic.turn(2)
    assert desk.traffic.texts() == ["new"]


@virtual_time
async def test_a_scheduled_message_goes_at_once() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    assert await desk.replace(message, send_at=0.0, validity_s=60.0) is None
    await desk.traffic.turn(1)
    assert desk.traffic.texts() == ["new"]
    assert stored(desk, message).expires_at == pytest.approx(WALL + 60, abs=1)
    assert desk.traffic.ledger.statuses(message) == [Status.QUEUED]


@pytest.mark.parametrize("place", [0, 5])
@virtual_time
async def test_a_queued_message_is_scheduled(place: int) -> None:
    desk = Desk(window=100)
    messages = await queued(desk, 6)
    assert await desk.replace(messages[place], send_at=SOON) is None
    assert (desk.room, desk.intake.scheduled) == (5, 1)
    assert len(await sent_of(desk)) == 5
    await desk.traffic.turn(600)
    assert desk.traffic.texts()[5:] == ["new"]
    assert desk.traffic.ledger.statuses(messages[place]) == [Status.QUEUED]


@virtual_time
async def test_what_came_due_cannot_be_scheduled_again() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(send_at=SOON)
    await desk.traffic.turn(601)
    assert await desk.replace(message, send_at=LATER) is Refusal.NOT_REPLACEABLE
    assert await desk.replace(message) is None
    assert await sent_of(desk) == ["new"]


@virtual_time
async def test_what_was_told_to_be_sending_cannot_be_scheduled() -> None:
    desk = Desk()
    message = await desk.accept(status_callback="https://example.com/status")
    await desk.traffic.turn(0.1)
    desk.traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert await desk.replace(message, send_at=SOON) is Refusal.NOT_REPLACEABLE
    assert await desk.replace(message) is None


@virtual_time
async def test_too_many_scheduled_messages_leave_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SCHEDULED_MAX", 1)
    desk = Desk()
    scheduled = await desk.accept(send_at=SOON)
    (message,) = await queued(desk, 1)
    assert await desk.replace(message, send_at=SOON) is Refusal.QUEUE_FULL
    assert await desk.replace(scheduled, send_at=LATER) is None
    assert await sent_of(desk) == ["0"]


@virtual_time
async def test_a_time_that_is_too_near_is_refused() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    assert await desk.replace(message, send_at=WALL + 10) is Refusal.SEND_AT_INVALID


# What cannot be replaced


@virtual_time
async def test_srv_27_what_a_carrier_has_cannot_be_replaced() -> None:
    desk = Desk()
    message = await desk.accept()
    await desk.traffic.turn()
    assert await desk.replace(message) is Refusal.NOT_REPLACEABLE
    desk.traffic.ok()
    await desk.traffic.turn()
    assert await desk.replace(message) is Refusal.NOT_REPLACEABLE


@virtual_time
async def test_what_stands_behind_a_noted_message_is_replaced_while_the_note_is_written() -> None:
    desk = Desk(in_doubt=InDoubt.HOLD, window=100)
    desk.traffic.down("alpha/1")
    await desk.accept("0")
    behind = await desk.accept("1", recipient=OTHER)
    desk.traffic.ledger.held = True
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(0.1)
    call = asyncio.ensure_future(desk.replace(behind))
    await desk.traffic.turn(0.1)
    desk.traffic.ledger.held = False
    desk.traffic.ledger.commit()
    assert await call is None
    assert await sent_of(desk) == ["0", "new"]


@virtual_time
async def test_srv_27_nobody_replaces_what_is_another_accounts() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    other = replace(desk.traffic.account, sid=OTHER_ACCOUNT)
    asked = desk.pending.replace(other, message.id, Replacement("new"))
    assert await refusal_of(asked) is Refusal.NOT_FOUND
    assert await desk.replace(an_earlier(message_id=4711)) is Refusal.NOT_FOUND


@virtual_time
async def test_a_store_that_is_down_replaces_nothing() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.traffic.ledger.writable = False
    assert await desk.replace(message) is Refusal.STORE_UNAVAILABLE
    desk.traffic.ledger.writable = True
    assert await sent_of(desk) == ["0"]


@virtual_time
async def test_a_replacement_that_never_became_durable_is_not_confirmed() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.replace(message))
    await desk.traffic.turn()
    desk.traffic.ledger.fail()
    assert await call is Refusal.STORE_UNAVAILABLE


@virtual_time
async def test_who_replaces_and_goes_has_replaced() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON, recipient=RECIPIENT)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.replace(message))
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    desk.traffic.ledger.held = False
    desk.traffic.ledger.commit()
    await desk.traffic.turn(601)
    assert desk.traffic.texts() == ["new"]
