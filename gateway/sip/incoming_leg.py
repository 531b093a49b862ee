"""A leg that the peer began: its INVITE is rung for, answered or refused (RFC 3261 §13.3; RFC 3262
§3 for provisional responses that must arrive)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sip.dialog import Dialog, DialogState
from gateway.sip.headers import Field, Headers, own_fields
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked, EndCause, Pracked
from gateway.sip.leg_state import CAPABILITIES, LegState, LegSurroundings
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.message_fields import SDP
from gateway.sip.offer_answer_state import Description, OfferAnswerState, may
from gateway.sip.option_tags import option_tags
from gateway.sip.own_request import describes
from gateway.sip.reliable_provisional import RAck, ReliableProvisionals
from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.timers import Timer
from gateway.sip.transaction import Destination

# A proxy on the way forgets a call that says nothing for three minutes (§13.3.1.1).
RING_AGAIN_S = 60.0
RSEQ_FIRST_MAX = 2**31 - 1


class IncomingLeg(Leg):
    __slots__ = ("_answer", "_invite", "_reliable", "_ringing")

    def __init__(self, shared: LegSurroundings, transaction: ServerTransaction) -> None:
        request = transaction.request
        dialog = Dialog.as_uas(request, transaction.to_tag, shared.random.getrandbits(16))
        super().__init__(shared, request.call_id, transaction.to_tag, transaction.source)
        transaction.user = self
        self._invite = transaction
        self._peer_invite = transaction
        self._reliable: ReliableProvisionals | None = None
        self._ringing: SipResponse | None = None
        self._answer: SipResponse | None = None
        self.dialog = dialog
        self._take_allows(request)
        if describes(request):
            self._describe(dialog, Description.OFFER_RECEIVED)
        self._relocate(dialog)

    @property
    def request_received(self) -> SipRequest:
        """The INVITE."""
        return self._invite.request

    @property
    def source(self) -> Destination:
        """Where the INVITE came from, whatever it says of itself."""
        return self._invite.source

    @property
    def _owns_call_id(self) -> bool:
        return False

    # What the owner asks

    def ring(
        self,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        reliable: bool = False,
    ) -> None:
        """Send a provisional response, with a session description or without. It is sent reliably
        if that is wanted and the peer can, or if the peer asks for it.

        Raises:
            ProvisionalsFull: too many await the PRACK of the one before them.
        """
        assert 100 < status < 200
        if self._invite.answered or self._answer is not None or self.over:
            return
        self.state = LegState.EARLY
        response = self._response(status, headers, body)
        request = self._invite.request
        if "100rel" in option_tags(request, "Require") or (
            reliable and "100rel" in option_tags(request, "Supported")
        ):
            self._ring_reliably(response, now)
            return
        self._ringing = response
        self._shared.layer.respond(self._invite, response, now)
        self._stop(Timer.RING)
        self._start(Timer.RING, RING_AGAIN_S, now)

    def answer(
        self, now: float, body: bytes = b"", headers: Iterable[Field] = (), status: int = 200
    ) -> None:
        """Accept the call. The 2xx waits for the PRACK of a session description (RFC 3262 §3)."""
        assert 200 <= status < 300
        if self._invite.answered or self._answer is not None or self.over:
            return
        assert self.dialog is not None
        agreed = self.session_timer.agree_as_uas(self._invite.request)
        response = self._response(status, [*agreed, *headers], body)
        if self._reliable is not None and self._reliable.unacknowledged is not None:
            self._answer = response
        else:
            self._send_answer(response, now)

    def refuse(
        self,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
        reason: str | None = None,
    ) -> None:
        """Reject or redirect the call, by 300 to 699; Ended is told at once."""
        assert status >= 300
        if not self._invite.answered and not self.over:
            self._finish(status, EndCause.REFUSED, None, now, headers, reason)

    # Requests of the peer's

    def receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        if transaction is self._invite:
            self._finish(487, EndCause.CANCELLED, None, now)
        else:
            super().receive_cancel(transaction, now)

    def _receive_prack(
        self, transaction: ServerTransaction, request: SipRequest, dialog: Dialog, now: float
    ) -> None:
        reliable = self._reliable
        if reliable is None or not reliable.acknowledge(RAck.of(request), self._invite.request):
            self._refuse(transaction, 481, now)
            return
        self._stop(Timer.PRACK, Timer.NO_PRACK)
        asks = False
        if describes(request):
            if dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
                self._describe(dialog, Description.ANSWER_RECEIVED)
            elif may(dialog.offer_answer, Description.OFFER_RECEIVED):
                self._describe(dialog, Description.OFFER_RECEIVED)
                asks = True
        elif dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
            self._describe(dialog, Description.OFFER_FAILED)
        if asks:
            self._tell(Asked(self, transaction, request))
        else:
            self._refuse(transaction, 200, now)
            self._tell(Pracked(self, request))
        self._after_prack(now)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        reason: str | None = None,
    ) -> None:
        assert transaction is not self._invite, "ring, answer and refuse are for the first INVITE"
        if transaction.request.method == "PRACK" and body and self.dialog is not None:
            self._describe(self.dialog, Description.ANSWER_SENT)
            self.local_description = body
            headers = [*headers, ("Content-Type", SDP)]
        super().respond(transaction, status, now, headers, body, reason)

    # Responses

    def _response(self, status: int, headers: Iterable[Field], body: bytes) -> SipResponse:
        fields: list[Field] = [("Contact", self.contact), *CAPABILITIES]
        if headers:
            fields += own_fields(headers)
        if body:
            fields.append(("Content-Type", SDP))
        return self._invite.request.response(
            status, to_tag=self._invite.to_tag, headers=Headers.of(fields), body=body
        )

    def _ring_reliably(self, response: SipResponse, now: float) -> None:
        if self._reliable is None:
            self._reliable = ReliableProvisionals(self._shared.random.randint(1, RSEQ_FIRST_MAX))
        numbered = self._reliable.add(response)
        if numbered is not None:
            self._send_reliably(numbered, now)

    def _send_reliably(self, response: SipResponse, now: float) -> None:
        self._describe_sent(response)
        self._shared.layer.respond(self._invite, response, now)
        self._repeat_s = self._shared.values.t1
        self._start(Timer.PRACK, self._repeat_s, now)
        self._start(Timer.NO_PRACK, self._shared.timeout, now)

    def _after_prack(self, now: float) -> None:
        assert self._reliable is not None
        following = self._reliable.next_one()
        if following is not None:
            self._send_reliably(following, now)
        elif self._answer is not None:
            answer, self._answer = self._answer, None
            self._send_answer(answer, now)

    def _send_answer(self, response: SipResponse, now: float) -> None:
        assert self.dialog is not None
        self._describe_sent(response)
        self.dialog.state = DialogState.CONFIRMED
        self.state = LegState.ANSWERED
        self._stop(Timer.RING)
        self._ringing = None
        self._peer_invite = None
        self._start_session_timer(now)
        self._await_ack_of(self._invite, response, now)
        self._shared.layer.respond(self._invite, response, now)

    def _describe_sent(self, response: SipResponse) -> None:
        """A description that is sure to arrive is the answer, or an offer. One that repeats it is
        nothing new; of the INVITE's own offer there is one answer only (§13.2.1)."""
        dialog = self.dialog
        assert dialog is not None
        if not response.body:
            return
        self.local_description = response.body
        if dialog.offer_answer is OfferAnswerState.REMOTE_OFFER:
            self._describe(dialog, Description.ANSWER_SENT)
        elif dialog.offer_answer is OfferAnswerState.IDLE:
            self._describe(dialog, Description.OFFER_SENT)

    # Timers and leaving

    def fire(self, timer: Timer, now: float) -> None:
        match timer:
            case Timer.RING:
                self._running.pop(timer, None)
                assert self._ringing is not None
                self._shared.layer.respond(self._invite, self._ringing, now)
                self._start(Timer.RING, RING_AGAIN_S, now)
            case Timer.PRACK:
                self._running.pop(timer, None)
                assert self._reliable is not None
                assert self._reliable.unacknowledged is not None
                self._shared.layer.respond(self._invite, self._reliable.unacknowledged, now)
                self._repeat_s *= 2
                self._start(Timer.PRACK, self._repeat_s, now)
            case Timer.NO_PRACK:
                self._running.pop(timer, None)
                self._finish(504, EndCause.NO_PRACK, None, now)
            case _:
                super().fire(timer, now)

    def hang_up(self, now: float, headers: Iterable[Field] = ()) -> None:
        """A call that is not answered is refused by 487."""
        if not self._invite.answered and not self.over:
            self._finish(487, EndCause.HUNG_UP, None, now, headers)
        else:
            super().hang_up(now, headers)

    def _finish(
        self,
        status: int,
        cause: EndCause,
        message: SipMessage | None,
        now: float,
        headers: Iterable[Field] = (),
        reason: str | None = None,
    ) -> None:
        """By a final response that is no 2xx; its transaction does the rest."""
        response = self._invite.request.response(
            status, reason, to_tag=self._invite.to_tag, headers=Headers(headers)
        )
        self._peer_invite = None
        self._shared.layer.respond(self._invite, response, now)
        self._tell_end(cause, status, message)
        self._end(now)

    def _end(self, now: float) -> None:
        super()._end(now)
        self._invite.user = None
