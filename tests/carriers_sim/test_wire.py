"""What befalls octets between the socket and the session."""

import asyncio

import pytest

from carriers_sim.fault import Fault
from carriers_sim.violations import AnyInvariant
from gateway.smpp.pdus import EnquireLink
from tests.carriers_sim.carrier_builder import behaviour, world
from tests.carriers_sim.customer import submit_sm
from tests.carriers_sim.handmade_client import (
    BIND_TRANSCEIVER,
    CREDENTIALS,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    MESSAGE,
    SUBMIT_SM,
    bound,
    connected,
    pdu,
)
from tests.support.virtual_time import virtual_time

SUBMIT_SM_RESP = 0x80000004
UNBIND = 0x00000006


@virtual_time
async def test_a_half_open_connection_is_accepted_and_never_read() -> None:
    alpha = await world(link={"reads": False})
    client = await connected(alpha)
    client.write(pdu(BIND_TRANSCEIVER, 1, CREDENTIALS))
    await asyncio.sleep(600)
    assert client.seen == []
    assert not client.closed.is_set()
    assert alpha.simulator.violations == []


@virtual_time
async def test_a_half_open_connection_ends_with_the_carrier() -> None:
    alpha = await world(link={"reads": False})
    client = await connected(alpha)
    await asyncio.sleep(600)
    await alpha.smsc.stop()
    await client.closed.wait()


@virtual_time
async def test_a_black_hole_reads_everything_and_says_nothing() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.set_behaviour(behaviour(link={"answers": False}))
    client.write(pdu(SUBMIT_SM, 2, MESSAGE) + pdu(ENQUIRE_LINK, 3))
    await asyncio.sleep(600)
    assert [seen.command_id for seen in client.seen] == [BIND_TRANSCEIVER | 0x80000000]
    assert not client.closed.is_set()
    assert alpha.smsc.messages == []


@virtual_time
async def test_a_black_hole_may_last_for_a_while() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.befall(Fault.BLACKHOLE, for_s=5)
    client.write(pdu(ENQUIRE_LINK, 2))
    await asyncio.sleep(6)
    client.write(pdu(ENQUIRE_LINK, 3))
    seen = await client.wait_for(ENQUIRE_LINK_RESP)
    assert seen.sequence_number == 3


@virtual_time
async def test_a_black_hole_that_outlives_the_session_ends_with_the_connection() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.befall(Fault.BLACKHOLE, for_s=300)
    await asyncio.sleep(200)
    assert alpha.smsc.binds == []
    assert not client.closed.is_set()
    await client.closed.wait()
    assert alpha.simulator.violations == []


@virtual_time
async def test_a_carrier_may_stop_reading_for_a_while() -> None:
    alpha = await world()
    customer = await alpha.bound()
    alpha.smsc.befall(Fault.STOP_READING, for_s=5)
    began = alpha.clock.now()
    answered = await customer.send(submit_sm())
    assert answered.at - began == pytest.approx(5, abs=0.1)
    assert alpha.simulator.violations == []


@virtual_time
async def test_fin_in_the_middle_of_a_pdu() -> None:
    alpha = await world()
    client = await bound(alpha)
    alpha.smsc.befall(Fault.FIN_MID_PDU)
    await client.closed.wait()
    assert client.rest == bytes.fromhex("00000010 00000015")


@virtual_time
async def test_a_response_may_be_cut_in_half() -> None:
    alpha = await world(rules=[{"when": {}, "then": {"fault": "fin_mid_pdu"}}])
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE))
    await client.closed.wait()
    assert client.rest == bytes.fromhex("0000001b 80000004 00000000 00")
    assert len(alpha.smsc.messages) == 1


@pytest.mark.parametrize("fault", ["rst", "fin", "fin_mid_pdu", "blackhole"])
def test_cli_2_a_message_whose_answer_was_lost_so_may_come_again(fault: str) -> None:
    @virtual_time
    async def broken() -> list[AnyInvariant]:
        rule = {"when": {"nth": 1}, "then": {"fault": fault, "repeat": "once"}}
        alpha = await world(rules=[rule])
        customer = await alpha.bound(response_s=5)
        customer.send(submit_sm())
        await asyncio.sleep(60)
        await (await alpha.bound()).send(submit_sm())
        assert alpha.smsc.stats()["resent_after_lost_response"] == 1
        return [violation.invariant for violation in alpha.simulator.violations]

    assert broken() == []


