"""The ends of browsers in a media worker. What they need, aiortc and what that brings, is half of a
worker's memory and more than half of its start, so it is loaded where a browser may call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from media.relay import RelayHost
from media.relay_end import RelayEnd
from media.sdp import Address
from media.worker.messages import Place

if TYPE_CHECKING:
    from media.webrtc_end import WebRtcEnds


class LateBrowserEnds:
    """`BrowserEnds` of a host, with the servers of its place."""

    def __init__(self, host: RelayHost, place: Place) -> None:
        self._host = host
        self._place = place
        self._loaded: WebRtcEnds | None = None
        if place.browsers:
            self._ends()

    @property
    def waits(self) -> bool:
        return bool(self._place.stun[0] or self._place.turn[0])

    def end(self, we_offer: bool) -> RelayEnd:
        return self._ends().end(we_offer)

    async def gathered(self, we_offer: bool) -> RelayEnd:
        return await self._ends().gathered(we_offer)

    def restarts(self, end: RelayEnd, sdp: bytes) -> bool:
        return self._ends().restarts(end, sdp)

    async def renew(self, end: RelayEnd) -> None:
        await self._ends().renew(end)

    async def closed(self) -> None:
        """Browsers have been told that their calls are over."""
        if self._loaded is not None:
            await self._loaded.host.closed()

    def _ends(self) -> WebRtcEnds:
        """Loaded at the first call of who speaks as a browser does where none was to be expected:
        some tenths of a second, in which the packets of other calls wait in their sockets."""
        if self._loaded is None:
            from media.webrtc_end import WebRtcEnds
            from media.webrtc_hooks import TurnServer
            from media.webrtc_transport import WebRtcHost

            place = self._place
            stun, turn = Address(*place.stun), TurnServer(Address(*place.turn[:2]), *place.turn[2:])
            host = WebRtcHost(
                self._host,
                time.monotonic,
                stun if stun.host else None,
                turn if turn.address.host else None,
            )
            self._loaded = WebRtcEnds(host)
        return self._loaded
