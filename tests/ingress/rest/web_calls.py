"""Builders: the API with a gateway behind it that takes calls as a test says, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx

from gateway.call import Call, CallDirection, CallStatus, Quality
from gateway.clock import system_clock
from gateway.net.sip_endpoint import SipEndpoint, SipListen
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import Asked, Ended, IncomingCall, LegEvent
from gateway.sip.leg_state import LegState
from gateway.sip.session_timer import SessionInterval
from gateway.voice.media_session import Qualities
from gateway.voice.web_agent import WebAgent
from tests.e2e.patience import until
from tests.ingress.rest.builders import ACCOUNT_SID, RECIPIENT, Api
from tests.media.descriptions import spoken
from tests.store.call_builders import a_record, an_event

WEB_CALLS = "/v1/WebCalls"
NO_QUERY: Mapping[str, str] = {}
SDP = {"content-type": "application/sdp"}
OFFER, ANSWER = spoken(40_000), spoken(50_000)
QUALITIES = Qualities(Quality(90, 14_400, 10, 0.002, 0.05, 4.1), Quality())


class Calling:
    """`refuses` is the status, and `headers` what goes with it, of who is not admitted. Who is
    called rings and answers, unless `rings` only."""

    def __init__(self) -> None:

        self.clock = system_clock(asyncio.get_running_loop().time)
        self.endpoint = SipEndpoint(
            SipListen("127.0.0.1"), self._on_event, lambda *_: None, self.clock, Random(1)
        )
        self.agent = WebAgent(
            self.endpoint, self.clock, Random(2), SessionInterval(), 10, self._query
        )
        self.api = Api(web_agent=self.agent, clock=self.clock)
        self.legs: list[IncomingLeg] = []
        self.asked: list[Asked] = []
        self.refuses = 0
        self.headers: tuple[Field, ...] = ()
        self.rings = False
        self._calls: list[Call] = []

    def client(self, **options: Any) -> httpx.AsyncClient:
        return self.api.client(**options)

    async def call(self, sdp: bytes = OFFER, query: Mapping[str, str] = NO_QUERY) -> httpx.Response:
        async with self.client() as client:
            path = f"{WEB_CALLS}?{urlencode({'To': RECIPIENT, **query})}"
            return await client.post(path, content=sdp, headers=SDP)

    async def ask(
        self, method: str, path: str, sdp: bytes = b"", last_event_id: str = ""
    ) -> httpx.Response:
        async with self.client() as client:
            headers = SDP if sdp else {}
            if last_event_id:
                headers = {**headers, "last-event-id": last_event_id}
            return await client.request(method, path, content=sdp, headers=headers)

    async def hang_up(self) -> None:
        """The other side does."""
        await self.talks()
        self.legs[-1].hang_up(self.clock.now())
        self._ended()
        self.endpoint.flush()

    async def talks(self) -> None:
        """Until the caller has heard the answer, and said so."""

        async def confirmed() -> bool:
            return self.legs[-1].state is LegState.CONFIRMED

        await until(confirmed)

    async def offers(self) -> None:
        """The other side does, as for a hold, and the caller hears it."""
        await self.talks()
        self.legs[-1].request("INVITE", self.clock.now(), body=OFFER)
        self.endpoint.flush()
        call = self.agent.calls.find(ACCOUNT_SID, 1)
        assert call is not None

        async def offered() -> bool:
            return call.offered is not None

        await until(offered)

    # What the gateway does

    def _on_event(self, event: LegEvent, now: float) -> None:
        match event:
            case IncomingCall(leg):
                self._take(leg, now)
            case Asked():
                self.asked.append(event)
                event.leg.respond(event.transaction, 200, now, body=ANSWER)
            case Ended():
                self._ended()
            case _:
                pass

    def _take(self, leg: IncomingLeg, now: float) -> None:
        self.legs.append(leg)
        if self.refuses:
            leg.refuse(self.refuses, now, self.headers)
            return
        request = leg.request_received
        self._calls.append(
            Call(
                len(self._calls) + 1,
                ACCOUNT_SID,
                CallDirection.OUTBOUND,
                _user(request.from_.uri),
                _user(request.request_uri),
                "rest",
                now,
                request.call_id,
            )
        )
        self._reach(1, CallStatus.INITIATED)
        leg.ring(180, now)
        self._reach(2, CallStatus.RINGING, sip_status=180, trunk="alpha/voice")
        if not self.rings:
            self._reach(3, CallStatus.IN_PROGRESS, sip_status=200, trunk="alpha/voice")
            leg.answer(now, ANSWER)

    def _ended(self) -> None:
        if self._calls:
            call = self._calls.pop()
            self._tell(call, 4, CallStatus.COMPLETED, record=a_record(call))

    def _reach(self, number: int, status: CallStatus, **facts: Any) -> None:
        self._tell(self._calls[-1], number, status, **facts)

    def _tell(self, call: Call, number: int, status: CallStatus, **facts: Any) -> None:
        self.agent.calls.on_call_event(an_event(call, number, status, **facts))

    def _query(self, call_id: int, on_known: Callable[[Qualities], None], now: float) -> bool:
        on_known(QUALITIES)
        return True


def told(stream: str) -> list[tuple[str, Any]]:
    """The events of a stream: their names and data."""
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n"))
        for block in stream.split("\n\n")[:-1]
    ]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def _user(uri: Any) -> str:
    user: str = uri.username
    return user
