"""How a call ends: once, in `_finish`, whatever happens. Its legs and timers are given back, then
its media, and its record is told with what the media was like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.call import CallStatus, EndedBy
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import EndCause, Ended
from gateway.sip.message import SipResponse
from gateway.voice.call_attempt import ANSWERED, CANCELLED, NONE_IN_TIME
from gateway.voice.call_outcome import status_of, told_to_caller
from gateway.voice.call_setup import BAD_GATEWAY
from gateway.voice.hunt import Failure
from gateway.voice.media_session import SIDES, Qualities, Side
from gateway.voice.passed_headers import TIMER_EXPIRED, reasons, refusal_reasons
from gateway.voice.trunk_choice import NoWay

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall


class CallEnd:
    __slots__ = ("_call", "_invited")

    def __init__(self, call: JoinedCall, invited: IncomingLeg) -> None:
        self._call = call
        self._invited = invited

    # By a leg

    async def receive(self, event: Ended) -> None:
        call, leg = self._call, event.leg
        leg.user = None
        hunt = call.hunt
        if hunt is not None and hunt.attempt is not None and hunt.attempt.leg is leg:
            heard = event.message if isinstance(event.message, SipResponse) else None
            may_try_another = hunt.rejected(event.status or 480, heard, call.now)
            await call.setup.after_rejection(hunt, may_try_another)
            return
        side = call.side(leg)
        if call.transfer is not None and call.transfer.referrer is leg:
            call.transfer.referrer = None
            qualities = await call.session.qualities()
            call.legs.free(side, qualities.of(side), call.now)
            return
        by = EndedBy.GATEWAY
        if event.cause in (EndCause.BYE, EndCause.CANCELLED):
            by = EndedBy.CALLER if side is Side.CALLER else EndedBy.CALLED
        if call.talks:
            await self.talk(leg, by, reasons(event.message))
            return
        self._cancel(reasons(event.message))
        if by is EndedBy.CALLER:
            await self._finish(CallStatus.CANCELED, CANCELLED, by)
        else:
            await self._finish(CallStatus.FAILED, event.status or BAD_GATEWAY, by)

    # By us

    async def by_us(self, headers: tuple[Field, ...], by: EndedBy = EndedBy.GATEWAY) -> None:
        """However it stands."""
        if self._call.talks:
            await self.talk(None, by, headers)
        else:
            await self.refuse(503, CallStatus.FAILED, by)

    async def unanswered(self) -> None:
        """It rang for as long as it may."""
        self._cancel(TIMER_EXPIRED)
        if self._call.transfer is not None:
            await self._call.transfer.failed(NONE_IN_TIME)
        else:
            await self.refuse(480, CallStatus.NO_ANSWER, EndedBy.GATEWAY)

    async def talk(self, gone: Leg | None, by: EndedBy, headers: tuple[Field, ...]) -> None:
        """A call that was answered, `gone` being the leg that is over already."""
        call = self._call
        self._cancel(headers)
        for leg in (call.legs.caller, call.legs.called):
            if leg is not None and leg is not gone:
                call.legs.part(leg, headers, call.now)
        await self._finish(CallStatus.COMPLETED, ANSWERED, by)

    # Before its answer

    async def refuse_as(self, failure: Failure) -> None:
        told = told_to_caller(failure.status)
        by = EndedBy.GATEWAY if failure.response is None else EndedBy.CALLED
        headers = refusal_reasons(failure.status, told, failure.response)
        await self.refuse(told, status_of(failure.status), by, headers)

    async def refuse_for_none(self, none: NoWay) -> None:
        headers: tuple[Field, ...] = ()
        if none.retry_after_s:
            headers = (("Retry-After", str(none.retry_after_s)),)
        await self.refuse(none.status, status_of(none.status), EndedBy.GATEWAY, headers)

    async def refuse(
        self, sip_status: int, status: CallStatus, by: EndedBy, headers: tuple[Field, ...] = ()
    ) -> None:
        self._cancel(headers)
        self._invited.user = None
        self._invited.refuse(sip_status, self._call.now, headers)
        await self._finish(status, sip_status, by)

    def _cancel(self, headers: tuple[Field, ...]) -> None:
        """Whoever is being tried is not wanted any more."""
        call = self._call
        attempt = call.hunt.cancelled(call.now) if call.hunt is not None else None
        if attempt is not None:
            call.legs.part(attempt.leg, headers, call.now)

    # In any case

    async def _finish(self, status: CallStatus, sip_status: int, by: EndedBy) -> None:
        call, ended_at = self._call, self._call.now
        call.over = True
        call.hunt = None
        call.shared.timers.stop_all(call)
        call.requests.close()
        answered_at = call.history.answered_at
        talked_s = ended_at - answered_at if answered_at else None
        qualities = await call.session.close(talked_s) if call.has_session else Qualities()
        for side in SIDES:
            call.legs.free(side, qualities.of(side), call.now)
        call.history.ended(status, sip_status, by, qualities, ended_at)
        call.shared.on_over(call, call.now)
