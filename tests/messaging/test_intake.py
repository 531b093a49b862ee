"""The way in: admitted, given room and an id, durable, queued."""

import asyncio
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from gateway.account import Language
from gateway.clock import message_id_of, message_sid
from gateway.errors import Refusal, Refused
from gateway.message import Direction, Encoding, Message, Origin, Receipts
from gateway.messaging import intake as intake_module
from gateway.store.interface import Accepted, OptOut
from tests.messaging.intake_desk import SOON, Desk
from tests.messaging.traffic_world import LONG, RECIPIENT, SENDER, WALL
from tests.store.builders import ACCOUNT
from tests.support.virtual_time import virtual_time

# Accepted


@virtual_time
async def test_an_accepted_message_is_durable_and_goes_out() -> None:
    desk = Desk()
    message = await desk.accept()
    assert desk.traffic.ledger.accepted == [message]
    await desk.traffic.turn()
    assert desk.traffic.texts() == ["hello"]


@virtual_time
async def test_an_idempotency_key_is_stored_with_its_message() -> None:
    desk = Desk()
    message = await desk.accept(key=b"k" * 16, fingerprint=b"f" * 16)
    assert desk.traffic.ledger.records[0] == Accepted(message, b"k" * 16, b"f" * 16)


@virtual_time
async def test_what_would_expire_before_its_turn_is_refused_at_the_door() -> None:
    desk = Desk(mps=1)
    desk.traffic.down("alpha/1")
    for number in range(60):
        await desk.accept(recipient=f"+1501712{number:04d}")
    assert await desk.refusal(validity_s=60.0) is Refusal.QUEUE_FULL
    assert (len(desk.traffic.ledger.accepted), desk.traffic.segments_queued) == (60, 60)
    await desk.accept(validity_s=62.0)


@virtual_time
async def test_the_cap_of_the_account_counts_for_when_a_turn_comes() -> None:
    desk = Desk(mps_max=0.5)
    desk.traffic.down("alpha/1")
    await desk.accept()
    assert await desk.refusal(validity_s=2.0) is Refusal.QUEUE_FULL
    await desk.accept(validity_s=3.0)


@virtual_time
async def test_srv_17_nobody_hears_accepted_before_it_is_durable() -> None:
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


async def a_caller_who_has_gone(desk: Desk) -> asyncio.Future[Message]:
    """His call, whose message is on its way to the store."""
    desk.traffic.ledger.held = True
    call = asyncio.ensure_future(desk.accept())
    await desk.traffic.turn()
    call.cancel()
    await desk.traffic.turn()
    return call


@virtual_time
async def test_a_caller_who_has_gone_leaves_his_message_accepted() -> None:
    desk = Desk()
    await a_caller_who_has_gone(desk)
    desk.traffic.ledger.commit()
    await desk.traffic.turn()
    assert (desk.intake.accepted, desk.traffic.texts()) == (1, ["hello"])


# References of concatenated messages (3GPP TS 23.040 §9.2.3.24.1)


@virtual_time
async def test_gsm_14_references_count_up_between_two_numbers() -> None:
    desk = Desk()
    refs = [(await desk.accept(LONG)).concat_ref for _ in range(3)]
    assert refs == [refs[0], (refs[0] + 1) & 0xFFFF, (refs[0] + 2) & 0xFFFF]


@virtual_time
async def test_gsm_14_references_of_two_recipients_have_nothing_to_do_with_each_other() -> None:
    desk = Desk()
    refs = [
        (await desk.accept(LONG, recipient=f"+1501712266{number}")).concat_ref
        for number in range(5)
    ]
    assert len({later - earlier for earlier, later in pairwise(refs)}) == 4


@virtual_time
async def test_gsm_12_the_tables_and_the_reference_that_were_counted_are_in_the_message() -> None:
    desk = Desk(ref_bits=16)
    account = msgspec.structs.replace(desk.traffic.account, national_languages=(Language.TURKISH,))
    message = await desk.accept("a" * 300 + "\u015f", account=account)
    assert (message.encoding, message.segments) == (Encoding.GSM_7BIT, 3)
    assert (message.locking_shift, message.single_shift, message.ref_bits) == (0, 1, 16)


@virtual_time
async def test_a_short_message_has_no_reference() -> None:
    desk = Desk()
    assert (await desk.accept()).concat_ref == 0


@virtual_time
async def test_gsm_14_references_are_remembered_for_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    call = await a_caller_who_has_gone(desk)
    desk.traffic.ledger.fail()
    assert call.cancelled()


@virtual_time
async def test_a_gateway_that_shuts_down_refuses() -> None:
    desk = Desk()
    desk.intake.close()
    assert await desk.refusal() is Refusal.STORE_UNAVAILABLE
