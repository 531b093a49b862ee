"""Builders: two user agents on one wire in memory, calls between them, and what each was told."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import Answered, EndCause, Ended, IncomingCall, LegEvent
from gateway.sip.leg_state import Credentials
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.parser import parse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination
from gateway.sip.user_agent import UserAgent
from tests.sip.transactions import tokens

NOW = 1_000.0
ALICE = Destination("UDP", "192.0.2.1", 5060)
BOB = Destination("UDP", "192.0.2.2", 5060)
OFFER, ANSWER = b"v=0\r\ns=offer\r\n", b"v=0\r\ns=answer\r\n"

INTERVAL = SessionInterval()

E = TypeVar("E")
Message = SipRequest | SipResponse


def agent(
    address: Destination,
    name: str,
    interval: SessionInterval = INTERVAL,
    seed: int = 0,
    legs_max: int = 10_000,
) -> UserAgent:
    return UserAgent(
        lambda _: f"{address.host}:{address.port}",
        lambda _: f"<sip:{name}@{address.host}:{address.port}>",
        tokens(name),
        Random(f"{name}{seed}"),
        TimerValues(),
        interval,
        legs_max=legs_max,
    )


def invitation(body: bytes = OFFER) -> Invitation:
    return Invitation(
        "sip:bob@192.0.2.2", "<sip:alice@example.org>", "<sip:bob@example.net>", body=body
    )


class Wire:
    """Alice and Bob. `passes` decides of each message whether it arrives; by default all do."""

    def __init__(
        self,
        interval: SessionInterval = INTERVAL,
        bobs_interval: SessionInterval | None = None,
    ) -> None:
        self.alice = agent(ALICE, "alice", interval)
        self.bob = agent(BOB, "bob", bobs_interval or interval)
        self.at = {ALICE: self.alice, BOB: self.bob}
        self.now = NOW
        self.passes: Callable[[Message], bool] = lambda _: True
        self.log: list[str] = []
        self.messages: list[Message] = []
        self.told: dict[UserAgent, list[LegEvent]] = {self.alice: [], self.bob: []}

    def carry(self) -> None:
        """Until neither has anything to say."""
        busy = True
        while busy:
            busy = False
            for source, speaker in self.at.items():
                self.told[speaker] += speaker.events()
                for outgoing in speaker.messages_to_send():
                    busy = True
                    message = parse(outgoing.octets)
                    arrives = self.passes(message)
                    self._note(source, message, arrives)
                    if arrives and outgoing.destination in self.at:
                        self.at[outgoing.destination].receive(message, source, self.now)

    def run(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        until = self.now + seconds
        self.carry()
        while True:
            deadlines = [made.next_timer() for made in self.at.values()]
            known = [deadline for deadline in deadlines if deadline is not None]
            if not known or min(known) > until:
                break
            self.now = max(self.now, min(known))
            for made in self.at.values():
                made.handle_timer(self.now)
            self.carry()
        self.now = until

    def events(self, made: UserAgent, kind: type[E]) -> list[E]:
        self.carry()
        return [event for event in self.told[made] if isinstance(event, kind)]

    def ends(self, made: UserAgent) -> list[EndCause]:
        return [event.cause for event in self.events(made, Ended)]

    def call(
        self, body: bytes = OFFER, credentials: Credentials | None = None
    ) -> tuple[OutgoingLeg, IncomingLeg]:
        """Alice has called Bob, who has not answered."""
        leg = self.alice.invite(invitation(body), BOB, self.now, credentials)
        incoming = self.events(self.bob, IncomingCall)
        return leg, incoming[-1].leg if incoming else None  # type: ignore[return-value]

    def talk(self, body: bytes = OFFER) -> tuple[OutgoingLeg, IncomingLeg]:
        """Alice has called Bob, who has answered."""
        a_leg, b_leg = self.call(body)
        b_leg.ring(180, self.now)
        self.carry()
        b_leg.answer(self.now, ANSWER)
        assert self.events(self.alice, Answered)
        self.forget()
        return a_leg, b_leg

    def forget(self) -> None:
        """What has passed and was told until now."""
        self.carry()
        self.log.clear()
        self.messages.clear()
        for told in self.told.values():
            told.clear()

    def nothing_stays(self) -> bool:
        self.run(4_000)
        return all(
            made.legs == 0
            and made.layer.client_transactions == 0
            and made.layer.server_transactions == 0
            and made.next_timer() is None
            for made in self.at.values()
        )

    def _note(self, source: Destination, message: Message, arrives: bool) -> None:
        name = "A" if source == ALICE else "B"
        what = message.method if isinstance(message, SipRequest) else str(message.status)
        self.messages.append(message)
        self.log.append(f"{name} {what}" + ("" if arrives else " lost"))


def losing(*what: str, times: int = 1) -> Callable[[Message], bool]:
    """Loses the first `times` messages of each of these methods and status codes."""
    left = dict.fromkeys(what, times)

    def passes(message: Message) -> bool:
        key = message.method if isinstance(message, SipRequest) else str(message.status)
        if left.get(key, 0) > 0:
            left[key] -= 1
            return False
        return True

    return passes
