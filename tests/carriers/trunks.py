"""Builders: a SIP trunk, what it sends, and the answers to that."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from gateway.call import Call, CallDirection
from gateway.carriers.sip_trunk import SipTrunk, TrunkRequest
from gateway.config.trunk import CarrierTrunk
from gateway.sip.headers import Field
from gateway.sip.message import SipResponse
from gateway.sip.transaction import Destination
from routing.events import BindDown, BindUp
from tests.sip.transactions import tokens

NOW = 1_000_000.0
FIRST = Destination("UDP", "192.0.2.200", 5060)
SECOND = Destination("UDP", "192.0.2.201", 5060)
THIRD = Destination("UDP", "192.0.2.202", 5060)
CONTACT = "<sip:198.51.100.1:5060>"
CALL = Call(1, "AC1", CallDirection.OUTBOUND, "+12025550100", "+493012345678", "trunk/pbx", NOW)
PLAIN = CarrierTrunk("1", "sip.carrier.example")
REGISTERING = replace(PLAIN, options_s=0.0, register_s=600, username="gateway", password="secret")


class Line:
    """A trunk whose host has been looked up, and what it told the router."""

    def __init__(self, config: CarrierTrunk, *targets: Destination) -> None:
        self.now = NOW
        self.told: list[str] = []
        self.trunk = SipTrunk(
            "alpha/1", config, Random(1), tokens("t"), lambda _: CONTACT, self._tell
        )
        if targets:
            self.trunk.resolved(targets, self.now)

    def _tell(self, event: BindUp | BindDown) -> None:
        assert event.bind == "alpha/1"
        self.told.append("up" if isinstance(event, BindUp) else "down")

    def sent(self) -> list[TrunkRequest]:
        self.trunk.handle_timer(self.now)
        return self.trunk.requests_to_send()

    def one(self) -> TrunkRequest:
        """The one request that is sent now."""
        (request,) = self.sent()
        return request

    def answer(self, sent: TrunkRequest, status: int, *headers: Field) -> None:
        response: SipResponse | None = sent.request.response(status, headers=headers)
        self.trunk.receive_response(sent, status, response, self.now)

    def answer_nothing(self, sent: TrunkRequest, status: int = 408) -> None:
        self.trunk.receive_response(sent, status, None, self.now)

    def wait(self) -> float:
        """Until something is due; for how long."""
        due = self.trunk.next_timer()
        assert due is not None
        waited, self.now = due - self.now, due
        return waited
