"""Receipts as carriers send them: where, when, in what shape, and about what."""

import asyncio

import pytest

from carriers_sim.receipt_template import TEMPLATES
from carriers_sim.violations import Invariant
from gateway.smpp.constants import EsmClass, Tag
from tests.carriers_sim.carrier_builder import behaviour, world
from tests.carriers_sim.customer import (
    Customer,
    receipt_fields,
    receipted_message_id,
    submit_sm,
)
from tests.support.virtual_time import virtual_time

UDHI = int(EsmClass.UDHI)


async def parts(customer: Customer, total: int = 3) -> list[str]:
    """One message of so many parts; their ids."""
    answers = [
        await customer.send(
            submit_sm(text=bytes([5, 0, 3, 7, total, number]) + b"part %d" % number, esm_class=UDHI)
        )
        for number in range(1, total + 1)
    ]
    return [answer.message_id for answer in answers]


@virtual_time
async def test_rcp_4_a_receipt_may_come_as_data_sm() -> None:
    customer = await (await world(receipts={"carriage": "data_sm"})).bound()
    answered = await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_data()
    assert (pdu.esm_class, pdu.source_addr) == (EsmClass.DELIVERY_RECEIPT, "15005551234")
    assert pdu.tlvs[Tag.MESSAGE_PAYLOAD].startswith(b"id:" + answered.message_id.encode())


@virtual_time
async def test_a_receipts_text_may_come_in_a_message_payload() -> None:
    customer = await (await world(receipts={"carriage": "message_payload"})).bound()
    await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_delivered()
    assert pdu.short_message == b""
    assert b"stat:DELIVRD" in pdu.tlvs[Tag.MESSAGE_PAYLOAD]


@virtual_time
async def test_rcp_2_a_receipt_may_name_a_message_that_nobody_sent() -> None:
    customer = await (await world(receipts={"wrong_id": 1})).bound()
    answered = await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_delivered()
    assert receipted_message_id(pdu) != answered.message_id
    assert len(receipted_message_id(pdu)) == len(answered.message_id)


@virtual_time
async def test_rcp_2_a_receipt_may_name_another_carriers_message() -> None:
    two = await world(carriers=("alpha", "bravo"), receipts={"foreign_id": 1}, id_format="uuid")
    alpha, bravo = await two.bound("alpha"), await two.bound("bravo")
    foreign = (await alpha.send(submit_sm(text=b"one"))).message_id
    await bravo.send(submit_sm(text=b"two"))
    (pdu,) = await bravo.wait_for_delivered()
    assert receipted_message_id(pdu) == foreign


@virtual_time
async def test_rcp_1_a_receipt_may_not_say_that_it_is_one() -> None:
    customer = await (await world(receipts={"esm_class_missing": 1})).bound()
    await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_delivered()
    assert (pdu.esm_class, receipt_fields(pdu)["stat"]) == (0, "DELIVRD")


@virtual_time
async def test_rcp_5_an_intermediate_notification_precedes_the_receipt() -> None:
    keys = {"outcomes": {"ENROUTE+DELIVRD": 1}, "unasked": True}
    customer = await (await world(receipts=keys)).bound()
    await customer.send(submit_sm(registered_delivery=0))
    pdus = await customer.wait_for_delivered(2)
    assert [pdu.esm_class for pdu in pdus] == [0x20, 0x04]


@pytest.mark.parametrize(
    ("which", "numbers"),
    [("each", [0, 1, 2]), ("first", [0]), ("last", [2]), ("reversed", [2, 1, 0])],
)
def test_rcp_5_parts_have_receipts_each_or_one_for_all(which: str, numbers: list[int]) -> None:
    @virtual_time
    async def told() -> list[int]:
        customer = await (await world(receipts={"parts": which})).bound()
        ids = await parts(customer)
        await asyncio.sleep(60)
        return [ids.index(receipted_message_id(pdu)) for pdu in customer.delivered]

    assert told() == numbers


@pytest.mark.parametrize(("bind", "delivered"), [("same", (4, 0)), ("other", (0, 4))])
def test_rcp_4_a_receipt_may_take_one_bind_or_another(
    bind: str, delivered: tuple[int, int]
) -> None:
    @virtual_time
    async def counts() -> tuple[int, int]:
        alpha = await world(receipts={"bind": bind})
        first, second = await alpha.bound(), await alpha.bound()
        for number in range(4):
            await first.send(submit_sm(text=b"#%d" % number))
        await asyncio.sleep(5)
        return len(first.delivered), len(second.delivered)

    assert counts() == delivered


@virtual_time
async def test_without_another_bind_a_receipt_takes_the_one_there_is() -> None:
    customer = await (await world(receipts={"bind": "other"})).bound()
    await customer.send(submit_sm())
    assert len(await customer.wait_for_delivered()) == 1


