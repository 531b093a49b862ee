"""query_sm, cancel_sm, replace_sm and submit_multi, asked as somebody else's client asks them."""

import asyncio
from typing import Any

import pytest

from carriers_sim.message_table import MESSAGES_MAX, MessageTable, TabledMessage
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import (
    CancelSm,
    DistributionList,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
)
from tests.carriers_sim.carrier_builder import World, world
from tests.carriers_sim.customer import Customer, receipt_fields, submit_sm
from tests.carriers_sim.handmade_client import bound, pdu
from tests.support.virtual_time import virtual_time

QUERY_SM, SUBMIT_SM = 0x00000003, 0x00000004
SOURCE: dict[str, Any] = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "15005550006"}
ROK = CommandStatus.ESME_ROK


async def submitted(**keys: Any) -> tuple[World, Customer, str]:
    alpha = await world(**keys)
    customer = await alpha.bound()
    return alpha, customer, (await customer.send(submit_sm())).message_id


def query(message_id: str, **source: Any) -> QuerySm:
    return QuerySm(message_id, **(SOURCE | source))


@virtual_time
async def test_srv_27_a_query_tells_the_state_and_when_it_was_reached() -> None:
    """§4.8.2: message_id, final_date, message_state, error_code."""
    client = await bound(await world(receipts={"delay_s": 10.0}))
    body = bytes.fromhex("00 0101") + b"15005550006\0" + bytes.fromhex("0101")
    client.write(pdu(SUBMIT_SM, 2, body + b"15005551234\0" + bytes(9) + b"\5hello"))
    asked = b"0000000001\0" + bytes.fromhex("0101") + b"15005550006\0"
    await asyncio.sleep(1)
    client.write(pdu(QUERY_SM, 3, asked))
    await asyncio.sleep(10)
    client.write(pdu(QUERY_SM, 4, asked))
    await asyncio.sleep(1)
    told = [seen.body for seen in client.seen if seen.command_id == 0x80000003]
    assert told == [
        b"0000000001\0" + b"\0" + b"\1\0",
        b"0000000001\0" + b"231114221300000+\0" + b"\2\0",
    ]


@pytest.mark.parametrize(
    "asked", [query("0000000002"), query("0000000001", source_addr="15005550007"), query("")]
)
def test_srv_27_a_query_needs_the_id_and_the_source(asked: QuerySm) -> None:
    @virtual_time
    async def status() -> int:
        _, customer, _ = await submitted()
        return (await customer.send(asked)).command_status

    assert status() == CommandStatus.ESME_RQUERYFAIL


@virtual_time
async def test_srv_27_a_canceled_message_gets_no_receipt() -> None:
    alpha, customer, message_id = await submitted()
    answered = await customer.send(CancelSm(message_id=message_id, **SOURCE))
    await asyncio.sleep(60)
    assert answered.command_status == ROK
    assert customer.delivered == []
    assert alpha.smsc.stats()["canceled"] == 1


@virtual_time
async def test_srv_27_a_cancel_without_an_id_takes_all_between_two_addresses() -> None:
    _, customer, _ = await submitted()
    await customer.send(submit_sm(text=b"another"))
    await customer.send(submit_sm(to="15005559999"))
    cancel = CancelSm(**SOURCE, destination_addr="15005551234")
    assert (await customer.send(cancel)).command_status == ROK
    await asyncio.sleep(60)
    assert [pdu.source_addr for pdu in customer.delivered] == ["15005559999"]


@virtual_time
async def test_srv_27_what_is_delivered_cannot_be_canceled_or_replaced() -> None:
    _, customer, message_id = await submitted()
    await customer.wait_for_delivered()
    cancel = CancelSm(message_id=message_id, **SOURCE)
    replace = ReplaceSm(message_id=message_id, **SOURCE)
    assert (await customer.send(cancel)).command_status == CommandStatus.ESME_RCANCELFAIL
    assert (await customer.send(replace)).command_status == CommandStatus.ESME_RREPLACEFAIL


@virtual_time
async def test_srv_27_a_pending_message_is_replaced() -> None:
    alpha, customer, message_id = await submitted()
    replace = ReplaceSm(message_id=message_id, short_message=b"new", **SOURCE)
    assert (await customer.send(replace)).command_status == ROK
    assert alpha.smsc.stats()["replaced"] == 1
    assert len(await customer.wait_for_delivered()) == 1


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carriers_sim.message_table.MESSAGES_MAX", 1)
    table = MessageTable()
    for message_id in ("1", "2"):
        table.add(message_id, TabledMessage(SubmitSm(), 0.0, ()))
    assert table.query(QuerySm("1"), 0.0) is None
    assert table.query(QuerySm("2"), 0.0) is not None
    assert MESSAGES_MAX > 1


# submit_multi


@virtual_time
async def test_srv_28_each_recipient_gets_the_message() -> None:
    alpha = await world()
    customer = await alpha.bound()
    to = (SmeAddress(1, 1, "15005551111"), SmeAddress(1, 1, "15005552222"))
    await customer.send(
        SubmitMulti(dest_addresses=to, registered_delivery=1, short_message=b"hello")
    )
    pdus = await customer.wait_for_delivered(2)
    assert [message.recipient for message in alpha.smsc.messages] == [
        "+15005551111",
        "+15005552222",
    ]
    assert {receipt_fields(pdu)["id"] for pdu in pdus} == {"0000000001"}


@virtual_time
async def test_srv_28_those_that_were_refused_are_listed() -> None:
    """§4.5.2: message_id, no_unsuccess, and of each the address and the status."""
    rule = {"when": {"to": "2$"}, "then": {"status": "ESME_RINVDSTADR"}}
    client = await bound(await world(rules=[rule]))
    to = b"\1\1\1" + b"15005551111\0" + b"\1\1\1" + b"15005552222\0"
    client.write(pdu(0x00000021, 2, bytes(4) + b"\2" + to + bytes(9) + b"\5hello"))
    seen = await client.wait_for(0x80000021)
    assert seen.body == b"0000000001\0" + b"\1" + b"\1\1" + b"15005552222\0" + b"\0\0\0\x0b"


@virtual_time
async def test_srv_28_nobody_at_all_is_an_error() -> None:
    customer = await (await world(submit={"ESME_RTHROTTLED": 1})).bound()
    answered = await customer.send(SubmitMulti(dest_addresses=(SmeAddress(1, 1, "1"),)))
    assert answered.command_status == CommandStatus.ESME_RTHROTTLED


@virtual_time
async def test_srv_28_a_distribution_list_is_not_known() -> None:
    customer = await (await world()).bound()
    answered = await customer.send(SubmitMulti(dest_addresses=(DistributionList("friends"),)))
    assert answered.command_status == CommandStatus.ESME_RINVDLNAME
