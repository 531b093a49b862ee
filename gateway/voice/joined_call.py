"""One call: two legs of which neither knows the other, joined by us (RFC 7092).

The theory: the called side is hunted for until somebody answers; then both talk, until one side
ends it or we do. Whatever happens, the call ends once, in `_finish`: its record is told, and legs,
media, timers and the router's channels are given back.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from gateway.call import Call, CallStatus, EndedBy, Quality
from gateway.sip.errors import SipError
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    EndCause,
    Ended,
    LegEvent,
    Pracked,
    Provisional,
    Responded,
    Withdrawn,
)
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outgoing_leg import OutgoingLeg
from gateway.sip.reliable_provisional import ProvisionalsFull
from gateway.voice.call_attempt import ANSWERED, NONE_IN_TIME
from gateway.voice.call_history import CallHistory
from gateway.voice.call_legs import CallLegs
from gateway.voice.call_outcome import status_of, told_to_caller
from gateway.voice.call_session import CallSession, description, other
from gateway.voice.call_surroundings import Admitted, CallSurroundings
from gateway.voice.call_timers import CallTimer
from gateway.voice.hunt import Hunt
from gateway.voice.media_session import MediaRefused, Side
from gateway.voice.passed_headers import (
    OF_INVITE,
    OF_RESPONSE,
    TEMPORARY_FAILURE,
    TIMER_EXPIRED,
    hops_left,
    passed,
    reasons,
    refusal_reasons,
)
from gateway.voice.passed_requests import NOT_NOW, PassedRequests
from gateway.voice.transfer import Transfer
from gateway.voice.trunk_choice import NoWay

# Of what one side sent that the other side can not be joined with.
BAD_GATEWAY = 502
NOT_ACCEPTABLE = 488
CANCELLED = 487


class JoinedCall:
    """`admitted` are those whose limits it counts in: its own, and those of its transfers."""

    def __init__(
        self, shared: CallSurroundings, call: Call, admitted: Admitted, leg: IncomingLeg
    ) -> None:
        self.shared = shared
        self.admitted = [admitted]
        self.transfer: Transfer | None = None
        self._session: CallSession | None = None
        self._invited = leg
        self.legs = CallLegs(leg)
        self._hunt: Hunt | None = None
        self._requests = PassedRequests(self)
        # What the caller has been answered, and whether that is sure to have arrived.
        self._answer = b""
        self._answer_is_final = False
        self._offer_again_to: Side | None = None
        leg.user = self
        self.history = CallHistory(call, shared.on_event)

    @property
    def session(self) -> CallSession:
        assert self._session is not None
        return self._session

    @property
    def over(self) -> bool:
        return self.history.over

    @property
    def talks(self) -> bool:
        return self.legs.called is not None

    def leg(self, side: Side) -> Leg | None:
        """Of the called side, also while it rings."""
        if side is Side.CALLER:
            return self.legs.caller
        if not self.talks and self._hunt is not None and self._hunt.attempt is not None:
            return self._hunt.attempt.leg
        return self.legs.called

    def qualities(self) -> tuple[Quality, Quality] | None:
        """Of what each side has sent, the caller's first; None before there is a session."""
        if self._session is None:
            return None
        return self._session.quality(Side.CALLER), self._session.quality(Side.CALLED)

    # Its begin

    def begin(self, now: float) -> None:
        shared, leg = self.shared, self._invited
        invite = leg.request_received
        offer = description(invite)
        try:
            self._session = CallSession(shared.media.open(partial(shared.on_silence, self)))
        except MediaRefused as refused:
            self._refuse(refused.status, CallStatus.FAILED, EndedBy.GATEWAY, now)
            return
        try:
            offered = self.session.offer(Side.CALLER, offer) if offer else b""
        except MediaRefused as refused:
            self._refuse(refused.status, CallStatus.FAILED, EndedBy.GATEWAY, now)
            return
        ways = shared.ways(self.history.call, self.admitted[0])
        headers, hops = passed(invite, OF_INVITE), hops_left(invite)
        # Who has offered nothing can answer an early offer by PRACK only.
        reliable = bool(offer) or "100rel" in _options(invite)
        self._hunt = Hunt(shared, self, ways, offered, headers, hops, reliable)
        shared.timers.set(CallTimer.UNANSWERED, self, shared.bounds.no_answer_s, now)
        self._dial(self._hunt, now)

    # What happens

    def take(self, event: LegEvent, now: float) -> None:
        match event:
            case Provisional(leg, response):
                self._receive_provisional(leg, response, event.prack, now)
            case Answered(leg, response):
                self._receive_answer(leg, response, event.acknowledge, now)
            case Acknowledged(leg, request) | Pracked(leg, request):
                self._receive_owed(leg, request, isinstance(event, Pracked), now)
            case Asked(leg, _, request):
                if request.method == "REFER":
                    self._receive_refer(event, now)
                else:
                    self._requests.asked(event, self._side(leg), now)
            case Withdrawn(leg):
                self._requests.withdrawn(event, self._side(leg), now)
            case Responded(leg):
                self._requests.responded(event, self._side(leg), now)
            case Ended(leg):
                self._receive_end(leg, event, now)
            case _:
                raise AssertionError(event)
        again = self._offer_again_to
        if again is not None and not self.over and self._requests.offer_again(again, now):
            self._offer_again_to = None

    def fire(self, timer: CallTimer, now: float) -> None:
        hunt = self._hunt
        match timer:
            case CallTimer.NO_RESPONSE:
                assert hunt is not None
                self._give_up_attempt(hunt, now)
            case CallTimer.UNANSWERED:
                self._cancel(TIMER_EXPIRED, now)
                if self.transfer is not None:
                    self._transfer_failed(self.transfer, NONE_IN_TIME, now)
                else:
                    self._refuse(480, CallStatus.NO_ANSWER, EndedBy.GATEWAY, now)
            case CallTimer.LONGEST:
                self.end(TIMER_EXPIRED, now)

    def end(self, headers: tuple[Field, ...], now: float) -> None:
        """By us, however it stands."""
        if self.talks:
            self._end_talk(None, EndedBy.GATEWAY, headers, now)
        else:
            self._refuse(503, CallStatus.FAILED, EndedBy.GATEWAY, now)

    def silent(self, now: float) -> None:
        """No media comes any more."""
        if self.talks:
            self._end_talk(None, EndedBy.GATEWAY, TIMER_EXPIRED, now)

    # The hunt for the called side

    def _dial(self, hunt: Hunt, now: float) -> None:
        none = hunt.dial(now)
        if none is None:
            return
        if self.transfer is not None:
            status = hunt.failure.status if hunt.failure else none.status
            self._transfer_failed(self.transfer, status, now)
        elif hunt.failure is not None:
            self._refuse_as(hunt, now)
        else:
            self._refuse_for_none(none, now)

    def _give_up_attempt(self, hunt: Hunt, now: float) -> None:
        attempt = hunt.attempt
        assert attempt is not None
        self.legs.part(attempt.leg, (), now)
        self._after_rejection(hunt, hunt.rejected(NONE_IN_TIME, None, now), now)

    def _after_rejection(self, hunt: Hunt, may_try_another: bool, now: float) -> None:
        if may_try_another and not (hunt.settled or self._is_heard()):
            self._dial(hunt, now)
        elif self.transfer is not None:
            assert hunt.failure is not None
            self._transfer_failed(self.transfer, hunt.failure.status, now)
        else:
            self._refuse_as(hunt, now)

    def _is_heard(self) -> bool:
        """Early media has come: the caller has heard the called side already."""
        return self.transfer is None and self.session.heard(Side.CALLED)

    def _receive_provisional(
        self, leg: Leg, response: SipResponse, prack: bool, now: float
    ) -> None:
        hunt = self._hunt
        if hunt is None or hunt.attempt is None or hunt.attempt.leg is not leg:
            return
        if not 180 <= response.status < 190:
            return
        hunt.rang(now)
        if self.transfer is not None:
            self.transfer.notify(response.status, now)
            return
        self.history.rang(response.status, hunt.attempt.way.name, now)
        sdp = description(response)
        if prack:
            self._offer_early(hunt, hunt.attempt.leg, response.status, sdp, now)
            return
        answer = b""
        if sdp and hunt.offer:
            with suppress(MediaRefused):  # It still rings; its final answer will tell.
                answer = self._answer = self.session.answer(Side.CALLED, sdp)
        with suppress(ProvisionalsFull):  # The caller has not acknowledged many before.
            self._invited.ring(response.status, now, passed(response, OF_RESPONSE), answer)

    def _offer_early(
        self, hunt: Hunt, leg: OutgoingLeg, status: int, sdp: bytes, now: float
    ) -> None:
        """The caller has offered nothing, and the called side offers while it rings: the caller
        answers by PRACK, if it knows that (RFC 3262 §5)."""
        try:
            if "100rel" not in _options(self._invited.request_received):
                raise MediaRefused(NOT_ACCEPTABLE, "the caller cannot answer before the call is")
            offer = self.session.offer(Side.CALLED, sdp)
            self._invited.ring(status, now, (), offer, reliable=True)
        except (MediaRefused, SipError):
            self.legs.part(leg, (), now)
            self._after_rejection(hunt, hunt.rejected(NOT_ACCEPTABLE, None, now), now)
            return
        hunt.settled = True
        self.legs.owe(self._invited, leg, leg.prack)

    # The answer

    def _receive_answer(
        self, leg: OutgoingLeg, response: SipResponse, acknowledge: bool, now: float
    ) -> None:
        hunt = self._hunt
        if hunt is None or hunt.attempt is None or hunt.attempt.leg is not leg:
            return
        if self.transfer is not None:
            self._transfer_answered(self.transfer, hunt, response, now)
            return
        caller = self._invited
        if acknowledge:
            self.legs.owe(caller, leg, leg.acknowledge_answer)
        if caller.over:
            return  # It has cancelled; that is told next.
        try:
            body = self._described_by(hunt, response, acknowledge)
        except MediaRefused:
            hunt.rejected(NOT_ACCEPTABLE, None, now)
            self.legs.part(leg, TEMPORARY_FAILURE, now)
            self._refuse(BAD_GATEWAY, CallStatus.FAILED, EndedBy.GATEWAY, now)
            return
        attempt = hunt.answered(now)
        self.legs.place(Side.CALLED, attempt)
        self._hunt = None
        self._start_longest(now)
        self.history.answered(attempt.way.name, now)
        caller.answer(now, body, passed(response, OF_RESPONSE))

    def _described_by(self, hunt: Hunt, response: SipResponse, acknowledge: bool) -> bytes:
        """What the caller's 2xx describes. Where it has acknowledged an answer before, that one
        stands (RFC 3261 §13.2.1), and what differs is offered once the call is up."""
        sdp = description(response)
        if acknowledge:
            return self.session.offer(Side.CALLED, sdp)
        if not hunt.offer:
            if not self.session.described(Side.CALLED):
                raise MediaRefused(BAD_GATEWAY, "there is no session")
            return b""
        body = self.session.answer(Side.CALLED, sdp) if sdp else self._answer
        if not body:
            raise MediaRefused(BAD_GATEWAY, "there is no answer")
        if self._answer_is_final and body != self._answer:
            self._offer_again_to = Side.CALLER
            return self._answer
        return body

    def _receive_owed(self, leg: Leg, request: SipRequest, prack: bool, now: float) -> None:
        """An ACK or a PRACK has come, maybe with the answer that the other side awaits."""
        sdp = description(request)
        owed = self.legs.debt(leg)
        if owed is None or (prack and not sdp):
            self._answer_is_final = self._answer_is_final or (prack and bool(self._answer))
            return
        try:
            if not sdp:
                raise MediaRefused(BAD_GATEWAY, "there is no answer")
            owed.give(now, self.session.answer(self._side(leg), sdp))
        except (MediaRefused, SipError):
            self.end(TEMPORARY_FAILURE, now)
        else:
            self.legs.settle()

    # A transfer

    def _receive_refer(self, event: Asked, now: float) -> None:
        if not self.talks or self._hunt is not None:
            event.leg.respond(event.transaction, NOT_NOW, now)
            return
        transfer = Transfer.asked(self, event, self._side(event.leg), now)
        if transfer is None:
            return
        self.transfer = transfer
        transfer.notify(100, now)
        try:
            hunt = transfer.hunt(hops_left(event.request))
        except MediaRefused as refused:
            self._transfer_failed(transfer, refused.status, now)
            return
        self._hunt = hunt
        self.shared.timers.set(CallTimer.UNANSWERED, self, self.shared.bounds.no_answer_s, now)
        self._dial(hunt, now)

    def _transfer_answered(
        self, transfer: Transfer, hunt: Hunt, response: SipResponse, now: float
    ) -> None:
        """Who remains is offered the session of the third."""
        if transfer.answered(hunt, response, now):
            self._leave_transfer()
            self._offer_again_to = other(transfer.side)
        else:
            self._transfer_failed(transfer, NOT_ACCEPTABLE, now)

    def _transfer_failed(self, transfer: Transfer, status: int, now: float) -> None:
        """Both go on to talk; unless the one who referred has left."""
        transfer.notify(status, now)
        self._leave_transfer()
        if transfer.referrer is None:
            self._end_talk(None, EndedBy.GATEWAY, TEMPORARY_FAILURE, now)

    def _leave_transfer(self) -> None:
        self.transfer = None
        self._hunt = None
        self.shared.timers.stop(CallTimer.UNANSWERED, self)

    # Ends

    def _receive_end(self, leg: Leg, event: Ended, now: float) -> None:
        leg.user = None
        hunt = self._hunt
        if hunt is not None and hunt.attempt is not None and hunt.attempt.leg is leg:
            heard = event.message if isinstance(event.message, SipResponse) else None
            may_try_another = hunt.rejected(event.status or 480, heard, now)
            self._after_rejection(hunt, may_try_another, now)
            return
        side = self._side(leg)
        if self.transfer is not None and self.transfer.referrer is leg:
            self.transfer.referrer = None
            self.legs.free(side, self.session.quality(side).mos, now)
            return
        by = EndedBy.GATEWAY
        if event.cause in (EndCause.BYE, EndCause.CANCELLED):
            by = EndedBy.CALLER if side is Side.CALLER else EndedBy.CALLED
        if self.talks:
            self._end_talk(leg, by, reasons(event.message), now)
            return
        self._cancel(reasons(event.message), now)
        if by is EndedBy.CALLER:
            self._finish(CallStatus.CANCELED, CANCELLED, by, now)
        else:
            self._finish(CallStatus.FAILED, event.status or BAD_GATEWAY, by, now)

    def _end_talk(
        self, gone: Leg | None, by: EndedBy, headers: tuple[Field, ...], now: float
    ) -> None:
        self._cancel(headers, now)
        for leg in (self.legs.caller, self.legs.called):
            if leg is not None and leg is not gone:
                self.legs.part(leg, headers, now)
        self._finish(CallStatus.COMPLETED, ANSWERED, by, now)

    def _refuse_as(self, hunt: Hunt, now: float) -> None:
        failure = hunt.failure
        assert failure is not None
        told = told_to_caller(failure.status)
        by = EndedBy.GATEWAY if failure.response is None else EndedBy.CALLED
        headers = refusal_reasons(failure.status, told, failure.response)
        self._refuse(told, status_of(failure.status), by, now, headers)

    def _refuse_for_none(self, none: NoWay, now: float) -> None:
        headers: tuple[Field, ...] = ()
        if none.retry_after_s:
            headers = (("Retry-After", str(none.retry_after_s)),)
        self._refuse(none.status, status_of(none.status), EndedBy.GATEWAY, now, headers)

    def _refuse(
        self,
        sip_status: int,
        status: CallStatus,
        by: EndedBy,
        now: float,
        headers: tuple[Field, ...] = (),
    ) -> None:
        self._cancel(headers, now)
        self._invited.user = None
        self._invited.refuse(sip_status, now, headers)
        self._finish(status, sip_status, by, now)

    def _finish(self, status: CallStatus, sip_status: int, by: EndedBy, now: float) -> None:
        for timer in CallTimer:
            self.shared.timers.stop(timer, self)
        self._requests.close(now)
        qualities = self.qualities() or (Quality(), Quality())
        for side, quality in zip(Side, qualities, strict=True):
            self.legs.free(side, quality.mos, now)
        if self._session is not None:
            self._session.close()
        self._hunt = None
        self.history.ended(status, sip_status, by, qualities, now)
        self.shared.on_over(self, now)

    def _cancel(self, headers: tuple[Field, ...], now: float) -> None:
        """Whoever is being tried is not wanted any more."""
        attempt = self._hunt.cancelled(now) if self._hunt is not None else None
        if attempt is not None:
            self.legs.part(attempt.leg, headers, now)

    # Small things

    def _start_longest(self, now: float) -> None:
        timers = self.shared.timers
        timers.stop(CallTimer.UNANSWERED, self)
        timers.set(CallTimer.LONGEST, self, self.shared.bounds.call_max_s, now)

    def _side(self, leg: Leg) -> Side:
        if leg is self.legs.caller:
            return Side.CALLER
        if leg is self.legs.called or self.transfer is None:
            return Side.CALLED
        return self.transfer.side


def _options(invite: SipRequest) -> frozenset[str]:
    """What the caller knows."""
    return invite.options("Supported") | invite.options("Require")
