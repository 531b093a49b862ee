"""What ESMEs submit, and what they are answered."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.clock import message_sid
from gateway.errors import Refusal, Refused
from gateway.interworking.refusals import ANSWERS
from gateway.message import Encoding, Origin, Receipts, SmppFields
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import (
    DataSm,
    SubmitSm,
    SubmitSmResp,
)
from tests.ingress.esme_world import SUBMIT, WALL, a_site, moment
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT, a_message
from tests.support.virtual_time import virtual_time


@virtual_time
async def test_a_submit_sm_is_answered_with_the_sid_of_its_message() -> None:
    site = await a_site()
    answered = await (await site.bound()).send(SUBMIT)
    assert (answered.command_status, answered.message_id) == (0, message_sid(1))


@virtual_time
async def test_srv_17_a_submit_sm_is_answered_once_it_is_accepted() -> None:
    site = await a_site()
    site.counter.holds = True
    answer = (await site.bound()).send(SUBMIT)
    await moment(5)
    assert not answer.done()
    on_accepted, _ = site.counter.waiting[0]
    on_accepted(a_message(77))
    assert (await answer).message_id == message_sid(77)


@virtual_time
async def test_what_is_submitted_is_what_is_asked_for() -> None:
    site = await a_site()
    await (await site.bound()).send(SUBMIT)
    (request,) = site.counter.requests
    assert (request.account.sid, request.origin) == (ACCOUNT, Origin.SMPP)
    assert (request.sender, request.recipient, request.body) == ("55501", "+15005550009", "hello")
    assert (request.encoding, request.receipts) == (Encoding.GSM_7BIT, Receipts.ALL)
    assert (request.validity_s, request.send_at) == (None, 0.0)


@virtual_time
async def test_times_and_octets_of_a_submit_sm_go_along() -> None:
    site = await a_site()
    await (await site.bound()).send(
        SubmitSm(
            schedule_delivery_time="000000010000000R",
            validity_period="000000020000000R",
            esm_class=0x40,
            data_coding=4,
            short_message=bytes.fromhex("0500032a0201") + b"\xff",
        )
    )
    (request,) = site.counter.requests
    assert request.send_at == pytest.approx(WALL + 3_600, abs=1)
    assert request.validity_s == 3_600
    assert (request.udh, request.octets) == (bytes.fromhex("0500032a0201"), b"\xff")


@virtual_time
async def test_a_message_belongs_to_the_account_of_its_esme() -> None:
    site = await a_site()
    await (await site.bound(system_id="other")).send(SUBMIT)
    assert site.counter.requests[0].account.sid == OTHER_ACCOUNT


@virtual_time
async def test_a_data_sm_is_a_message_too() -> None:
    site = await a_site()
    customer = await site.bound()
    pdu = DataSm(source_addr="55501", tlvs={Tag.MESSAGE_PAYLOAD: b"hello"})
    assert (await customer.send(pdu)).command_status == 0
    assert site.counter.requests[0].body == "hello"


@pytest.mark.parametrize("refusal", [Refusal.QUEUE_FULL, Refusal.OPTED_OUT, Refusal.TO_INVALID])
@pytest.mark.parametrize("later", [False, True])
def test_srv_29_a_refusal_is_answered_from_the_table(refusal: Refusal, later: bool) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        customer = await site.bound()
        site.counter.refuse = None if later else refusal
        site.counter.holds = later
        answer = customer.send(SUBMIT)
        await moment()
        if later:
            _, on_refused = site.counter.waiting[0]
            on_refused(Refused(refusal))
        assert (await answer).command_status == ANSWERS[refusal].command_status

    refused()


@virtual_time
async def test_srv_20_a_text_that_cannot_be_read_is_refused_with_its_status() -> None:
    site = await a_site()
    customer = await site.bound()
    answered = await customer.send(SubmitSm(esm_class=0x40, short_message=b"\x09"))
    assert (answered.command_status, site.counter.requests) == (
        CommandStatus.ESME_RINVESMCLASS,
        [],
    )


@virtual_time
async def test_srv_29_who_asks_too_fast_is_throttled_and_keeps_his_bind() -> None:
    """A rate, and not a queue."""
    site = await a_site(submits_per_second=5.0)
    customer = await site.bound()
    answers = await asyncio.gather(*(customer.send(SUBMIT) for _ in range(8)))
    statuses = [answered.command_status for answered in answers]
    assert statuses == [0] * 5 + [CommandStatus.ESME_RTHROTTLED] * 3
    assert (site.server.submitted, site.server.throttled) == (8, 3)
    await moment(1)
    assert (await customer.send(SUBMIT)).command_status == 0


@virtual_time
async def test_the_rate_is_that_of_the_account_over_all_its_binds() -> None:
    site = await a_site(submits_per_second=5.0)
    customers = [await site.bound(), await site.bound(system_id="spare")]
    answers = await asyncio.gather(*(each.send(SUBMIT) for each in customers for _ in range(4)))
    assert [answered.command_status for answered in answers].count(0) == 5


@virtual_time
async def test_one_account_s_rate_is_not_another_s() -> None:
    site = await a_site(submits_per_second=1.0)
    greedy, other = await site.bound(), await site.bound(system_id="other")
    await asyncio.gather(*(greedy.send(SUBMIT) for _ in range(5)))
    assert (await other.send(SUBMIT)).command_status == 0


@virtual_time
async def test_an_answer_to_somebody_who_has_gone_goes_nowhere() -> None:
    site = await a_site()
    site.counter.holds = True
    customer = await site.bound()
    customer.send(SUBMIT)
    await moment()
    customer.connection.abort("test")
    await moment()
    on_accepted, on_refused = site.counter.waiting[0]
    on_accepted(a_message())
    on_refused(Refused(Refusal.STORE_UNAVAILABLE))
    await moment()
    assert site.server.binds() == []


@virtual_time
async def test_until_the_gateway_has_started_esmes_bind_and_submit_nothing() -> None:
    site = await a_site()
    site.ready = False
    customer = await site.bound()
    assert (await customer.send(SUBMIT)).command_status == CommandStatus.ESME_RSYSERR
    site.ready = True
    assert (await customer.send(SUBMIT)).command_status == CommandStatus.ESME_ROK
    assert len(site.counter.requests) == 1


# What only SMPP says


@virtual_time
async def test_what_only_smpp_says_goes_along_with_the_message() -> None:
    site = await a_site()
    pdu = msgspec.structs.replace(
        SUBMIT, service_type="CMT", registered_delivery=0x11, tlvs={0x1401: b"vendor"}
    )
    await (await site.bound()).send(pdu)
    assert site.counter.requests[0].smpp == SmppFields(
        "CMT", intermediate=True, tlvs={0x1401: b"vendor"}
    )


@virtual_time
async def test_a_plain_message_has_nothing_that_only_smpp_says() -> None:
    site = await a_site()
    await (await site.bound()).send(keyed())
    assert site.counter.requests[0].smpp is None


@virtual_time
async def test_srv_24_success_alone_is_for_5_0() -> None:
    site = await a_site()
    pdu = msgspec.structs.replace(SUBMIT, registered_delivery=3)
    for interface_version in (0x34, 0x50):
        await (await site.bound(interface_version=interface_version)).send(pdu)
    assert [request.receipts for request in site.counter.requests] == [
        Receipts.ALL,
        Receipts.SUCCESS,
    ]


@virtual_time
async def test_srv_19_of_both_bodies_the_payload_wins_where_5_0_is_spoken() -> None:
    site = await a_site()
    pdu = msgspec.structs.replace(SUBMIT, tlvs={Tag.MESSAGE_PAYLOAD: b"payload"})
    old, new = await site.bound(), await site.bound(interface_version=0x50)
    assert (await old.send(pdu)).command_status == CommandStatus.ESME_RINVMSGLEN
    assert (await new.send(pdu)).command_status == CommandStatus.ESME_ROK
    assert site.counter.requests[0].body == "payload"


# SMPP v3.3


@virtual_time
async def test_srv_15_an_old_esme_gets_ids_of_8_hexadecimal_digits() -> None:
    site = await a_site()
    customer = await site.bound(interface_version=0x33)
    answers = [await customer.send(SUBMIT) for _ in range(2)]
    first, second = (int(answered.message_id, 16) for answered in answers)
    assert [len(answered.message_id) for answered in answers] == [8, 8]
    assert second == first + 1
    short_ids = [request.smpp.short_id for request in site.counter.requests if request.smpp]
    assert short_ids == [first, second]


@virtual_time
async def test_srv_15_an_old_esme_has_no_idempotency_keys() -> None:
    """Its answer could not be told again."""
    site = await a_site()
    customer = await site.bound(interface_version=0x33)
    first, again = [await customer.send(keyed()) for _ in range(2)]
    assert first.message_id != again.message_id


# Congestion


@pytest.mark.parametrize(
    ("interface_version", "fill", "tlvs"),
    [
        (0x50, 0.0, {Tag.CONGESTION_STATE: b"\x00"}),
        (0x50, 0.85, {Tag.CONGESTION_STATE: b"\x55"}),
        (0x50, 1.2, {Tag.CONGESTION_STATE: b"\x64"}),
        (0x34, 0.85, {}),
        (0x33, 0.85, {}),
    ],
)
def test_srv_29_who_speaks_5_0_is_told_how_full_his_queue_is(
    interface_version: int, fill: float, tlvs: dict[int, bytes]
) -> None:
    @virtual_time
    async def told() -> None:
        site = await a_site()
        site.fill = fill
        answered = await (await site.bound(interface_version=interface_version)).send(SUBMIT)
        assert isinstance(answered.pdu, SubmitSmResp)
        assert answered.pdu.tlvs == tlvs

    told()


# Idempotency keys


def keyed(key: bytes = b"order-7", tag: int = 0x1400, **changes: Any) -> SubmitSm:
    return msgspec.structs.replace(SUBMIT, tlvs={tag: key}, **changes)


@virtual_time
async def test_the_same_submit_sm_again_is_answered_with_the_same_message_id() -> None:
    site = await a_site()
    customer = await site.bound()
    first, again = [await customer.send(keyed()) for _ in range(2)]
    assert (again.command_status, again.message_id) == (0, first.message_id)
    assert len(site.counter.requests) == 1


@virtual_time
async def test_a_nul_at_the_end_of_a_key_is_no_part_of_it() -> None:
    site = await a_site()
    customer = await site.bound()
    first, again = [await customer.send(keyed(key)) for key in (b"order-7", b"order-7\0")]
    assert again.message_id == first.message_id


@virtual_time
async def test_a_key_holds_for_all_binds_of_the_account() -> None:
    site = await a_site()
    customers = [await site.bound(), await site.bound(system_id="spare")]
    answers = [await customer.send(keyed()) for customer in customers]
    assert answers[0].message_id == answers[1].message_id


@virtual_time
async def test_the_same_key_of_another_account_is_another_key() -> None:
    site = await a_site()
    customers = [await site.bound(), await site.bound(system_id="other")]
    answers = [await customer.send(keyed()) for customer in customers]
    assert answers[0].message_id != answers[1].message_id


@virtual_time
async def test_another_submit_sm_with_the_key_is_refused() -> None:
    site = await a_site()
    customer = await site.bound()
    await customer.send(keyed())
    answered = await customer.send(keyed(short_message=b"goodbye"))
    assert answered.command_status == CommandStatus.ESME_RINVOPTPARAMVAL


@virtual_time
async def test_times_that_count_from_now_are_the_same_when_they_are_sent_again() -> None:
    site = await a_site()
    customer = await site.bound()
    pdu = keyed(schedule_delivery_time="000000010000000R", validity_period="000000020000000R")
    first = await customer.send(pdu)
    await moment(60)
    assert (await customer.send(pdu)).message_id == first.message_id
    other = msgspec.structs.replace(pdu, validity_period="000000030000000R")
    assert (await customer.send(other)).command_status == CommandStatus.ESME_RINVOPTPARAMVAL


@pytest.mark.parametrize("key", [b"", b"k" * 256])
def test_a_key_has_1_to_255_octets(key: bytes) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        answered = await (await site.bound()).send(keyed(key))
        assert answered.command_status == CommandStatus.ESME_RINVPARLEN
        assert site.counter.requests == []

    refused()


@virtual_time
async def test_a_data_sm_may_have_a_key_under_the_tag_of_the_configuration() -> None:
    site = await a_site({"idempotency_tag": 0x2000})
    customer = await site.bound()
    pdu = DataSm(source_addr="55501", tlvs={Tag.MESSAGE_PAYLOAD: b"hello", 0x2000: b"order-7"})
    first, again = [await customer.send(pdu) for _ in range(2)]
    assert (again.message_id, len(site.counter.requests)) == (first.message_id, 1)
    await customer.send(keyed())
    await customer.send(keyed())
    assert len(site.counter.requests) == 3
