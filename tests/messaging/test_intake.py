"""The way in: admitted, given room and an id, durable, queued."""

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest

from gateway.account import Account, SenderType
from gateway.clock import IdFactory, message_id_of, message_sid
from gateway.errors import Refusal, Refused
from gateway.message import Direction, Encoding, Message, Origin, Receipts, Status
from gateway.messaging import intake as intake_module
from gateway.messaging.admission import Admission, SendRequest
from gateway.messaging.intake import SCHEDULE_GRAIN_S, Intake
from gateway.messaging.opt_out import OptOuts
from gateway.store.interface import OptOut, StoredMessage
from tests.messaging.traffic_world import LONG, RECIPIENT, SENDER, UNKNOWN_WAIT_S, WALL, Traffic
from tests.store.builders import ACCOUNT, a_message, became
from tests.support.virtual_time import virtual_time

SOON = WALL + 600


class Desk:
    """An intake over a dispatcher. `accepted` and `refused` are what `submit` was told."""

    def __init__(self, **traffic: Any) -> None:
        self.traffic = Traffic(**traffic)
        self.opt_outs = OptOuts()
        self.reachable = True
        self.accounts: dict[str, Account] = {ACCOUNT: self.traffic.account}
        self.intake = Intake(
            Admission(self.opt_outs, self._reachable),
            self.traffic.journal,
            self.traffic.dispatcher,
            self.accounts.get,
            self.traffic.clock,
            IdFactory(self.traffic.clock),
            Random(1),
        )
        self.accepted: list[Message] = []
        self.refused: list[Refusal] = []

    def _reachable(self, recipient: str, sender_type: SenderType) -> bool:
        return self.reachable

    def request(self, body: str = "hello", **changes: Any) -> SendRequest:
        fields: dict[str, Any] = {
            "account": self.traffic.account,
            "sender": SENDER,
            "recipient": RECIPIENT,
            "origin": Origin.REST,
        }
        return SendRequest(body=body, **(fields | changes))

    async def accept(self, body: str = "hello", **changes: Any) -> Message:
        return await self.intake.accept(self.request(body, **changes))

    def submit(self, body: str = "hello", **changes: Any) -> None:
        self.intake.submit(
            self.request(body, **changes),
            self.accepted.append,
            lambda refused: self.refused.append(refused.refusal),
        )

    async def refusal(self, **changes: Any) -> Refusal:
        with pytest.raises(Refused) as raised:
            await self.accept(**changes)
        return raised.value.refusal

    @property
    def room(self) -> int:
        """Segments that are queued or reserved for the sender."""
        (sender, _) = self.traffic.account.senders
        return self.traffic.dispatcher.lane(self.traffic.account, sender).queue.segments


# Accepted


@virtual_time
async def test_an_accepted_message_is_durable_and_goes_out() -> None:
    desk = Desk()
    message = await desk.accept()
    assert desk.traffic.ledger.accepted == [message]
    await desk.traffic.turn()
    assert desk.traffic.texts() == ["hello"]


@virtual_time
async def test_nobody_hears_accepted_before_it_is_durable() -> None:
    """SRV-17."""
    desk = Desk()
    desk.traffic.ledger.held = True
    desk.submit()
    await desk.traffic.turn(60)
    assert (desk.accepted, desk.traffic.texts()) == ([], [])
    desk.traffic.ledger.commit()
    assert len(desk.accepted) == 1


@virtual_time
async def test_a_message_is_what_was_asked_for_and_admitted() -> None:
    desk = Desk()
    message = await desk.accept(
        "smart \N{RIGHT SINGLE QUOTATION MARK}",
        recipient="+1 (501) 712-2661",
        smart_encoded=True,
        validity_s=600.0,
        receipts=Receipts.FAILURE,
        status_callback="https://hooks.example.com",
        direction=Direction.OUTBOUND_REPLY,
        traffic_type="otp",
    )
    assert message == Message(
        id=message.id,
        account_sid=ACCOUNT,
        sender=SENDER,
        recipient=RECIPIENT,
        body="smart '",
        encoding=Encoding.GSM_7BIT,
        segments=1,
        direction=Direction.OUTBOUND_REPLY,
        origin=Origin.REST,
        accepted_at=WALL,
        expires_at=WALL + 600,
        status_callback="https://hooks.example.com",
        receipts=Receipts.FAILURE,
        traffic_type="otp",
    )


@virtual_time
async def test_what_a_customer_made_itself_is_kept_as_it_came() -> None:
    desk = Desk()
    message = await desk.accept(
        "", origin=Origin.SMPP, udh=bytes.fromhex("0500032a0201"), octets=b"\x00\xff"
    )
    assert (message.encoding, message.segments) == (Encoding.BINARY, 1)
    assert (message.udh, message.octets) == (bytes.fromhex("0500032a0201"), b"\x00\xff")


