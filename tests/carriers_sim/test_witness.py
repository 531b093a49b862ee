"""What the checker finds in the octets of a connection: a client made by hand breaks each rule."""

import asyncio

import pytest

from carriers_sim.fault import Fault
from carriers_sim.malformed_pdus import UNKNOWN_COMMAND_ID
from carriers_sim.violations import AnyInvariant, Invariant
from tests.carriers_sim.carrier_builder import World, world
from tests.carriers_sim.customer import submit_sm
from tests.carriers_sim.handmade_client import (
    BIND_TRANSCEIVER,
    CREDENTIALS,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    MESSAGE,
    SUBMIT_SM,
    UNBIND,
    HandmadeClient,
    bound,
    connected,
    pdu,
)
from tests.support.virtual_time import virtual_time

UNBIND_RESP = UNBIND | 0x80000000
DELIVER_SM = 0x00000005
DATA_SM_RESP = 0x80000103


def broken(alpha: World) -> list[AnyInvariant]:
    return [violation.invariant for violation in alpha.simulator.violations]


async def injected(alpha: World, client: HandmadeClient, fault: Fault) -> int:
    """The sequence_number of the PDU that `fault` sends."""
    before = len(client.seen)
    alpha.smsc.befall(fault)
    await asyncio.sleep(1)
    return client.seen[before].sequence_number if len(client.seen) > before else 0


# A client that keeps to the rules


@virtual_time
async def test_a_day_of_a_good_client_breaks_nothing() -> None:
    alpha = await world(link={"enquire_link_every_s": 20}, receipts={"carriage": "data_sm"})
    customer = await alpha.bound()
    for number in range(5):
        await customer.send(submit_sm(text=f"#{number}".encode()))
        alpha.smsc.inject_mo("+15005551234", "55501", "hello")
        await asyncio.sleep(100)
    customer.connection.unbind()
    await customer.closed.wait()
    assert alpha.simulator.violations == []


@pytest.mark.parametrize("fault", Fault)
def test_a_good_client_answers_whatever_comes(fault: Fault) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        await alpha.bound()
        assert alpha.smsc.befall(fault) == 1
        await asyncio.sleep(60)
        return broken(alpha)

    assert broken_by() == []


# SRV


@virtual_time
async def test_srv_2_a_length_that_no_pdu_has() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(bytes.fromhex("7fffffff 00000004 00000000 00000002"))
    await client.closed.wait()
    assert broken(alpha) == [Invariant.FRAMING]


@pytest.mark.parametrize("fault", [Fault.SHORT_LENGTH, Fault.HUGE_LENGTH])
@pytest.mark.parametrize("status", [None, 0x01])
def test_srv_2_a_length_is_answered_with_rinvcmdlen(fault: Fault, status: int | None) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        client = await bound(alpha)
        alpha.smsc.befall(fault)
        if status:
            client.write(pdu(GENERIC_NACK, 0x60000000, status=status))
        await asyncio.sleep(20)
        return broken(alpha)

    assert broken_by() == [Invariant.COMMAND_LENGTH_ANSWER]


@virtual_time
async def test_srv_3_a_command_that_smpp_does_not_have() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(0x00000099, 2))
    await client.wait_for(GENERIC_NACK)
    assert broken(alpha) == [Invariant.UNKNOWN_COMMAND]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        pdu(GENERIC_NACK, 0x60000000, status=0x01),
        pdu(0x80000099, 0x60000000, status=0x03),
    ],
)
def test_srv_3_an_unknown_command_is_answered_with_rinvcmdid(answer: bytes) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        client = await bound(alpha)
        alpha.smsc.befall(Fault.UNKNOWN_COMMAND)
        await client.wait_for(UNKNOWN_COMMAND_ID)
        if answer:
            client.write(answer)
        await asyncio.sleep(20)
        return broken(alpha)

    assert broken_by() == [Invariant.UNKNOWN_COMMAND_ANSWER]


@virtual_time
async def test_srv_3_an_unknown_command_does_not_end_the_session() -> None:
    alpha = await world()
    client = await bound(alpha)
    await injected(alpha, client, Fault.UNKNOWN_COMMAND)
    client.close()
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.SESSION_DROPPED]


