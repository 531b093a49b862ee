"""query_sm, cancel_sm, replace_sm and replace_if_present: what becomes of messages that wait."""

from typing import Any

import msgspec
import pytest

from gateway.clock import message_sid
from gateway.errors import Refusal
from gateway.message import Direction, Encoding, Message, Receipts, SmppFields, Status
from gateway.messaging.pending_messages import Replacement
from gateway.smpp.constants import CommandStatus, MessageState
from gateway.smpp.pdus import (
    CancelSm,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
)
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import WALL, SmppSite, esmes
from tests.ingress.pending_world import STORE_IS_DOWN
from tests.store.builders import OTHER_ACCOUNT, a_message
from tests.support.virtual_time import virtual_time

SOURCE: dict[str, Any] = {"source_addr_ton": 3, "source_addr": "55501"}
DESTINATION: dict[str, Any] = {"dest_addr_ton": 1, "destination_addr": "15005550009"}
SID = message_sid(7)


def waiting(message_id: int = 7, **changes: Any) -> Message:
    fields: dict[str, Any] = {"sender": "55501", "recipient": "+15005550009"}
    return a_message(message_id, **(fields | changes))


def query(message_id: str = SID, **fields: Any) -> QuerySm:
    return QuerySm(message_id=message_id, **(SOURCE | fields))


def cancel(message_id: str = SID, **fields: Any) -> CancelSm:
    return CancelSm(message_id=message_id, **(SOURCE | DESTINATION | fields))


def replace(message_id: str = SID, text: bytes = b"better", **fields: Any) -> ReplaceSm:
    return ReplaceSm(message_id=message_id, short_message=text, **(SOURCE | fields))


async def status_of(customer: Customer, pdu: Pdu) -> int:
    return (await customer.send(pdu)).command_status


# query_sm


@pytest.mark.parametrize(
    ("status", "error_code", "carrier_status", "state", "error", "final"),
    [
        (Status.QUEUED, 0, "", MessageState.ENROUTE, 0, ""),
        (Status.SCHEDULED, 0, "", MessageState.ENROUTE, 0, ""),
        (Status.SENDING, 0, "", MessageState.ENROUTE, 0, ""),
        (Status.SENT, 0, "", MessageState.ENROUTE, 0, ""),
        (Status.DELIVERED, 0, "DELIVRD", MessageState.DELIVERED, 0, "231114221320000+"),
        (Status.UNDELIVERED, 30005, "UNDELIV", MessageState.UNDELIVERABLE, 5, "231114221320000+"),
        (Status.UNDELIVERED, 30003, "EXPIRED", MessageState.EXPIRED, 3, "231114221320000+"),
        (Status.FAILED, 30001, "", MessageState.EXPIRED, 1, "231114221320000+"),
        (Status.FAILED, 30410, "", MessageState.REJECTED, 255, "231114221320000+"),
        (Status.CANCELED, 0, "", MessageState.DELETED, 0, "231114221320000+"),
    ],
)
def test_srv_27_query_sm_tells_where_a_message_stands(
    status: Status, error_code: int, carrier_status: str, state: int, error: int, final: str
) -> None:
    @esmes()
    async def told(site: SmppSite) -> None:
        site.pending.has(waiting(), status, WALL, error_code, carrier_status)
        answered = await (await site.bound()).send(query())
        assert answered.pdu == QuerySmResp(SID, final, state, error)

    told()


@esmes()
async def test_srv_27_a_5_0_esme_hears_of_schedules(site: SmppSite) -> None:
    site.pending.has(waiting(), Status.SCHEDULED)
    answered = await (await site.bound(interface_version=0x50)).send(query())
    assert answered.pdu == QuerySmResp(SID, "", MessageState.SCHEDULED)


@pytest.mark.parametrize(
    ("pdu", "status"),
    [
        (query(message_sid(8)), CommandStatus.ESME_RQUERYFAIL),
        (query(source_addr="55502"), CommandStatus.ESME_RQUERYFAIL),
        (query(source_addr=""), CommandStatus.ESME_RQUERYFAIL),
        (query(""), CommandStatus.ESME_RINVMSGID),
        (query("SM" + "0" * 31 + "1"), CommandStatus.ESME_RINVMSGID),
        (query("7"), CommandStatus.ESME_RQUERYFAIL),
        (cancel(message_sid(8)), CommandStatus.ESME_RCANCELFAIL),
        (cancel(source_addr="55502"), CommandStatus.ESME_RCANCELFAIL),
        (cancel(destination_addr="15005550008"), CommandStatus.ESME_RCANCELFAIL),
        (cancel("nonsense"), CommandStatus.ESME_RINVMSGID),
        (replace(message_sid(8)), CommandStatus.ESME_RREPLACEFAIL),
        (replace(source_addr="55502"), CommandStatus.ESME_RREPLACEFAIL),
        (replace("nonsense"), CommandStatus.ESME_RINVMSGID),
    ],
)
def test_srv_27_who_knows_a_message_knows_its_id_and_its_source(
    pdu: Pdu, status: CommandStatus
) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        site.pending.has(waiting())
        assert await status_of(await site.bound(), pdu) == status
        assert (site.pending.canceled, site.pending.replaced) == ([], {})

    refused()


