"""Somebody at a SIP phone or PBX on loopback, over real sockets."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Self, TypeVar

from carriers_sim.session_description import Direction, offer_of
from gateway.carriers.trunk_credentials import CallCredentials
from gateway.clock import system_clock
from gateway.net.sip_endpoint import SipEndpoint, SipListen
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked, IncomingCall, LegEvent
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.transaction import Destination
from tests.e2e.patience import until

LOOPBACK = "127.0.0.1"
# Nobody listens there.
OFFER = offer_of(LOOPBACK, 9, 1, Direction.SENDRECV)

E = TypeVar("E", bound=LegEvent)


class Caller:
    """`async with Caller() as caller`. Whoever calls it is answered at once."""

    def __init__(self, port: int = 0) -> None:
        self.clock = system_clock(asyncio.get_running_loop().time)
        self.told: list[LegEvent] = []
        self.endpoint = SipEndpoint(
            SipListen(LOOPBACK, port), self._on_event, lambda *_: None, self.clock, Random("caller")
        )

    def call(
        self,
        port: int,
        caller: str,
        called: str,
        user: tuple[str, str] | None = None,
        offer: bytes = OFFER,
    ) -> OutgoingLeg:
        """Through the gateway at this port, with a user's name and password if it asks."""
        uri = f"sip:{called}@{LOOPBACK}:{port}"
        leg = self.endpoint.user_agent.invite(
            Invitation(uri, f"<sip:{caller}@{LOOPBACK}>", f"<{uri}>", body=offer),
            Destination("UDP", LOOPBACK, port),
            self.clock.now(),
            CallCredentials(*user, lambda: "cnonce") if user else None,
        )
        self.endpoint.flush()
        return leg

    def hang_up(self, leg: Leg) -> None:
        leg.hang_up(self.clock.now())
        self.endpoint.flush()

    async def hears(self, kind: type[E]) -> E:
        """The next event of this kind."""

        async def heard() -> list[E]:
            return [event for event in self.told if isinstance(event, kind)]

        event = (await until(heard, bool))[0]
        self.told.remove(event)
        return event

    def _on_event(self, event: LegEvent, now: float) -> None:
        self.told.append(event)
        if isinstance(event, IncomingCall):
            event.leg.answer(now, OFFER)
        elif isinstance(event, Asked):
            event.leg.respond(event.transaction, 200, now, body=OFFER)

    async def __aenter__(self) -> Self:
        await self.endpoint.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.endpoint.drain()