@virtual_time
async def test_every_message_has_an_id_of_its_own() -> None:
    desk = Desk()
    sids = [message_sid((await desk.accept()).id) for _ in range(3)]
    assert len(set(sids)) == 3
    assert all(message_id_of(sid) for sid in sids)


@virtual_time
async def test_a_caller_who_has_gone_leaves_his_message_accepted() -> None:
    desk = Desk()
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.accept())
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    desk.traffic.ledger.commit()
    await desk.traffic.turn()
    assert (desk.intake.accepted, desk.traffic.texts()) == (1, ["hello"])


# References of concatenated messages (3GPP TS 23.040 §9.2.3.24.1)


@virtual_time
async def test_references_count_up_between_two_numbers() -> None:
    desk = Desk()
    refs = [(await desk.accept(LONG)).concat_ref for _ in range(3)]
    assert refs == [refs[0], (refs[0] + 1) & 0xFFFF, (refs[0] + 2) & 0xFFFF]


@virtual_time
async def test_references_of_two_recipients_have_nothing_to_do_with_each_other() -> None:
    desk = Desk()
    refs = [
        (await desk.accept(LONG, recipient=f"+1501712266{number}")).concat_ref
        for number in range(5)
    ]
    assert len({later - earlier for earlier, later in pairwise(refs)}) == 4


@virtual_time
async def test_a_short_message_has_no_reference() -> None:
    desk = Desk()
    assert (await desk.accept()).concat_ref == 0


@virtual_time
async def test_references_are_remembered_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "REFERENCES_MAX", 2)
    desk = Desk()
    for number in range(5):
        await desk.accept(LONG, recipient=f"+1501712266{number}")
    assert len(desk.intake._references) == 2


# Refused: nothing is left behind


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"recipient": ""}, Refusal.TO_MISSING),
        ({"recipient": "+12"}, Refusal.TO_INVALID),
        ({"sender": "+15005550001"}, Refusal.FROM_NOT_OWNED),
        ({"body": ""}, Refusal.BODY_MISSING),
        ({"send_at": WALL + 1}, Refusal.SEND_AT_INVALID),
    ],
)
def test_what_is_not_admitted_is_refused(changes: dict[str, Any], refusal: Refusal) -> None:
    @virtual_time
    async def refused() -> None:
        desk = Desk()
        assert await desk.refusal(**changes) is refusal
        desk.submit(**changes)
        assert desk.refused == [refusal]
        await desk.traffic.turn()
        assert (desk.traffic.ledger.records, desk.room, desk.intake.accepted) == ([], 0, 0)

    refused()


@virtual_time
async def test_a_recipient_who_said_stop_is_not_written_to() -> None:
    desk = Desk()
    desk.opt_outs.apply(OptOut(ACCOUNT, SENDER, RECIPIENT, WALL, True))
    assert await desk.refusal() is Refusal.OPTED_OUT


@virtual_time
async def test_a_destination_without_a_route_is_refused() -> None:
    desk = Desk()
    desk.reachable = False
    assert await desk.refusal() is Refusal.NO_ROUTE


@virtual_time
async def test_a_full_queue_refuses() -> None:
    desk = Desk(mps=0.1, max_queue_s=50)
    desk.traffic.down("alpha/1")
    for _ in range(5):
        await desk.accept()
    assert await desk.refusal() is Refusal.QUEUE_FULL
    assert len(desk.traffic.ledger.accepted) == 5


@virtual_time
async def test_room_is_reserved_while_the_store_writes() -> None:
    desk = Desk(mps=0.1, max_queue_s=50)
    desk.traffic.ledger.held = True
    for _ in range(7):
        desk.submit()
    assert (desk.room, desk.refused) == (5, [Refusal.QUEUE_FULL] * 2)


@virtual_time
async def test_a_store_that_is_down_refuses_and_gives_the_room_back() -> None:
    desk = Desk()
    desk.traffic.ledger.accepting = False
    assert await desk.refusal(body=LONG) is Refusal.STORE_UNAVAILABLE
    assert await desk.refusal(send_at=SOON) is Refusal.STORE_UNAVAILABLE
    assert desk.room == 0


@virtual_time
async def test_a_message_that_is_not_stored_is_refused_and_gives_the_room_back() -> None:
    desk = Desk()
    desk.traffic.ledger.held = True
    desk.submit(LONG)
    desk.submit(send_at=SOON)
    desk.traffic.ledger.fail()
    assert desk.refused == [Refusal.STORE_UNAVAILABLE] * 2
    assert (desk.room, desk.intake.accepted) == (0, 0)


