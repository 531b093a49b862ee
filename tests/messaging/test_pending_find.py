"""Where messages stand, and which of them can still be changed (SMPP v3.4 §4.8 to §4.10)."""

import asyncio
from typing import Any

import pytest

from gateway.errors import Refusal, Refused
from gateway.message import Message, SmppFields, Status
from gateway.messaging import pending_messages
from gateway.smpp.constants import CommandStatus
from tests.messaging.intake_desk import SOON, Desk, an_earlier
from tests.messaging.slow_ledger import SlowLedger
from tests.messaging.traffic_world import HEAD, OTHER, RECIPIENT, SENDER, WALL
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.usefixtures("short_heads")


async def queued(desk: Desk, count: int, **changes: Any) -> list[Message]:
    desk.traffic.down("alpha/1")
    return [await desk.accept(str(number), **changes) for number in range(count)]


async def found(desk: Desk, **changes: Any) -> list[int]:
    fields = {"sender": SENDER, "recipient": RECIPIENT}
    return await desk.pending.find(ACCOUNT, **(fields | changes))


def newest_first(messages: list[Message]) -> list[int]:
    return sorted((message.id for message in messages), reverse=True)


# By addresses


@virtual_time
async def test_srv_25_messages_are_found_by_their_addresses_newest_first() -> None:
    desk = Desk()
    messages = await queued(desk, 10)
    await queued(desk, 2, recipient=OTHER)
    messages.append(await desk.accept(send_at=SOON))
    assert await found(desk) == newest_first(messages)
    assert await found(desk, sender="+15005550006") == []


@virtual_time
async def test_srv_27_what_a_carrier_has_is_not_found() -> None:
    desk = Desk(window=2)
    messages = [await desk.accept(recipient=to) for to in (RECIPIENT, OTHER, RECIPIENT)]
    await desk.traffic.turn(0.1)
    assert await found(desk) == [messages[2].id]


@virtual_time
async def test_srv_25_only_messages_of_the_same_service_type_are_found() -> None:
    desk = Desk()
    plain = await queued(desk, HEAD)
    (wap,) = await queued(desk, 1, smpp=SmppFields(service_type="WAP"))
    assert await found(desk, service_type="WAP") == [wap.id]
    assert await found(desk, service_type="") == newest_first(plain)
    assert await found(desk) == newest_first([*plain, wap])


@virtual_time
async def test_what_is_another_accounts_is_not_found() -> None:
    desk = Desk()
    await desk.accept(send_at=SOON)
    await queued(desk, 6)
    assert await desk.pending.find(OTHER_ACCOUNT, SENDER, RECIPIENT) == []


@virtual_time
async def test_what_is_in_a_page_that_is_being_read_is_found() -> None:
    desk = Desk(ledger=SlowLedger(5.0), window=100)
    messages = await queued(desk, 6, recipient=OTHER)
    desk.traffic.up("alpha/1")
    for _ in range(HEAD):
        await desk.traffic.turn(0.1)
        desk.traffic.ok()
    assert await found(desk, recipient=OTHER) == newest_first(messages[HEAD:])


@virtual_time
async def test_nothing_is_read_where_nothing_waits_in_the_store() -> None:
    """replace_if_present on every submit_sm must cost nothing while the queue is short."""
    desk = Desk()
    await queued(desk, HEAD)
    reads = desk.traffic.ledger.reads
    assert len(await found(desk)) == HEAD
    assert desk.traffic.ledger.reads == reads


@virtual_time
async def test_so_many_are_found_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_messages, "FOUND_MAX", 3)
    monkeypatch.setattr(pending_messages, "LOOK_PAGE", 2)
    desk = Desk()
    messages = await queued(desk, 10)
    assert await found(desk) == newest_first(messages)[:3]


@virtual_time
async def test_only_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_messages, "LOOKED_AT_MAX", 2)
    desk = Desk()
    messages = await queued(desk, HEAD + 5)
    assert await found(desk) == newest_first(messages[:HEAD] + messages[-2:])


@virtual_time
async def test_so_many_may_look_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_messages, "SEARCHES_MAX", 2)
    desk = Desk()
    await queued(desk, HEAD + 1)
    answers = await asyncio.gather(*(found(desk) for _ in range(3)), return_exceptions=True)
    refused = [answer.refusal for answer in answers if isinstance(answer, Refused)]
    assert refused == [Refusal.TOO_MANY_REQUESTS]
    assert len(await found(desk)) == HEAD + 1


@virtual_time
async def test_a_store_that_cannot_be_read_is_said_to_be_so() -> None:
    desk = Desk()
    await queued(desk, HEAD + 1)
    desk.traffic.ledger.readable = False
    with pytest.raises(Refused) as raised:
        await found(desk)
    assert raised.value.refusal is Refusal.STORE_UNAVAILABLE


# By the id of an ESME of SMPP v3.3


@virtual_time
async def test_srv_15_a_short_id_names_the_newest_message_that_had_it() -> None:
    desk = Desk()
    await desk.accept(smpp=SmppFields(short_id=0xBEEF))
    message = await desk.accept(smpp=SmppFields(short_id=0xBEEF))
    assert await desk.pending.find_short(ACCOUNT, 0xBEEF, SENDER) == message.id
    assert await desk.pending.find_short(ACCOUNT, 0xBEEF, "+15005550006") is None
    assert await desk.pending.find_short(OTHER_ACCOUNT, 0xBEEF, SENDER) is None
    assert await desk.pending.find_short(ACCOUNT, 0xCAFE, SENDER) is None


# Where one stands


async def status(desk: Desk, message: Message) -> Status | None:
    standing = await desk.pending.query(ACCOUNT, message.id)
    return standing.status if standing else None


@virtual_time
async def test_srv_27_a_query_tells_where_a_message_stands() -> None:
    desk = Desk()
    desk.traffic.down("alpha/1")
    message = await desk.accept(send_at=SOON)
    seen = [await status(desk, message)]
    await desk.traffic.turn(601)
    seen.append(await status(desk, message))
    desk.traffic.up("alpha/1")
    await desk.traffic.turn(0.1)
    seen.append(await status(desk, message))
    desk.traffic.ok(carrier_id="17")
    await desk.traffic.turn(0.1)
    seen.append(await status(desk, message))
    assert seen == [Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.SENT]


@virtual_time
async def test_srv_27_a_query_tells_how_a_message_ended() -> None:
    desk = Desk()
    message = await desk.accept()
    await desk.traffic.turn(0.1)
    desk.traffic.ok(carrier_id="17")
    await desk.traffic.turn(10)
    desk.traffic.receipt("17", "UNDELIV", "001")
    await desk.traffic.turn(60)
    standing = await desk.pending.query(ACCOUNT, message.id)
    assert standing
    assert (standing.status, standing.carrier_status) == (Status.UNDELIVERED, "UNDELIV")
    assert standing.error_code
    assert standing.at == pytest.approx(WALL + 10.1, abs=0.1)


@virtual_time
async def test_what_a_carrier_has_refused_says_so() -> None:
    desk = Desk()
    message = await desk.accept()
    await desk.traffic.turn(0.1)
    desk.traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    await desk.traffic.turn(0.1)
    standing = await desk.pending.query(ACCOUNT, message.id)
    assert standing
    assert (standing.status, standing.error_code > 0) == (Status.FAILED, True)


@virtual_time
async def test_srv_27_nobody_asks_about_what_is_another_accounts() -> None:
    desk = Desk()
    message = await desk.accept(send_at=SOON)
    assert await desk.pending.query(OTHER_ACCOUNT, message.id) is None
    assert await status(desk, an_earlier(message_id=4711)) is None
