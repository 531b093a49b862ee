"""The least that calls can pass through: our user agent on both sides, in a process of its own.

No routing, no record, no media: what the gateway costs above this is what those cost; the collector
of garbage is set as the gateway's. It listens on a free port, says which, sends each call to the
port of loopback that it is told, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from random import Random
from typing import assert_never

import uvloop

from gateway.clock import system_clock
from gateway.daemon import GC_THRESHOLDS
from gateway.net.sip_endpoint import SipEndpoint, SipListen
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    Ended,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
    Pracked,
    Provisional,
    Responded,
    Withdrawn,
)
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.transaction import Destination

LOOPBACK = "127.0.0.1"


class Forwarder:
    """`leg.user` is the leg on the other side."""

    def __init__(self, onward: int) -> None:
        self._clock = system_clock(asyncio.get_running_loop().time)
        self._onward = Destination("UDP", LOOPBACK, onward)
        self.endpoint = SipEndpoint(
            SipListen(LOOPBACK, 0), self._on_event, lambda *_: None, self._clock, Random()
        )

    def _on_event(self, event: LegEvent, now: float) -> None:
        match event:
            case IncomingCall(leg, request):
                self._call(leg, request, now)
            case Provisional(leg, response):
                if isinstance(leg.user, IncomingLeg):
                    leg.user.ring(response.status, now, body=response.body)
            case Answered(leg, response):
                if isinstance(leg.user, IncomingLeg):
                    leg.user.answer(now, response.body)
            case Ended(leg, _, status):
                other = leg.user
                if isinstance(other, IncomingLeg) and status >= 300:
                    other.refuse(status, now)
                elif other is not None:
                    other.hang_up(now)
            case Asked(leg, transaction):
                leg.respond(transaction, 405, now)
            case OutsideDialog(transaction):
                self.endpoint.user_agent.respond(transaction, 200, now)
            case Acknowledged() | OutsideResponse() | Pracked() | Responded() | Withdrawn():
                pass
            case _:
                assert_never(event)

    def _call(self, leg: IncomingLeg, request: SipRequest, now: float) -> None:
        user = request.uri.partition("@")[0]
        to = f"{user}@{LOOPBACK}:{self._onward.port}"
        invitation = Invitation(to, f"<{request.from_.uri}>", f"<{to}>", body=request.body)
        made: OutgoingLeg = self.endpoint.user_agent.invite(invitation, self._onward, now)
        made.user, leg.user = leg, made


def _end_at_eof(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4_096):
        ended.set()


async def forward(onward: int) -> None:
    forwarder = Forwarder(onward)
    await forwarder.endpoint.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, _end_at_eof, ended)
    sys.stdout.write(f"ready {forwarder.endpoint.addresses['UDP'][1]}\n")
    sys.stdout.flush()
    await ended.wait()
    loop.remove_reader(sys.stdin)
    await forwarder.endpoint.drain()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(forward(int(sys.argv[1])))
