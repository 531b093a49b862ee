"""Calls in virtual time over a network that loses, repeats and reorders: each leg ends once, and
nothing of it stays."""

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

import pytest

from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Answered,
    Asked,
    Ended,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
    Provisional,
)
from gateway.sip.leg_state import RequestPending
from gateway.sip.parser import parse
from gateway.sip.reliable_provisional import ProvisionalsFull
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.user_agent import UserAgent
from tests.sip.calls import ALICE, ANSWER, BOB, NOW, OFFER, agent, invitation

INTERVAL = SessionInterval(120, 90)
CALLS = 150
ENDED_AFTER_S = 20_000.0


class Network:
    """Alice calls, Bob is called; what each of them does next is chance, by the seed."""

    def __init__(self, seed: int, loss: float) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.now = NOW
        self.at = {
            ALICE: agent(ALICE, "alice", INTERVAL, seed),
            BOB: agent(BOB, "bob", INTERVAL, seed),
        }
        self.numbers = count()
        self.under_way: list[tuple[float, int, Destination, Outgoing]] = []
        self.plans: list[tuple[float, int, Callable[[], None]]] = []
        self.begun: list[Leg] = []
        self.ends: Counter[Leg] = Counter()
        self.answered = 0

    def plan(self, mean_s: float, act: Callable[[], None]) -> None:
        at = self.now + self.random.expovariate(1 / mean_s)
        heappush(self.plans, (at, next(self.numbers), act))

    def call(self) -> None:
        leg = self.at[ALICE].invite(invitation(self.random.choice((OFFER, b""))), BOB, self.now)
        self.begun.append(leg)
        self.plan(self.random.choice((2, 30, 300)), lambda: leg.hang_up(self.now))

    def step(self) -> bool:
        deadlines = [made.next_timer() for made in self.at.values()]
        deadlines += [queue[0][0] for queue in (self.under_way, self.plans) if queue]
        known = [deadline for deadline in deadlines if deadline is not None]
        if not known or self.now > NOW + ENDED_AFTER_S:
            return False
        self.now = max(self.now, min(known))
        while self.under_way and self.under_way[0][0] <= self.now:
            _, _, source, outgoing = heappop(self.under_way)
            self.at[outgoing.destination].receive(parse(outgoing.octets), source, self.now)
        while self.plans and self.plans[0][0] <= self.now:
            heappop(self.plans)[2]()
        for source, made in self.at.items():
            made.handle_timer(self.now)
            for event in made.events():
                self.take(made, event)
            self.carry(source, made)
        return True

    def carry(self, source: Destination, made: UserAgent) -> None:
        for outgoing in made.messages_to_send():
            for _ in range(self.random.choice((1, 1, 1, 2))):
                if self.random.random() >= self.loss:
                    at = self.now + self.random.expovariate(20)
                    heappush(self.under_way, (at, next(self.numbers), source, outgoing))

    def take(self, made: UserAgent, event: LegEvent) -> None:
        match event:
            case IncomingCall(leg):
                self.begun.append(leg)
                self.plan_incoming(leg)
            case Provisional(leg, prack=True):
                leg.prack(self.now, ANSWER)
            case Answered(leg, acknowledge=acknowledge):
                self.answered += 1
                if acknowledge:
                    leg.acknowledge_answer(self.now, ANSWER)
                self.plan(40, lambda: self.change(leg))
            case Asked(leg, transaction, request):
                status = self.random.choice((200, 200, 488))
                body = b"" if request.method == "INFO" else ANSWER
                self.plan(0.5, lambda: leg.respond(transaction, status, self.now, body=body))
            case Ended(leg):
                self.ends[leg] += 1
            case OutsideDialog() | OutsideResponse():
                raise AssertionError(event)
            case _:
                pass

    def plan_incoming(self, leg: IncomingLeg) -> None:
        reliable = self.random.random() < 0.3
        body = self.random.choice((b"", ANSWER))
        for _ in range(self.random.randrange(3)):
            self.plan(1, lambda: self.ring(leg, body, reliable))
        if self.random.random() < 0.7:
            self.plan(5, lambda: leg.answer(self.now, ANSWER))
        else:
            self.plan(5, lambda: leg.refuse(self.random.choice((302, 486, 503)), self.now))
        self.plan(40, lambda: self.change(leg))
        self.plan(self.random.choice((30, 300)), lambda: leg.hang_up(self.now))

    def ring(self, leg: IncomingLeg, body: bytes, reliable: bool) -> None:
        try:
            leg.ring(183, self.now, body=body, reliable=reliable)
        except ProvisionalsFull:
            leg.refuse(503, self.now)

    def change(self, leg: Leg) -> None:
        try:
            method = self.random.choice(("INVITE", "UPDATE", "INFO"))
            leg.request(method, self.now, body=b"" if method == "INFO" else OFFER)
        except RequestPending:
            pass


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.05), (3, 0.2), (4, 0.5), (5, 0.95)])
def test_each_leg_ends_once_and_nothing_stays(seed: int, loss: float) -> None:
    network = Network(seed, loss)
    for _ in range(CALLS):
        network.plan(60, network.call)
    while network.step():
        pass
    assert len(network.begun) >= CALLS
    assert all(network.ends[leg] == 1 for leg in network.begun)
    assert len(network.ends) == len(network.begun)
    assert network.answered or loss > 0.9
    for made in network.at.values():
        assert made.legs == 0
        assert (made.layer.client_transactions, made.layer.server_transactions) == (0, 0)
        assert made.next_timer() is None