@virtual_time
async def test_srv_4_a_bad_field_is_answered_by_the_pdus_own_response() -> None:
    alpha = await world()
    client = await bound(alpha)
    number = await injected(alpha, client, Fault.LONG_C_STRING)
    client.write(pdu(GENERIC_NACK, number, status=0x03))
    await asyncio.sleep(20)
    assert broken(alpha) == [Invariant.MALFORMED_ANSWER]


@virtual_time
async def test_srv_4_a_bad_field_is_not_accepted() -> None:
    alpha = await world()
    client = await bound(alpha)
    number = await injected(alpha, client, Fault.TLV_PAST_END)
    client.write(pdu(DELIVER_SM_RESP, number, b"\0"))
    await asyncio.sleep(20)
    assert broken(alpha) == [Invariant.MALFORMED_ANSWER]


@virtual_time
async def test_srv_4_a_good_pdu_is_not_nacked() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.inject_mo("+15005551234", "55501", "hello")
    seen = await client.wait_for(DELIVER_SM)
    client.write(pdu(GENERIC_NACK, seen.sequence_number, status=0x03))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.KNOWN_PDU_NACKED]


@virtual_time
async def test_srv_22_unknown_tlvs_are_no_reason_to_refuse() -> None:
    alpha = await world()
    client = await bound(alpha)
    number = await injected(alpha, client, Fault.UNKNOWN_TLV)
    client.write(pdu(DELIVER_SM_RESP, number, status=0xC1))
    await asyncio.sleep(20)
    assert broken(alpha) == [Invariant.MALFORMED_ANSWER]


@pytest.mark.parametrize("fault", [Fault.STRAY_NACK, Fault.STRAY_RESPONSE, Fault.UNKNOWN_RESPONSE])
def test_srv_5_a_response_is_never_answered(fault: Fault) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        client = await bound(alpha)
        number = await injected(alpha, client, fault)
        client.write(pdu(GENERIC_NACK, number, status=0x03))
        await asyncio.sleep(1)
        return broken(alpha)

    assert broken_by() == [Invariant.NACK_ANSWERED]


@pytest.mark.parametrize("sequence_number", [0, 0x80000000])
def test_srv_6_a_sequence_number_is_in_its_range(sequence_number: int) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        client = await bound(alpha)
        client.write(pdu(ENQUIRE_LINK, sequence_number))
        await client.wait_for(ENQUIRE_LINK_RESP)
        return broken(alpha)

    assert broken_by() == [Invariant.SEQUENCE_NUMBER]


@virtual_time
async def test_srv_6_a_sequence_number_in_use_is_not_used_again() -> None:
    alpha = await world(response_delay_s=1.0)
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 77, MESSAGE) + pdu(ENQUIRE_LINK, 77))
    await asyncio.sleep(2)
    assert broken(alpha) == [Invariant.SEQUENCE_NUMBER]


@virtual_time
async def test_srv_6_both_sides_may_use_the_same_number_at_once() -> None:
    alpha = await world(response_delay_s=1.0)
    client = await bound(alpha)
    alpha.smsc.inject_mo("+15005551234", "55501", "hello")
    seen = await client.wait_for(DELIVER_SM)
    client.write(pdu(SUBMIT_SM, seen.sequence_number, MESSAGE))
    client.write(pdu(DELIVER_SM_RESP, seen.sequence_number, b"\0"))
    await asyncio.sleep(2)
    assert broken(alpha) == []


@virtual_time
async def test_srv_6_a_response_answers_a_request_of_its_kind() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.inject_mo("+15005551234", "55501", "hello")
    seen = await client.wait_for(DELIVER_SM)
    client.write(pdu(DATA_SM_RESP, seen.sequence_number, b"\0"))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.ANSWER_OF_ANOTHER]


@virtual_time
async def test_cli_3_a_response_to_another_session_answers_nothing() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(DELIVER_SM_RESP, 5, b"\0"))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.ANSWER_TO_NOTHING]


