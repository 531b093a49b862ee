"""What a call costs in the cores of SIP, sockets left out:
`python -m tests.bench.bench_sip_transactions`.

A caller, a gateway of two legs and a callee in one memory: INVITE, 180, 200, ACK, BYE, 200 on both
sides, at 300 calls a second of virtual time, so that the transactions of 32 seconds stand in the
tables. What the gateway receives is recorded once; then it is played to a new gateway, octets in
and octets out, and only that is measured: the parser, transactions, dialogs, and a relay of thirty
lines. The least of some runs counts. CPU is of the whole process.
"""

import gc
import sys
import time
from collections.abc import Callable
from itertools import count
from random import Random

from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Ended,
    IncomingCall,
    LegEvent,
    Provisional,
)
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.parser import parse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.user_agent import UserAgent

CALLS = 1_000
CALLS_A_SECOND = 300
RUNS = 15
CALLER = Destination("UDP", "192.0.2.1", 5060)
GATEWAY = Destination("UDP", "192.0.2.2", 5060)
CALLEE = Destination("UDP", "192.0.2.3", 5060)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)
Received = list[tuple[bytes, Destination, float]]


def agent(address: Destination, name: str) -> UserAgent:
    numbers = count()
    return UserAgent(
        lambda _: f"{address.host}:{address.port}",
        lambda _: f"<sip:{name}@{address.host}:{address.port}>",
        lambda: f"{name}{next(numbers):016x}",
        Random(1),
        TimerValues(),
        SessionInterval(),
    )


class Gateway:
    """Two legs a call, joined."""

    def __init__(self) -> None:
        self.agent = agent(GATEWAY, "gw")

    def take(self, octets: bytes, source: Destination, now: float) -> list[Outgoing]:
        self.agent.receive(parse(octets), source, now)
        for event in self.agent.events():
            self.relay(event, now)
        return self.agent.messages_to_send()

    def relay(self, event: LegEvent, now: float) -> None:
        match event:
            case IncomingCall(leg, request):
                invitation = Invitation(
                    "sip:+4930123@192.0.2.3",
                    request.required("From").partition(";tag=")[0],
                    request.required("To"),
                    body=request.body,
                )
                other = self.agent.invite(invitation, CALLEE, now)
                leg.user, other.user = other, leg
            case Provisional(leg, response):
                assert isinstance(leg.user, IncomingLeg)
                leg.user.ring(response.status, now, body=response.body)
            case Answered(leg, response):
                assert isinstance(leg.user, IncomingLeg)
                leg.user.answer(now, response.body)
            case Ended(leg):
                other_leg: Leg = leg.user
                other_leg.hang_up(now)
            case Acknowledged():
                pass
            case _:
                raise AssertionError(event)


def recorded() -> Received:
    """What a gateway is sent in all these calls."""
    received: Received = []
    caller, gateway, callee = agent(CALLER, "alice"), Gateway(), agent(CALLEE, "bob")
    at: dict[Destination, Callable[[Outgoing, Destination, float], list[Outgoing]]]

    def give(made: UserAgent) -> Callable[[Outgoing, Destination, float], list[Outgoing]]:
        def receive(outgoing: Outgoing, source: Destination, now: float) -> list[Outgoing]:
            made.receive(parse(outgoing.octets), source, now)
            for event in made.events():
                match event:
                    case IncomingCall(leg):
                        leg.ring(180, now)
                        leg.answer(now, SDP)
                    case Answered(leg):
                        leg.hang_up(now)
                    case _:
                        pass
            return made.messages_to_send()

        return receive

    def give_gateway(outgoing: Outgoing, source: Destination, now: float) -> list[Outgoing]:
        received.append((outgoing.octets, source, now))
        return gateway.take(outgoing.octets, source, now)

    at = {CALLER: give(caller), GATEWAY: give_gateway, CALLEE: give(callee)}
    for number in range(CALLS):
        now = 1_000 + number / CALLS_A_SECOND
        caller.invite(
            Invitation(
                "sip:+4930123@192.0.2.2", '"Alice" <sip:a@192.0.2.1>', "<sip:b@x>", body=SDP
            ),
            GATEWAY,
            now,
        )
        under_way = [(CALLER, outgoing) for outgoing in caller.messages_to_send()]
        while under_way:
            source, outgoing = under_way.pop(0)
            to = outgoing.destination
            under_way += [(to, answer) for answer in at[to](outgoing, source, now)]
    return received


def played(received: Received) -> tuple[float, int, int]:
    """CPU seconds, messages sent, and transactions that stood at the end of the last call."""
    gateway, sent = Gateway(), 0
    gc.collect()
    cpu = time.process_time()
    for octets, source, now in received:
        sent += len(gateway.take(octets, source, now))
        deadline = gateway.agent.next_timer()
        if deadline is not None and deadline <= now:
            gateway.agent.handle_timer(now)
    layer = gateway.agent.layer
    standing = layer.client_transactions + layer.server_transactions
    while (deadline := gateway.agent.next_timer()) is not None:
        gateway.agent.handle_timer(deadline)
    cpu = time.process_time() - cpu
    assert gateway.agent.legs == 0
    assert layer.client_transactions + layer.server_transactions == 0
    return cpu, sent, standing


def main() -> None:
    received = recorded()
    runs = [played(received) for _ in range(RUNS)]
    cpu, sent, standing = min(runs)
    octets = [octets for octets, _, _ in received]
    parsing = min(_timed(lambda: list(map(parse, octets))) for _ in range(RUNS))
    sys.stdout.write(
        f"{CALLS:,} calls of {len(received) / CALLS:.0f} messages in and {sent / CALLS:.0f} out; "
        f"{standing:,} transactions at the end\n"
        f"CPU a call {cpu / CALLS * 1e6:.0f} us; the parser's part {parsing / CALLS * 1e6:.0f} us\n"
    )


def _timed(act: Callable[[], object]) -> float:
    cpu = time.process_time()
    act()
    return time.process_time() - cpu


if __name__ == "__main__":
    main()
