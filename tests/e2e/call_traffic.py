"""Calls, some at a time, each with a few packets of RTP, plain, by SDES or as browsers do."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

from pylibsrtp import Policy, Session

from carriers_sim.session_description import Direction, offer_of
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Answered, Ended, LegEvent
from gateway.sip.outgoing_leg import OutgoingLeg
from media import sdp
from tests.e2e.caller import LOOPBACK, Caller
from tests.e2e.process import PATIENCE_S
from tests.media.impaired_call import with_key
from tests.media.packets import packet
from tests.media.webrtc_peer import Browser

AT_ONCE = 10
PACKETS = 4
# Ports that were given back rest for a while, and a carrier that shares its process with browsers
# may be silent for too long on a busy machine; who is refused for it asks again.
NOT_NOW, REST_S = (480, 503), 0.2
KEY_OCTETS = 30


class Media(StrEnum):
    """What the caller offers."""

    PLAIN = "plain"
    SDES = "SDES"
    WEBRTC = "WebRTC"


class Traffic(Caller):
    """`async with Traffic() as traffic`; then `await traffic.run(500, Media.PLAIN, port, …)`."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[Leg, asyncio.Future[LegEvent]] = {}

    async def run(self, calls: int, media: Media, port: int, caller: str, called: str) -> None:
        """Through the gateway at this port; each is answered, and hung up by us."""
        numbers = itertools.count()

        def to(offer: bytes) -> OutgoingLeg:
            return self.call(port, caller, called, offer=offer)

        async def some() -> None:
            while next(numbers) < calls:
                async with asyncio.timeout(PATIENCE_S):
                    await self._one(media, to)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(some())

    async def _one(self, media: Media, to: Callable[[bytes], OutgoingLeg]) -> None:
        if media is Media.WEBRTC:
            await self._browser(to)
        else:
            await self._phone(media, to)

    async def _phone(self, media: Media, to: Callable[[bytes], OutgoingLeg]) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as end:
            end.bind((LOOPBACK, 0))
            end.setblocking(False)
            key = os.urandom(KEY_OCTETS)
            offer = offer_of(LOOPBACK, end.getsockname()[1], 1, Direction.SENDRECV)
            protect: Callable[[bytes], bytes] = bytes
            if media is Media.SDES:
                offer = with_key(offer, key)
                protect = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND)).protect
            async with self._call(offer, to) as answer:
                port = sdp.parse(answer).media[0].port
                for sequence in range(PACKETS):
                    end.sendto(protect(packet(sequence)), (LOOPBACK, port))
                # Something of what the other side says.
                await asyncio.get_running_loop().sock_recv(end, 2_048)

    async def _browser(self, to: Callable[[bytes], OutgoingLeg]) -> None:
        browser = Browser()
        try:
            async with self._call(await browser.offer(), to) as answer:
                await browser.answered(answer)
                await browser.hear(PACKETS)
        finally:
            await browser.close()

    @asynccontextmanager
    async def _call(self, offer: bytes, to: Callable[[bytes], OutgoingLeg]) -> AsyncIterator[bytes]:
        """What it is answered; it is hung up afterwards, and over."""
        leg = to(offer)
        while isinstance(answered := await self._expected(leg), Ended):
            assert answered.status in NOT_NOW, answered
            await asyncio.sleep(REST_S)
            leg = to(offer)
        assert isinstance(answered, Answered)
        yield answered.response.body
        over = self._expected(leg)
        self.hang_up(leg)
        assert isinstance(await over, Ended)

    def _expected(self, leg: Leg) -> asyncio.Future[LegEvent]:
        """Its answer, or its end."""
        told = self._waiting[leg] = asyncio.get_running_loop().create_future()
        return told

    def _on_event(self, event: LegEvent, now: float) -> None:
        if isinstance(event, Answered | Ended):
            told = self._waiting.pop(event.leg)
            if not told.done():  # Nobody waits for it any more.
                told.set_result(event)