@virtual_time
async def test_srv_8_a_message_before_the_bind() -> None:
    alpha = await world()
    client = await connected(alpha)
    client.write(pdu(SUBMIT_SM, 1, MESSAGE))
    await client.wait_for(0x80000004)
    assert broken(alpha) == [Invariant.WRONG_STATE]


@virtual_time
async def test_srv_8_a_second_bind_on_one_session() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(BIND_TRANSCEIVER, 2, CREDENTIALS))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.WRONG_STATE]


@virtual_time
async def test_srv_9_an_enquire_link_is_answered() -> None:
    alpha = await world()
    client = await bound(alpha)
    await client.wait_for(ENQUIRE_LINK)
    await client.closed.wait()
    assert broken(alpha) == [Invariant.LINK_NOT_ANSWERED]


@virtual_time
async def test_srv_9_pdus_that_come_octet_by_octet_are_answered_too() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.befall(Fault.DRIBBLED)
    await client.wait_for(ENQUIRE_LINK)
    await asyncio.sleep(20)
    assert broken(alpha) == [Invariant.LINK_NOT_ANSWERED]


@virtual_time
async def test_srv_10_who_connects_also_binds() -> None:
    alpha = await world()
    client = await connected(alpha)
    await client.closed.wait()
    assert broken(alpha) == [Invariant.NEVER_BOUND]


@virtual_time
async def test_srv_10_who_leaves_in_time_need_not_bind() -> None:
    alpha = await world()
    client = await connected(alpha)
    client.close()
    await asyncio.sleep(60)
    assert broken(alpha) == []


@virtual_time
async def test_srv_11_after_unbind_no_request_follows() -> None:
    alpha = await world(response_delay_s=1.0)
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE) + pdu(UNBIND, 3) + pdu(ENQUIRE_LINK, 4))
    await client.closed.wait()
    assert broken(alpha) == [Invariant.REQUEST_AFTER_UNBIND]


@virtual_time
async def test_srv_11_who_unbinds_waits_for_the_answer() -> None:
    alpha = await world(response_delay_s=1.0)
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE) + pdu(UNBIND, 3))
    client.close()
    await asyncio.sleep(5)
    assert broken(alpha) == [Invariant.UNBIND_NOT_AWAITED]


@virtual_time
async def test_srv_11_a_carrier_that_does_not_answer_need_not_be_awaited_for_ever() -> None:
    alpha = await world(unanswered=1)
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE) + pdu(UNBIND, 3))
    await asyncio.sleep(12)
    client.close()
    await asyncio.sleep(5)
    assert broken(alpha) == []


@virtual_time
async def test_srv_11_an_unbind_is_answered() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.befall(Fault.UNBIND)
    await client.wait_for(UNBIND)
    await asyncio.sleep(20)
    assert broken(alpha) == [Invariant.UNBIND_NOT_ANSWERED]


@virtual_time
async def test_srv_11_an_answered_unbind_is_the_end() -> None:
    alpha = await world()
    client = await bound(alpha)
    number = await injected(alpha, client, Fault.UNBIND)
    client.write(pdu(UNBIND_RESP, number) + pdu(ENQUIRE_LINK, 2))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.REQUEST_AFTER_UNBIND]


@virtual_time
async def test_srv_12_an_address_ends_with_nul_within_its_size() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, b"\0\x01\x01" + b"1" * 30 + b"\0" + MESSAGE[15:]))
    await client.wait_for(0x80000004)
    assert broken(alpha) == [Invariant.MALFORMED_PDU]


@virtual_time
async def test_srv_13_a_request_has_no_command_status() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(ENQUIRE_LINK, 2, status=1))
    await asyncio.sleep(1)
    assert broken(alpha) == [Invariant.RESERVED_VALUE]


@virtual_time
async def test_srv_22_octets_behind_the_fields_are_tlvs() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE + b"\x14\x00\x00\x09\x01"))
    await client.wait_for(0x80000004)
    assert broken(alpha) == [Invariant.TLV_STREAM]


# CLI


@virtual_time
async def test_cli_2_what_is_not_overdue_does_not_come_again() -> None:
    alpha = await world(unanswered=1)
    customer = await alpha.bound()
    for _ in range(2):
        customer.send(submit_sm())
        await asyncio.sleep(0.5)
    assert broken(alpha) == [Invariant.RESENT_TOO_SOON]