@pytest.mark.parametrize("pdu", [query(), cancel(), replace()])
@pytest.mark.parametrize(
    "changes", [{"account_sid": OTHER_ACCOUNT}, {"direction": Direction.INBOUND}]
)
def test_srv_27_what_is_not_the_account_s_is_not_there(pdu: Pdu, changes: dict[str, Any]) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        site.pending.has(waiting(**changes))
        assert await status_of(await site.bound(), pdu) != CommandStatus.ESME_ROK

    refused()


@pytest.mark.parametrize("pdu", [query(), cancel(), cancel(""), replace()])
@pytest.mark.parametrize("broken", [STORE_IS_DOWN, ZeroDivisionError("the inner workings")])
def test_srv_29_trouble_of_ours_is_a_system_error(pdu: Pdu, broken: Exception) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        site.pending.has(waiting())
        site.pending.broken = broken
        customer = await site.bound()
        assert await status_of(customer, pdu) == CommandStatus.ESME_RSYSERR
        assert not customer.closed.is_set()

    refused()


# cancel_sm


@pytest.mark.parametrize("pdu", [cancel(), cancel(destination_addr="")])
def test_srv_27_cancel_sm_cancels_by_id(pdu: CancelSm) -> None:
    """§4.9.1: with an id the destination may be empty."""

    @esmes()
    async def canceled(site: SmppSite) -> None:
        site.pending.has(waiting())
        assert await status_of(await site.bound(), pdu) == CommandStatus.ESME_ROK
        assert site.pending.canceled == [7]

    canceled()


@esmes()
async def test_srv_27_cancel_sm_without_an_id_cancels_all_between_two_addresses(
    site: SmppSite,
) -> None:
    site.pending.has(waiting(1))
    site.pending.has(waiting(2, smpp=SmppFields("CMT")))
    site.pending.has(waiting(3), Status.SENT)
    site.pending.has(waiting(4, recipient="+15005550008"))
    site.pending.has(waiting(5, sender="55502"))
    assert await status_of(await site.bound(), cancel("")) == CommandStatus.ESME_ROK
    assert sorted(site.pending.canceled) == [1, 2]


@esmes()
async def test_srv_27_a_service_type_narrows_what_is_canceled(site: SmppSite) -> None:
    site.pending.has(waiting(1))
    site.pending.has(waiting(2, smpp=SmppFields("CMT")))
    pdu = cancel("", service_type="CMT")
    assert await status_of(await site.bound(), pdu) == CommandStatus.ESME_ROK
    assert site.pending.canceled == [2]


@esmes()
async def test_srv_27_hundreds_are_canceled_by_one_cancel_sm(site: SmppSite) -> None:
    for number in range(250):
        site.pending.has(waiting(number + 1))
    site.pending.gone = {1, 2}
    assert await status_of(await site.bound(), cancel("")) == CommandStatus.ESME_ROK
    assert len(site.pending.canceled) == 248


@pytest.mark.parametrize("pdu", [cancel(), cancel("")])
def test_srv_27_what_has_gone_is_not_canceled(pdu: CancelSm) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        site.pending.has(waiting())
        site.pending.gone = {7}
        assert await status_of(await site.bound(), pdu) == CommandStatus.ESME_RCANCELFAIL

    refused()


# replace_sm


def plain(**changes: Any) -> Replacement:
    fields: dict[str, Any] = {
        "body": "better",
        "encoding": Encoding.GSM_7BIT,
        "octets": b"",
        "udh": b"",
        "receipts": Receipts.NONE,
    }
    return Replacement(**(fields | changes))


@esmes()
async def test_srv_27_replace_sm_replaces_the_text_and_keeps_what_it_does_not_say(
    site: SmppSite,
) -> None:
    site.pending.has(waiting())
    assert await status_of(await site.bound(), replace()) == CommandStatus.ESME_ROK
    assert site.pending.replaced == {7: plain()}


