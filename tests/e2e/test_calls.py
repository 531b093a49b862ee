"""Calls through the daemon: a customer's PBX, the gateway, and simulated carriers, over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from gateway.clock import system_clock
from gateway.sip.leg_events import Answered, Ended, IncomingCall, Provisional
from tests.e2e.caller import LOOPBACK, Caller
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_SID, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.patience import until

pytestmark = pytest.mark.e2e

SIP = """
[sip]
enabled = true
port = 0
"""
CARRIER = """
[[carrier]]
id = "{name}"

[[carrier.call_route]]
prefixes = ["1"]
priority = {priority}

[[carrier.trunk]]
id = "voice"
host = "127.0.0.1"
port = {port}
no_answer_s = 1.0
"""
# Of the account that stands last in the file.
TRUNK = """
[[account.trunk]]
id = "pbx"
allowed_ips = ["127.0.0.1"]
uri = "sip:127.0.0.1:{port}"
"""
CARRIERS = ("alpha", "bravo")


@dataclass(frozen=True)
class Telephony:
    carriers: Simulator
    daemon: Daemon
    pbx: Caller
    port: int

    async def ended(self) -> dict[str, Any]:
        """What the daemon says of the call that has ended."""

        async def said() -> list[dict[str, Any]]:
            return self.daemon.events("call ended")

        return (await until(said, bool))[-1]


@asynccontextmanager
async def telephony(directory: Path, **behaviour: Any) -> AsyncIterator[Telephony]:
    config = msgspec.convert(
        {
            "sip_carrier": [
                {"name": name, "behaviour": {"magic_numbers": True, **behaviour}}
                for name in CARRIERS
            ]
        },
        SimulatorConfig,
    )
    clock = system_clock(asyncio.get_running_loop().time)
    async with Simulator(config, clock=clock) as carriers, Caller() as pbx:
        entry = write_configuration(directory, {})
        pbx_port = pbx.endpoint.addresses["UDP"][1]
        for file, text in (
            (entry, SIP),
            (directory / "accounts.toml", TRUNK.format(port=pbx_port)),
            *(
                (
                    directory / "carriers.toml",
                    CARRIER.format(
                        name=name, priority=number, port=carriers.sip_carriers[name].port
                    ),
                )
                for number, name in enumerate(CARRIERS, 1)
            ),
        ):
            file.write_text(file.read_text() + text)
        async with Daemon(entry) as daemon:

            async def up() -> list[dict[str, Any]]:
                return daemon.events("trunk up")

            await until(up, lambda events: len(events) == len(CARRIERS))
            (listens,) = daemon.events("gateway listens")
            port = int(listens["sip_udp"].rpartition(":")[2])
            yield Telephony(carriers, daemon, pbx, port)


async def test_customer_calls_somebody_at_a_carrier(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, "+12065551001")
        ringing = await site.pbx.hears(Provisional)
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        ended = await site.ended()
        (call,) = site.carriers.sip_carriers["alpha"].calls

    assert ringing.response.status == 180
    assert (call.caller, call.called) == (OTHER_LONG_CODE, "+12065551001")
    assert (ended["status"], ended["trunk"]) == ("completed", "alpha/voice")
    assert ended["account"] == OTHER_SID


@pytest.mark.parametrize("magic", ["0130", "0131"])
async def test_trunk_that_refuses_or_is_silent_makes_way_for_the_next(
    tmp_path: Path, magic: str
) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, f"+1206555{magic}")
        await site.pbx.hears(Answered)
        site.pbx.hang_up(leg)
        ended = await site.ended()

    assert (ended["trunk"], ended["attempts"]) == ("bravo/voice", 2)


async def test_busy_is_told_as_busy(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        site.pbx.call(site.port, OTHER_LONG_CODE, "+12065550486")
        told = await site.pbx.hears(Ended)
        ended = await site.ended()

    assert told.status == 486
    assert (ended["status"], ended["attempts"]) == ("busy", 1)


async def test_carrier_calls_a_customers_number(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        carrier = site.carriers.sip_carriers["alpha"]
        carrier.call("+12065551002", OTHER_LONG_CODE, LOOPBACK, site.port, talk_s=0.5)
        await site.pbx.hears(IncomingCall)
        ended = await site.ended()

    assert (ended["status"], ended["trunk"]) == ("completed", "trunk/pbx")


async def test_daemon_ends_calls_when_it_stops(tmp_path: Path) -> None:
    async with telephony(tmp_path) as site:
        leg = site.pbx.call(site.port, OTHER_LONG_CODE, "+12065551003")
        await site.pbx.hears(Answered)
        stopping = asyncio.create_task(site.daemon.stop())
        await site.daemon.line(lambda line: '"gateway drains"' in line)
        site.pbx.hang_up(leg)
        code = await stopping

    assert code == 0
    assert json.loads(site.daemon.said[-1])["event"] == "gateway stopped"
