"""One side of a call: an INVITE, its dialogs, and what happens within them (RFC 3261 §12 to §15,
RFC 3311, RFC 4028, RFC 6026). The two ways to begin are `incoming_leg` and `outgoing_leg`.

The theory: a leg goes through `LegState` and is told over once, by Ended. What the owner need not
decide is decided here: the order of requests, who may offer, glare, the repetition of 2xx and of
ACK, session timers, BYE, and the end of a dialog that the peer does not know any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from random import Random
from typing import Any

from gateway.sip.dialog import Dialog, DialogState, target_of
from gateway.sip.errors import SipError
from gateway.sip.headers import Field, Headers
from gateway.sip.leg_events import (
    Acknowledged,
    Asked,
    EndCause,
    Ended,
    LegEvent,
    Responded,
    Withdrawn,
)
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.offer_answer_state import (
    TRANSITIONS,
    Description,
    OfferAnswerState,
    may,
    received,
)
from gateway.sip.option_tags import option_tags
from gateway.sip.own_request import SDP, TRIES_MAX, OwnRequest, describes
from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.session_timer import SessionInterval, SessionTimer
from gateway.sip.timers import Timer, TimerEntry, TimerQueues, TimerValues
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.transaction_layer import TransactionLayer

OPTION_TAGS = frozenset({"100rel", "timer"})
CAPABILITIES: tuple[Field, ...] = (
    ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE"),
    ("Supported", ", ".join(sorted(OPTION_TAGS))),
)
# 2xx to so many of our INVITEs are acknowledged again when they come again.
ACKS_KEPT_MAX = 8
REFRESH_POSTPONED_S = 10.0

Credentials = Callable[[SipRequest, SipResponse], Iterable[Field] | None]


class RequestPending(SipError):
    """Not now: a request or an offer of ours or of the peer's is under way (§14.1, RFC 3311 §5.1),
    or the leg is not in a dialog."""


class LegState(StrEnum):
    INVITED = "invited"  # no response but 100
    EARLY = "early"
    ANSWERED = "answered"  # by 2xx, whose ACK has not passed
    CONFIRMED = "confirmed"
    LEAVING = "leaving"  # told over; CANCEL or BYE is under way
    ENDED = "ended"


class LegSurroundings:
    """What all legs of a user agent share."""

    __slots__ = (
        "contact",
        "events",
        "interval",
        "layer",
        "legs",
        "locate",
        "new_token",
        "random",
        "timers",
        "values",
    )

    def __init__(
        self,
        layer: TransactionLayer,
        values: TimerValues,
        interval: SessionInterval,
        contact: Callable[[Destination], str],
        locate: Callable[[str, Destination], Destination],
        new_token: Callable[[], str],
        random: Random,
    ) -> None:
        self.layer = layer
        self.values = values
        self.interval = interval
        self.contact = contact
        self.locate = locate
        self.new_token = new_token
        self.random = random
        self.timers = TimerQueues()
        self.events: list[LegEvent] = []
        self.legs: dict[tuple[str, str], Leg] = {}


class Leg:
    """`user` is the owner's own: whatever it wants to find again by an event."""

    __slots__ = (
        "_acks",
        "_await_ack",
        "_bye_wanted",
        "_credentials",
        "_glared",
        "_our_invite",
        "_peer_invite",
        "_peer_update",
        "_repeat_s",
        "_running",
        "_shared",
        "call_id",
        "contact",
        "destination",
        "dialog",
        "local_description",
        "local_tag",
        "peer_allows",
        "session_timer",
        "state",
        "user",
    )

    def __init__(
        self,
        shared: LegSurroundings,
        call_id: str,
        local_tag: str,
        destination: Destination,
        credentials: Credentials | None = None,
    ) -> None:
        self._shared = shared
        self.call_id = call_id
        self.local_tag = local_tag
        self.destination = destination
        self.contact = shared.contact(destination)
        self.state = LegState.INVITED
        self.dialog: Dialog | None = None
        self.user: Any = None
        self.session_timer = SessionTimer(shared.interval)
        self.peer_allows: frozenset[str] = frozenset()
        self.local_description = b""
        self._credentials = credentials
        self._running: dict[Timer, TimerEntry] = {}
        self._acks: dict[tuple[int, str], Outgoing | None] = {}
        self._await_ack: tuple[ServerTransaction, SipResponse] | None = None
        self._repeat_s = 0.0
        self._our_invite: OwnRequest | None = None
        self._peer_invite: ServerTransaction | None = None
        self._peer_update: ServerTransaction | None = None
        self._glared: OwnRequest | None = None
        self._bye_wanted: tuple[Field, ...] | None = None
        shared.legs[call_id, local_tag] = self

    # What the owner asks

    @property
    def over(self) -> bool:
        """Ended has been told."""
        return self.state is LegState.LEAVING or self.state is LegState.ENDED

    @property
    def may_offer(self) -> bool:
        """Whether an INVITE with an offer would pass now."""
        dialog = self.dialog
        return (
            self.state is LegState.CONFIRMED
            and self._our_invite is None
            and self._peer_invite is None
            and dialog is not None
            and may(dialog.offer_answer, Description.OFFER_SENT)
        )

    def request(
        self, method: str, now: float, headers: Iterable[Field] = (), body: bytes = b""
    ) -> OwnRequest:
        """Send a request within the dialog: a re-INVITE, UPDATE, INFO …; Responded tells what came
        of it. A body of INVITE and UPDATE is a session description, of others what the headers say.

        Raises:
            RequestPending: not now.
            TransactionsFull: too many requests of ours are under way.
            ValueRefused: a header's value cannot be written.
        """
        assert method not in ("ACK", "CANCEL", "BYE", "PRACK")
        own = OwnRequest(self, self.dialog, method, tuple(Headers(headers)), body)
        self._check_may_send(own)
        self._send(own, now)
        return own

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        reason: str | None = None,
    ) -> None:
        """Answer what Asked told. An answer that comes after the leg's end goes nowhere."""
        request = transaction.request
        fields = list(headers)
        dialog = self._dialog_with(request.from_tag or "")
        if dialog is None or self.state is LegState.ENDED:
            return
        if request.method in ("INVITE", "UPDATE"):
            if self.over:
                self._refuse(transaction, 481, now)
                return
            if 200 <= status < 300:
                fields = [*self._refreshed(dialog, request, now), *fields]
            if body:
                fields.append(("Content-Type", SDP))
            if status >= 200:
                self._settle_offer(dialog, request, status, body)
        response = request.response(
            status, reason, to_tag=transaction.to_tag, headers=fields, body=body
        )
        if status >= 200:
            self._peer_request_answered(transaction, response, now)
        self._shared.layer.respond(transaction, response, now)

    def withdraw(self, own: OwnRequest, now: float) -> None:
        """Cancel a re-INVITE that has no final response yet; Responded still tells the outcome."""
        if own is self._our_invite and own.transaction is not None:
            self._shared.layer.cancel(own.transaction, now)

    def acknowledge(self, own: OwnRequest, now: float, body: bytes = b"") -> None:
        """Send the ACK to a 2xx that offers, with our answer."""
        dialog = own.dialog
        assert dialog is not None
        if body and dialog.offer_answer is OfferAnswerState.REMOTE_OFFER:
            dialog.offer_answer = OfferAnswerState.STABLE
            self.local_description = body
        self._send_ack(dialog, own.sequence, now, body, own.credentials)

    def hang_up(self, now: float, headers: Iterable[Field] = ()) -> None:
        """End a call that is answered by BYE, another by what ends it; Ended is told at once."""
        if self.over:
            return
        self._leave(EndCause.HUNG_UP, 0, None, now, tuple(Headers(headers)))

    # Requests of the peer's

    def receive_request(
        self, transaction: ServerTransaction, request: SipRequest, now: float
    ) -> None:
        dialog = self._dialog_with(request.from_tag or "")
        if dialog is None or self.state is LegState.ENDED:
            self._refuse(transaction, 481, now)
            return
        if not dialog.in_order(request.cseq.sequence):
            self._refuse(transaction, 500, now)
            return
        match request.method:
            case "BYE":
                self._receive_bye(transaction, request, now)
            case "INVITE" | "UPDATE":
                self._receive_session_request(transaction, request, dialog, now)
            case "PRACK":
                self._receive_prack(transaction, request, dialog, now)
            case _ if self.over:
                self._refuse(transaction, 481, now)
            case _:
                self._tell(Asked(self, transaction, request))

    def receive_ack(self, request: SipRequest, now: float) -> None:
        awaited = self._await_ack
        if awaited is None or awaited[1].cseq.sequence != request.cseq.sequence:
            return
        self._await_ack = None
        self._stop(Timer.ACK, Timer.NO_ACK)
        dialog = self.dialog
        assert dialog is not None
        if dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
            answer = Description.ANSWER_RECEIVED if describes(request) else Description.OFFER_FAILED
            self._describe(dialog, answer)
        if self.state is LegState.ANSWERED:
            self.state = LegState.CONFIRMED
        if self._bye_wanted is not None:
            self._send_bye(dialog, self._bye_wanted, now)
        elif not self.over:
            self._tell(Acknowledged(self, request))

    def receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        """Of a re-INVITE; of the first one, `IncomingLeg` knows more."""
        self.respond(transaction, 487, now)
        if not self.over:
            self._tell(Withdrawn(self, transaction))

    def _receive_bye(self, transaction: ServerTransaction, request: SipRequest, now: float) -> None:
        self._refuse(transaction, 200, now)
        if self.state is not LegState.LEAVING:
            self._tell_end(EndCause.BYE, 0, request)
            self._end(now)

    def _receive_session_request(
        self, transaction: ServerTransaction, request: SipRequest, dialog: Dialog, now: float
    ) -> None:
        """A re-INVITE or an UPDATE (§14.2, RFC 3311 §5.2)."""
        invite = request.method == "INVITE"
        offers = describes(request)
        target_of(request)  # Raised now, not when the owner answers.
        if self.over:
            self._refuse(transaction, 481, now)
        elif invite and self._our_invite is not None:
            self._refuse(transaction, 491, now)
        elif (self._peer_invite if invite else self._peer_update) is not None:
            self._refuse(transaction, 500, now, self._retry_after())
        elif (invite or offers) and not may(dialog.offer_answer, Description.OFFER_RECEIVED):
            if dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
                self._refuse(transaction, 491, now)
            else:
                self._refuse(transaction, 500, now, self._retry_after())
        elif too_small := self.session_timer.refusal(request):
            self._refuse(transaction, 422, now, too_small)
        else:
            self._take_allows(request)
            if offers:
                self._describe(dialog, Description.OFFER_RECEIVED)
            if invite:
                self._peer_invite = transaction
            elif not offers:  # It refreshes the session, and asks for nothing.
                self.respond(transaction, 200, now)
                return
            else:
                self._peer_update = transaction
            self._tell(Asked(self, transaction, request))

    def _receive_prack(
        self, transaction: ServerTransaction, request: SipRequest, dialog: Dialog, now: float
    ) -> None:
        """`IncomingLeg` has what it could be for."""
        self._refuse(transaction, 481, now)

    def _refreshed(self, dialog: Dialog, request: SipRequest, now: float) -> list[Field]:
        """The headers of our 2xx; the session lives on from now."""
        dialog.refresh_target(request)
        self._relocate(dialog)
        agreed = self.session_timer.agree_as_uas(request)
        self._start_session_timer(now)
        return [("Contact", self.contact), *CAPABILITIES, *agreed]

    def _settle_offer(self, dialog: Dialog, request: SipRequest, status: int, body: bytes) -> None:
        """By our final response to an INVITE or UPDATE."""
        if dialog.offer_answer is OfferAnswerState.REMOTE_OFFER and describes(request):
            answer = Description.ANSWER_SENT if status < 300 else Description.OFFER_FAILED
            self._describe(dialog, answer)
        elif body and status < 300 and not describes(request):  # The answer is in the ACK.
            self._describe(dialog, Description.OFFER_SENT)
        if body and status < 300:
            self.local_description = body

    def _peer_request_answered(
        self, transaction: ServerTransaction, response: SipResponse, now: float
    ) -> None:
        if transaction is self._peer_update:
            self._peer_update = None
        elif transaction is self._peer_invite:
            self._peer_invite = None
            if response.status < 300:
                self._await_ack_of(transaction, response, now)

    def _await_ack_of(
        self, transaction: ServerTransaction, response: SipResponse, now: float
    ) -> None:
        """A 2xx is repeated by us, not by its transaction, over any transport (§13.3.1.4)."""
        self._await_ack = (transaction, response)
        self._repeat_s = self._shared.values.t1
        self._start(Timer.ACK, self._repeat_s, now)
        self._start(Timer.NO_ACK, self._shared.values.timeout, now)

    def _refuse(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
    ) -> None:
        """Answer a request that the owner is not asked about."""
        if transaction is self._peer_invite:
            self._peer_invite = None
        response = transaction.request.response(status, to_tag=transaction.to_tag, headers=headers)
        self._shared.layer.respond(transaction, response, now)

    def _retry_after(self) -> list[Field]:
        return [("Retry-After", str(self._shared.random.randint(0, 10)))]

    # Requests of ours

    def _check_may_send(self, own: OwnRequest) -> None:
        dialog = own.dialog
        if dialog is None or self.over:
            raise RequestPending(f"{own.method} is not for a leg that is {self.state.value}")
        if own.method == "INVITE" and not self.may_offer:
            raise RequestPending("an INVITE or an offer is under way")
        if own.offers and not may(dialog.offer_answer, Description.OFFER_SENT):
            raise RequestPending("an offer is under way")

    def _send(self, own: OwnRequest, now: float) -> None:
        dialog = own.dialog
        assert dialog is not None
        fields: list[Field] = []
        if own.method in ("INVITE", "UPDATE"):
            fields = [("Contact", self.contact), *CAPABILITIES, *self.session_timer.offered()]
            if own.body:
                fields.append(("Content-Type", SDP))
        elif own.method in ("REFER", "NOTIFY"):
            fields = [("Contact", self.contact)]
        request = dialog.request(own.method, [*fields, *own.headers, *own.credentials], own.body)
        transaction = self._shared.layer.send_request(request, self.destination, now)
        transaction.user = own
        own.transaction = transaction
        own.tries += 1
        own.sequence = dialog.local_sequence
        if own.method == "INVITE":
            self._our_invite = own
        if own.offers:
            self._describe(dialog, Description.OFFER_SENT)

    def receive_response(self, own: OwnRequest, response: SipResponse, now: float) -> None:
        """To a request within the dialog."""
        status = response.status
        if status < 200:
            if not self.over and own.method == "INVITE" and status > 100:
                self._tell(Responded(self, own, status, response))
            return
        if own.method == "INVITE" and status < 300:
            if self._acknowledged_before(own, response, now):
                return
        elif own.offers and own.dialog is not None and status >= 300:
            self._describe(own.dialog, Description.OFFER_FAILED)
        if own is self._our_invite:
            self._our_invite = None
        if own.method == "BYE":
            if not self._try_again(own, response, now) and own.dialog is self.dialog:
                self._end(now)
        elif self.over:
            if own.method == "INVITE" and status < 300 and own.dialog is not None:
                self._send_ack(own.dialog, own.sequence, now)
        elif status < 300:
            self._accepted(own, response, now)
        elif not self._try_again(own, response, now):
            self._failed(own, status, response, now)

    def receive_failure(self, own: OwnRequest, status: int, now: float) -> None:
        """It timed out (408) or could not be sent (503)."""
        if own is self._our_invite:
            self._our_invite = None
        if own.method == "BYE":
            if own.dialog is self.dialog:
                self._end(now)
        elif not self.over:
            if own.offers and own.dialog is not None:
                self._describe(own.dialog, Description.OFFER_FAILED)
            self._failed(own, status, None, now)

    def _accepted(self, own: OwnRequest, response: SipResponse, now: float) -> None:
        dialog = own.dialog
        assert dialog is not None
        acknowledge = False
        if own.method in ("INVITE", "UPDATE"):
            dialog.refresh_target(response)
            self._relocate(dialog)
            self._take_allows(response)
            self.session_timer.agreed_as_uac(response)
            self._start_session_timer(now)
            if own.body:
                self.local_description = own.body
            if own.method == "INVITE":
                acknowledge = self._answered_by(own, dialog, response, now)
            elif own.offers:
                answered = describes(response)
                what = Description.ANSWER_RECEIVED if answered else Description.OFFER_FAILED
                self._describe(dialog, what)
        if not own.refresh or own.method == "INVITE":
            self._tell(Responded(self, own, response.status, response, acknowledge))

    def _answered_by(
        self, own: OwnRequest, dialog: Dialog, response: SipResponse, now: float
    ) -> bool:
        """What the description in a 2xx to an INVITE is; the ACK goes out, unless the owner has to
        give an answer with it: then True."""
        if describes(response):
            what = received(dialog.offer_answer)
            if what is Description.OFFER_RECEIVED and not own.body:
                self._describe(dialog, what)
                self._acks[own.sequence, dialog.remote_tag] = None
                return True
            if what is Description.ANSWER_RECEIVED:
                self._describe(dialog, what)
        elif dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
            self._describe(dialog, Description.OFFER_FAILED)
        self._send_ack(dialog, own.sequence, now, b"", own.credentials)
        return False

    def _failed(
        self, own: OwnRequest, status: int, response: SipResponse | None, now: float
    ) -> None:
        """481, and 408 to what refreshes the session, mean that the dialog is gone (§12.2.1.2)."""
        if not own.refresh:
            self._tell(Responded(self, own, status, response))
        if status == 481 or (status == 408 and own.method in ("INVITE", "UPDATE")):
            self._leave(EndCause.LOST, status, response, now, ())

    def _try_again(self, own: OwnRequest, response: SipResponse, now: float) -> bool:
        """Whether the request goes out once more, now or after a while."""
        if own.tries >= TRIES_MAX:
            return False
        status = response.status
        if status in (401, 407) and self._credentials is not None:
            credentials = self._credentials(self._as_sent(own), response)
            if credentials is None:
                return False
            own.credentials = tuple(credentials)
        elif status == 422 and own.method in ("INVITE", "UPDATE"):
            if not self.session_timer.too_small(response):
                return False
        elif status == 491 and own.method in ("INVITE", "UPDATE") and own.dialog is not None:
            self._glared = own
            self._start(Timer.GLARE, self._glare_s(), now)
            return True
        else:
            return False
        self._send(own, now)
        return True

    def _as_sent(self, own: OwnRequest) -> SipRequest:
        """What credentials are for: method, Request-URI and body."""
        assert own.dialog is not None
        return SipRequest(own.method, own.dialog.remote_target, Headers.of([]), own.body)

    def _glare_s(self) -> float:
        """Who owns the Call-ID waits longer, so that both do not meet again (§14.1)."""
        hundredths = self._shared.random.randint
        return (hundredths(210, 400) if self._owns_call_id else hundredths(0, 200)) / 100

    @property
    def _owns_call_id(self) -> bool:
        raise AssertionError

    # ACK

    def _send_ack(
        self,
        dialog: Dialog,
        sequence: int,
        now: float,
        body: bytes = b"",
        credentials: tuple[Field, ...] = (),
    ) -> None:
        fields = [*credentials, ("Content-Type", SDP)] if body else credentials
        ack = dialog.request("ACK", fields, body, sequence)
        while len(self._acks) >= ACKS_KEPT_MAX:
            del self._acks[next(iter(self._acks))]
        sent = self._shared.layer.send_ack(ack, self.destination)
        self._acks[sequence, dialog.remote_tag] = sent

    def _acknowledged_before(self, own: OwnRequest, response: SipResponse, now: float) -> bool:
        """Whether this 2xx has come before; then so does its ACK."""
        key = (own.sequence, response.to_tag or "")
        if key not in self._acks:
            return False
        ack = self._acks[key]
        if ack is not None:
            self._shared.layer.repeat(ack)
        return True

    # Session timers

    def _start_session_timer(self, now: float) -> None:
        self._stop(Timer.REFRESH, Timer.EXPIRY)
        timer = self.session_timer
        if timer.expires_s:
            if timer.we_refresh:
                self._start(Timer.REFRESH, timer.refresh_after_s, now)
            self._start(Timer.EXPIRY, timer.expire_after_s, now)

    def _refresh(self, now: float) -> None:
        """By UPDATE, which need not describe the session; by re-INVITE where the peer knows no
        UPDATE (RFC 4028 §7.4)."""
        method = "UPDATE" if "update" in self.peer_allows else "INVITE"
        body = b"" if method == "UPDATE" else self.local_description
        own = OwnRequest(self, self.dialog, method, (), body, refresh=True)
        try:
            self._check_may_send(own)
            self._send(own, now)
        except SipError:
            self._start(Timer.REFRESH, REFRESH_POSTPONED_S, now)

    # Timers

    def fire(self, timer: Timer, now: float) -> None:
        self._running.pop(timer, None)
        match timer:
            case Timer.ACK:
                assert self._await_ack is not None
                self._shared.layer.respond(*self._await_ack, now)
                self._repeat_s = min(2 * self._repeat_s, self._shared.values.t2)
                self._start(Timer.ACK, self._repeat_s, now)
            case Timer.NO_ACK:
                self._await_ack = None
                self._stop(Timer.ACK)
                if self._bye_wanted is not None and self.dialog is not None:
                    self._send_bye(self.dialog, self._bye_wanted, now)
                else:
                    self.state = LegState.CONFIRMED
                    self._leave(EndCause.NO_ACK, 0, None, now, ())
            case Timer.REFRESH:
                self._refresh(now)
            case Timer.EXPIRY:
                self._leave(EndCause.EXPIRED, 0, None, now, ())
            case Timer.GLARE:
                self._after_glare(now)
            case _:
                raise AssertionError(timer)

    def _after_glare(self, now: float) -> None:
        own, self._glared = self._glared, None
        assert own is not None
        try:
            self._check_may_send(own)
            self._send(own, now)
        except SipError:
            self._failed(own, 491, None, now)

    def _start(self, timer: Timer, interval: float, now: float) -> None:
        self._stop(timer)
        self._running[timer] = self._shared.timers.set(timer, self, interval, now)

    def _stop(self, *timers: Timer) -> None:
        for timer in timers:
            entry = self._running.pop(timer, None)
            if entry is not None:
                entry.owner = None

    # Leaving

    def _leave(
        self,
        cause: EndCause,
        status: int,
        message: SipMessage | None,
        now: float,
        headers: tuple[Field, ...],
    ) -> None:
        """Say BYE, once it may be said: not before the ACK of a 2xx of ours (§15)."""
        assert self.dialog is not None
        waits = self._await_ack is not None and self.state is LegState.ANSWERED
        self._tell_end(cause, status, message)
        if self._peer_invite is not None:
            self._refuse(self._peer_invite, 487, now)
        self.state = LegState.LEAVING
        self._stop(Timer.REFRESH, Timer.EXPIRY, Timer.GLARE)
        if waits:
            self._bye_wanted = headers
        else:
            self._send_bye(self.dialog, headers, now)

    def _send_bye(self, dialog: Dialog, headers: tuple[Field, ...], now: float) -> None:
        self._bye_wanted = None
        dialog.state = DialogState.TERMINATED
        self._stop(Timer.ACK, Timer.NO_ACK)
        self._send(OwnRequest(self, dialog, "BYE", headers, b""), now)

    def _tell_end(self, cause: EndCause, status: int, message: SipMessage | None) -> None:
        assert not self.over
        self._tell(Ended(self, cause, status, message))

    def _end(self, now: float) -> None:
        """Nothing of it is kept any more. An INVITE may stand open for ever; so none is left."""
        if self._our_invite is not None and self._our_invite.transaction is not None:
            self._shared.layer.cancel(self._our_invite.transaction, now)
            self._our_invite = None
        if self._peer_invite is not None:
            self._refuse(self._peer_invite, 487, now)
        self.state = LegState.ENDED
        for entry in self._running.values():
            entry.owner = None
        self._running.clear()
        self._shared.legs.pop((self.call_id, self.local_tag), None)

    # Small things

    def _dialog_with(self, remote_tag: str) -> Dialog | None:
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    def _describe(self, dialog: Dialog, what: Description) -> None:
        following = TRANSITIONS.get((dialog.offer_answer, what))
        if following is not None:
            dialog.offer_answer = following

    def _take_allows(self, message: SipMessage) -> None:
        self.peer_allows = option_tags(message, "Allow") or self.peer_allows

    def _relocate(self, dialog: Dialog) -> None:
        self.destination = self._shared.locate(dialog.next_hop, self.destination)

    def _tell(self, event: LegEvent) -> None:
        self._shared.events.append(event)
