"""Messages of an earlier run."""

import msgspec
import pytest

from gateway.errors import Refusal
from gateway.message import Message, Status
from gateway.messaging.paging import READ_AGAIN_S
from gateway.messaging.schedule import PAGE
from gateway.store.interface import AttemptOutcome, WaitingMessage
from tests.messaging.intake_desk import Desk, an_earlier
from tests.messaging.traffic_world import LONG, SENDER, UNKNOWN_WAIT_S, WALL, an_attempt
from tests.store.builders import ACCOUNT, became
from tests.support.virtual_time import virtual_time


@virtual_time
async def test_a_message_of_an_earlier_run_goes_out() -> None:
    desk = Desk()
    desk.restore(an_earlier(body="hello"))
    await desk.traffic.turn()
    assert desk.traffic.texts() == ["hello"]


@virtual_time
async def test_it_waits_in_the_store_until_its_turn_is_near() -> None:
    desk = Desk()
    desk.restore(an_earlier())
    assert len(desk.traffic.journal) == 0
    assert desk.traffic.dispatcher.lanes.backlog() == [(ACCOUNT, SENDER, 1, 1)]


@virtual_time
async def test_messages_of_an_earlier_run_go_in_their_order() -> None:
    desk = Desk()
    for message_id in range(1, 6):
        recipient = f"+1500555000{message_id}"
        desk.restore(an_earlier(message_id=message_id, body=str(message_id), recipient=recipient))
    await desk.traffic.turn(0.1)
    assert desk.traffic.texts() == ["1", "2", "3", "4", "5"]


@virtual_time
async def test_what_a_carrier_has_seen_goes_before_what_none_has() -> None:
    desk = Desk()
    desk.restore(an_earlier(message_id=1, body="unseen", recipient="+15005550001"))
    refused = an_attempt(2, AttemptOutcome.REFUSED)
    desk.restore(an_earlier(message_id=2, body="seen", recipient="+15005550002"), refused)
    await desk.traffic.turn(0.1)
    assert desk.traffic.texts() == ["seen", "unseen"]


@virtual_time
async def test_a_message_of_an_earlier_run_has_its_room_however_small_the_queue_is_now() -> None:
    desk = Desk(mps=0.1, max_queue_s=10)
    desk.traffic.down("alpha/1")
    for message_id in range(1, 4):
        desk.restore(an_earlier(message_id=message_id))
    desk.restore(an_earlier(message_id=4), an_attempt(4, AttemptOutcome.REFUSED))
    assert desk.room == 4
    assert await desk.refusal() is Refusal.QUEUE_FULL


@virtual_time
async def test_a_message_of_an_earlier_run_expires() -> None:
    desk = Desk()
    desk.restore(an_earlier(expires_at=WALL - 1))
    await desk.traffic.turn()
    assert (desk.traffic.texts(), desk.traffic.told[-1].status) == ([], Status.FAILED)


@virtual_time
async def test_a_message_in_doubt_of_an_earlier_run_is_not_sent_and_fails_in_time() -> None:
    desk = Desk()
    desk.restore(an_earlier(), an_attempt(1, AttemptOutcome.UNANSWERED))
    await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
    assert desk.traffic.texts() == []
    assert desk.traffic.told[-1].error_code == 30410
    assert desk.traffic.lanes == 0


@virtual_time
async def test_the_parts_that_are_left_of_an_earlier_run_go_out() -> None:
    desk = Desk()
    sent = became(1, 1, Status.SENT, part=1, bind="alpha/1", carrier_id="a")
    desk.restore(an_earlier(body=LONG, segments=3), sent)
    await desk.traffic.turn(0.1)
    numbers = [written.pdu.short_message[5] for written in desk.traffic.binds["alpha/1"].written]
    assert numbers == [2, 3]


# Their senders are gone


def without_sender(desk: Desk, change: str) -> None:
    account = desk.accounts.pop(ACCOUNT)
    if change != "gone":
        suspended = change == "suspended"
        senders = account.senders if suspended else account.senders[1:]
        desk.accounts[ACCOUNT] = msgspec.structs.replace(
            account, suspended=suspended, senders=senders
        )


def codes(desk: Desk, message: Message) -> list[int]:
    return [step.error_code for step in desk.traffic.ledger.stored(message).transitions]


@pytest.mark.parametrize("change", ["gone", "suspended", "without the sender"])
def test_a_message_fails_where_its_account_may_not_send_any_more(change: str) -> None:
    @virtual_time
    async def fails() -> None:
        desk = Desk()
        without_sender(desk, change)
        message = an_earlier()
        desk.restore(message)
        await desk.traffic.turn()
        assert desk.traffic.ledger.statuses(message) == [Status.FAILED]
        assert codes(desk, message) == [30002]

    fails()


@virtual_time
async def test_a_message_that_a_carrier_refused_fails_where_its_sender_is_gone() -> None:
    desk = Desk()
    without_sender(desk, "gone")
    message = an_earlier()
    desk.restore(message, an_attempt(1, AttemptOutcome.REFUSED))
    await desk.traffic.turn()
    assert codes(desk, message) == [30002]


@virtual_time
async def test_a_message_that_came_due_has_one_transition_before_it_fails() -> None:
    desk = Desk()
    without_sender(desk, "gone")
    message = an_earlier(send_at=WALL - 30)
    desk.restore(message, became(1, 1, Status.QUEUED))
    await desk.traffic.turn()
    steps = [(step.number, step.status) for step in desk.traffic.ledger.transitions]
    assert steps == [(1, Status.QUEUED), (2, Status.FAILED)]


@virtual_time
async def test_messages_without_a_sender_are_read_in_pages() -> None:
    desk = Desk()
    without_sender(desk, "gone")
    for message_id in range(1, PAGE + 2):
        desk.traffic.ledger.has(an_earlier(message_id=message_id))
    for found in desk.traffic.ledger.load_open():
        assert isinstance(found, WaitingMessage)
        desk.intake.restore_waiting(found)
    await desk.traffic.turn()
    assert (len(desk.traffic.told), desk.traffic.ledger.reads) == (PAGE + 1, 2)


@virtual_time
async def test_messages_without_a_sender_wait_while_they_cannot_be_read() -> None:
    desk = Desk()
    without_sender(desk, "gone")
    desk.restore(an_earlier())
    desk.traffic.ledger.readable = False
    await desk.traffic.turn(10)
    assert desk.traffic.told == []
    desk.traffic.ledger.readable = True
    await desk.traffic.turn(READ_AGAIN_S)
    assert [event.error_code for event in desk.traffic.told] == [30002]


@virtual_time
async def test_a_part_that_may_be_at_a_carrier_is_waited_for_where_its_sender_is_gone() -> None:
    desk = Desk()
    without_sender(desk, "gone")
    message = an_earlier()
    desk.restore(message, an_attempt(1, AttemptOutcome.WRITTEN))
    await desk.traffic.turn(UNKNOWN_WAIT_S - 1)
    assert codes(desk, message) == []
    await desk.traffic.turn(2)
    assert codes(desk, message) == [30410]
