"""Customers, the gateway and carriers over a network that loses, repeats and reorders, in virtual
time. What each of them does next is chance, by the seed; carriers fall silent and come back without
any memory.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from gateway.call import FINAL, TRANSITIONS, CallEvent, CallStatus
from gateway.sip.errors import SipError
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Answered,
    Asked,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
    Provisional,
    Responded,
)
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.parser import parse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.user_agent import UserAgent
from gateway.voice.b2bua import B2bua
from gateway.voice.call_surroundings import CallBounds
from gateway.voice.media_session import Side
from routing.events import BindDown, BindUp
from tests.voice.fake_media import FakeEngine
from tests.voice.world import (
    CALLED,
    CALLER,
    CUSTOMER,
    GATEWAY,
    NOW,
    ONE,
    TWO,
    FakeAdmission,
    FakeTrunk,
    agent,
    router,
)

INTERVAL = SessionInterval(120, 90)
OFFERS = (b"v=0 offer", b"v=0 offer", b"v=0 offer", b"", b"bad")
ENDED_AFTER_S = 40_000.0
CARRIERS = {"one/a": ONE, "two/a": TWO}


class BadNetwork:
    """`loss` is the share of messages that do not arrive. Where media is `slow`, its engine replies
    after a while, or too late."""

    def __init__(self, seed: int, loss: float, slow: bool = False) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.now = NOW
        self.agents: dict[Destination, UserAgent] = {
            address: agent(address, INTERVAL, seed) for address in (CUSTOMER, GATEWAY, ONE, TWO)
        }
        self.dead: set[Destination] = set()
        self.lives = count(1)
        self.numbers = count()
        self.under_way: list[tuple[float, int, Destination, Outgoing]] = []
        self.plans: list[tuple[float, int, Callable[[], None]]] = []
        self.media = FakeEngine()
        self.media.late = slow
        self.admission = FakeAdmission()
        self.router = router(channels=40)
        self.events: dict[int, list[CallEvent]] = {}
        self.statuses: Counter[CallStatus] = Counter()
        ids = count(1)
        self.b2bua = B2bua(
            self.agents[GATEWAY],
            self.router,
            {name: FakeTrunk(address) for name, address in CARRIERS.items()},
            self.media,
            self.admission,
            CallBounds(60, 900.0, 60.0, "gateway.example"),
            lambda: next(ids),
            lambda: True,
            self.on_event,
            lambda told: None,
            lambda: None,
        )

    def on_event(self, event: CallEvent) -> None:
        """Each status once, in order, and nothing after the final one."""
        told = self.events.setdefault(event.call.id, [])
        assert event.number == len(told) + 1
        assert not told or event.status in TRANSITIONS[told[-1].status]
        assert (event.record is not None) == (event.status in FINAL)
        told.append(event)
        self.statuses[event.status] += 1

    # Chance

    def plan(self, mean_s: float, act: Callable[[], None]) -> None:
        at = self.now + self.random.expovariate(1 / mean_s)
        heappush(self.plans, (at, next(self.numbers), act))

    def attempt(self, act: Callable[[], object]) -> None:
        """What may not be done now is not done."""
        with suppress(SipError):
            act()

    def call(self) -> None:
        needs = self.random.choice(((), (), (("Require", "100rel"),)))
        leg = self.agents[CUSTOMER].invite(
            Invitation(
                f"sip:{CALLED}@192.0.2.1",
                f"<sip:{CALLER}@customer.example>",
                f"<sip:{CALLED}@gateway.example>",
                needs,
                self.random.choice(OFFERS),
            ),
            GATEWAY,
            self.now,
        )
        self.plan(self.random.choice((2, 30, 300)), lambda: leg.hang_up(self.now))

    def live_and_die(self, name: str) -> None:
        """A carrier falls silent, is found dead, and comes back with nothing in its memory."""
        address = CARRIERS[name]
        self.dead.add(address)
        self.plan(20, lambda: self.router.observe(BindDown(name, self.now)))
        self.plan(120, lambda: self.come_back(name))

    def come_back(self, name: str) -> None:
        address = CARRIERS[name]
        self.dead.discard(address)
        self.agents[address] = agent(address, INTERVAL, next(self.lives) * 1_000)
        self.router.observe(BindUp(name, self.now))

    def fall_silent(self) -> None:
        open_sessions = [one for one in self.media.sessions if not one.closed]
        if open_sessions:
            self.random.choice(open_sessions).fall_silent()

    # Time

    def run(self) -> None:
        while self.step():
            pass
        for name in CARRIERS:
            self.router.tick(self.now)
            assert name in {one.bind for one in self.router.snapshot(self.now)}

    def step(self) -> bool:
        deadlines = [made.next_timer() for made in self.agents.values()]
        deadlines.append(self.b2bua.next_timer())
        deadlines += [queue[0][0] for queue in (self.under_way, self.plans) if queue]
        known = [deadline for deadline in deadlines if deadline is not None]
        if not known or self.now > NOW + ENDED_AFTER_S:
            return False
        self.now = max(self.now, min(known))
        while self.under_way and self.under_way[0][0] <= self.now:
            _, _, source, outgoing = heappop(self.under_way)
            if outgoing.destination not in self.dead:
                message = parse(outgoing.octets)
                self.agents[outgoing.destination].receive(message, source, self.now)
        while self.plans and self.plans[0][0] <= self.now:
            heappop(self.plans)[2]()
        self.b2bua.handle_timer(self.now)
        for source, made in list(self.agents.items()):
            made.handle_timer(self.now)
            while events := made.events():
                for event in events:
                    self.take(made, event)
            self.carry(source, made)
        for settle in self.media.owed:
            self.plan(self.random.choice((0.01, 0.1, 0.1, 1.0, 10.0)), settle)
        self.media.owed.clear()
        return True

    def carry(self, source: Destination, made: UserAgent) -> None:
        for outgoing in made.messages_to_send():
            if source in self.dead:
                continue
            for _ in range(self.random.choice((1, 1, 1, 2))):
                if self.random.random() >= self.loss:
                    at = self.now + self.random.expovariate(20)
                    heappush(self.under_way, (at, next(self.numbers), source, outgoing))

    # What each does

    def take(self, made: UserAgent, event: LegEvent) -> None:
        if made is self.agents[GATEWAY]:
            self.b2bua.take(event, self.now)
            return
        match event:
            case IncomingCall(leg):
                self.plan_incoming(leg)
            case Provisional(leg, prack=True):
                self.attempt(partial(leg.prack, self.now, b"v=0 answer"))
            case Answered(leg, acknowledge=acknowledge):
                if acknowledge:
                    answer = self.random.choice((b"v=0 answer", b"v=0 answer", b""))
                    leg.acknowledge_answer(self.now, answer)
                self.plan_talk(leg)
            case Responded(leg, request, acknowledge=True):
                leg.acknowledge(request, self.now, b"v=0 answer")
            case Asked(leg, transaction, request):
                status = self.random.choice((200, 200, 200, 488))
                told = request.method in ("INVITE", "UPDATE", "PRACK")
                body = self.random.choice((b"v=0 answer", b"v=0 other")) if told else b""
                wait_s = self.random.choice((0.2, 2.0, 60.0))
                self.plan(wait_s, lambda: leg.respond(transaction, status, self.now, body=body))
            case OutsideDialog() | OutsideResponse():
                raise AssertionError(event)
            case _:
                pass

    def plan_incoming(self, leg: IncomingLeg) -> None:
        reliable = self.random.random() < 0.4
        for _ in range(self.random.randrange(3)):
            body = self.random.choice((b"", b"v=0 early", b"v=0 early", b"v=0 earlier"))
            self.plan_ring(leg, self.random.choice((180, 183)), body, reliable)
        if self.random.random() < 0.6:
            body = self.random.choice((b"v=0 answer",) * 8 + (b"", b"bad"))
            self.plan(5, lambda: leg.answer(self.now, body))
        elif self.random.random() < 0.8:
            status = self.random.choice((302, 404, 486, 500, 503, 503, 600))
            self.plan(4, lambda: leg.refuse(status, self.now))
        self.plan_talk(leg)

    def plan_ring(self, leg: IncomingLeg, status: int, body: bytes, reliable: bool) -> None:
        self.plan(1.5, lambda: self.ring(leg, status, body, reliable))

    def ring(self, leg: IncomingLeg, status: int, body: bytes, reliable: bool) -> None:
        self.attempt(lambda: leg.ring(status, self.now, body=body, reliable=reliable))
        if body and self.random.random() < 0.2 and self.media.sessions:
            self.media.sessions[-1].heard.add(Side.CALLED)

    def plan_talk(self, leg: Leg) -> None:
        for _ in range(self.random.randrange(4)):
            self.plan(30, lambda: self.change(leg))
        self.plan(self.random.choice((30, 300, 3_000)), lambda: leg.hang_up(self.now))

    def change(self, leg: Leg) -> None:
        method = self.random.choice(("INVITE", "INVITE", "UPDATE", "INFO", "REFER", "OPTIONS"))
        body = b""
        headers: list[tuple[str, str]] = []
        if method == "REFER":
            headers.append(("Refer-To", "<sip:+14155550199@gateway.example>"))
        elif method in ("INVITE", "UPDATE"):
            body = self.random.choice((b"v=0 hold", b"v=0 offer", b"", b"bad"))
        if not leg.over:
            self.attempt(lambda: self.ask(leg, method, headers, body))

    def ask(self, leg: Leg, method: str, headers: list[tuple[str, str]], body: bytes) -> None:
        own = leg.request(method, self.now, headers, body)
        if method == "INVITE" and self.random.random() < 0.2:
            self.plan(1, lambda: leg.withdraw(own, self.now))
