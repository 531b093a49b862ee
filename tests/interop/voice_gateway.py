"""The daemon between foreign SIP software and simulated carriers, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from gateway.clock import system_clock
from tests.e2e.call_tables import add_tables, carrier_table, pbx_table, phone_table, sip_tables
from tests.e2e.configuration import OTHER_LONG_CODE, Keys, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.interop.free_port import free_port

TRUNK, PHONE = pbx_table(), phone_table()
CALLED = "+12065551001"


@dataclass(frozen=True)
class VoiceGateway:
    """`port` is where customers call, `websocket_port` where browsers do, `caller` whose number
    they may show. `earlier` calls are of no interest any more."""

    carriers: Simulator
    daemon: Daemon
    port: int
    websocket_port: int
    caller: str = OTHER_LONG_CODE
    earlier: int = 0

    def from_now(self) -> VoiceGateway:
        """The same, for one more who knows of no call yet."""
        return replace(self, earlier=len(self.daemon.events("call ended")))

    @property
    def carrier(self) -> SipCarrier:
        return self.carriers.sip_carriers["carrier"]

    async def ended(self, count: int = 1) -> list[dict[str, Any]]:
        """What the daemon says of the calls that have ended, once there are so many."""

        async def said() -> list[dict[str, Any]]:
            return self.daemon.events("call ended")[self.earlier :]

        return await until(said, lambda events: len(events) >= count)


@asynccontextmanager
async def voice_gateway(
    directory: Path,
    door: str,
    onward: Sequence[int] | Mapping[int, str] = (),
    *,
    pings: bool = True,
    media: str = "",
) -> AsyncIterator[VoiceGateway]:
    """`door` is TRUNK or PHONE, and `media` more of [media]. Calls go to the simulated carrier, or
    `onward` to other ports: the first one first, or each those of its prefix. Carriers that answer
    no OPTIONS are not to have `pings`."""
    config = msgspec.convert({"sip_carrier": [{"name": "carrier"}]}, SimulatorConfig)
    clock = system_clock(asyncio.get_running_loop().time)
    async with Simulator(config, clock=clock) as carriers:
        ports = onward or (carriers.sip_carriers["carrier"].port,)
        prefixes = ports if isinstance(ports, Mapping) else dict.fromkeys(ports, "1")
        trunks = [
            carrier_table(
                f"carrier{number}", port, prefix, number, {"options_s": 30 if pings else 0}
            )
            for number, (port, prefix) in enumerate(prefixes.items(), 1)
        ]
        websocket_port = free_port()
        entry = write_configuration(directory, {})
        # The algorithm is all that baresip 1.0 can do.
        sip: Keys = {"websocket_port": websocket_port, "digest_algorithms": ["MD5"]}
        tables = sip_tables(sip, {"workers": 1}) + media
        add_tables(entry, f"{tables}\n[phone]\nenabled = true\n", door, "".join(trunks))
        async with ForkedDaemon(entry) as daemon:

            async def up() -> list[dict[str, Any]]:
                return daemon.events("trunk up")

            await until(up, lambda events: len(events) == len(ports))
            (listens,) = daemon.events("gateway listens")
            port = int(listens["sip_udp"].rpartition(":")[2])
            yield VoiceGateway(carriers, daemon, port, websocket_port)
