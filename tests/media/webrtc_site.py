"""Calls between a browser and a phone, relayed on loopback."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from types import TracebackType

import aioice.ice
import pytest

from media import rtp, sdp
from media.events import MediaEvent
from media.profile import Profile
from media.relay import Relay, RelayHost
from media.webrtc_end import WebRtcEnd, WebRtcEnds
from media.webrtc_host import WebRtcHost
from media.webrtc_transport import TransportState
from tests.media.tone import frames, mu_law_tone
from tests.media.udp_end import LOOPBACK, UdpEnd
from tests.media.webrtc_peer import WAIT_S, Browser

PORTS = (31_000, 31_999)
FRAME_S = 0.02


class Site:
    """`phone_heard` is RTP that came to the phone, `events` what the relay told."""

    def __init__(self) -> None:
        self.host = RelayHost(LOOPBACK, PORTS, random.Random(1), time.monotonic)
        self.ends = WebRtcEnds(WebRtcHost(self.host, time.monotonic))
        self.host.browsers = self.ends
        self.phone = UdpEnd()
        self.phone_heard: list[bytes] = []
        self.events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self.relay: Relay
        self.end: WebRtcEnd
        self._port = 0
        self._states: asyncio.Queue[TransportState] = asyncio.Queue()

    async def __aenter__(self) -> Site:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.relay.close()
        await self.ends.host.closed()
        self.host.close()
        self.phone.close()

    async def from_browser(self, browser: Browser, *attributes: str) -> bytes:
        """What the browser is answered."""
        await self.open(we_offer=False)
        return self.negotiate(await browser.offer(), self.phone.description(*attributes))

    def negotiate(self, offer: bytes, answer: bytes) -> bytes:
        """The browser's offer, and the phone's answer."""
        offered = sdp.parse(self.relay.offer(0, offer))
        self._port = offered.media[0].port
        return self.relay.answer(1, answer)

    async def to_browser(self, browser: Browser) -> None:
        await self.open(we_offer=True)
        offered = self.relay.offer(1, self.phone.description())
        answered = sdp.parse(self.relay.answer(0, await browser.answer(offered)))
        self._port = answered.media[0].port

    async def becomes(self, state: TransportState) -> None:
        async with asyncio.timeout(WAIT_S):
            while await self._states.get() is not state:
                pass

    async def speak(self, hertz: int, until: Callable[[], bool]) -> None:
        """The phone sends a tone, and keeps what comes."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number, frame in enumerate(frames(mu_law_tone(hertz))):
            await asyncio.sleep(begun + number * FRAME_S - loop.time())
            self.send(bytes(rtp.RtpHeader(0, number, number * 160, 0xF00D)) + frame)
            self.phone_heard += self.phone.received()
            if until():
                return
            assert loop.time() < begun + WAIT_S, "it takes too long"

    def send(self, packet: bytes) -> None:
        self.phone.send(packet, self._port)

    async def open(self, we_offer: bool) -> None:
        self.end = await self.ends.gathered(we_offer)
        tell = self.end.transport.on_state

        def state_changed(state: TransportState) -> None:
            self._states.put_nowait(state)
            tell(state)

        self.end.transport.on_state = state_changed
        ends = self.end, self.host.end(Profile.PLAIN)
        self.relay = self.host.join(ends, self.events.put_nowait)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice looks for addresses of the machine, and takes its loopback for none."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [LOOPBACK])
