"""Calls, some at a time, each with a few packets of RTP, plain or by SDES."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import Callable
from enum import StrEnum

from pylibsrtp import Policy, Session

from carriers_sim.session_description import Direction, offer_of, parse_description
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Answered, Ended, LegEvent
from tests.e2e.caller import LOOPBACK, Caller
from tests.e2e.process import PATIENCE_S
from tests.media.impaired_call import with_key
from tests.media.packets import packet

AT_ONCE = 10
PACKETS = 4
# Ports that were given back rest for a while; who asks meanwhile asks again.
NO_ROOM, REST_S = 503, 0.2
KEY_OCTETS = 30


class Media(StrEnum):
    """What the caller offers."""

    PLAIN = "plain"
    SDES = "SDES"


class Traffic(Caller):
    """`async with Traffic() as traffic`; then `await traffic.run(500, Media.PLAIN, port, …)`."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[Leg, asyncio.Future[LegEvent]] = {}

    async def run(self, calls: int, media: Media, port: int, caller: str, called: str) -> None:
        """Through the gateway at this port; each is answered, and hung up by us."""
        numbers = itertools.count()

        async def some() -> None:
            while next(numbers) < calls:
                async with asyncio.timeout(PATIENCE_S):
                    await self._one(media, port, caller, called)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(some())

    async def _one(self, media: Media, port: int, caller: str, called: str) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as end:
            end.bind((LOOPBACK, 0))
            end.setblocking(False)
            key = os.urandom(KEY_OCTETS)
            offer = offer_of(LOOPBACK, end.getsockname()[1], 1, Direction.SENDRECV)
            offer = _offered(offer, media, key)
            leg = self.call(port, caller, called, offer=offer)
            while isinstance(answered := await self._expected(leg), Ended):
                assert answered.status == NO_ROOM, answered
                await asyncio.sleep(REST_S)
                leg = self.call(port, caller, called, offer=offer)
            assert isinstance(answered, Answered)
            description = parse_description(answered.response.body.replace(b"RTP/SAVP", b"RTP/AVP"))
            assert description is not None
            assert description.audio is not None
            protect = _protection(media, key)
            loop = asyncio.get_running_loop()
            for sequence in range(PACKETS):
                end.sendto(protect(packet(sequence)), (LOOPBACK, description.audio.port))
            # Something of what the other side says.
            await loop.sock_recv(end, 2_048)
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


def _offered(offer: bytes, media: Media, key: bytes) -> bytes:
    if media is Media.PLAIN:
        return offer
    return with_key(offer, key)


def _protection(media: Media, key: bytes) -> Callable[[bytes], bytes]:
    if media is Media.PLAIN:
        return lambda octets: octets
    return Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND)).protect