@esmes()
async def test_srv_27_replace_sm_may_say_when_and_which_receipts(site: SmppSite) -> None:
    site.pending.has(waiting())
    pdu = replace(
        schedule_delivery_time="000000010000000R",
        validity_period="000000020000000R",
        registered_delivery=0x11,
    )
    await status_of(await site.bound(), pdu)
    replacement = site.pending.replaced[7]
    assert replacement.send_at == pytest.approx(WALL + 3_600, abs=1)
    assert (replacement.validity_s, replacement.receipts) == (3_600, Receipts.ALL)
    assert replacement.intermediate


@esmes()
async def test_srv_27_new_validity_of_a_scheduled_message_counts_from_its_time(
    site: SmppSite,
) -> None:
    site.pending.has(waiting(send_at=WALL + 3_600), Status.SCHEDULED)
    await status_of(await site.bound(), replace(validity_period="000000020000000R"))
    replacement = site.pending.replaced[7]
    assert replacement.send_at is None
    assert replacement.validity_s == pytest.approx(3_600, abs=1)


@pytest.mark.parametrize(
    ("changes", "text", "data"),
    [
        ({"encoding": Encoding.UCS2}, b"\x04\x36", {"body": "ж", "encoding": Encoding.UCS2}),
        (
            {"encoding": Encoding.BINARY, "octets": b"x"},
            b"\x00\xff",
            {"body": "", "encoding": Encoding.BINARY, "octets": b"\x00\xff"},
        ),
        (
            {"udh": bytes.fromhex("0500032a0201"), "octets": b"x"},
            bytes.fromhex("0500032a0201") + b"hi",
            {"body": "hi", "octets": b"hi", "udh": bytes.fromhex("0500032a0201")},
        ),
    ],
)
def test_srv_27_a_new_text_is_read_as_the_old_one_was(
    changes: dict[str, Any], text: bytes, data: dict[str, Any]
) -> None:
    """A replace_sm has neither data_coding nor esm_class."""

    @esmes()
    async def replaced(site: SmppSite) -> None:
        site.pending.has(waiting(**changes))
        await status_of(await site.bound(), replace(text=text))
        assert site.pending.replaced == {7: plain(**data)}

    replaced()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"schedule_delivery_time": "tomorrow"}, CommandStatus.ESME_RINVSCHED),
        ({"validity_period": "tomorrow"}, CommandStatus.ESME_RINVEXPIRY),
        ({"text": b"", "sm_default_msg_id": 3}, CommandStatus.ESME_RINVDFTMSGID),
    ],
)
def test_a_replace_sm_that_cannot_be_read_changes_nothing(
    fields: dict[str, Any], status: CommandStatus
) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        site.pending.has(waiting())
        assert await status_of(await site.bound(), replace(**fields)) == status
        assert site.pending.replaced == {}

    refused()


@esmes()
async def test_srv_27_what_has_gone_is_not_replaced(site: SmppSite) -> None:
    site.pending.has(waiting(), Status.SENT)
    assert await status_of(await site.bound(), replace()) == CommandStatus.ESME_RREPLACEFAIL


# Short ids


@esmes()
async def test_srv_15_an_old_esme_asks_with_its_short_id(site: SmppSite) -> None:
    site.pending.has(waiting(smpp=SmppFields(short_id=0x2A)))
    customer = await site.bound(interface_version=0x33)
    answered = await customer.send(query("0000002a"))
    assert answered.pdu == QuerySmResp("0000002a", "", MessageState.ENROUTE)
    assert await status_of(customer, cancel("2A")) == CommandStatus.ESME_ROK
    assert await status_of(customer, replace("2a")) == CommandStatus.ESME_ROK
    assert (site.pending.canceled, list(site.pending.replaced)) == ([7], [7])


# replace_if_present_flag


def submit(**fields: Any) -> SubmitSm:
    values: dict[str, Any] = {"replace_if_present_flag": 1, "short_message": b"better"}
    return SubmitSm(**(SOURCE | DESTINATION | values | fields))


@esmes()
async def test_srv_25_the_newest_that_waits_is_replaced_and_its_id_comes_back(
    site: SmppSite,
) -> None:
    site.pending.has(waiting(6))
    site.pending.has(waiting(7))
    site.pending.has(waiting(8), Status.SENT)
    site.pending.has(waiting(9, recipient="+15005550008"))
    answered = await (await site.bound()).send(submit(registered_delivery=2))
    assert (answered.command_status, answered.message_id) == (0, SID)
    replacement = plain(receipts=Receipts.FAILURE, send_at=0.0)
    assert (site.pending.replaced, site.counter.requests) == ({7: replacement}, [])


