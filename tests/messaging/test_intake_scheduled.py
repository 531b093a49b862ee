"""Messages that are to be sent later."""

import asyncio

import msgspec
import pytest

from gateway.errors import Refusal, Refused
from gateway.message import Status
from gateway.messaging import schedule
from gateway.messaging.paging import READ_AGAIN_S
from gateway.messaging.schedule import PAGE, SCHEDULE_GRAIN_S
from gateway.store.interface import Deleted, OptOut
from tests.messaging.intake_desk import SOON, Desk, an_earlier
from tests.messaging.traffic_world import WALL
from tests.store.builders import ACCOUNT
from tests.support.virtual_time import virtual_time


@virtual_time
async def test_a_scheduled_message_goes_at_its_time() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    await desk.traffic.turn(599)
    assert (desk.traffic.ledger.statuses(message), desk.room) == ([], 0)
    await desk.traffic.turn(1 + SCHEDULE_GRAIN_S)
    assert desk.traffic.texts() == ["hello"]
    assert desk.traffic.ledger.statuses(message) == [Status.QUEUED]


@virtual_time
async def test_a_scheduled_message_is_valid_from_its_time() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(send_at=SOON, validity_s=60.0)
    await desk.traffic.turn(659)
    assert desk.traffic.ledger.statuses(message) == [Status.QUEUED]
    await desk.traffic.turn(2)
    assert desk.traffic.ledger.statuses(message) == [Status.QUEUED, Status.FAILED]


@virtual_time
async def test_scheduled_messages_go_in_the_order_of_their_times() -> None:
    desk = Desk()
    for number, minutes in enumerate((30, 10, 20)):
        await desk.accept(str(number), send_at=WALL + 60 * minutes)
    await desk.traffic.turn(3_600)
    for _ in range(3):
        desk.traffic.ok()
        await desk.traffic.turn()
    assert desk.traffic.texts() == ["1", "2", "0"]


@virtual_time
async def test_a_scheduled_message_can_be_canceled() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    await desk.intake.cancel(message.id)
    assert desk.traffic.ledger.statuses(message) == [Status.CANCELED]
    await desk.traffic.turn(3_600)
    assert desk.traffic.texts() == []


@virtual_time
async def test_a_message_is_canceled_once_it_is_durable() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.intake.cancel(message.id))
    await desk.traffic.turn(60)
    assert not call.done()
    desk.traffic.ledger.commit()
    await call


@virtual_time
async def test_a_cancelation_that_is_not_stored_is_none() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.intake.cancel(message.id))
    await desk.traffic.turn()
    desk.traffic.ledger.fail()
    with pytest.raises(Refused) as raised:
        await call
    assert raised.value.refusal is Refusal.STORE_UNAVAILABLE


@virtual_time
async def test_who_cancels_and_goes_has_canceled() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.intake.cancel(message.id))
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    desk.traffic.ledger.commit()
    assert desk.traffic.ledger.statuses(message) == [Status.CANCELED]


@virtual_time
async def test_only_what_is_scheduled_can_be_canceled() -> None:
    desk = Desk()
    queued = await desk.accept()
    canceled = await desk.accept(send_at=SOON)
    await desk.intake.cancel(canceled.id)
    await desk.traffic.turn()
    for message_id in (queued.id, canceled.id, 4711):
        with pytest.raises(Refused) as raised:
            await desk.intake.cancel(message_id)
        assert raised.value.refusal is Refusal.NOT_CANCELABLE


@virtual_time
async def test_scheduled_messages_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SCHEDULED_MAX", 2)
    desk = Desk()
    first = await desk.accept(send_at=SOON)
    await desk.accept(send_at=SOON)
    assert await desk.refusal(send_at=SOON) is Refusal.QUEUE_FULL
    await desk.intake.cancel(first.id)
    await desk.accept(send_at=SOON)


@virtual_time
async def test_nothing_is_kept_of_what_was_canceled() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    await desk.intake.cancel(message.id)
    assert (desk.intake.scheduled, desk.intake._schedule._waiting.next_at()) == (0, None)


@virtual_time
async def test_a_scheduled_message_fails_where_the_queue_is_full_at_its_time() -> None:
    desk = Desk(mps=0.1, max_queue_s=10)
    desk.traffic.down("alpha/1")
    scheduled = await desk.accept(send_at=SOON)
    await desk.traffic.turn(595)
    await desk.accept(validity_s=60.0)
    await desk.traffic.turn(6)
    assert desk.traffic.ledger.statuses(scheduled) == [Status.QUEUED, Status.FAILED]
    assert desk.traffic.told[-1].error_code == 30001


