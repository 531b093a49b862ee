"""Our relay by itself, as a media worker runs it: uvloop, and nothing else in the process."""

from __future__ import annotations

import asyncio
import sys
import time
from random import Random

import msgspec
import uvloop

from media import sdp
from media.profile import Profile
from media.relay import Relay, RelayHost
from media.relay_end import RelayEnd
from media.webrtc_end import WebRtcEnds
from media.webrtc_host import WebRtcHost
from tests.bench.json_child import serve
from tests.bench.media_calls import HOST, Agreed, CallEnds

PORTS = (10_000, 19_999)
SILENCE_S = 3_600.0


class RelayOrder(msgspec.Struct, frozen=True):
    """With `calls`, set them up beside those that there are; with `alone`, instead of them. Without
    any, tell what was counted."""

    calls: tuple[CallEnds, ...] = ()
    alone: bool = False


class RelayCounts(msgspec.Struct, frozen=True):
    """Of the counters those of all calls together."""

    agreed: tuple[Agreed, ...] = ()
    packets: int = 0
    lost: int = 0
    unsent: int = 0
    strays: int = 0


class RelayProcess:
    def __init__(self) -> None:
        self._host = RelayHost(HOST, PORTS, Random(1), time.monotonic, silence_s=SILENCE_S)
        self._web = WebRtcEnds(WebRtcHost(self._host, time.monotonic))
        self._relays: list[Relay] = []

    async def take(self, order: RelayOrder) -> RelayCounts:
        if order.alone:
            for relay in self._relays:
                relay.close()
            self._relays = []
        if order.calls:
            return RelayCounts(tuple([await self._opened(call) for call in order.calls]))
        legs = [relay.leg(end) for relay in self._relays for end in (0, 1)]
        return RelayCounts(
            packets=sum(leg.heard.packets for leg in legs),
            lost=sum(leg.heard.lost for leg in legs),
            unsent=sum(leg.unsent for leg in legs),
            strays=sum(leg.strays for leg in legs),
        )

    async def _opened(self, call: CallEnds) -> Agreed:
        first: RelayEnd = (
            await self._web.gathered(we_offer=False)
            if call.offer
            else self._host.end(Profile.PLAIN)
        )
        relay = self._host.join((first, self._host.end(Profile.PLAIN)), lambda event: None)
        self._relays.append(relay)
        offer, answer = call.descriptions
        offered = relay.offer(0, offer)
        answered = relay.answer(1, answer)
        ports = sdp.parse(answered).media[0].port, sdp.parse(offered).media[0].port
        return Agreed(ports, answered.decode())

    def close(self) -> None:
        """Threads with codecs of libopus end before it is unloaded."""
        self._host.close()


async def main() -> None:
    process = RelayProcess()
    await serve(RelayOrder, process.take)
    process.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    sys.exit()
