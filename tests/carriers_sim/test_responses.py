"""Responses that a client must understand, and ids that it must find again."""

import asyncio

import pytest

from carriers_sim.message_id import IdFormat, wrong_id
from carriers_sim.response_form import ResponseForm, written
from gateway.smpp.constants import CommandStatus, Tag
from tests.carriers_sim.carrier_builder import behaviour, world
from tests.carriers_sim.customer import (
    Answered,
    receipt_fields,
    receipted_message_id,
    submit_sm,
)
from tests.carriers_sim.handmade_client import MESSAGE, SUBMIT_SM, HandmadeClient, bound, pdu
from tests.support.virtual_time import virtual_time

SUBMIT_SM_RESP = 0x80000004
GENERIC_NACK = 0x80000000
# SMPP v3.4 §4.4.2: submit_sm_resp to 5, "42".
RESPONSE = bytes.fromhex("00000013 80000004 00000000 00000005 343200")


@pytest.mark.parametrize(
    ("form", "octets"),
    [
        (ResponseForm.USUAL, RESPONSE.hex()),
        (ResponseForm.WRONG_SEQUENCE, "0000001380000004000000003000000534 3200"),
        (ResponseForm.NO_BODY, "00000010800000040000000000000005"),
        (
            ResponseForm.EXTRA_TLVS,
            "0000001e80000004000000000000000534320006660002cafe140100012a",
        ),
        (ResponseForm.TWICE, RESPONSE.hex() * 2),
        (ResponseForm.GENERIC_NACK, "00000010800000000000000800000005"),
    ],
)
def test_a_form_has_these_octets(form: ResponseForm, octets: str) -> None:
    assert written(RESPONSE, form) == bytes.fromhex(octets)


async def answered(form: str) -> HandmadeClient:
    """A client that has sent one message as request 2, some time ago."""
    client = await bound(await world(responses={form: 1}))
    client.seen.clear()
    client.write(pdu(SUBMIT_SM, 2, MESSAGE))
    await asyncio.sleep(1)
    return client


@pytest.mark.parametrize(
    ("form", "command_ids"),
    [
        ("no_body", [SUBMIT_SM_RESP]),
        ("twice", [SUBMIT_SM_RESP, SUBMIT_SM_RESP]),
        ("generic_nack", [GENERIC_NACK]),
    ],
)
def test_a_carrier_answers_in_that_form(form: str, command_ids: list[int]) -> None:
    @virtual_time
    async def seen() -> list[int]:
        return [seen.command_id for seen in (await answered(form)).seen]

    assert seen() == command_ids


@virtual_time
async def test_a_wrong_sequence_number_answers_nothing() -> None:
    (seen,) = (await answered("wrong_sequence")).seen
    assert seen.sequence_number == 0x30000002


@virtual_time
async def test_a_message_that_is_nacked_is_not_accepted() -> None:
    alpha = await world(responses={"generic_nack": 1})
    customer = await alpha.bound()
    assert (await customer.send(submit_sm())).command_status == CommandStatus.ESME_RSYSERR
    assert alpha.smsc.messages == []


@virtual_time
async def test_srv_7_responses_come_in_groups_the_last_first() -> None:
    alpha = await world(responses_reversed=3)
    client = await bound(alpha)
    client.seen.clear()
    for number in range(2, 8):
        client.write(pdu(SUBMIT_SM, number, MESSAGE.replace(b"hello", b"hell%d" % number)))
    await asyncio.sleep(0.1)
    assert [seen.sequence_number for seen in client.seen] == [4, 3, 2, 7, 6, 5]


@virtual_time
async def test_a_group_that_does_not_fill_is_not_held_for_ever() -> None:
    alpha = await world(responses_reversed=3, responses_held_s=2.0)
    customer = await alpha.bound()
    began = alpha.clock.now()
    answered = await customer.send(submit_sm())
    assert answered.at - began == pytest.approx(2.0, abs=0.01)


# Ids


@pytest.mark.parametrize(
    ("id_format", "receipt_id_format", "in_response", "in_receipt"),
    [
        ("hex", "decimal_bare", "1", "1"),
        ("hex_lower", "decimal", "a", "0000000010"),
        ("decimal_bare", "hex8", "10", "0000000A"),
        ("hex8_lower", None, "0000000a", "0000000a"),
        ("decimal_20", "decimal_bare", "00000000000000000010", "10"),
        ("part_suffix", None, "0000000010-1", "0000000010-1"),
        ("long", None, f"{10:064x}", f"{10:064x}"),
        ("empty", "decimal", "", "0000000010"),
    ],
)
def test_rcp_2_the_receipt_may_write_the_id_otherwise(
    id_format: str, receipt_id_format: str | None, in_response: str, in_receipt: str
) -> None:
    @virtual_time
    async def ids() -> tuple[str, str]:
        alpha = await world(id_format=id_format, receipt_id_format=receipt_id_format)
        customer = await alpha.bound()
        answer = Answered(0, "", 0)
        for number in range(1 if in_response == "1" else 10):
            answer = await customer.send(submit_sm(text=b"#%d" % number))
        pdus = await customer.wait_for_delivered(1 if in_response == "1" else 10)
        return answer.message_id, receipted_message_id(pdus[-1])

    assert ids() == (in_response, in_receipt)