@virtual_time
async def test_cli_2_what_is_overdue_may_come_again() -> None:
    alpha = await world(unanswered=1)
    customer = await alpha.bound()
    for _ in range(2):
        customer.send(submit_sm())
        await asyncio.sleep(5)
    assert broken(alpha) == []


@virtual_time
async def test_cli_4_a_carrier_that_refuses_is_not_hammered() -> None:
    alpha = await world(bind_status="ESME_RBINDFAIL")
    for number in range(1, 62):
        client = await connected(alpha)
        client.write(pdu(BIND_TRANSCEIVER, number, CREDENTIALS))
        await client.wait_for(BIND_TRANSCEIVER | 0x80000000)
        client.close()
    assert broken(alpha) == [Invariant.HAMMERING]


@virtual_time
async def test_cli_4_a_carrier_that_drops_is_not_hammered_either() -> None:
    alpha = await world(bind={"drop_after_s": 0.5})
    for _ in range(61):
        client = await bound(alpha)
        await client.closed.wait()
    assert broken(alpha) == [Invariant.HAMMERING]


@virtual_time
async def test_cli_4_wrong_credentials_are_not_tried_again_and_again() -> None:
    alpha = await world()
    for _ in range(11):
        customer = await alpha.customer()
        await customer.bind(password="wrong")
        customer.connection.close("refused")
    assert broken(alpha) == [Invariant.CREDENTIALS_HAMMERED]


@virtual_time
async def test_cli_4_a_patient_client_may_try_for_ever() -> None:
    alpha = await world(bind_status="ESME_RBINDFAIL")
    for _ in range(200):
        customer = await alpha.customer()
        await customer.bind()
        customer.connection.close("refused")
        await asyncio.sleep(2)
    assert broken(alpha) == []


@virtual_time
async def test_cli_5_a_throttled_message_is_not_overtaken() -> None:
    alpha = await world(rules=[{"when": {"nth": 2}, "then": {"status": "ESME_RTHROTTLED"}}])
    customer = await alpha.bound()
    for text in (b"one", b"two"):
        await customer.send(submit_sm(text=text))
    await asyncio.sleep(2)
    await customer.send(submit_sm(text=b"three"))
    assert broken(alpha) == [Invariant.OVERTAKEN]


@virtual_time
async def test_cli_5_a_throttled_message_that_comes_again_first_is_right() -> None:
    alpha = await world(rules=[{"when": {"nth": 2}, "then": {"status": "ESME_RTHROTTLED"}}])
    customer = await alpha.bound()
    for text in (b"one", b"two", b"two", b"three"):
        await customer.send(submit_sm(text=text))
        await asyncio.sleep(2)
    assert broken(alpha) == []


# RCP


@pytest.mark.parametrize("body", [b"", b"42\0", b"\0\x14\x00\x00\x00"])
def test_rcp_4_a_deliver_sm_resp_has_one_nul(body: bytes) -> None:
    @virtual_time
    async def broken_by() -> list[AnyInvariant]:
        alpha = await world()
        client = await bound(alpha)
        alpha.smsc.inject_mo("+15005551234", "55501", "hello")
        seen = await client.wait_for(DELIVER_SM)
        client.write(pdu(DELIVER_SM_RESP, seen.sequence_number, body))
        await asyncio.sleep(1)
        return broken(alpha)

    assert broken_by() == [Invariant.MESSAGE_ID_NOT_NULL]


@pytest.mark.parametrize("status", [0x65, 0x0B, 0x0C])
def test_rcp_6_a_receipt_of_whatever_message_is_taken(status: int) -> None:
    @virtual_time
    async def broken_by() -> set[AnyInvariant]:
        alpha = await world(receipts={"wrong_id": 1})
        customer = await alpha.bound()
        customer.answer = lambda _: status
        await customer.send(submit_sm())
        await customer.wait_for_delivered()
        await asyncio.sleep(1)
        return {*broken(alpha)}

    assert [*broken_by()] == [Invariant.RECEIPT_REFUSED]
