"""The core of a user agent (RFC 3261 §8, §12): legs above, the transaction layer below; messages
and `now` in; messages to send, events and the next deadline out. No sockets, no clock, no tasks.

It finds the leg that a message is for, makes legs of new calls, and answers what is for none: 481
within a dialog that is not known, 400 where a header cannot be read, 420 and 422 to an INVITE that
asks for what we do not do, 503 when there are `legs_max` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, assert_never

from gateway.sip.client_transaction import ClientTransaction
from gateway.sip.errors import GrammarError, SipError
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import IncomingCall, LegEvent, OutsideDialog, OutsideResponse
from gateway.sip.leg_state import OPTION_TAGS, Credentials, LegSurroundings
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.next_hop import locate as locate_address
from gateway.sip.option_tags import option_tags
from gateway.sip.outgoing_leg import Invitation, OutgoingLeg
from gateway.sip.own_request import OwnRequest
from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.session_timer import SessionInterval, SessionTimer
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination, Outgoing, Transaction
from gateway.sip.transaction_events import (
    AckReceived,
    Cancelled,
    NoAck,
    RequestReceived,
    ResponseReceived,
    TimedOut,
    TransactionEvent,
    TransportFailed,
)
from gateway.sip.transaction_layer import RETRY_AFTER_S, TRANSACTIONS_MAX, TransactionLayer

LEGS_MAX = 50_000


class LegsFull(SipError):
    """`legs_max` legs stand or are under way."""


class UserAgent:
    """`sent_by` and `contact` say how we are reached by a peer (the Via's "host:port", and a
    Contact); `locate` where the next hop of a dialog is, given where the peer is known to be.
    `new_token` makes what nobody may guess: branches, tags and Call-IDs.

    What there is to send waits in `below.messages`, what there is to tell in `shared.events`.
    """

    def __init__(
        self,
        sent_by: Callable[[Destination], str],
        contact: Callable[[Destination], str],
        new_token: Callable[[], str],
        random: Random,
        values: TimerValues,
        interval: SessionInterval,
        locate: Callable[[str, Destination], Destination] = locate_address,
        legs_max: int = LEGS_MAX,
        transactions_max: int = TRANSACTIONS_MAX,
    ) -> None:
        assert legs_max >= 1
        self.layer = TransactionLayer(sent_by, new_token, values, transactions_max)
        self.below = self.layer.shared
        self._legs_max = legs_max
        self.shared = LegSurroundings(
            self.layer, values, interval, contact, locate, new_token, random
        )

    # What the owner asks

    @property
    def legs(self) -> int:
        return len(self.shared.legs)

    def is_ours(self, request: SipRequest) -> bool:
        """Whether an INVITE of a leg of ours has come back to us."""
        return (request.call_id, request.from_tag or "") in self.shared.legs

    def invite(
        self,
        invitation: Invitation,
        destination: Destination,
        now: float,
        credentials: Credentials | None = None,
    ) -> OutgoingLeg:
        """Call somebody. `credentials` answers a challenge (401, 407) with the headers of the next
        try, or None.

        Raises:
            LegsFull, TransactionsFull: there are too many.
            ValueRefused: a header's value cannot be written.
        """
        if len(self.shared.legs) >= self._legs_max:
            raise LegsFull(f"{self._legs_max} legs are under way")
        call_id = self.shared.new_token()
        return OutgoingLeg(self.shared, invitation, destination, now, call_id, credentials)

    def send_request(
        self, request: SipRequest, destination: Destination, now: float, user: Any = None
    ) -> None:
        """Send a request that is for no call (OPTIONS, REGISTER …); OutsideResponse will tell."""
        self.layer.send_request(request, destination, now).user = OutsideRequest(user)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
        body: bytes = b"",
    ) -> None:
        """Answer what OutsideDialog told."""
        request = transaction.request
        response = request.response(status, to_tag=transaction.to_tag, headers=headers, body=body)
        self.layer.respond(transaction, response, now)

    # The verbs of a protocol core

    def receive(self, message: SipRequest | SipResponse, source: Destination, now: float) -> None:
        """A message as `gateway.sip.parser` gives it."""
        self.layer.receive(message, source, now)
        self._take_events(now)

    def transport_error(self, outgoing: Outgoing, now: float) -> None:
        """This message could not be sent."""
        self.layer.transport_error(outgoing, now)
        self._take_events(now)

    def connection_lost(self, destination: Destination, now: float) -> None:
        self.layer.connection_lost(destination, now)
        self._take_events(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        timers = self.shared.timers
        while fired := timers.pop_due(now):
            timer, owner = fired
            if isinstance(owner, Transaction):
                self.layer.fire(owner, timer, now)
                self._take_events(now)
            else:
                assert isinstance(owner, Leg)
                owner.fire(timer, now)

    def next_timer(self) -> float | None:
        """When `handle_timer` is wanted next."""
        return self.shared.timers.next_timer()

    def messages_to_send(self) -> list[Outgoing]:
        """Since the last call, in order."""
        return self.layer.messages_to_send()

    def events(self) -> list[LegEvent]:
        """What happened since the last call, in order."""
        events, self.shared.events = self.shared.events, []
        return events

    # From below

    def _take_events(self, now: float) -> None:
        below = self.below
        if events := below.events:
            below.events = []
            for event in events:
                # Nearly all are of these two.
                if type(event) is ResponseReceived:
                    self._receive_response(event.transaction.user, event.response, now)
                elif type(event) is RequestReceived:
                    self._receive_request(event.transaction, event.request, now)
                else:
                    self._take(event, now)
        if over := below.over:
            below.over = []
            for transaction in over:
                user, transaction.user = transaction.user, None
                if isinstance(user, OwnRequest):
                    user.over(transaction)

    def _take(self, event: TransactionEvent, now: float) -> None:
        match event:
            case AckReceived(request):
                leg = self.shared.legs.get((request.call_id, request.to_tag or ""))
                if leg is not None:
                    leg.receive_ack(request, now)
            case Cancelled(transaction):
                if isinstance(transaction.user, Leg):
                    transaction.user.receive_cancel(transaction, now)
            case TimedOut(transaction):
                self._receive_failure(transaction.user, 408, now)
            case TransportFailed(transaction):
                if isinstance(transaction, ClientTransaction):
                    self._receive_failure(transaction.user, 503, now)
            case NoAck():
                pass  # The leg was over with the response that was not acknowledged.
            case RequestReceived() | ResponseReceived():
                raise AssertionError(event)
            case _:
                assert_never(event)

    def _receive_request(
        self, transaction: ServerTransaction, request: SipRequest, now: float
    ) -> None:
        to_tag, method = request.to_tag, request.method
        try:
            if to_tag is not None:
                leg = self.shared.legs.get((request.call_id, to_tag))
                if leg is None:
                    self.respond(transaction, 481, now)
                    return
                if method == "INVITE":
                    transaction.user = leg  # A CANCEL is for it.
                leg.receive_request(transaction, request, now)
            elif method == "INVITE":
                self._receive_invite(transaction, request, now)
            elif method in ("BYE", "PRACK", "UPDATE"):
                self.respond(transaction, 481, now)
            else:
                self.shared.events.append(OutsideDialog(transaction, request))
        except GrammarError:
            self.respond(transaction, 400, now)

    def _receive_invite(
        self, transaction: ServerTransaction, request: SipRequest, now: float
    ) -> None:
        unsupported = option_tags(request, "Require") - OPTION_TAGS
        if unsupported:
            self.respond(transaction, 420, now, [("Unsupported", ", ".join(sorted(unsupported)))])
        elif request.target() is None:
            self.respond(transaction, 400, now)
        elif too_small := SessionTimer(self.shared.interval).refusal(request):
            self.respond(transaction, 422, now, too_small)
        elif len(self.shared.legs) >= self._legs_max:
            self.respond(transaction, 503, now, [("Retry-After", str(RETRY_AFTER_S))])
        else:
            leg = IncomingLeg(self.shared, transaction)
            self.shared.events.append(IncomingCall(leg, request))

    def _receive_response(
        self, user: OwnRequest | OutsideRequest, response: SipResponse, now: float
    ) -> None:
        if isinstance(user, OutsideRequest):
            told = OutsideResponse(user.user, response.status, response)
            self.shared.events.append(told)
            return
        leg = user.leg
        if leg is None:
            return
        try:
            leg.receive_response(user, response, now)
        except GrammarError:
            if not response.provisional:
                leg.receive_failure(user, 502, now)

    def _receive_failure(self, user: OwnRequest | OutsideRequest, status: int, now: float) -> None:
        if isinstance(user, OutsideRequest):
            self.shared.events.append(OutsideResponse(user.user, status, None))
        elif user.leg is not None:
            user.leg.receive_failure(user, status, now)


class OutsideRequest:
    """What a request that is for no call is known by."""

    __slots__ = ("user",)

    def __init__(self, user: Any) -> None:
        self.user = user
