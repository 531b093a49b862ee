"""What a carrier begins itself: outbind (SMPP v3.4 §4.1.7) and alert_notification (§4.12)."""

import asyncio

import pytest

from carriers_sim.smsc import NoReceiver
from gateway.smpp.pdus import BindReceiver, BindTransmitter
from tests.carriers_sim.carrier_builder import World, world
from tests.carriers_sim.customer import submit_sm
from tests.carriers_sim.handmade_client import (
    BIND_TRANSCEIVER,
    CREDENTIALS,
    DELIVER_SM_RESP,
    HandmadeClient,
    pdu,
)
from tests.support.virtual_time import virtual_time

OUTBIND, DELIVER_SM, ALERT_NOTIFICATION = 0x0000000B, 0x00000005, 0x00000102
PORT = 2776


async def asked_to_bind(alpha: World, system_id: str = "") -> HandmadeClient:
    """A customer that listens for outbind, and has just been asked."""
    customer = HandmadeClient()
    await alpha.network.listen("127.0.0.1", PORT, lambda: customer)
    await alpha.smsc.outbind("127.0.0.1", PORT, system_id)
    await customer.wait_for(OUTBIND)
    return customer


@virtual_time
async def test_an_outbind_shows_who_the_carrier_is() -> None:
    (seen,) = (await asked_to_bind(await world())).seen
    assert seen.body == b"supernet\0simpass\0"


@virtual_time
async def test_an_outbind_may_show_other_credentials() -> None:
    (seen,) = (await asked_to_bind(await world(), "stranger")).seen
    assert seen.body == b"stranger\0simpass\0"


@virtual_time
async def test_a_session_that_an_outbind_began_is_like_any_other() -> None:
    alpha = await world()
    alpha.smsc.inject_mo("+15005551234", "55501", "hello")
    customer = await asked_to_bind(alpha)
    customer.write(pdu(BIND_TRANSCEIVER, 1, CREDENTIALS))
    seen = await customer.wait_for(DELIVER_SM)
    customer.write(pdu(DELIVER_SM_RESP, seen.sequence_number, b"\0"))
    await asyncio.sleep(1)
    assert alpha.smsc.stats()["mo_accepted"] == 1
    assert alpha.simulator.violations == []


@virtual_time
async def test_where_nobody_listens_an_outbind_fails() -> None:
    with pytest.raises(ConnectionRefusedError):
        await (await world()).smsc.outbind("127.0.0.1", PORT)


@virtual_time
async def test_an_alert_reaches_a_receiver() -> None:
    alpha = await world()
    customer = await asked_to_bind(alpha)
    customer.write(pdu(BIND_TRANSCEIVER, 1, CREDENTIALS))
    await customer.wait_for(BIND_TRANSCEIVER | 0x80000000)
    alpha.smsc.alert("+15005551234", "55501")
    seen = await customer.wait_for(ALERT_NOTIFICATION)
    assert seen.body == b"\1\1" + b"15005551234\0" + b"\3\0" + b"55501\0"


@virtual_time
async def test_a_good_client_leaves_an_alert_unanswered() -> None:
    alpha = await world()
    receiver = await alpha.customer()
    await receiver.bind(BindReceiver)
    alpha.smsc.alert("+15005551234", "55501")
    await asyncio.sleep(20)
    assert alpha.simulator.violations == []
    assert alpha.smsc.stats()["alerts"] == 1


@virtual_time
async def test_a_transmitter_hears_no_alert() -> None:
    alpha = await world()
    transmitter = await alpha.customer()
    await transmitter.bind(BindTransmitter)
    await transmitter.send(submit_sm())
    with pytest.raises(NoReceiver):
        alpha.smsc.alert("+15005551234", "55501")
