"""A carrier that connects when it has something for us (SMPP v3.4 §4.1.7)."""

from __future__ import annotations

import logging

import pytest

from gateway.carriers import outbind_door
from gateway.carriers.outbind_door import OUTBIND_WAIT_S
from gateway.config.carrier import BindType
from gateway.config.carrier import Outbind as OutbindConfig
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.pdus import BindReceiver, BindTransceiver, Outbind
from tests.carriers.carrier import Carrier, Site
from tests.carriers.test_smpp_bind import moment
from tests.support.virtual_time import virtual_time

DOOR = OutbindConfig("smsc", host="us.example.com", port=2775, password="letmein")
RIGHT = Outbind("smsc", "letmein")


class Place(Site):
    """A bind that waits for its carrier, which connects when the test says so."""

    def __init__(self, bind_type: BindType = BindType.RECEIVER) -> None:
        super().__init__(host="", bind_type=bind_type, outbind=DOOR)

    async def knock(self, outbind: Outbind | None = RIGHT) -> SmppConnection:
        await self.network.connect(DOOR.host, DOOR.port, self.carrier.accept)
        if outbind:
            self.carrier.connection.request(outbind)
        await moment()
        return self.carrier.connection


@pytest.mark.parametrize(
    ("bind_type", "pdu"),
    [(BindType.RECEIVER, BindReceiver), (BindType.TRANSCEIVER, BindTransceiver)],
)
def test_a_carrier_that_asks_for_it_is_bound_to(
    bind_type: BindType, pdu: type[BindReceiver | BindTransceiver]
) -> None:
    @virtual_time
    async def bound() -> None:
        made = Place(bind_type)
        made.run()
        await moment()
        await made.knock()
        assert made.carrier.binds == [pdu("supernet", "secret", "", 0x34)]
        assert made.bind.up
        await made.stop()

    bound()


@pytest.mark.parametrize("outbind", [Outbind("smsc", "wrong"), Outbind("other", "letmein")])
def test_srv_14_a_stranger_is_not_bound_to(
    outbind: Outbind, caplog: pytest.LogCaptureFixture
) -> None:
    @virtual_time
    async def refused() -> None:
        made = Place()
        made.run()
        await moment()
        connection = await made.knock(outbind)
        assert (made.carrier.binds, made.bind.up, connection.session.closed) == ([], False, True)
        await made.stop()

    refused()
    (record,) = [record for record in caplog.records if record.msg == "outbind refused"]
    assert record.__dict__["reason"] == "wrong system_id or password"


@virtual_time
async def test_who_says_nothing_is_left() -> None:
    made = Place()
    made.run()
    await moment()
    connection = await made.knock(None)
    await moment(OUTBIND_WAIT_S + 0.1)
    assert connection.session.closed
    await made.stop()


def test_only_so_many_wait_before_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbind_door, "WAITING_MAX", 2)

    @virtual_time
    async def bounded() -> None:
        made = Place()
        made.run()
        await moment()
        knocked = [await made.knock(None) for _ in range(3)]
        assert [connection.session.closed for connection in knocked] == [False, False, True]
        await made.stop()

    bounded()


@virtual_time
async def test_a_second_outbind_does_the_first_no_harm() -> None:
    made = Place()
    made.run()
    await moment()
    first, second = await made.knock(), await made.knock()
    assert (first.session.closed, second.session.closed, made.bind.up) == (False, True, True)
    await made.stop()


@virtual_time
async def test_cli_4_a_carrier_that_has_gone_may_come_again() -> None:
    made = Place()
    made.run()
    await moment()
    (await made.knock()).abort("test")
    await moment(1)
    assert not made.bind.up
    await made.knock()
    assert made.bind.up
    await made.stop()


@virtual_time
async def test_a_drained_bind_unbinds_and_lets_nobody_in() -> None:
    made = Place()
    made.run()
    await moment()
    waiting = await made.knock(None)
    await made.knock()
    await made.bind.drain()
    await moment()
    assert (made.ended, waiting.session.closed) == (True, True)
    with pytest.raises(ConnectionRefusedError):
        await made.knock(None)


def test_an_address_that_cannot_be_had_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    @virtual_time
    async def taken() -> None:
        made = Place()
        other = Carrier(made.network, made.clock, DOOR.host, DOOR.port)
        await other.open()
        made.run()
        await moment(0.5)
        await other.close()
        await moment(2)
        await made.knock()
        assert made.bind.up
        await made.stop()

    taken()
    assert [record.msg for record in caplog.records if record.levelno == logging.ERROR] == [
        "outbind not awaited"
    ]