@virtual_time
async def test_a_message_that_is_not_stored_takes_none_of_the_room_of_others() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    await desk.accept(LONG)
    desk.traffic.ledger.held = True
    desk.submit()
    desk.traffic.ledger.fail()
    assert desk.room == 3


@virtual_time
async def test_a_caller_hears_that_his_message_was_not_stored() -> None:
    desk = Desk()
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.accept())
    await desk.traffic.turn()
    desk.traffic.ledger.fail()
    with pytest.raises(Refused):
        await call


@virtual_time
async def test_a_caller_who_has_gone_is_not_told_of_a_failure() -> None:
    desk = Desk()
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.accept())
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    desk.traffic.ledger.fail()
    assert call.cancelled()


@virtual_time
async def test_a_gateway_that_shuts_down_refuses() -> None:
    desk = Desk()
    desk.intake.close()
    assert await desk.refusal() is Refusal.STORE_UNAVAILABLE


# Scheduled


@virtual_time
async def test_a_scheduled_message_goes_at_its_time() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    opened = desk.traffic.journal.find(message.id)
    assert opened
    await desk.traffic.turn(599)
    assert (opened.status, desk.traffic.texts(), desk.room) == (Status.SCHEDULED, [], 0)
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
    for message_id in (queued.id, canceled.id, 4711):
        with pytest.raises(Refused) as raised:
            await desk.intake.cancel(message_id)
        assert raised.value.refusal is Refusal.NOT_CANCELABLE


@virtual_time
async def test_scheduled_messages_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "SCHEDULED_MAX", 2)
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
    assert desk.intake._scheduled.next_at() is None


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


# After a restart


def restore(desk: Desk, stored: StoredMessage) -> None:
    desk.intake.restore(desk.traffic.journal.restore(stored))


def an_earlier(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "sender": SENDER,
        "accepted_at": WALL - 60,
        "expires_at": WALL + 3_600,
    }
    return a_message(**(fields | changes))


@virtual_time
async def test_a_message_of_an_earlier_run_goes_out() -> None:
    desk = Desk()
    restore(desk, StoredMessage(an_earlier(body="hello")))
    await desk.traffic.turn()
    assert desk.traffic.texts() == ["hello"]


@virtual_time
async def test_a_message_of_an_earlier_run_has_its_room_however_small_the_queue_is_now() -> None:
    desk = Desk(mps=0.1, max_queue_s=10)
    desk.traffic.down("alpha/1")
    for message_id in range(1, 4):
        restore(desk, StoredMessage(an_earlier(message_id=message_id)))
    assert desk.room == 3
    assert await desk.refusal() is Refusal.QUEUE_FULL


@virtual_time
async def test_a_message_of_an_earlier_run_expires() -> None:
    desk = Desk()
    restore(desk, StoredMessage(an_earlier(expires_at=WALL - 1)))
    await desk.traffic.turn()
    assert (desk.traffic.texts(), desk.traffic.told[-1].status) == ([], Status.FAILED)


@pytest.mark.parametrize("late_s", [-1_800, 600])
def test_a_scheduled_message_of_an_earlier_run_goes_at_its_time_or_at_once(late_s: int) -> None:
    @virtual_time
    async def goes() -> None:
        desk = Desk()
        restore(desk, StoredMessage(an_earlier(send_at=WALL + late_s)))
        await desk.traffic.turn(max(late_s, 0) + 1)
        assert len(desk.traffic.texts()) == 1

    goes()


@virtual_time
async def test_a_message_in_doubt_of_an_earlier_run_is_not_sent_and_fails_in_time() -> None:
    desk = Desk()
    doubt = became(1, 1, Status.SENDING, part=1, bind="alpha/1")
    restore(desk, StoredMessage(an_earlier(), (doubt,)))
    await desk.traffic.turn(UNKNOWN_WAIT_S + 1)
    assert desk.traffic.texts() == []
    assert desk.traffic.told[-1].error_code == 30410


@virtual_time
async def test_the_parts_that_are_left_of_an_earlier_run_go_out() -> None:
    desk = Desk()
    sent = became(1, 1, Status.SENT, part=1, bind="alpha/1", carrier_id="a")
    restore(desk, StoredMessage(an_earlier(body=LONG, segments=3), (sent,)))
    await desk.traffic.turn(0.1)
    numbers = [written.pdu.short_message[5] for written in desk.traffic.binds["alpha/1"].written]
    assert numbers == [2, 3]
