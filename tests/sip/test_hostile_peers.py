"""A peer that sends whatever it likes, in any order: no exception leaves the core, and nothing
stays."""

from random import Random

import pytest

from gateway.sip.headers import Field, Headers
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked, IncomingCall, LegEvent, OutsideDialog
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.transaction import Destination
from tests.sip.calls import ALICE, BOB, NOW, OFFER, agent, invitation
from tests.sip.transactions import read

METHODS = ("INVITE", "INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "INFO", "OPTIONS", "FOO")
STRANGE: list[Field] = [
    ("Contact", "<sip:a@192.0.2.1>"),
    ("Contact", "<sip:a@[nonsense>"),
    ("Contact", "*"),
    ("Record-Route", "<sip:p.example;lr>"),
    ("Record-Route", "<sip:p.example>"),
    ("Record-Route", "<<<"),
    ("Record-Route", "<tel:+4930>"),
    ("Require", "100rel"),
    ("Require", "teleport"),
    ("Supported", "timer, 100rel,,"),
    ("Session-Expires", "10"),
    ("Session-Expires", "1800;refresher=uac"),
    ("Session-Expires", "soon"),
    ("Min-SE", "never"),
    ("Min-SE", "5000"),
    ("RSeq", "1"),
    ("RSeq", "-1"),
    ("RAck", "1 1 INVITE"),
    ("RAck", "one"),
    ("Allow", ",,"),
    ("Content-Type", "application/sdp"),
    ("Content-Type", "multipart/mixed"),
    ("Content-Type", ";;"),
    ("Timestamp", "x"),
]
STATUSES = (100, 180, 183, 199, 200, 202, 302, 401, 407, 408, 422, 481, 486, 491, 500, 600)


class Hostile:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.bob = agent(BOB, "bob", seed=seed)
        self.now = NOW
        self.legs: list[Leg] = []
        self.sent: list[SipRequest | SipResponse] = []
        self.source = ALICE

    def extras(self) -> list[Field]:
        return self.random.sample(STRANGE, self.random.randrange(5))

    def request(self) -> SipRequest:
        """New, or put together out of what was seen: tags, branches and numbers of Bob's own."""
        pick, method = self.random.choice, self.random.choice(METHODS)
        seen = pick(self.sent) if self.sent and self.random.random() < 0.7 else None
        call_id = seen.call_id if seen else f"call-{self.random.randrange(50)}"
        ours = pick((seen.from_tag, seen.to_tag)) if seen else None
        theirs = pick((seen.from_tag, seen.to_tag)) if seen else None
        branch = (seen.branch if seen else None) or f"z9hG4bK{self.random.randrange(200)}"
        return SipRequest.make(
            method,
            "sip:bob@192.0.2.2",
            from_=f"<sip:a@x.example>;tag={theirs or 'a'}",
            to="<sip:b@x.example>" + (f";tag={ours}" if ours else ""),
            call_id=call_id,
            cseq=self.random.randrange(200_000),
            via=f"SIP/2.0/{self.source.transport} 192.0.2.1;branch={branch}",
            headers=self.extras(),
            body=pick((b"", OFFER)),
        )

    def response(self) -> SipResponse | None:
        asked = [message for message in self.sent if isinstance(message, SipRequest)]
        if not asked:
            return None
        status, tag = self.random.choice(STATUSES), self.random.choice(("x", "y", None))
        response = self.random.choice(asked[-20:]).response(
            status, to_tag=tag, body=self.random.choice((b"", OFFER))
        )
        return response.with_headers(Headers([*response.headers, *self.extras()]))

    def act(self) -> None:
        chance = self.random.random()
        self.source = self.random.choice((ALICE, Destination("TCP", "192.0.2.1", 5060, 3)))
        if chance < 0.1:
            self.legs.append(self.bob.invite(invitation(), self.source, self.now))
        elif chance < 0.5:
            self.bob.receive(self.request(), self.source, self.now)
        elif (message := self.response()) is not None:
            self.bob.receive(message, self.source, self.now)
        for event in self.bob.events():
            self.take(event)
        for outgoing in self.bob.messages_to_send():
            self.sent.append(read(outgoing))
            if self.random.random() < 0.01:
                self.bob.transport_error(outgoing, self.now)
        del self.sent[:-60]
        self.now += self.random.expovariate(2)
        self.bob.handle_timer(self.now)

    def take(self, event: LegEvent) -> None:
        match event:
            case IncomingCall(leg):
                self.legs.append(leg)
                what = self.random.randrange(4)
                if what == 0:
                    leg.ring(183, self.now, body=OFFER, reliable=True)
                elif what == 1:
                    leg.answer(self.now, OFFER)
                elif what == 2:
                    leg.refuse(486, self.now)
            case Asked(leg, transaction):
                leg.respond(transaction, self.random.choice((200, 488)), self.now, body=OFFER)
            case OutsideDialog(transaction):
                self.bob.respond(transaction, 405, self.now)
            case _:
                pass


@pytest.mark.parametrize("seed", range(8))
def test_no_exception_leaves_the_core_and_nothing_stays(seed: int) -> None:
    hostile = Hostile(seed)
    for _ in range(600):
        hostile.act()
    for leg in hostile.legs:
        leg.hang_up(hostile.now)
    while (deadline := hostile.bob.next_timer()) is not None:
        assert deadline < hostile.now + 20_000
        hostile.bob.handle_timer(deadline)
    layer = hostile.bob.layer
    assert (hostile.bob.legs, layer.client_transactions, layer.server_transactions) == (0, 0, 0)
