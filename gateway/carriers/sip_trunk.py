"""A SIP trunk to a carrier: where it is reached, whether it is alive, and how it wants to be spoken
to. Pure: answers and `now` in; requests to send, BindUp and BindDown for the router and the next
deadline out.

The theory: a trunk is up while its selected target answers OPTIONS and, where it asks for that, we
are registered there. A target that does not answer makes way for the next of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import msgspec

from gateway.call import Call
from gateway.carriers.trunk_credentials import CallCredentials
from gateway.carriers.trunk_invitation import host_of, invitation, target
from gateway.carriers.trunk_numbers import from_carrier
from gateway.carriers.trunk_pings import DEAD, Pings
from gateway.carriers.trunk_registration import TrunkRegistration
from gateway.carriers.trunk_targets import Targets
from gateway.config.trunk import CarrierTrunk, Srtp
from gateway.sip.leg_state import Credentials
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.transaction import Destination
from gateway.sip.uri import Uri
from routing.events import BindDown, BindUp

# With another of these, it is another trunk.
REACHED_BY = (
    "host",
    "port",
    "transport",
    "username",
    "password",
    "from_domain",
    "options_s",
    "register_s",
)


class TrunkRequest(msgspec.Struct, frozen=True):
    """A request of a trunk's that is for no call, to be sent by `UserAgent.send_request` with
    itself as `user`; the answer goes to `trunk.receive_response`."""

    trunk: SipTrunk
    request: SipRequest
    destination: Destination
    number: int


class TrunkSnapshot(msgspec.Struct, frozen=True):
    """A reading for health and metrics. `registered` is None where it need not be."""

    id: str
    up: bool
    target: str
    targets: int
    ping_failures: int
    registered: bool | None
    register_status: int


class SipTrunk:
    """`carrier/trunk`. It is down until it is proven up. `contact` is how a peer reaches us."""

    def __init__(
        self,
        id: str,
        config: CarrierTrunk,
        random: Random,
        new_token: Callable[[], str],
        contact: Callable[[Destination], str],
        on_event: Callable[[BindUp | BindDown], None],
    ) -> None:
        self.id = id
        self.config = config
        self.up = False
        self._new_token = new_token
        self._contact = contact
        self._on_event = on_event
        self._targets = Targets()
        self._pings = Pings(config.options_s)
        self._registration = (
            TrunkRegistration(config, random, new_token) if config.register_s else None
        )
        self._requests: list[TrunkRequest] = []
        self._draining = False

    # For calls

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The selected one first; none while the name of its host is not known."""
        return self._targets.in_turn

    @property
    def no_answer_s(self) -> float:
        return self.config.no_answer_s

    @property
    def no_failover(self) -> tuple[int, ...]:
        return self.config.no_failover

    @property
    def srtp(self) -> Srtp:
        return self.config.srtp

    @property
    def credentials(self) -> Credentials | None:
        """For one call, which keeps them."""
        config = self.config
        if not config.username:
            return None
        return CallCredentials(config.username, config.password or "", self._new_token)

    def invitation(self, call: Call) -> Invitation:
        """The INVITE in this carrier's way of writing: everything but the session."""
        return invitation(call, self.config, host_of(self._contact(self._targets.selected)))

    def from_carrier(self, uri: Uri) -> str | None:
        """A number of the carrier's in E.164; None where it is none."""
        return from_carrier(uri, self.config.numbers)

    # What its owner tells it

    def resolved(self, found: Iterable[Destination], now: float) -> None:
        """Its host was looked up. Of none, those of the last time stay."""
        if self._targets.replace(found):
            self._moved(now)
        elif self._targets.left is not None:
            self._try_again(self._targets.left, now)
        self._judge(now)

    def unreachable(self, destination: Destination, now: float) -> None:
        """A call could not be sent there, or got no answer at all."""
        if len(self._targets) and destination == self._targets.selected:
            self._rotate(now)

    def receive_response(
        self, sent: TrunkRequest, status: int, response: SipResponse | None, now: float
    ) -> None:
        """Of `OutsideResponse`: the final answer to a request of ours."""
        if sent.request.method == "REGISTER":
            self._registration_answered(sent, status, response, now)
        elif sent.number == 0:
            if status not in DEAD and self._targets.go_back(sent.destination):
                self._moved(now)
        else:
            self._pinged(self._pings.answered(sent.number, status), now)
        self._judge(now)

    def drain(self, now: float) -> None:
        """Take the registration back, and ask no more."""
        self._draining = True
        registration = self._registration
        if registration is not None and registration.is_registered(now):
            self._register(expires_s=0)

    def reconfigured(self, config: CarrierTrunk) -> bool:
        """Calls from now on are made so; False where that is reached otherwise, and is nothing for
        this trunk."""
        if any(getattr(self.config, key) != getattr(config, key) for key in REACHED_BY):
            return False
        self.config = config
        return True

    def retire(self, now: float) -> None:
        """It is no trunk of ours any more: down, for good. Calls over it go on."""
        if self.up:
            self.up = False
            self._on_event(BindDown(self.id, now))
        self._on_event = _to_nobody
        self.drain(now)

    # The verbs of a protocol core

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        if self._draining or not len(self._targets):
            return
        pings, registration = self._pings, self._registration
        if pings.timed_out(now):
            self._pinged(False, now)
        if pings.is_due(now):
            self._ask(self._targets.selected, pings.sent(now))
        if registration is not None and registration.is_due(now):
            self._register()
        self._judge(now)

    def next_timer(self) -> float | None:
        """When `handle_timer` is wanted next."""
        if self._draining or not len(self._targets):
            return None
        times = [self._pings.next_timer]
        if self._registration is not None:
            times.append(self._registration.next_timer)
            if self.up:
                times.append(self._registration.until)
        return min((time for time in times if time is not None), default=None)

    def requests_to_send(self) -> list[TrunkRequest]:
        """Since the last call, in order."""
        requests, self._requests = self._requests, []
        return requests

    def snapshot(self, now: float) -> TrunkSnapshot:
        selected = self._targets.selected if len(self._targets) else None
        registration = self._registration
        return TrunkSnapshot(
            self.id,
            self.up,
            f"{selected.transport} {selected.host}:{selected.port}" if selected else "",
            len(self._targets),
            self._pings.failures,
            None if registration is None else registration.is_registered(now),
            0 if registration is None else registration.status,
        )

    # Within

    def _pinged(self, alive: bool | None, now: float) -> None:
        if alive:
            self._pings.succeeded(now)
        elif alive is False:
            self._pings.failed(now, len(self._targets))
            if self._targets.rotate():
                self._register_there(now)

    def _rotate(self, now: float) -> None:
        if self._targets.rotate():
            self._moved(now)
            self._judge(now)

    def _try_again(self, left: Destination, now: float) -> None:
        """Is it worth going back to? Where nothing is asked, a call will tell."""
        if self.config.options_s:
            self._ask(left, 0)
        elif self._targets.go_back(left):
            self._moved(now)

    def _moved(self, now: float) -> None:
        """Another target is selected."""
        self._pings.ask_now(now)
        self._register_there(now)

    def _register_there(self, now: float) -> None:
        if self._registration is not None:
            self._registration.begin(now)

    def _registration_answered(
        self, sent: TrunkRequest, status: int, response: SipResponse | None, now: float
    ) -> None:
        registration = self._registration
        assert registration is not None
        contact = self._contact(sent.destination)
        again = registration.receive(sent.number, status, response, contact, now)
        if again is not None:
            self._send(again, sent.destination, registration.number)

    def _judge(self, now: float) -> None:
        registration = self._registration
        up = (
            len(self._targets) > 0
            and self._pings.alive
            and (registration is None or registration.is_registered(now))
        )
        if up != self.up:
            self.up = up
            self._on_event(BindUp(self.id, now) if up else BindDown(self.id, now))

    def _ask(self, whom: Destination, number: int) -> None:
        """Number 0 is of one that is not selected."""
        contact = self._contact(whom)
        us = f"<sip:{host_of(contact)}>"
        there = target("", self.config)
        request = SipRequest.make(
            "OPTIONS",
            there,
            from_=f"{us};tag={self._new_token()}",
            to=f"<{there}>",
            call_id=self._new_token(),
            cseq=1,
            contact=contact,
            headers=[("Accept", "application/sdp")],
        )
        self._send(request, whom, number)

    def _register(self, expires_s: int | None = None) -> None:
        assert self._registration is not None
        selected = self._targets.selected
        request = self._registration.request(self._contact(selected), expires_s)
        self._send(request, selected, self._registration.number)

    def _send(self, request: SipRequest, whom: Destination, number: int) -> None:
        self._requests.append(TrunkRequest(self, request, whom, number))


def _to_nobody(event: BindUp | BindDown) -> None:
    """The id may be another trunk's by now."""
