"""Builders: a customer, the gateway and two carriers on one wire in memory, in virtual time."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

import msgspec

from gateway.account import Account
from gateway.call import Call, CallDirection, CallEvent, CallRecord, CallStatus
from gateway.config.trunk import Srtp
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import (
    Answered,
    Asked,
    EndCause,
    Ended,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
)
from gateway.sip.message import MAX_FORWARDS, SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.parser import parse
from gateway.sip.sanity import Refusal
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri, Uri
from gateway.sip.user_agent import UserAgent
from gateway.voice.b2bua import B2bua
from gateway.voice.call_surroundings import Admitted, CallBounds, OneWayCall
from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.events import BindUp, Event
from routing.router import Router
from tests.sip.transactions import tokens
from tests.voice.fake_media import FakeEngine

NOW = 1_000.0
GATEWAY = Destination("UDP", "192.0.2.1", 5060)
CUSTOMER = Destination("UDP", "192.0.2.2", 5060)
ONE = Destination("UDP", "192.0.2.11", 5060)
TWO = Destination("UDP", "192.0.2.12", 5060)
NAMES = {GATEWAY: "gateway", CUSTOMER: "customer", ONE: "one/a", TWO: "two/a"}
OFFER, ANSWER = b"v=0 customer", b"v=0 carrier"
CALLER, CALLED = "+15005550001", "+4930901820"
ACCOUNT = "AC1"

E = TypeVar("E")
Message = SipRequest | SipResponse


class FakeTrunk:
    """Reached at one address; everything else as the configuration's defaults have it."""

    def __init__(self, destination: Destination) -> None:
        self.destinations: list[Destination] = [destination]
        self.no_answer_s = 6.0
        self.no_failover: tuple[int, ...] = (480, 484, 486, 600, 603, 604, 607)
        self.credentials = None
        self.srtp = Srtp.NO
        self.headers: tuple[Field, ...] = ()
        self.found_unreachable: list[Destination] = []
        self._host = destination.host

    def unreachable(self, destination: Destination, now: float) -> None:
        self.found_unreachable.append(destination)
        if destination == self.destinations[0]:
            self.destinations.append(self.destinations.pop(0))

    def invitation(self, call: Call) -> Invitation:
        return Invitation(
            f"sip:{call.called}@{self._host}",
            f"<sip:{call.caller}@gateway.example>",
            f"<sip:{call.called}@{self._host}>",
            self.headers,
        )


class FakeAdmission:
    """Lets all calls in, or answers what a test has set."""

    def __init__(self) -> None:
        self.answer: Refusal | None = None
        self.transfer_answer: Refusal | None = None
        self.direction = CallDirection.OUTBOUND
        self.targets: tuple[FakeTarget, ...] = ()
        self.private = False
        self.sources: list[Destination] = []
        self.held = 0
        self.called = CALLED

    def check(self, request: SipRequest, source: Destination, now: float) -> Admitted | Refusal:
        self.sources.append(source)
        return self.answer or self._admit(self.called, self.targets)

    def check_transfer(self, call: Call, target: Uri, now: float) -> Admitted | Refusal:
        assert isinstance(target, SipUri)
        return self.transfer_answer or self._admit(target.username or "", ())

    def ended(self, admitted: Admitted) -> None:
        self.held -= 1

    def _admit(self, called: str, targets: "tuple[FakeTarget, ...]") -> "FakeAdmitted":
        self.held += 1
        return FakeAdmitted(
            Account(ACCOUNT, "token"),
            self.direction,
            CALLER,
            called,
            "trunk/pbx",
            self.private,
            targets=targets,
        )


class FakeTarget(msgspec.Struct, frozen=True):
    name: str
    uri: str
    destination: Destination
    routes: tuple[str, ...] = ()


class FakeAdmitted(msgspec.Struct, frozen=True):
    account: Account
    direction: CallDirection
    caller: str
    called: str
    source: str
    private: bool = False
    diversion: str = ""
    targets: tuple[FakeTarget, ...] = ()


class WatchedRouter(Router):
    """Notes what it is told."""

    heard: list[Event]

    def observe(self, event: Event) -> None:
        self.heard.append(event)
        super().observe(event)


