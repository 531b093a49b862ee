"""Our relay by itself, as a media worker runs it: uvloop, and nothing else in the process."""

from __future__ import annotations

import asyncio
import sys
import time
from random import Random

import msgspec
import uvloop

from media import sdp
from media.relay import Relay, RelayHost
from tests.bench.json_child import serve
from tests.bench.media_calls import HOST, CallEnds, described

PORTS = (10_000, 19_999)
SILENCE_S = 3_600.0


class RelayOrder(msgspec.Struct, frozen=True):
    """With `calls`, set them up; without, tell what was counted."""

    calls: tuple[CallEnds, ...] = ()


class RelayCounts(msgspec.Struct, frozen=True):
    """`ports` are where the first end of each call sends to, and the second. Of the counters those
    of all calls together."""

    ports: tuple[tuple[int, int], ...] = ()
    packets: int = 0
    lost: int = 0
    unsent: int = 0
    strays: int = 0


class RelayProcess:
    def __init__(self) -> None:
        self._host = RelayHost(HOST, PORTS, Random(1), time.monotonic, silence_s=SILENCE_S)
        self._relays: list[Relay] = []

    async def take(self, order: RelayOrder) -> RelayCounts:
        if order.calls:
            for relay in self._relays:
                relay.close()
            self._relays = []
            return RelayCounts(tuple([self._opened(call) for call in order.calls]))
        legs = [relay.leg(end) for relay in self._relays for end in (0, 1)]
        return RelayCounts(
            packets=sum(leg.heard.packets for leg in legs),
            lost=sum(leg.heard.lost for leg in legs),
            unsent=sum(leg.unsent for leg in legs),
            strays=sum(leg.strays for leg in legs),
        )

    def _opened(self, call: CallEnds) -> tuple[int, int]:
        relay = self._host.open(lambda event: None)
        self._relays.append(relay)
        offered = relay.offer(0, described(call.ports[0], call.payload_types[0]))
        answered = relay.answer(1, described(call.ports[1], call.payload_types[1]))
        return sdp.parse(answered).media[0].port, sdp.parse(offered).media[0].port


async def main() -> None:
    await serve(RelayOrder, RelayProcess().take)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    sys.exit()
