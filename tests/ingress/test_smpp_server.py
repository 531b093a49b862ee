"""The SMPP server that customers bind to."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from gateway.clock import message_sid
from gateway.errors import Refusal, Refused
from gateway.ingress.smpp_server import DRAIN_TIMEOUT_S
from gateway.interworking.refusals import ANSWERS
from gateway.message import Encoding, Origin, Receipts
from gateway.net.errors import ListenError
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus, Tag
from gateway.smpp.events import Event, Response
from gateway.smpp.pdus import (
    BindFields,
    BindReceiver,
    BindRespFields,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    SubmitSm,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import WALL, SmppSite
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT, a_message
from tests.support.memory_network import HOST as PEER
from tests.support.virtual_time import virtual_time

SUBMIT = SubmitSm(
    source_addr_ton=3,
    source_addr="55501",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="15005550009",
    registered_delivery=1,
    short_message=b"hello",
)


async def a_site(
    config: dict[str, Any] | None = None, esme: dict[str, Any] | None = None, **changes: Any
) -> SmppSite:
    site = SmppSite(config, esme, **changes)
    await site.server.start()
    return site


async def moment(seconds: float = 0.1) -> None:
    await asyncio.sleep(seconds)


# Binding


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (BindTransceiver, "bound_trx"),
        (BindTransmitter, "bound_tx"),
        (BindReceiver, "bound_rx"),
    ],
)
def test_an_esme_binds_in_each_of_the_three_ways(kind: type[BindFields], state: str) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site()
        await site.bound(kind)
        assert site.server.binds() == [("demo", ACCOUNT, state)]

    binds()


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        ("nobody", "secret", CommandStatus.ESME_RINVSYSID),
        ("demo", "wrong", CommandStatus.ESME_RINVPASWD),
    ],
)
def test_wrong_credentials_are_answered_by_their_name(
    system_id: str, password: str, status: CommandStatus
) -> None:
    """SRV-14."""

    @virtual_time
    async def refused() -> None:
        site = await a_site()
        customer = await site.customer()
        answered = await site.bind(customer, system_id=system_id, password=password)
        assert (answered.command_status, site.server.binds()) == (status, [])

    refused()


@virtual_time
async def test_who_was_refused_may_try_again_on_the_same_connection() -> None:
    site = await a_site()
    customer = await site.customer()
    await site.bind(customer, password="wrong")
    assert (await site.bind(customer)).command_status == CommandStatus.ESME_ROK


@virtual_time
async def test_a_suspended_account_does_not_bind() -> None:
    site = await a_site(suspended=True)
    answered = await site.bind(await site.customer())
    assert answered.command_status == CommandStatus.ESME_RBINDFAIL


@pytest.mark.parametrize(
    ("allowed_ips", "status"),
    [
        ((), CommandStatus.ESME_ROK),
        ((PEER,), CommandStatus.ESME_ROK),
        (("198.51.100.0/24", "192.0.2.0/24"), CommandStatus.ESME_ROK),
        (("192.0.2.77/24",), CommandStatus.ESME_ROK),
        (("198.51.100.0/24",), CommandStatus.ESME_RBINDFAIL),
        (("2001:db8::/32",), CommandStatus.ESME_RBINDFAIL),
        (("not an address",), CommandStatus.ESME_RBINDFAIL),
    ],
)
def test_an_esme_binds_from_where_it_may(
    allowed_ips: tuple[str, ...], status: CommandStatus
) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site(esme={"allowed_ips": allowed_ips})
        assert (await site.bind(await site.customer())).command_status == status

    binds()


@virtual_time
async def test_an_esme_has_so_many_binds() -> None:
    site = await a_site(esme={"binds_max": 2})
    first = await site.bound()
    await site.bound()
    third = await site.customer()
    assert (await site.bind(third)).command_status == CommandStatus.ESME_RBINDFAIL
    assert (await site.bind(third, system_id="spare")).command_status == CommandStatus.ESME_ROK
    first.connection.unbind()
    await moment()
    assert (await site.bind(await site.customer())).command_status == CommandStatus.ESME_ROK


@virtual_time
async def test_binds_that_are_checked_at_once_are_counted_one_by_one() -> None:
    site = await a_site(esme={"binds_max": 1})
    customers = [await site.customer() for _ in range(3)]
    answers = await asyncio.gather(*(site.bind(customer) for customer in customers))
    statuses = sorted(answered.command_status for answered in answers)
    assert statuses == [0, CommandStatus.ESME_RBINDFAIL, CommandStatus.ESME_RBINDFAIL]


@virtual_time
async def test_who_leaves_before_the_password_is_checked_is_not_bound() -> None:
    site = await a_site()
    customer = await site.customer()
    customer.send(BindTransceiver(system_id="demo", password="secret"))
    await moment(0.01)
    customer.connection.abort("test")
    await moment()
    assert site.server.binds() == []


@virtual_time
async def test_who_never_binds_is_let_go() -> None:
    """SRV-10."""
    site = await a_site({"session_init_s": 30.0})
    customer = await site.customer()
    await moment(29)
    assert not customer.closed.is_set()
    await moment(2)
    assert customer.closed.is_set()


@virtual_time
async def test_who_is_silent_for_an_hour_is_unbound() -> None:
    site = await a_site({"inactivity_s": 3_600.0})
    customer = await site.bound()
    await moment(3_700)
    assert (customer.closed.is_set(), site.server.binds()) == (True, [])


@pytest.mark.parametrize(
    ("interface_version", "tlvs"), [(0x33, {}), (0x34, {Tag.SC_INTERFACE_VERSION: b"\x34"})]
)
def test_our_version_is_told_to_those_who_read_it(
    interface_version: int, tlvs: dict[int, bytes]
) -> None:
    """SRV-15."""

    @virtual_time
    async def told() -> None:
        site = await a_site()
        answers: list[Event] = []
        made: list[SmppConnection] = []

        def connection() -> SmppConnection:
            made.append(
                SmppConnection(
                    Role.ESME, site.clock, Timers(), lambda _, event: answers.append(event)
                )
            )
            return made[0]

        await site.network.connect("127.0.0.1", site.server.port, connection)
        made[0].request(
            BindTransceiver(
                system_id="demo", password="secret", interface_version=interface_version
            )
        )
        await moment()
        response = answers[0]
        assert isinstance(response, Response)
        assert isinstance(response.pdu, BindRespFields)
        assert (response.pdu.system_id, response.pdu.tlvs) == ("supernet", tlvs)

    told()


@virtual_time
async def test_connections_have_a_bound() -> None:
    site = await a_site({"connections_max": 2})
    first = await site.bound()
    await site.customer()
    third = await site.customer()
    await moment()
    assert (third.closed.is_set(), first.closed.is_set()) == (True, False)


# Submitting


@virtual_time
async def test_a_submit_sm_is_answered_with_the_sid_of_its_message() -> None:
    site = await a_site()
    answered = await (await site.bound()).send(SUBMIT)
    assert (answered.command_status, answered.message_id) == (0, message_sid(1))


@virtual_time
async def test_a_submit_sm_is_answered_once_it_is_accepted() -> None:
    """SRV-17."""
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
def test_a_refusal_is_answered_from_the_table(refusal: Refusal, later: bool) -> None:
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
async def test_a_text_that_cannot_be_read_is_refused_with_its_status() -> None:
    site = await a_site()
    customer = await site.bound()
    answered = await customer.send(SubmitSm(esm_class=0x40, short_message=b"\x09"))
    assert (answered.command_status, site.counter.requests) == (
        CommandStatus.ESME_RINVESMCLASS,
        [],
    )


@virtual_time
async def test_who_asks_too_fast_is_throttled_and_keeps_his_bind() -> None:
    """SRV-29: a rate, and not a queue."""
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


# Sessions


@pytest.mark.parametrize("pdu", [SUBMIT, DataSm()])
def test_a_submit_before_the_bind_is_answered_rinvbndsts(pdu: SubmitSm | DataSm) -> None:
    """SRV-8."""

    @virtual_time
    async def refused() -> None:
        site = await a_site()
        customer = await site.customer()
        (wire,) = site.network.wires.values()
        wire.client.write(codec.encode(pdu, 1))
        await moment()
        assert (site.counter.requests, customer.closed.is_set()) == ([], False)
        assert (await site.bind(customer)).command_status == 0

    refused()


@virtual_time
async def test_a_receiver_does_not_submit() -> None:
    site = await a_site()
    await site.bound(BindReceiver)
    (wire,) = site.network.wires.values()
    wire.client.write(codec.encode(SUBMIT, 9))
    await moment()
    assert site.counter.requests == []


@virtual_time
async def test_a_pdu_that_cannot_be_used_is_logged_and_does_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = await a_site()
    customer = await site.bound()
    (wire,) = site.network.wires.values()
    wire.client.write(codec.encode_header(CommandId.QUERY_SM, 9))
    await moment()
    assert "ESME's PDU refused" in caplog.messages
    assert (await customer.send(SUBMIT)).command_status == 0


@virtual_time
async def test_who_leaves_is_not_counted_any_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    site = await a_site()
    customer = await site.bound()
    customer.connection.unbind()
    await moment()
    assert site.server.binds() == []
    assert "ESME gone" in caplog.messages


# Listening and leaving


@virtual_time
async def test_a_port_that_is_taken_is_told() -> None:
    site = await a_site({"port": 2775})
    second = SmppSite({"port": 2775}, network=site.network)
    with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:2775"):
        await second.server.start()


@virtual_time
async def test_a_server_that_stops_unbinds_its_customers() -> None:
    site = await a_site()
    customers = [await site.bound(), await site.customer()]
    await site.server.stop()
    await moment()
    assert all(customer.closed.is_set() for customer in customers)
    assert site.clock.now() - WALL < DRAIN_TIMEOUT_S


@virtual_time
async def test_a_server_that_stops_takes_nobody_new() -> None:
    site = await a_site()
    port = site.server.port
    await site.server.stop()
    with pytest.raises(ConnectionRefusedError):
        await Customer(site.clock).connect(site.network, port)


@virtual_time
async def test_a_server_that_stops_answers_what_is_under_way() -> None:
    site = await a_site()
    site.counter.holds = True
    customer = await site.bound()
    answer = customer.send(SUBMIT)
    await moment()
    stopping = asyncio.ensure_future(site.server.stop())
    await moment()
    on_accepted, _ = site.counter.waiting[0]
    on_accepted(a_message(77))
    await stopping
    assert (await answer).message_id == message_sid(77)


@virtual_time
async def test_who_does_not_let_go_is_left_in_the_end() -> None:
    site = await a_site()
    site.counter.holds = True
    customer = await site.bound()
    customer.send(SUBMIT)
    await moment()
    started_at = site.clock.now()
    await site.server.stop()
    await moment()
    assert customer.closed.is_set()
    assert site.clock.now() - started_at == pytest.approx(DRAIN_TIMEOUT_S, abs=0.2)


@virtual_time
async def test_a_password_check_under_way_does_not_hold_up_the_stop() -> None:
    site = await a_site()
    customer = await site.customer()
    customer.send(BindTransceiver(system_id="demo", password="secret"))
    await moment(0.01)
    await site.server.stop()
    await moment()
    assert customer.closed.is_set()


@virtual_time
async def test_a_server_that_never_started_stops() -> None:
    await SmppSite().server.stop()