@virtual_time
async def test_a_receipt_may_be_a_day_late() -> None:
    alpha = await world(receipts={"delay_s": 86_400})
    customer = await alpha.bound()
    await customer.send(submit_sm())
    await customer.wait_for_delivered(timeout_s=100_000)
    assert alpha.simulator.violations == []


# SMPP v3.4 Appendix B, and what vendors have made of it. The message was accepted at
# 2023-11-14 22:13:20 UTC, and delivered a second later.
SHAPES = {
    "appendix_b": "id:{} sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 "
    "stat:DELIVRD err:000 text:hello",
    "seconds": "id:{} sub:001 dlvrd:001 submit date:231114221320 done date:231114221321 "
    "stat:DELIVRD err:000 text:hello",
    "century": "id:{} sub:001 dlvrd:001 submit date:20231114221320 done date:20231114221321 "
    "stat:DELIVRD err:000 text:hello",
    "capital_text": "id:{} sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 "
    "stat:DELIVRD err:000 Text:hello",
    "capitals": "ID:{} SUB:001 DLVRD:001 SUBMIT DATE:2311142213 DONE DATE:2311142213 "
    "STAT:DELIVRD ERR:000 TEXT:hello",
    "no_sub": "id:{} submit date:2311142213 done date:2311142213 stat:DELIVRD err:000",
    "no_dates": "id:{} sub:001 dlvrd:001 stat:DELIVRD err:000 text:hello",
    "no_text": "id:{} sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 "
    "stat:DELIVRD err:000",
    "shortest": "id:{} stat:DELIVRD",
    "id_last": "stat:DELIVRD err:000 submit date:2311142213 done date:2311142213 id:{}",
    "spaced": "id: {}  sub: 001  dlvrd: 001  submit date: 2311142213  done date: 2311142213  "
    "stat: DELIVRD  err: 000  text: hello",
    "lettered_err": "id:{} sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 "
    "stat:DELIVRD err:E00 text:hello",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_rcp_3_a_template_has_its_shape(template: str) -> None:
    @virtual_time
    async def text() -> str:
        customer = await (await world(receipts={"template": template})).bound()
        await customer.send(submit_sm())
        (pdu,) = await customer.wait_for_delivered()
        return pdu.short_message.decode()

    assert text() == SHAPES[template].format("0000000001")


@virtual_time
async def test_rcp_2_tlvs_are_those_of_the_profile() -> None:
    keys = {"tlvs": ["message_state"], "vendor_tlvs": {"0x1403": "0a0b"}}
    customer = await (await world(receipts=keys)).bound()
    await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_delivered()
    assert pdu.tlvs == {Tag.MESSAGE_STATE: b"\x02", 0x1403: b"\x0a\x0b"}


@pytest.mark.parametrize(
    "keys",
    [
        {"template": "fancy"},
        {"vendor_tlvs": {"0x0403": "00"}},
        {"vendor_tlvs": {"0x1403": "0"}},
        {"tlvs": ["state"]},
        {"carriage": "pigeon"},
    ],
)
def test_an_impossible_receipt_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"receipts"):
        behaviour(receipts=keys)


# Recorder: parts


@virtual_time
async def test_gsm_14_two_messages_do_not_share_a_reference() -> None:
    alpha = await world()
    customer = await alpha.bound()
    for text in (b"one", b"two"):
        await customer.send(submit_sm(text=b"\5\0\3\7\2\1" + text, esm_class=UDHI))
    broken = [violation.invariant for violation in alpha.simulator.violations]
    assert broken == [Invariant.REFERENCE_REUSED]


@virtual_time
async def test_gsm_14_an_old_reference_is_free_again() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm(text=b"\5\0\3\7\2\1old", esm_class=UDHI))
    await asyncio.sleep(120)
    for text in (b"\1new ", b"\2one"):
        await customer.send(submit_sm(text=b"\5\0\3\7\2" + text, esm_class=UDHI))
    assert [message.text for message in alpha.smsc.messages] == ["new one"]
    assert alpha.simulator.violations == []


@virtual_time
async def test_gsm_19_a_whole_message_has_no_half_a_character() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm(text=b"\0a\xd8\x3d", data_coding=8))
    broken = [violation.invariant for violation in alpha.simulator.violations]
    assert broken == [Invariant.LONE_SURROGATE]


@virtual_time
async def test_gsm_6_halves_that_two_parts_share_are_no_half_a_character() -> None:
    alpha = await world()
    customer = await alpha.bound()
    for text in (b"\1\0a\xd8\x3d", b"\2\xdc\x22"):
        await customer.send(submit_sm(text=b"\5\0\3\7\2" + text, esm_class=UDHI, data_coding=8))
    broken = [violation.invariant for violation in alpha.simulator.violations]
    assert broken == [Invariant.SPLIT_SURROGATE]