@pytest.mark.parametrize(
    "fields", [{}, {"service_type": "CMT"}, {"destination_addr": "15005550001"}]
)
def test_srv_25_without_one_it_is_a_new_message(fields: dict[str, Any]) -> None:
    @esmes()
    async def submitted(site: SmppSite) -> None:
        if fields:
            site.pending.has(waiting())
        answered = await (await site.bound()).send(submit(**fields))
        assert (answered.command_status, answered.message_id) == (0, message_sid(1))
        assert (site.pending.replaced, len(site.counter.requests)) == ({}, 1)

    submitted()


@esmes()
async def test_srv_25_only_one_of_the_same_service_type_is_replaced(site: SmppSite) -> None:
    site.pending.has(waiting(6))
    site.pending.has(waiting(7, smpp=SmppFields("CMT")))
    answered = await (await site.bound()).send(submit())
    assert answered.message_id == message_sid(6)


@esmes()
async def test_srv_25_where_the_newest_has_just_gone_the_next_is_replaced(site: SmppSite) -> None:
    site.pending.has(waiting(6))
    site.pending.has(waiting(7))
    site.pending.gone = {7}
    answered = await (await site.bound()).send(submit())
    assert (answered.message_id, list(site.pending.replaced)) == (message_sid(6), [6])


@esmes()
async def test_srv_25_a_replacement_that_may_not_be_sent_is_refused(site: SmppSite) -> None:
    site.pending.has(waiting())
    customer = await site.bound()
    site.pending.refuse = Refusal.BODY_TOO_LONG
    assert await status_of(customer, submit()) == CommandStatus.ESME_RINVMSGLEN
    site.pending.refuse, site.pending.broken = None, STORE_IS_DOWN
    assert await status_of(customer, submit()) == CommandStatus.ESME_RSYSERR
    site.pending.broken = ZeroDivisionError("the inner workings")
    assert await status_of(customer, submit()) == CommandStatus.ESME_RSYSERR
    assert site.counter.requests == []


@pytest.mark.parametrize("flag", [0, 2, 255])
def test_srv_25_without_the_flag_nothing_is_replaced(flag: int) -> None:
    @esmes()
    async def submitted(site: SmppSite) -> None:
        site.pending.has(waiting())
        await (await site.bound()).send(submit(replace_if_present_flag=flag))
        assert (site.pending.replaced, len(site.counter.requests)) == ({}, 1)

    submitted()


@esmes()
async def test_srv_25_what_an_old_esme_replaces_keeps_its_short_id(site: SmppSite) -> None:
    site.pending.has(waiting(smpp=SmppFields(short_id=0x2A)))
    answered = await (await site.bound(interface_version=0x33)).send(submit())
    assert answered.message_id == "0000002a"


@esmes()
async def test_srv_25_each_destination_of_a_submit_multi_is_replaced(site: SmppSite) -> None:
    site.pending.has(waiting())
    pdu = SubmitMulti(
        **SOURCE,
        dest_addresses=(SmeAddress(1, 1, "15005550009"), SmeAddress(1, 1, "15005550008")),
        replace_if_present_flag=1,
        short_message=b"better",
    )
    answered = await (await site.bound()).send(pdu)
    assert answered.pdu == SubmitMultiResp(SID)
    assert (list(site.pending.replaced), len(site.counter.requests)) == ([7], 1)


@esmes()
async def test_a_key_and_a_replacement_do_not_go_together(site: SmppSite) -> None:
    """Asked again after the first had gone, it would make a second message."""
    site.pending.has(waiting())
    pdu = msgspec.structs.replace(submit(), tlvs={0x1400: b"order-7"})
    assert await status_of(await site.bound(), pdu) == CommandStatus.ESME_RINVREPFLAG
    assert site.pending.replaced == {}


# Limits


@pytest.mark.parametrize("pdu", [query(), cancel(), replace()])
def test_requests_about_messages_count_in_the_account_s_rate(pdu: Pdu) -> None:
    @virtual_time
    async def throttled() -> None:
        site = SmppSite(submits_per_second=1.0)
        await site.server.start()
        site.pending.has(waiting())
        customer = await site.bound()
        assert await status_of(customer, pdu) == CommandStatus.ESME_ROK
        assert await status_of(customer, pdu) == CommandStatus.ESME_RTHROTTLED

    throttled()


@pytest.mark.parametrize("pdu", [query(), cancel(), replace(), submit()])
def test_until_the_gateway_has_started_nothing_is_found(pdu: Pdu) -> None:
    @esmes()
    async def not_yet(site: SmppSite) -> None:
        site.pending.has(waiting())
        site.ready = False
        assert await status_of(await site.bound(), pdu) == CommandStatus.ESME_RSYSERR

    not_yet()
