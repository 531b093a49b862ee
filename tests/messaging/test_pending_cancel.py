"""Messages that their customer takes back (cancel_sm, SMPP v3.4 §4.9)."""

import asyncio

import pytest

from gateway.errors import Refusal
from gateway.message import Origin, Receipts, Status
from gateway.messaging.paging import READ_AGAIN_S
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import Deleted, Listener
from tests.messaging.intake_desk import SOON, Desk, an_earlier, queued, refusal_of, sent_of
from tests.messaging.slow_ledger import SlowLedger
from tests.messaging.traffic_world import HEAD, OTHER, WALL
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT, became
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.usefixtures("short_heads")


# Where it waits


@pytest.mark.parametrize("place", [0, 2, HEAD, 7, 9])
@virtual_time
async def test_srv_27_a_queued_message_is_canceled_wherever_it_waits(place: int) -> None:
    desk = Desk(window=100)
    messages = await queued(desk, 10)
    assert await desk.cancel(messages[place]) is None
    assert desk.traffic.ledger.statuses(messages[place]) == [Status.CANCELED]
    assert desk.room == 9
    assert await sent_of(desk) == [str(number) for number in range(10) if number != place]
    assert desk.room == 0


@virtual_time
async def test_a_message_is_canceled_while_its_page_is_read() -> None:
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 7)
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(1)
    assert desk.traffic.texts() == ["0", "1", "2", "3"]
    assert await desk.cancel(messages[5]) is None
    assert await sent_of(desk) == ["0", "1", "2", "3", "4", "6"]
    assert desk.room == 0


@virtual_time
async def test_a_whole_page_is_canceled_while_it_is_read() -> None:
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 6)
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(1)
    for message in messages[4:]:
        assert await desk.cancel(message) is None
    assert await sent_of(desk) == ["0", "1", "2", "3"]
    await desk.traffic.turn(60)
    assert desk.traffic.lanes == 0


@virtual_time
async def test_a_message_is_canceled_while_its_page_cannot_be_read() -> None:
    desk = Desk(window=100)
    messages = await queued(desk, 7)
    desk.traffic.ledger.readable = False
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(READ_AGAIN_S / 2)
    desk.traffic.ledger.readable = True
    assert await desk.cancel(messages[4]) is None
    assert await sent_of(desk) == ["0", "1", "2", "3", "5", "6"]


@virtual_time
async def test_what_is_canceled_and_what_is_gone_do_not_stand_for_each_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 7)
    desk.traffic.ledger.append(Deleted(messages[4].id))
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(1)
    assert await desk.cancel(messages[5]) is None
    assert await sent_of(desk) == ["0", "1", "2", "3", "6"]
    assert caplog.text.count("queued message is gone") == 1
    assert desk.room == 0


@virtual_time
async def test_what_a_carrier_refused_for_now_can_be_canceled() -> None:
    desk = Desk()
    message = await desk.accept()
    await desk.traffic.turn()
    desk.traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert await desk.cancel(message) is None
    assert await sent_of(desk) == ["hello"]
    assert desk.room == 0


@virtual_time
async def test_a_scheduled_message_is_canceled() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    assert await desk.cancel(message) is None
    await desk.traffic.turn(3_600)
    assert (desk.traffic.texts(), desk.intake.scheduled) == ([], 0)
    assert desk.traffic.ledger.statuses(message) == [Status.CANCELED]


@virtual_time
async def test_a_message_that_came_due_is_canceled_in_its_queue() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(send_at=SOON)
    await desk.traffic.turn(601)
    assert await desk.cancel(message) is None
    assert desk.traffic.ledger.statuses(message) == [Status.QUEUED, Status.CANCELED]


@virtual_time
async def test_a_message_of_an_earlier_run_is_canceled() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    due = an_earlier(message_id=1, send_at=WALL - 60)
    desk.restore(due, became(1, 1, Status.QUEUED))
    assert await desk.cancel(due) is None
    assert [step.number for step in desk.traffic.ledger.transitions] == [1, 2]
    assert await sent_of(desk) == []


# What cannot be taken back


