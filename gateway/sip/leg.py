"""One side of a call: an INVITE, its dialogs, and what happens within them (RFC 3261 §12 to §15,
RFC 3311, RFC 4028, RFC 6026). The two ways to begin are `incoming_leg` and `outgoing_leg`.

The theory: a leg goes through `LegState` and is told over once, by Ended. What the owner need not
decide is decided here: the order of requests, who may offer, glare, the repetition of 2xx and of
ACK, session timers, BYE, and the end of a dialog that the peer does not know any more.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sip.dialog import Dialog, target_of
from gateway.sip.headers import Field, own_fields
from gateway.sip.leg_events import Acknowledged, Asked, EndCause, Withdrawn
from gateway.sip.leg_requests import LegRequests
from gateway.sip.leg_state import CAPABILITIES, LegState
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.message_fields import SDP
from gateway.sip.offer_answer_state import Description, OfferAnswerState, may
from gateway.sip.own_request import describes
from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.timers import Timer


class Leg(LegRequests):
    """What the peer asks within a call, and our answers (§12.2.2, §14.2)."""

    __slots__ = ()

    @property
    def _leg(self) -> Leg:
        return self

    # What the owner asks

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

    def hang_up(self, now: float, headers: Iterable[Field] = ()) -> None:
        """End a call that is answered by BYE, another by what ends it; Ended is told at once."""
        if self.over:
            return
        self._leave(EndCause.HUNG_UP, 0, None, now, tuple(own_fields(headers)))

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

    # Our answers

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
        self._no_ack_at = now + self._shared.timeout
        self._start(Timer.ACK, self._repeat_s, now)

    # Timers

    def fire(self, timer: Timer, now: float) -> None:
        self._running.pop(timer, None)
        match timer:
            case Timer.ACK:
                assert self._await_ack is not None
                self._shared.layer.respond(*self._await_ack, now)
                self._repeat_s = min(2 * self._repeat_s, self._shared.values.t2)
                if now + self._repeat_s < self._no_ack_at:
                    self._start(Timer.ACK, self._repeat_s, now)
                else:
                    self._start(Timer.NO_ACK, self._no_ack_at - now, now)
            case Timer.NO_ACK:
                self._await_ack = None
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
