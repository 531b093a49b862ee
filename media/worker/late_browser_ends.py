"""The ends of browsers in a media worker. What they need, aiortc and what that brings, is half of a
worker's memory and more than half of its start, so it is loaded where a browser may call."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from media.relay import RelayHost
from media.relay_end import RelayEnd
from media.sdp import Address
from media.worker.messages import Place

if TYPE_CHECKING:
    from media.webrtc_end import WebRtcEnds


class LateBrowserEnds:
    """`BrowserEnds` of a host, with the servers of its place. The first call of who speaks as a
    browser does where none was to be expected waits, while it is loaded beside the loop, which has
    packets to relay."""

    def __init__(self, host: RelayHost, place: Place) -> None:
        self._host = host
        self._place = place
        self._loading = asyncio.Lock()
        self._loaded = self._load() if place.browsers else None

    @property
    def waits(self) -> bool:
        return self._loaded is None or self._loaded.waits

    def end(self, we_offer: bool) -> RelayEnd:
        """Loads at once what a call that stands did not need before."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded.end(we_offer)

    async def gathered(self, we_offer: bool) -> RelayEnd:
        async with self._loading:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._load)
        return await self._loaded.gathered(we_offer)

    def restarts(self, end: RelayEnd, sdp: bytes) -> bool:
        return self._loaded is not None and self._loaded.restarts(end, sdp)

    async def renew(self, end: RelayEnd) -> None:
        assert self._loaded is not None
        await self._loaded.renew(end)

    async def closed(self) -> None:
        """Browsers have been told that their calls are over."""
        if self._loaded is not None:
            await self._loaded.host.closed()

    def _load(self) -> WebRtcEnds:
        from media.webrtc_end import WebRtcEnds
        from media.webrtc_hooks import TurnServer
        from media.webrtc_host import WebRtcHost

        place = self._place
        stun, turn = Address(*place.stun), TurnServer(Address(*place.turn[:2]), *place.turn[2:])
        host = WebRtcHost(
            self._host,
            time.monotonic,
            stun if stun.host else None,
            turn if turn.address.host else None,
        )
        return WebRtcEnds(host)
