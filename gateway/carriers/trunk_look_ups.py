"""Where the hosts of SIP trunks lead, looked up again and again, since DNS is how carriers move
their traffic (RFC 3263). A driver: it asks, hands on, and waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.carriers.sip_trunk import SipTrunk
from gateway.carriers.sip_trunks import SipTrunks
from gateway.clock import Clock
from gateway.sip.transaction import Destination

# The resolver keeps what it has found for its time; asked before that is over it costs nothing.
EVERY_S = 30.0

# `SipEndpoint.resolve`: host, port (0: as the DNS says), transport; nothing where there is none.
Resolve = Callable[[str, int, str], Awaitable[list[Destination]]]


class TrunkLookUps:
    """`on_resolved` is called after each round: the trunks may have requests to send."""

    def __init__(
        self, trunks: SipTrunks, resolve: Resolve, clock: Clock, on_resolved: Callable[[], None]
    ) -> None:
        self._trunks = trunks
        self._resolve = resolve
        self._clock = clock
        self._on_resolved = on_resolved

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look_up()
            await asyncio.sleep(EVERY_S)

    async def look_up(self) -> None:
        """All of them once, side by side."""
        await asyncio.gather(*[self._look_up_one(trunk) for trunk in self._trunks.values()])
        self._on_resolved()

    async def _look_up_one(self, trunk: SipTrunk) -> None:
        config = trunk.config
        found = await self._resolve(config.host, config.port, config.transport.upper())
        trunk.resolved(found, self._clock.now())
