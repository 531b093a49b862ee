"""A customer's PBX, the gateway, and simulated carriers for calls, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from msgspec.structs import replace

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from gateway.clock import system_clock
from tests.e2e.call_tables import add_tables, carrier_table, pbx_table, sip_tables
from tests.e2e.caller import Caller
from tests.e2e.configuration import (
    NO_KEYS,
    OTHER_SID,
    OTHER_TOKEN,
    Keys,
    write_configuration,
)
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until

CARRIERS = ("alpha", "bravo")


@dataclass(frozen=True)
class Telephony:
    carriers: Simulator
    daemon: Daemon
    pbx: Caller

    @property
    def port(self) -> int:
        """Where customers call; a restart moves it."""
        (listens,) = self.daemon.events("gateway listens")
        return int(listens["sip_udp"].rpartition(":")[2])

    async def ended(self) -> dict[str, Any]:
        """What the daemon says of the call that has ended."""
        return (await self.ended_calls(1))[-1]

    async def ended_calls(self, count: int) -> list[dict[str, Any]]:
        """What it says of those that have ended since its start, once there are so many."""

        async def said() -> list[dict[str, Any]]:
            return self.daemon.events("call ended")

        return await until(said, lambda events: len(events) >= count)

    def all_ring(self, ring_s: float) -> None:
        """From now on, for so long before they answer."""
        for carrier in self.carriers.sip_carriers.values():
            carrier.set_behaviour(replace(carrier.behaviour, ring_s=ring_s))

    async def records(self) -> list[dict[str, Any]]:
        """The account's calls, as REST shows them."""
        url = f"{self.daemon.rest}/2010-04-01/Accounts/{OTHER_SID}/Calls.json"
        who = {"Authorization": aiohttp.encode_basic_auth(OTHER_SID, OTHER_TOKEN)}
        async with aiohttp.ClientSession(headers=who) as session, session.get(url) as answer:
            calls: list[dict[str, Any]] = (await answer.json())["calls"]
            return calls


@asynccontextmanager
async def telephony(
    directory: Path,
    sip: Keys = NO_KEYS,
    media: Keys = NO_KEYS,
    tables: str = "",
    **behaviour: Any,
) -> AsyncIterator[Telephony]:
    """`sip` and `media` are more keys of these sections, `tables` are more of gateway.toml, and
    `behaviour` is that of the carriers."""
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
        add_tables(
            entry,
            sip_tables(sip, {"workers": 1, **media}) + tables,
            pbx_table({"uri": f"sip:127.0.0.1:{pbx_port}"}),
            "".join(
                [
                    carrier_table(
                        name,
                        carriers.sip_carriers[name].port,
                        priority=number,
                        trunk={"no_answer_s": 1.0},
                    )
                    for number, name in enumerate(CARRIERS, 1)
                ]
            ),
        )
        async with ForkedDaemon(entry) as daemon:
            await trunks_up(daemon)
            yield Telephony(carriers, daemon, pbx)


async def trunks_up(daemon: Daemon) -> None:
    """Until calls can go out."""

    async def up() -> list[dict[str, Any]]:
        return daemon.events("trunk up")

    await until(up, lambda events: len(events) == len(CARRIERS))