@virtual_time
async def test_srv_27_what_a_carrier_has_cannot_be_canceled() -> None:
    desk = Desk()
    message = await desk.accept()
    await desk.traffic.turn()
    assert await desk.cancel(message) is Refusal.NOT_CANCELABLE
    desk.traffic.ok()
    await desk.traffic.turn()
    assert await desk.cancel(message) is Refusal.NOT_CANCELABLE
    assert desk.traffic.ledger.statuses(message) == [Status.SENT]


@virtual_time
async def test_srv_27_nobody_cancels_what_is_another_accounts() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.traffic.ledger.has(an_earlier(message_id=99, account_sid=OTHER_ACCOUNT))
    for account_sid, message_id in ((OTHER_ACCOUNT, message.id), (ACCOUNT, 4711), (ACCOUNT, 99)):
        asked = desk.pending.cancel(account_sid, message_id)
        assert await refusal_of(asked) is Refusal.NOT_FOUND


@virtual_time
async def test_a_store_that_is_down_cancels_nothing() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.traffic.ledger.writable = False
    assert await desk.cancel(message) is Refusal.STORE_UNAVAILABLE
    desk.traffic.ledger.writable, desk.traffic.ledger.readable = True, False
    assert await desk.cancel(message) is Refusal.STORE_UNAVAILABLE
    desk.traffic.ledger.readable = True
    assert await sent_of(desk) == ["0"]


# Durable, once, and told


@virtual_time
async def test_a_queued_message_is_canceled_once_that_is_durable() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.cancel(message))
    await desk.traffic.turn(60)
    assert not call.done()
    desk.traffic.ledger.commit()
    assert await call is None


@virtual_time
async def test_who_cancels_a_queued_message_and_goes_has_canceled() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.cancel(message))
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    desk.traffic.ledger.commit()
    assert desk.traffic.ledger.statuses(message) == [Status.CANCELED]
    assert await sent_of(desk) == []


@virtual_time
async def test_a_message_is_canceled_once() -> None:
    desk = Desk()
    (message,) = await queued(desk, 1)
    answers = await asyncio.gather(desk.cancel(message), desk.cancel(message))
    assert list(answers) == [None, Refusal.NOT_CANCELABLE]


@pytest.mark.parametrize(
    ("receipts", "listener"),
    [
        (Receipts.NONE, Listener.NONE),
        (Receipts.ALL, Listener.ESME),
        (Receipts.FAILURE, Listener.ESME),
        (Receipts.SUCCESS, Listener.NONE),
    ],
)
@virtual_time
async def test_rcp_5_an_esme_hears_of_it_if_it_asked_for_failures(
    receipts: Receipts, listener: Listener
) -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(origin=Origin.SMPP, receipts=receipts)
    await desk.cancel(message)
    assert [step.listener for step in desk.traffic.ledger.transitions] == [listener]
    assert [event.status for event in desk.traffic.told] == [Status.CANCELED]


@virtual_time
async def test_a_webhook_hears_of_it() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(status_callback="https://example.com/status")
    await desk.cancel(message)
    assert [step.listener for step in desk.traffic.ledger.transitions] == [Listener.WEBHOOK]


# Those that wait behind it


@virtual_time
async def test_who_stood_behind_it_goes_on() -> None:
    """The head waits for the answer to an earlier message to the same recipient."""
    desk = Desk()
    await desk.accept("first")
    second = await desk.accept("second")
    await desk.accept("third", recipient=OTHER)
    await desk.traffic.turn()
    assert desk.traffic.texts() == ["first"]
    assert await desk.cancel(second) is None
    await desk.traffic.turn(0.1)
    assert desk.traffic.texts() == ["first", "third"]


@virtual_time
async def test_a_sender_with_nothing_left_is_forgotten() -> None:
    desk = Desk()
    for message in await queued(desk, 6):
        assert await desk.cancel(message) is None
    await desk.traffic.turn(60)
    assert (desk.traffic.lanes, len(desk.traffic.journal)) == (0, 0)
    assert desk.traffic.dispatcher.lanes.next_timer() is None


@virtual_time
async def test_a_full_queue_has_room_again() -> None:
    desk = Desk(mps=0.1, max_queue_s=10)
    (message,) = await queued(desk, 1)
    assert await desk.refusal() is Refusal.QUEUE_FULL
    await desk.cancel(message)
    await desk.accept()
