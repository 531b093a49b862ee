"""The requests of ours within a call: what they need to be sent, what their answers do, and when
they are tried again (RFC 3261 §12.2.1, §13.2.2.4, §14.1, §15.1.1; RFC 4028 §10)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sip.dialog import Dialog, DialogState
from gateway.sip.errors import SipError
from gateway.sip.headers import Field, Headers
from gateway.sip.leg_core import LegCore
from gateway.sip.leg_events import EndCause, Responded
from gateway.sip.leg_state import CAPABILITIES, LegState, RequestPending
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.message_fields import SDP
from gateway.sip.offer_answer_state import Description, OfferAnswerState, may, received
from gateway.sip.own_request import TRIES_MAX, OwnRequest, describes
from gateway.sip.timers import Timer
from gateway.sip.transaction_layer import TransactionsFull

# 2xx to so many of our INVITEs are acknowledged again when they come again.
ACKS_KEPT_MAX = 8
REFRESH_POSTPONED_S = 10.0


class LegRequests(LegCore):
    __slots__ = ()

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
        own = OwnRequest(self._leg, self.dialog, method, tuple(Headers(headers)), body)
        self._check_may_send(own)
        self._send(own, now)
        return own

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

    # Out

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

    # Responses

    def receive_response(self, own: OwnRequest, response: SipResponse, now: float) -> None:
        """To a request within the dialog."""
        status = response.status
        if status < 200:
            if not self.over and own.method == "INVITE" and status > 100:
                self._tell(Responded(self._leg, own, status, response))
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
            self._tell(Responded(self._leg, own, response.status, response, acknowledge))

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

    def _acknowledged_before(self, own: OwnRequest, response: SipResponse, now: float) -> bool:
        """Whether this 2xx has come before; then so does its ACK."""
        key = (own.sequence, response.to_tag or "")
        if key not in self._acks:
            return False
        ack = self._acks[key]
        if ack is not None:
            self._shared.layer.repeat(ack)
        return True

    def _failed(
        self, own: OwnRequest, status: int, response: SipResponse | None, now: float
    ) -> None:
        """481, and 408 to what refreshes the session, mean that the dialog is gone (§12.2.1.2)."""
        if not own.refresh:
            self._tell(Responded(self._leg, own, status, response))
        if status == 481 or (status == 408 and own.method in ("INVITE", "UPDATE")):
            self._leave(EndCause.LOST, status, response, now, ())

    # Once more

    def _try_again(self, own: OwnRequest, response: SipResponse, now: float) -> bool:
        """Whether the request goes out once more, now or after a while."""
        if own.tries >= TRIES_MAX:
            return False
        status = response.status
        if status in (401, 407) and self.credentials is not None:
            credentials = self.credentials(self._as_sent(own), response)
            if credentials is None:
                return False
            own.credentials = tuple(Headers(credentials))
        elif status == 422 and own.method in ("INVITE", "UPDATE"):
            if not self.session_timer.too_small(response):
                return False
        elif status == 491 and own.method in ("INVITE", "UPDATE") and own.dialog is not None:
            self._glared = own
            self._start(Timer.GLARE, self._glare_s(), now)
            return True
        else:
            return False
        try:
            self._send(own, now)
        except TransactionsFull:
            return False
        return True

    def _as_sent(self, own: OwnRequest) -> SipRequest:
        """What credentials are for: method, Request-URI and body."""
        assert own.dialog is not None
        return SipRequest(own.method, own.dialog.remote_target, Headers.of([]), own.body)

    def _glare_s(self) -> float:
        """Who owns the Call-ID waits longer, so that both do not meet again (§14.1)."""
        hundredths = self._shared.random.randint
        return (hundredths(210, 400) if self._owns_call_id else hundredths(0, 200)) / 100

    def _after_glare(self, now: float) -> None:
        own, self._glared = self._glared, None
        assert own is not None
        try:
            self._check_may_send(own)
            self._send(own, now)
        except SipError:
            self._failed(own, 491, None, now)

    def _refresh(self, now: float) -> None:
        """By UPDATE, which need not describe the session; by re-INVITE where the peer knows no
        UPDATE (RFC 4028 §7.4)."""
        method = "UPDATE" if "update" in self.peer_allows else "INVITE"
        body = b"" if method == "UPDATE" else self.local_description
        own = OwnRequest(self._leg, self.dialog, method, (), body, refresh=True)
        try:
            self._check_may_send(own)
            self._send(own, now)
        except SipError:
            self._start(Timer.REFRESH, REFRESH_POSTPONED_S, now)

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
        self._send(OwnRequest(self._leg, dialog, "BYE", headers, b""), now)

    def _end(self, now: float) -> None:
        """Nothing of it is kept any more. An INVITE may stand open for ever; so none is left."""
        if self._our_invite is not None and self._our_invite.transaction is not None:
            self._shared.layer.cancel(self._our_invite.transaction, now)
            self._our_invite = None
        if self._peer_invite is not None:
            self._refuse(self._peer_invite, 487, now)
        self.state = LegState.ENDED
        self.over = True
        for entry in self._running.values():
            entry.owner = None
        self._running.clear()
        self._glared = None
        self._shared.legs.pop((self.call_id, self.local_tag), None)