@virtual_time
async def test_enquire_link_may_be_ignored_while_messages_are_answered() -> None:
    alpha = await world(link={"enquire_link_answered": False})
    client = await bound(alpha)
    client.write(pdu(ENQUIRE_LINK, 2) + pdu(SUBMIT_SM, 3, MESSAGE))
    await client.wait_for(SUBMIT_SM_RESP)
    await asyncio.sleep(10)
    assert ENQUIRE_LINK_RESP not in [seen.command_id for seen in client.seen]


@virtual_time
async def test_enquire_link_may_be_answered_late() -> None:
    alpha = await world(link={"enquire_link_delay_s": 7})
    client = await bound(alpha)
    client.write(pdu(ENQUIRE_LINK, 2))
    await asyncio.sleep(6.9)
    assert len(client.seen) == 1
    await client.wait_for(ENQUIRE_LINK_RESP)


@virtual_time
async def test_enquire_link_may_come_too_often() -> None:
    alpha = await world(link={"enquire_link_every_s": 0.1})
    client = await bound(alpha)
    for _ in range(50):
        await asyncio.sleep(0.1)
        for seen in client.seen:
            if seen.command_id == ENQUIRE_LINK:
                client.write(pdu(ENQUIRE_LINK_RESP, seen.sequence_number))
        client.seen.clear()
    assert alpha.simulator.violations == []
    assert alpha.smsc.binds == ["bound_trx"]


@virtual_time
async def test_what_is_written_may_come_octet_by_octet() -> None:
    alpha = await world(link={"dribble_s": 0.1})
    client = await connected(alpha)
    client.write(pdu(BIND_TRANSCEIVER, 1, CREDENTIALS))
    await asyncio.sleep(0.55)
    assert client.rest == bytes.fromhex("0000001e 80")
    await client.wait_for(BIND_TRANSCEIVER | 0x80000000)


@virtual_time
async def test_what_is_written_may_come_in_one_piece() -> None:
    alpha = await world(link={"glue_s": 1})
    client = await bound(alpha)
    client.seen.clear()
    for number in range(2, 6):
        client.write(pdu(ENQUIRE_LINK, number))
        await asyncio.sleep(0.1)
    assert client.seen == []
    await client.wait_for(ENQUIRE_LINK_RESP)
    assert [seen.sequence_number for seen in client.seen] == [2, 3, 4, 5]


@virtual_time
async def test_unbind_comes_with_messages_in_flight() -> None:
    alpha = await world(response_delay_s=1.0, bind={"unbind_after_submits": 2})
    client = await bound(alpha)
    client.write(pdu(SUBMIT_SM, 2, MESSAGE) + pdu(SUBMIT_SM, 3, MESSAGE.replace(b"o", b"0")))
    await client.wait_for(UNBIND)
    assert SUBMIT_SM_RESP not in [seen.command_id for seen in client.seen]
    await client.wait_for(SUBMIT_SM_RESP)


@virtual_time
async def test_a_good_client_that_is_unbound_gets_its_answers_and_leaves() -> None:
    alpha = await world(response_delay_s=1.0, bind={"unbind_after_submits": 1})
    customer = await alpha.bound()
    await customer.send(submit_sm())
    await customer.closed.wait()
    assert alpha.simulator.violations == []


@virtual_time
async def test_a_wire_leaves_alone_what_nobody_spoils() -> None:
    alpha = await world()
    customer = await alpha.bound()
    customer.connection.request(EnquireLink())
    await customer.send(submit_sm())
    assert alpha.simulator.violations == []


@virtual_time
async def test_what_follows_a_dribbled_pdu_waits_for_its_end() -> None:
    alpha = await world()
    client = await bound(alpha)
    client.seen.clear()
    alpha.smsc.befall(Fault.DRIBBLED)
    client.write(pdu(ENQUIRE_LINK, 2))
    await client.wait_for(ENQUIRE_LINK_RESP)
    assert [seen.command_id for seen in client.seen] == [ENQUIRE_LINK, ENQUIRE_LINK_RESP]
