"""How a call comes to be answered: the called side is hunted for, rings, and answers; what it
describes meanwhile is early media (RFC 3261 §13, RFC 3262, RFC 3960)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.call import CallStatus, EndedBy
from gateway.sip.errors import SipError
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Answered, Provisional
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.reliable_provisional import ProvisionalsFull
from gateway.voice.call_attempt import NONE_IN_TIME
from gateway.voice.call_session import description
from gateway.voice.call_surroundings import profile_of
from gateway.voice.call_timers import CallTimer
from gateway.voice.hunt import Hunt, no_media
from gateway.voice.media_session import MediaRefused, Side
from gateway.voice.passed_headers import (
    OF_INVITE,
    OF_RESPONSE,
    TEMPORARY_FAILURE,
    hops_left,
    passed,
)

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall

# Of what one side sent that the other side can not be joined with.
BAD_GATEWAY = 502
NOT_ACCEPTABLE = 488


class CallSetup:
    __slots__ = ("_answer", "_answer_is_final", "_call", "_invited")

    def __init__(self, call: JoinedCall, invited: IncomingLeg) -> None:
        self._call = call
        self._invited = invited
        # What the caller has been answered, and whether that is sure to have arrived.
        self._answer = b""
        self._answer_is_final = False

    # The hunt for the called side

    async def begin(self) -> None:
        call, invite = self._call, self._invited.request_received
        shared = call.shared
        offer = description(invite)
        try:
            call.open_session()
        except MediaRefused as refused:
            await call.end.refuse_for_none(no_media(refused))
            return
        ways = shared.ways(call.history.call, call.admitted[0])
        headers, hops = passed(invite, OF_INVITE), hops_left(invite)
        # Who has offered nothing can answer an early offer by PRACK only.
        reliable = bool(offer) or "100rel" in _options(invite)
        call.hunt = Hunt(shared, call, ways, Side.CALLER, offer, headers, hops, reliable)
        shared.timers.set(CallTimer.UNANSWERED, call, shared.bounds.no_answer_s, call.now)
        await self.dial(call.hunt)

    async def dial(self, hunt: Hunt) -> None:
        call = self._call
        none = await hunt.dial()
        if none is None:
            return
        if call.transfer is not None:
            status = hunt.failure.status if hunt.failure else none.status
            await call.transfer.failed(status)
        elif hunt.failure is not None:
            await call.end.refuse_as(hunt.failure)
        else:
            await call.end.refuse_for_none(none)

    async def no_response(self) -> None:
        """Neither 18x nor a final answer came of this way in time."""
        call = self._call
        hunt = call.hunt
        assert hunt is not None
        attempt = hunt.attempt
        assert attempt is not None
        call.legs.part(attempt.leg, (), call.now)
        await self.after_rejection(hunt, hunt.rejected(NONE_IN_TIME, None, call.now))

    async def after_rejection(self, hunt: Hunt, may_try_another: bool) -> None:
        call = self._call
        tries = may_try_another and not (hunt.settled or await self._is_heard())
        if call.hunts_for_nobody:
            return
        if tries:
            await self.dial(hunt)
            return
        assert hunt.failure is not None
        if call.transfer is not None:
            await call.transfer.failed(hunt.failure.status)
        else:
            await call.end.refuse_as(hunt.failure)

    async def _is_heard(self) -> bool:
        """Early media has come: the caller has heard the called side already."""
        return self._call.transfer is None and await self._call.session.heard(Side.CALLED)

    # It rings

    async def receive_provisional(self, event: Provisional) -> None:
        call, leg, response = self._call, event.leg, event.response
        hunt = call.hunt
        if hunt is None or hunt.attempt is None or hunt.attempt.leg is not leg:
            return
        if not 180 <= response.status < 190:
            return
        hunt.rang(call.now)
        if call.transfer is not None:
            call.transfer.notify(response.status)
            return
        call.history.rang(response.status, hunt.attempt.way.name, call.now)
        sdp = description(response)
        if event.prack:
            await self._offer_early(hunt, event, sdp)
            return
        answer = b""
        if sdp and hunt.sdp:
            with suppress(MediaRefused):  # It still rings; its final answer will tell.
                answer = self._answer = await call.session.answer(Side.CALLED, sdp)
        with suppress(ProvisionalsFull):  # The caller has not acknowledged many before.
            headers = passed(response, OF_RESPONSE)
            self._invited.ring(response.status, call.now, headers, answer)

    async def _offer_early(self, hunt: Hunt, event: Provisional, sdp: bytes) -> None:
        """The caller has offered nothing, and the called side offers while it rings: the caller
        answers by PRACK, if it knows that (RFC 3262 §5)."""
        call, leg = self._call, event.leg
        try:
            if "100rel" not in _options(self._invited.request_received):
                raise MediaRefused(NOT_ACCEPTABLE, "the caller cannot answer before the call is")
            offer = await call.session.offer(Side.CALLED, sdp, profile_of(self._invited.source))
            self._invited.ring(event.response.status, call.now, (), offer, reliable=True)
        except (MediaRefused, SipError):
            call.legs.part(leg, (), call.now)
            await self.after_rejection(hunt, hunt.rejected(NOT_ACCEPTABLE, None, call.now))
            return
        hunt.settled = True
        call.legs.owe(self._invited, leg, leg.prack)

    # The answer

    async def receive_answer(self, event: Answered) -> None:
        call, leg, response = self._call, event.leg, event.response
        hunt = call.hunt
        if hunt is None or hunt.attempt is None or hunt.attempt.leg is not leg:
            return
        if call.transfer is not None:
            await call.transfer.answered(hunt, response)
            return
        caller = self._invited
        if event.acknowledge:
            call.legs.owe(caller, leg, leg.acknowledge_answer)
        if caller.over:
            return  # It has cancelled; that is told next.
        try:
            body = await self._described_by(hunt, response, event.acknowledge)
        except MediaRefused:
            if caller.over:
                return
            hunt.rejected(NOT_ACCEPTABLE, None, call.now)
            call.legs.part(leg, TEMPORARY_FAILURE, call.now)
            await call.end.refuse(BAD_GATEWAY, CallStatus.FAILED, EndedBy.GATEWAY)
            return
        if caller.over:
            return
        attempt = hunt.answered(call.now)
        call.legs.place(Side.CALLED, attempt)
        call.hunt = None
        timers = call.shared.timers
        timers.stop(CallTimer.UNANSWERED, call)
        timers.set(CallTimer.LONGEST, call, call.shared.bounds.call_max_s, call.now)
        call.history.answered(attempt.way.name, call.now)
        caller.answer(call.now, body, passed(response, OF_RESPONSE))

    async def _described_by(self, hunt: Hunt, response: SipResponse, acknowledge: bool) -> bytes:
        """What the caller's 2xx describes. Where it has acknowledged an answer before, that one
        stands (RFC 3261 §13.2.1), and what differs is offered once the call is up."""
        session = self._call.session
        sdp = description(response)
        if acknowledge:
            return await session.offer(Side.CALLED, sdp, profile_of(self._invited.source))
        if not hunt.sdp:
            if not session.described(Side.CALLED):
                raise MediaRefused(BAD_GATEWAY, "there is no session")
            return b""
        body = await session.answer(Side.CALLED, sdp) if sdp else self._answer
        if not body:
            raise MediaRefused(BAD_GATEWAY, "there is no answer")
        if self._answer_is_final and body != self._answer:
            self._call.offer_again_to = Side.CALLER
            return self._answer
        return body

    async def receive_owed(self, leg: Leg, request: SipRequest, prack: bool) -> None:
        """An ACK or a PRACK has come, maybe with the answer that the other side awaits."""
        call = self._call
        sdp = description(request)
        owed = call.legs.debt(leg)
        if owed is None or (prack and not sdp):
            self._answer_is_final = self._answer_is_final or (prack and bool(self._answer))
            return
        try:
            if not sdp:
                raise MediaRefused(BAD_GATEWAY, "there is no answer")
            answer = await call.session.answer(call.side(leg), sdp)
            owed.give(call.now, answer)
        except (MediaRefused, SipError):
            await call.end.by_us(TEMPORARY_FAILURE)
        else:
            call.legs.settle()


def _options(invite: SipRequest) -> frozenset[str]:
    """What the caller knows."""
    return invite.options("Supported") | invite.options("Require")
