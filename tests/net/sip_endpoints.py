"""Builders: endpoints on loopback, and calls between them over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, TypeVar

from gateway.clock import Clock
from gateway.net.sip_endpoint import SipEndpoint, SipListen, Verdict
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import Answered, Ended, IncomingCall, LegEvent
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.transaction import Destination

LOOPBACK = "127.0.0.1"
PATIENCE_S = 10.0
OFFER, ANSWER = b"v=0\r\ns=offer\r\n", b"v=0\r\ns=answer\r\n"

E = TypeVar("E")
OnMessage = Callable[[SipRequest, Destination, float], SipResponse | Verdict | None]


class Party:
    """An endpoint, and what it was told."""

    def __init__(self, listen: SipListen, on_message: OnMessage, more: dict[str, Any]) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, 1_000.0)
        self.told: list[LegEvent] = []
        self.requests: list[tuple[SipRequest, Destination]] = []
        self._news = asyncio.Event()
        self._on_message = on_message
        self.endpoint = SipEndpoint(
            listen, self._on_event, self._see, self.clock, Random("party"), **more
        )

    def _see(self, request: SipRequest, source: Destination, now: float) -> Any:
        self.requests.append((request, source))
        return self._on_message(request, source, now)

    def _on_event(self, event: LegEvent, now: float) -> None:
        self.told.append(event)
        self._news.set()

    def at(self, transport: str = "UDP") -> Destination:
        host, port = self.endpoint.addresses[transport]
        return Destination(transport, host, port)

    def call(self, destination: Destination, body: bytes = OFFER) -> OutgoingLeg:
        host = f"[{destination.host}]" if ":" in destination.host else destination.host
        uri = f"sip:bob@{host}:{destination.port}"
        invitation = Invitation(uri, "<sip:alice@example.org>", f"<{uri}>", body=body)
        leg = self.endpoint.user_agent.invite(invitation, destination, self.clock.now())
        self.endpoint.flush()
        return leg

    async def event(self, kind: type[E]) -> E:
        """The next of this kind; it is told once."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for place, event in enumerate(self.told):
                    if isinstance(event, kind):
                        del self.told[place]
                        return event
                self._news.clear()
                await self._news.wait()

    async def connections(self, number: int) -> None:
        """Until so many stand; the loop tells nobody of their ends."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.endpoint._connections) != number:  # noqa: ASYNC110
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def party(
    host: str = LOOPBACK,
    on_message: OnMessage = lambda *_: None,
    more: dict[str, Any] | None = None,
    **listen: Any,
) -> AsyncIterator[Party]:
    ports = {"port": 0, "tls_port": 0}
    made = Party(SipListen(host=host, **(ports | listen)), on_message, more or {})
    await made.endpoint.start()
    try:
        yield made
    finally:
        await made.endpoint.drain()


async def talk(alice: Party, bob: Party, to: Destination) -> tuple[OutgoingLeg, IncomingLeg]:
    """Alice has called Bob, who has rung and answered."""
    a_leg = alice.call(to)
    b_leg = (await bob.event(IncomingCall)).leg
    b_leg.ring(180, bob.clock.now())
    b_leg.answer(bob.clock.now(), ANSWER)
    bob.endpoint.flush()
    await alice.event(Answered)
    return a_leg, b_leg


async def hang_up(leg_of: Party, leg: OutgoingLeg | IncomingLeg, other: Party) -> None:
    leg.hang_up(leg_of.clock.now())
    leg_of.endpoint.flush()
    await leg_of.event(Ended)
    await other.event(Ended)