@virtual_time
async def test_a_scheduled_message_fails_where_its_recipient_has_opted_out_since() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.opt_outs.apply(OptOut(ACCOUNT, message.sender, message.recipient, SOON - 1, True))
    await desk.traffic.turn(601)
    assert desk.traffic.ledger.statuses(message) == [Status.FAILED]
    assert desk.traffic.told[-1].error_code == 21610


@pytest.mark.parametrize("change", ["gone", "suspended", "without the sender"])
def test_a_scheduled_message_fails_where_its_account_may_not_send_any_more(change: str) -> None:
    @virtual_time
    async def fails() -> None:
        desk = Desk()
        message = await desk.accept(send_at=SOON)
        account = desk.accounts.pop(ACCOUNT)
        if change != "gone":
            suspended = change == "suspended"
            senders = account.senders if suspended else account.senders[1:]
            desk.accounts[ACCOUNT] = msgspec.structs.replace(
                account, suspended=suspended, senders=senders
            )
        await desk.traffic.turn(601)
        assert desk.traffic.ledger.statuses(message) == [Status.QUEUED, Status.FAILED]
        assert desk.traffic.told[-1].error_code == 30002

    fails()


# What is kept of them


@virtual_time
async def test_only_the_id_of_a_scheduled_message_is_kept_in_memory() -> None:
    desk = Desk()
    await desk.accept(send_at=SOON)
    assert (len(desk.traffic.journal), desk.intake.scheduled) == (0, 1)


@virtual_time
async def test_what_came_due_is_not_scheduled_any_more() -> None:
    desk = Desk()
    await desk.accept(send_at=SOON)
    await desk.traffic.turn(601)
    assert desk.intake.scheduled == 0


@virtual_time
async def test_more_than_one_page_may_come_due_at_once() -> None:
    desk = Desk(window=10_000, mps=1_000.0)
    for number in range(PAGE + 1):
        await desk.accept(str(number), send_at=SOON, recipient=f"+1501712{number:04d}")
    await desk.traffic.turn(602)
    assert desk.traffic.texts() == [str(number) for number in range(PAGE + 1)]
    assert desk.traffic.ledger.reads == 2


@virtual_time
async def test_what_cannot_be_read_when_it_is_due_goes_once_it_can() -> None:
    desk = Desk()
    await desk.accept(send_at=SOON)
    desk.traffic.ledger.readable = False
    await desk.traffic.turn(605)
    assert (desk.traffic.texts(), desk.intake.scheduled) == ([], 1)
    desk.traffic.ledger.readable = True
    await desk.traffic.turn(READ_AGAIN_S + SCHEDULE_GRAIN_S)
    assert desk.traffic.texts() == ["hello"]


@virtual_time
async def test_what_the_store_does_not_have_any_more_holds_up_nobody() -> None:
    desk = Desk()
    gone = await desk.accept("gone", send_at=SOON)
    await desk.accept("there", send_at=SOON)
    desk.traffic.ledger.append(Deleted(gone.id))
    await desk.traffic.turn(601)
    assert (desk.traffic.texts(), desk.intake.scheduled) == (["there"], 0)


@virtual_time
async def test_a_message_cannot_be_canceled_while_it_cannot_be_read() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.traffic.ledger.readable = False
    with pytest.raises(Refused) as raised:
        await desk.intake.cancel(message.id)
    assert (raised.value.refusal, desk.intake.scheduled) == (Refusal.STORE_UNAVAILABLE, 1)


@virtual_time
async def test_nothing_comes_due_once_the_gateway_shuts_down() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    desk.intake.close()
    await desk.traffic.turn(700)
    assert desk.traffic.ledger.statuses(message) == []


# After a restart


@pytest.mark.parametrize("late_s", [-1_800, 600])
def test_a_scheduled_message_of_an_earlier_run_goes_at_its_time_or_at_once(late_s: int) -> None:
    @virtual_time
    async def goes() -> None:
        desk = Desk()
        desk.restore(an_earlier(send_at=WALL + late_s))
        assert (len(desk.traffic.journal), desk.intake.scheduled) == (0, 1)
        await desk.traffic.turn(max(late_s, 0) + 1)
        assert len(desk.traffic.texts()) == 1

    goes()
