"""A user agent in the endpoint's own process."""

from __future__ import annotations

import asyncio
from random import Random

from gateway.clock import system_clock
from gateway.net import sip_inside
from gateway.net.sip_endpoint import SipEndpoint, SipListen
from gateway.sip.leg_events import IncomingCall, LegEvent
from gateway.sip.message import SipRequest
from gateway.sip.transaction import INSIDE, Destination
from tests.e2e.patience import until

INVITE = SipRequest.make(
    "INVITE",
    "sip:bob@rest.invalid",
    from_="<sip:alice@rest.invalid>;tag=1",
    to="<sip:bob@rest.invalid>",
    call_id="call-1",
    cseq=1,
    via="SIP/2.0/INSIDE ac1.rest.invalid;branch=z9hG4bK1",
    headers=[("Contact", "<sip:ac1.rest.invalid;transport=inside>")],
)


class Site:
    """The endpoint answers what it is called for; `heard` is what the user agent has heard."""

    def __init__(self) -> None:
        self.clock = system_clock(asyncio.get_running_loop().time)
        self.told: list[LegEvent] = []
        self.heard: list[tuple[bytes, Destination]] = []
        self.endpoint = SipEndpoint(
            SipListen("127.0.0.1"), self._on_event, lambda *_: None, self.clock, Random(1)
        )
        self.inside = self.endpoint.connect_inside("AC1", self._on_received)

    def _on_event(self, event: LegEvent, now: float) -> None:
        self.told.append(event)
        if isinstance(event, IncomingCall):
            event.leg.answer(now, b"v=0")

    def _on_received(self, messages: list[bytes], source: Destination) -> None:
        self.heard += [(message, source) for message in messages]

    async def hears(self) -> list[tuple[bytes, Destination]]:
        return self.heard


async def test_a_request_is_taken_at_once_and_its_answer_comes_back() -> None:
    site = Site()
    site.inside.send(INVITE.to_bytes())
    (called,) = site.told
    assert isinstance(called, IncomingCall)
    assert called.leg.source == Destination(INSIDE, "AC1", 0, 1)
    assert site.heard == []  # Not within the request.
    ((answer, source),) = await until(site.hears, bool)
    assert answer.startswith(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/INSIDE ac1.rest.invalid;")
    assert source == called.leg.source


async def test_what_is_said_in_one_turn_of_the_loop_is_handed_over_together_and_in_order() -> None:
    site = Site()
    for octets in (b"one", b"two"):
        assert site.inside.receive(octets)
    await until(site.hears, bool)
    assert [octets for octets, _ in site.heard] == [b"one", b"two"]


async def test_what_is_too_much_is_told_as_what_cannot_be_sent() -> None:
    site = Site()
    for _ in range(sip_inside.WAITING_MAX):
        assert site.inside.receive(b"x")
    site.inside.send(INVITE.to_bytes())

    assert not site.inside.receive(b"x")
    assert len(await until(site.hears, bool)) == sip_inside.WAITING_MAX