def router(channels: int = 10, cps: float = 1_000.0) -> WatchedRouter:
    made = WatchedRouter(
        [
            CarrierBind(
                name,
                (RouteEntry("+49", priority=priority), RouteEntry("+1", priority=priority)),
                window=channels,
                tps=cps,
                kind=Kind.CALL,
            )
            for priority, name in ((1, "one/a"), (2, "two/a"))
        ],
        now=NOW,
    )
    made.heard = []
    for name in ("one/a", "two/a"):
        made.observe(BindUp(name, NOW))
    made.heard.clear()
    return made


def agent(
    address: Destination, interval: SessionInterval, seed: int = 0, legs_max: int = 10_000
) -> UserAgent:
    name = NAMES[address].replace("/", "")
    return UserAgent(
        lambda _: f"{address.host}:{address.port}",
        lambda _: f"<sip:{name}@{address.host}:{address.port}>",
        tokens(f"{name}{seed}."),
        Random(f"{name}{seed}"),
        TimerValues(),
        interval,
        legs_max=legs_max,
    )


class World:
    """`passes` decides of each message whether it arrives; by default all do."""

    def __init__(
        self,
        calls_max: int = 1_000,
        call_max_s: float = 14_400.0,
        no_answer_s: float = 120.0,
        channels: int = 10,
        cps: float = 1_000.0,
        legs_max: int = 10_000,
        interval: SessionInterval | None = None,
    ) -> None:
        interval = interval or SessionInterval()
        self.agents = {address: agent(address, interval) for address in NAMES}
        self.gateway = self.agents[GATEWAY] = agent(GATEWAY, interval, legs_max=legs_max)
        self.customer = self.agents[CUSTOMER]
        self.one, self.two = self.agents[ONE], self.agents[TWO]
        self.media = FakeEngine()
        self.admission = FakeAdmission()
        self.router = router(channels, cps)
        self.trunks = {"one/a": FakeTrunk(ONE), "two/a": FakeTrunk(TWO)}
        self.call_events: list[CallEvent] = []
        self.one_way: list[OneWayCall] = []
        self.woken = 0
        self.accepting = True
        numbers = iter(range(1, 1_000_000))
        self.b2bua = B2bua(
            self.gateway,
            self.router,
            self.trunks,
            self.media,
            self.admission,
            CallBounds(calls_max, call_max_s, no_answer_s, "gateway.example"),
            lambda: next(numbers),
            lambda: self.accepting,
            self._on_call_event,
            self.one_way.append,
            self._wake,
        )
        self.now = NOW
        self.passes: Callable[[Message], bool] = lambda _: True
        self.unreachable: set[Destination] = set()
        self.log: list[str] = []
        self.messages: list[tuple[Destination, Destination, Message]] = []
        self.told: dict[UserAgent, list[LegEvent]] = {made: [] for made in self.agents.values()}

    # Time and the wire

    def carry(self) -> None:
        """Until nobody has anything to say."""
        busy = True
        while busy:
            busy = False
            for source, speaker in self.agents.items():
                for event in speaker.events():
                    busy = True
                    self._tell(speaker, event)
                for outgoing in speaker.messages_to_send():
                    busy = True
                    if outgoing.destination in self.unreachable:
                        speaker.transport_error(outgoing, self.now)
                        continue
                    message = parse(outgoing.octets)
                    arrives = self.passes(message)
                    self._note(source, outgoing.destination, message, arrives)
                    if arrives and outgoing.destination in self.agents:
                        receiver = self.agents[outgoing.destination]
                        receiver.receive(message, source, self.now)

    def run(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        until = self.now + seconds
        self.carry()
        while True:
            deadlines = [made.next_timer() for made in self.agents.values()]
            deadlines.append(self.b2bua.next_timer())
            known = [deadline for deadline in deadlines if deadline is not None]
            if not known or min(known) > until:
                break
            self.now = max(self.now, min(known))
            for made in self.agents.values():
                made.handle_timer(self.now)
            self.carry()
            self.b2bua.handle_timer(self.now)
            self.carry()
        self.now = until

    def _tell(self, speaker: UserAgent, event: LegEvent) -> None:
        self.told[speaker].append(event)
        if speaker is self.gateway:
            assert not isinstance(event, OutsideDialog | OutsideResponse)
            self.b2bua.take(event, self.now)

    def _note(
        self, source: Destination, target: Destination, message: Message, arrives: bool
    ) -> None:
        what = message.method if isinstance(message, SipRequest) else str(message.status)
        self.messages.append((source, target, message))
        route = f"{NAMES[source]} > {NAMES.get(target, target.host)}"
        self.log.append(f"{route}: {what}" + ("" if arrives else " lost"))

    def _on_call_event(self, event: CallEvent) -> None:
        self.call_events.append(event)

    def _wake(self) -> None:
        self.woken += 1

    # Calls

    def call(
        self,
        body: bytes = OFFER,
        headers: tuple[Field, ...] = (),
        max_forwards: int = MAX_FORWARDS,
        plain: bool = False,
    ) -> OutgoingLeg:
        """The customer calls, and whoever is to hear has heard. `plain`: it knows no PRACK."""
        leg = self.customer.invite(
            Invitation(
                f"sip:{CALLED}@192.0.2.1",
                f"<sip:{CALLER}@customer.example>",
                f"<sip:{CALLED}@gateway.example>",
                headers,
                body,
                max_forwards=max_forwards,
                reliable=not plain,
            ),
            GATEWAY,
            self.now,
        )
        self.carry()
        return leg

    def called(self, made: UserAgent | None = None) -> IncomingLeg:
        """The leg that a carrier got last; carrier one's."""
        return self.events(made or self.one, IncomingCall)[-1].leg

    def talk(self) -> tuple[OutgoingLeg, IncomingLeg]:
        """The customer talks to somebody at carrier one."""
        caller = self.call()
        called = self.called()
        called.ring(180, self.now)
        self.carry()
        called.answer(self.now, ANSWER)
        self.carry()
        assert self.statuses[-1] is CallStatus.IN_PROGRESS
        self.forget()
        return caller, called

    def events(self, made: UserAgent, kind: type[E]) -> list[E]:
        self.carry()
        return [event for event in self.told[made] if isinstance(event, kind)]

    def ended(self, made: UserAgent) -> list[tuple[EndCause, int]]:
        return [(event.cause, event.status) for event in self.events(made, Ended)]

    def asked(self, made: UserAgent) -> Asked:
        return self.events(made, Asked)[-1]

    def answered(self, made: UserAgent) -> Answered:
        return self.events(made, Answered)[-1]

    def sent(self, target: Destination, what: str) -> list[Message]:
        """What the gateway has sent there: requests by method, responses by status."""
        self.carry()
        return [
            message
            for source, to, message in self.messages
            if source == GATEWAY and to == target and what in _names(message)
        ]

    def forget(self) -> None:
        """What has passed until now."""
        self.carry()
        self.log.clear()
        self.messages.clear()
        for told in self.told.values():
            told.clear()

    # What is left

    @property
    def statuses(self) -> list[CallStatus]:
        return [event.status for event in self.call_events]

    @property
    def record(self) -> CallRecord:
        (record,) = [event.record for event in self.call_events if event.record is not None]
        return record

    def channels(self) -> dict[str, int]:
        return {one.bind: one.window_used for one in self.router.snapshot(self.now)}

    def nothing_stays(self) -> bool:
        """At the gateway, some time after."""
        self.run(4_000)
        assert self.b2bua.calls == 0
        assert self.gateway.legs == 0
        assert self.gateway.layer.client_transactions == 0
        assert self.gateway.layer.server_transactions == 0
        assert self.media.open_sessions == 0
        assert self.admission.held == 0
        assert set(self.channels().values()) == {0}
        assert self.b2bua.next_timer() is None
        return self.gateway.next_timer() is None


def _names(message: Message) -> tuple[str, ...]:
    if isinstance(message, SipRequest):
        return (message.method,)
    return (str(message.status), f"{message.status} {message.cseq.method}")


def losing(*what: str, times: int = 1) -> Callable[[Message], bool]:
    """Loses the first `times` messages of each of these methods and status codes."""
    left = dict.fromkeys(what, times)

    def passes(message: Message) -> bool:
        key = _names(message)[0]
        if left.get(key, 0) > 0:
            left[key] -= 1
            return False
        return True

    return passes
