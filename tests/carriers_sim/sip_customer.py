"""Builders: a simulated carrier for calls and a customer that calls it, over loopback and in
virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol, TypeVar

import msgspec

from carriers_sim.config import SimulatorConfig
from carriers_sim.session_description import Direction, offer_of
from carriers_sim.simulator import Simulator
from gateway.clock import Clock
from gateway.net.sip_endpoint import SipEndpoint, SipListen
from gateway.sip.digest_client import DigestClient
from gateway.sip.headers import Field
from gateway.sip.leg_events import Asked, IncomingCall, LegEvent
from gateway.sip.leg_state import Credentials
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.transaction import Destination

LOOPBACK = "127.0.0.1"
CALLER, CALLED = "+15005550006", "+15005551234"
# Nobody listens there; a test that wants sound opens a socket of its own.
OFFER = offer_of(LOOPBACK, 9, 1, Direction.SENDRECV)

E = TypeVar("E")


class At(Protocol):
    """Whoever listens on a port of loopback."""

    port: int


def simulator(seed: int = 1, names: Iterable[str] = ("alpha",), **keys: Any) -> Simulator:
    """`keys` are those of a [[sip_carrier]] table."""
    carriers = [{"name": name, **keys} for name in names]
    return Simulator(
        msgspec.convert({"seed": seed, "sip_carrier": carriers}, SimulatorConfig),
        clock=Clock(asyncio.get_running_loop().time, 1_000.0),
    )


class SipCustomer:
    """`async with SipCustomer() as customer`. It answers what asks within a call by 200."""

    def __init__(self) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, 1_000.0)
        self.told: list[LegEvent] = []
        self.credentials_given = False
        self._news = asyncio.Event()
        self.on_call: Callable[[IncomingCall, float], None] = lambda event, now: event.leg.answer(
            now, OFFER
        )
        self.endpoint = SipEndpoint(
            SipListen(LOOPBACK, 0), self._on_event, lambda *_: None, self.clock, Random("customer")
        )

    @property
    def port(self) -> int:
        return self.endpoint.addresses["UDP"][1]

    def call(
        self,
        carrier: At,
        called: str = CALLED,
        body: bytes = OFFER,
        credentials: Credentials | None = None,
        headers: tuple[Field, ...] = (),
    ) -> OutgoingLeg:
        uri = f"sip:{called}@{LOOPBACK}:{carrier.port}"
        invitation = Invitation(uri, f"<sip:{CALLER}@example.org>", f"<{uri}>", headers, body)
        leg = self.endpoint.user_agent.invite(
            invitation, Destination("UDP", LOOPBACK, carrier.port), self.clock.now(), credentials
        )
        self.endpoint.flush()
        return leg

    def ask(self, carrier: At, method: str, headers: tuple[Field, ...] = ()) -> None:
        uri = f"sip:{LOOPBACK}:{carrier.port}"
        name = f"<sip:{CALLER}@{LOOPBACK}>"
        request = SipRequest.make(
            method, uri, from_=f"{name};tag=1", to=name, call_id="x", cseq=1, headers=headers
        )
        destination = Destination("UDP", LOOPBACK, carrier.port)
        self.endpoint.user_agent.send_request(request, destination, self.clock.now())
        self.endpoint.flush()

    def hang_up(self, leg: OutgoingLeg) -> None:
        leg.hang_up(self.clock.now())
        self.endpoint.flush()

    def credentials(self, username: str, password: str) -> Credentials:
        client = DigestClient(username, password)

        def answer(request: SipRequest, response: SipResponse) -> list[Field] | None:
            answered = client.answer(request, response, "cnonce")
            if answered is None or self.credentials_given:
                return None
            self.credentials_given = True
            return [("Proxy-Authorization", answered.headers.get_all("Proxy-Authorization")[0])]

        return answer

    async def news(self) -> None:
        """Until it is told of something more."""
        self._news.clear()
        await self._news.wait()

    def events(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]

    def _on_event(self, event: LegEvent, now: float) -> None:
        self.told.append(event)
        self._news.set()
        if isinstance(event, IncomingCall):
            self.on_call(event, now)
        elif isinstance(event, Asked):
            event.leg.respond(event.transaction, 200, now, body=OFFER)

    async def __aenter__(self) -> SipCustomer:
        await self.endpoint.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.endpoint.drain()
