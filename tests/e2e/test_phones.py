"""Phones that register with the daemon, call and are called, over sockets."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from gateway.clock import system_clock
from gateway.sip.digest_client import DigestClient
from gateway.sip.leg_events import Answered, IncomingCall, OutsideResponse
from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination
from tests.e2e.call_tables import add_tables, carrier_table, phone_table, sip_tables
from tests.e2e.caller import LOOPBACK, Caller
from tests.e2e.configuration import OTHER_LONG_CODE, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Site:
    carrier: SipCarrier
    daemon: Daemon
    phone: Caller
    port: int

    async def register(self, transport: str, password: str = "secret") -> int:
        """The answer, after the challenge."""
        host, port = self.phone.endpoint.addresses["UDP"]
        request = SipRequest.make(
            "REGISTER",
            f"sip:{LOOPBACK}",
            from_="<sip:alice@gw>;tag=1",
            to="<sip:alice@gw>",
            call_id=secrets.token_hex(8),
            cseq=1,
            contact=f"<sip:alice@{host}:{port};transport={transport.lower()}>",
        )
        challenge = await self._ask(request, transport)
        assert challenge.response is not None
        signed = DigestClient("alice", password).answer(request, challenge.response, "cnonce")
        assert signed is not None
        again = signed.with_headers(signed.headers.replacing("CSeq", "2 REGISTER"))
        return (await self._ask(again, transport)).status

    async def _ask(self, request: SipRequest, transport: str) -> OutsideResponse:
        phone, to = self.phone, Destination(transport, LOOPBACK, self.port)
        phone.endpoint.user_agent.send_request(request, to, phone.clock.now())
        phone.endpoint.flush()
        return await phone.hears(OutsideResponse)

    async def ended(self) -> dict[str, Any]:
        """What the daemon says of the call that has ended."""

        async def said() -> list[dict[str, Any]]:
            return self.daemon.events("call ended")

        return (await until(said, bool))[-1]


@asynccontextmanager
async def site(directory: Path) -> AsyncIterator[Site]:
    config = msgspec.convert({"sip_carrier": [{"name": "alpha"}]}, SimulatorConfig)
    clock = system_clock(asyncio.get_running_loop().time)
    async with Simulator(config, clock=clock) as carriers, Caller() as phone:
        carrier = carriers.sip_carriers["alpha"]
        entry = write_configuration(directory, {})
        trunk = carrier_table("alpha", carrier.port)
        add_tables(entry, sip_tables(media={"workers": 1}), phone_table(), trunk)
        async with ForkedDaemon(entry) as daemon:

            async def up() -> list[dict[str, Any]]:
                return daemon.events("trunk up")

            await until(up, bool)
            (listens,) = daemon.events("gateway listens")
            port = int(listens["sip_udp"].rpartition(":")[2])
            yield Site(carrier, daemon, phone, port)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_a_phone_that_registers_is_called(tmp_path: Path, transport: str) -> None:
    async with site(tmp_path) as made:
        assert await made.register(transport) == 200
        made.carrier.call("+12065551002", OTHER_LONG_CODE, LOOPBACK, made.port, talk_s=0.2)
        await made.phone.hears(IncomingCall)
        ended = await made.ended()

    assert (ended["status"], ended["trunk"]) == ("completed", "phone/alice")


async def test_a_phone_whose_connection_is_lost_is_not_called(tmp_path: Path) -> None:
    async with site(tmp_path) as made:
        assert await made.register("TCP") == 200
        await made.phone.endpoint.drain()

        async def called() -> list[int]:
            """The first may overtake the end of the connection."""
            made.carrier.call("+12065551002", OTHER_LONG_CODE, LOOPBACK, made.port)
            return [call.status for call in made.carrier.calls]

        await until(called, lambda statuses: 480 in statuses)


async def test_a_wrong_password_registers_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as made:
        assert await made.register("UDP", "guess") == 403


async def test_a_phone_calls_with_its_password(tmp_path: Path) -> None:
    async with site(tmp_path) as made:
        leg = made.phone.call(made.port, "alice", "+12065551001", ("alice", "secret"))
        await made.phone.hears(Answered)
        made.phone.hang_up(leg)
        ended = await made.ended()

    assert (ended["status"], ended["trunk"]) == ("completed", "alpha/voice")
