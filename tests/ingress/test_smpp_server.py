"""The SMPP server that customers bind to."""

import asyncio
import logging

import pytest

from gateway.clock import message_sid
from gateway.ingress.smpp_server import DRAIN_TIMEOUT_S
from gateway.net.errors import ListenError
from gateway.smpp import codec
from gateway.smpp.constants import CommandId
from gateway.smpp.pdus import (
    BindReceiver,
    BindTransceiver,
    DataSm,
    SubmitSm,
)
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import SUBMIT, WALL, SmppSite, a_site, moment
from tests.store.builders import a_message
from tests.support.virtual_time import virtual_time

# Sessions


@pytest.mark.parametrize("pdu", [SUBMIT, DataSm()])
def test_srv_8_a_request_before_the_bind_is_answered_rinvbndsts(pdu: SubmitSm | DataSm) -> None:
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
async def test_srv_8_a_receiver_does_not_submit() -> None:
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