@virtual_time
async def test_an_id_is_given_again_after_a_wrap() -> None:
    customer = await (await world(ids_max=2)).bound()
    ids = [(await customer.send(submit_sm(text=b"#%d" % n))).message_id for n in range(4)]
    assert ids == ["0000000001", "0000000002", "0000000001", "0000000002"]


def test_receipts_cannot_do_without_an_id() -> None:
    with pytest.raises(ValueError, match="receipts need an id"):
        behaviour(receipt_id_format="empty")


@pytest.mark.parametrize("message_id", ["0000000042", "9", "abc"])
def test_a_wrong_id_looks_like_a_right_one(message_id: str) -> None:
    assert wrong_id(message_id) != message_id
    assert len(wrong_id(message_id)) == len(message_id)


def test_each_format_fits_its_field() -> None:
    keys = [behaviour(id_format=name) for name in IdFormat]
    assert len(keys) == len(IdFormat)


# Versions


@virtual_time
async def test_srv_15_a_3_3_customer_gets_no_tlvs_and_short_ids() -> None:
    customer = await (await world(id_format="uuid")).customer()
    await customer.bind(interface_version=0x33)
    answer = await customer.send(submit_sm())
    (receipt,) = await customer.wait_for_delivered()
    assert answer.message_id == "00000001"
    assert receipt.tlvs == {}
    assert receipt_fields(receipt)["id"] == "00000001"


@virtual_time
async def test_srv_29_congestion_is_told_to_5_0() -> None:
    throttle = {"segments_per_s": 10}
    alpha = await world(version="5.0", throttle=throttle, congestion_state=True)
    client = await bound(alpha, interface_version=0x50)
    for number in range(2, 7):
        client.write(pdu(SUBMIT_SM, number, MESSAGE.replace(b"hello", b"hell%d" % number)))
    await asyncio.sleep(0.1)
    states = [seen.body[-1] for seen in client.seen if seen.command_id == SUBMIT_SM_RESP]
    assert states == [10, 20, 30, 40, 50]
    assert client.seen[-1].body[-5:-3] == Tag.CONGESTION_STATE.to_bytes(2, "big")


@virtual_time
async def test_srv_29_congestion_is_not_told_to_3_4() -> None:
    customer = await (await world(version="5.0", congestion_state=True)).bound()
    assert (await customer.send(submit_sm())).tlvs == {}


# Busy


@virtual_time
async def test_srv_29_a_queue_drains_at_its_rate() -> None:
    customer = await (await world(queue_max=2, queue_drained_per_s=0.5)).bound()

    async def statuses(count: int) -> list[int]:
        answers = [await customer.send(submit_sm(text=b"#%d" % n)) for n in range(count)]
        return [answer.command_status for answer in answers]

    full = CommandStatus.ESME_RMSGQFUL
    assert await statuses(3) == [0, 0, full]
    await asyncio.sleep(2.1)
    assert await statuses(2) == [0, full]


@virtual_time
async def test_a_throttle_may_count_messages() -> None:
    keys = {"segments_per_s": 2, "counted": "messages"}
    customer = await (await world(throttle=keys)).bound()
    tlvs: dict[int, bytes] = {Tag.MESSAGE_PAYLOAD: b"a" * 1_000}
    answers = [await customer.send(submit_sm(text=b"", tlvs=tlvs)) for _ in range(3)]
    assert [answer.command_status for answer in answers] == [0, 0, CommandStatus.ESME_RTHROTTLED]


@virtual_time
async def test_after_a_refusal_nothing_passes_for_the_penalty() -> None:
    customer = await (await world(throttle={"segments_per_s": 1, "penalty_s": 5})).bound()
    statuses = []
    for pause_s in (0, 0, 3, 1.9, 0.2):
        await asyncio.sleep(pause_s)
        statuses.append((await customer.send(submit_sm(text=b"%f" % pause_s))).command_status)
    throttled = CommandStatus.ESME_RTHROTTLED
    assert statuses == [0, throttled, throttled, throttled, 0]
