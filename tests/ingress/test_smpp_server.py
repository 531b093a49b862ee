"""The SMPP server that customers bind to: its sessions, its timers, its end."""

import asyncio
import logging

import pytest

from gateway.clock import message_sid
from gateway.ingress.smpp_server import DRAIN_TIMEOUT_S
from gateway.net.errors import ListenError
from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus, Tag
from gateway.smpp.pdus import (
    BindFields,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    EnquireLink,
    Pdu,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
)
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import SUBMIT, WALL, SmppSite, a_site, moment
from tests.ingress.raw_esme import RawEsme
from tests.store.builders import a_message
from tests.support.virtual_time import virtual_time

# Sessions


REQUESTS: tuple[Pdu, ...] = (
    SUBMIT,
    DataSm(source_addr="55501", tlvs={Tag.MESSAGE_PAYLOAD: b"hello"}),
    SubmitMulti(source_addr="55501", dest_addresses=(SmeAddress(1, 1, "15005550009"),)),
    QuerySm(),
    CancelSm(),
    ReplaceSm(),
)
NOT_FOR_AN_ESME: tuple[Pdu, ...] = (DeliverSm(),)
BINDS: tuple[type[BindFields], ...] = (BindTransmitter, BindReceiver, BindTransceiver)


async def asked_in(kind: type[BindFields] | None, pdu: Pdu) -> tuple[int, bool, SmppSite]:
    """The status that answers a PDU of a peer that has bound so, or not at all; whether the session
    lives on; and where that was."""
    site = await a_site()
    esme = await RawEsme.connected(site.network, site.server.port)
    if kind:
        bound = await esme.ask(kind(system_id="demo", password="secret"), 1)
        assert bound.command_status == CommandStatus.ESME_ROK
    answer = await esme.ask(pdu, 2)
    assert answer.command_id in (pdu.command_id | 0x8000_0000, CommandId.GENERIC_NACK)
    alive = await esme.ask(EnquireLink(), 3)
    return answer.command_status, alive.command_id == CommandId.ENQUIRE_LINK_RESP, site


@pytest.mark.parametrize("pdu", REQUESTS, ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize("kind", [None, BindReceiver])
def test_srv_8_what_the_state_does_not_allow_is_answered_rinvbndsts(
    kind: type[BindFields] | None, pdu: Pdu
) -> None:
    """Table 2-1."""

    @virtual_time
    async def refused() -> None:
        status, alive, site = await asked_in(kind, pdu)
        assert (status, alive) == (CommandStatus.ESME_RINVBNDSTS, True)
        assert site.counter.requests == []

    refused()


@pytest.mark.parametrize("pdu", REQUESTS, ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize("kind", [BindTransmitter, BindTransceiver])
def test_srv_8_what_the_state_allows_is_heard(kind: type[BindFields], pdu: Pdu) -> None:
    @virtual_time
    async def heard() -> None:
        status, alive, _ = await asked_in(kind, pdu)
        assert status not in (CommandStatus.ESME_RINVBNDSTS, CommandStatus.ESME_RINVCMDID)
        assert alive

    heard()


@pytest.mark.parametrize("pdu", NOT_FOR_AN_ESME, ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize("kind", [None, *BINDS])
def test_srv_8_what_is_the_smsc_s_to_send_is_refused(
    kind: type[BindFields] | None, pdu: Pdu
) -> None:
    @virtual_time
    async def refused() -> None:
        status, alive, _ = await asked_in(kind, pdu)
        assert (status, alive) == (CommandStatus.ESME_RINVBNDSTS, True)

    refused()


@pytest.mark.parametrize("second", BINDS)
@pytest.mark.parametrize("first", BINDS)
def test_srv_8_a_second_bind_is_answered_ralybnd(
    first: type[BindFields], second: type[BindFields]
) -> None:
    @virtual_time
    async def refused() -> None:
        pdu = second(system_id="demo", password="secret")
        status, alive, site = await asked_in(first, pdu)
        assert (status, alive) == (CommandStatus.ESME_RALYBND, True)
        assert len(site.server.binds()) == 1

    refused()


# Fields


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        (b"a" * 15 + b"\0", b"12345678\0", CommandStatus.ESME_RINVSYSID),  # Unknown, but it fits.
        (b"a" * 16 + b"\0", b"12345678\0", CommandStatus.ESME_RINVSYSID),
        (b"demo\0", b"123456789\0", CommandStatus.ESME_RINVPASWD),
        (b"demo\0", b"secretxxxx", CommandStatus.ESME_RINVPASWD),
    ],
)
def test_srv_12_a_name_or_password_that_is_too_long_is_not_cut(
    system_id: bytes, password: bytes, status: CommandStatus
) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        esme = await RawEsme.connected(site.network, site.server.port)
        body = system_id + password + b"\0\x34\0\0\0"
        header = codec.HEADER.pack(16 + len(body), CommandId.BIND_TRANSCEIVER, 0, 1)
        esme.write(header + body)
        await moment()
        (answer,) = esme.answers
        assert (answer.command_id, answer.command_status) == (
            CommandId.BIND_TRANSCEIVER_RESP,
            status,
        )
        assert site.server.binds() == []

    refused()


@pytest.mark.parametrize("pdu", REQUESTS, ids=lambda pdu: type(pdu).__name__)
def test_srv_18_an_error_has_no_body(pdu: Pdu) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        site.ready = False
        esme = await RawEsme.connected(site.network, site.server.port)
        await esme.ask(BindTransceiver(system_id="demo", password="secret"), 1)
        answer = await esme.ask(pdu, 2)
        assert (answer.command_status, answer.body) == (CommandStatus.ESME_RSYSERR, b"")

    refused()


# Timers


@virtual_time
async def test_srv_10_who_is_silent_is_asked_and_let_go_where_he_does_not_answer() -> None:
    site = await a_site({"enquire_link_s": 30.0, "response_s": 10.0})
    esme = await RawEsme.connected(site.network, site.server.port)
    await esme.ask(BindTransceiver(system_id="demo", password="secret"), 1)
    await moment(31)
    assert esme.answers[-1].command_id == CommandId.ENQUIRE_LINK
    await moment(8)
    assert not esme.closed
    await moment(3)
    assert (esme.closed, site.server.binds()) == (True, [])


@virtual_time
async def test_srv_10_a_deliver_sm_that_is_not_answered_in_time_is_sent_again() -> None:
    site = await a_site({"response_s": 10.0})
    customer = await site.bound()
    customer.answer = lambda _: None
    site.becomes()
    await moment(1)
    customer.answer = lambda _: CommandStatus.ESME_ROK
    await moment(20)
    assert [pdu.esm_class for pdu in customer.delivered] == [0x04, 0x04]
    assert site.delivery.pending == 0


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
