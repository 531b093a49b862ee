"""What a call costs the gateway's core: `python -m tests.bench.bench_b2bua`.

A whole call (INVITE, 180, 200, ACK, BYE, 200 on both legs), octets in and octets out: parsing,
sanity, transactions, both legs, routing, joining and the record. Not in it: sockets, admission,
media, the store. CPU time of the gateway's part alone, the minimum of the rounds.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from gateway.call import CallStatus
from gateway.sip.leg_events import Answered, IncomingCall
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.parser import parse
from gateway.sip.sanity import check
from gateway.sip.transaction import Destination, Outgoing
from tests.bench.bench_sip_parse import SDP
from tests.voice.world import CALLED, CALLER, CUSTOMER, GATEWAY, ONE, World

ROUNDS = 7
CALLS = 400
CALLS_PER_SECOND = 100.0
INVITATION = Invitation(
    f"sip:{CALLED}@192.0.2.1",
    f"<sip:{CALLER}@customer.example>",
    f"<sip:{CALLED}@gateway.example>",
    body=SDP,
)


class Bench:
    """Peers that answer at once, in virtual time; `spent_ns` is the gateway's."""

    def __init__(self) -> None:
        self.world = World(calls_max=10_000, channels=10_000)
        self.spent_ns = 0
        self.messages = 0

    def run(self, calls: int) -> None:
        world = self.world
        for _ in range(calls):
            world.now += 1 / CALLS_PER_SECOND
            self.clocked(lambda: world.gateway.handle_timer(world.now))
            self.clocked(lambda: world.b2bua.handle_timer(world.now))
            for made in (world.customer, world.one):
                made.handle_timer(world.now)
            leg = world.customer.invite(INVITATION, GATEWAY, world.now)
            self.carry()
            leg.hang_up(world.now)
            self.carry()
            world.call_events.clear()
            world.router.heard.clear()
            world.media.sessions.clear()

    def clocked(self, act: Callable[[], None]) -> None:
        before = time.process_time_ns()
        act()
        self.spent_ns += time.process_time_ns() - before

    def carry(self) -> None:
        world = self.world
        wire: deque[tuple[Destination, Outgoing]] = deque()
        while True:
            for source in (CUSTOMER, ONE):
                self.answer(source)
                wire += [(source, one) for one in world.agents[source].messages_to_send()]
            if not wire:
                return
            for source, outgoing in wire:
                self.clocked(partial(self.take, source, outgoing))
            wire.clear()
            for outgoing in world.gateway.messages_to_send():
                world.agents[outgoing.destination].receive(
                    parse(outgoing.octets), GATEWAY, world.now
                )

    def take(self, source: Destination, outgoing: Outgoing) -> None:
        """What the endpoint does with a datagram."""
        world = self.world
        self.messages += 1
        message = parse(outgoing.octets)
        if isinstance(message, SipRequest):
            assert check(message) is None
        world.gateway.receive(message, source, world.now)
        while events := world.gateway.events():
            for event in events:
                world.b2bua.take(event, world.now)

    def answer(self, source: Destination) -> None:
        world = self.world
        for event in world.agents[source].events():
            if isinstance(event, IncomingCall):
                event.leg.ring(180, world.now)
                event.leg.answer(world.now, SDP)
            elif isinstance(event, Answered):
                assert event.response.body


def main(arguments: Iterable[str]) -> None:
    profiled = "--profile" in arguments
    least = float("inf")
    for _ in range(ROUNDS):
        bench = Bench()
        bench.run(CALLS // 4)  # warm
        bench.spent_ns = 0
        bench.run(CALLS)
        assert bench.world.b2bua.calls == 0
        least = min(least, bench.spent_ns / CALLS / 1e3)
    sys.stdout.write(f"a call through the core: {least:.0f} us of CPU\n")
    assert CallStatus.COMPLETED
    if profiled:
        profile()


def profile() -> None:
    import cProfile
    import pstats

    profiler = cProfile.Profile()

    class Watched(Bench):
        def take(self, source: Destination, outgoing: Outgoing) -> None:
            profiler.enable()
            super().take(source, outgoing)
            profiler.disable()

    Watched().run(CALLS)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main(sys.argv[1:])
