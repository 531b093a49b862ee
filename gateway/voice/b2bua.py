"""The back-to-back user agent (RFC 7092): calls that come in are admitted, and joined with a second
leg of ours. Events and `now` in; the next deadline out; what it says goes through the user agent.

It bounds how many calls there are, refuses what comes back to us, and ends all calls in good order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.call import Call, CallEvent, Quality
from gateway.sip.errors import GrammarError
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import Asked, IncomingCall, LegEvent, OutsideDialog, OutsideResponse
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.user_agent import UserAgent
from gateway.voice.call_surroundings import Admission, CallBounds, CallSurroundings
from gateway.voice.joined_call import JoinedCall
from gateway.voice.media_session import MediaEngine
from gateway.voice.passed_headers import TEMPORARY_FAILURE, hops_left
from gateway.voice.trunk_choice import RETRY_AFTER_S, Trunk
from routing.router import Router

RETRY_LATER = (("Retry-After", str(RETRY_AFTER_S)),)


class B2bua:
    """`new_id` makes the ids of calls. No call is taken while `accepting` is false, for want of a
    place for its record. `wake` is called when `next_timer` has come nearer without
    anybody having asked: a media engine found a call silent."""

    def __init__(
        self,
        user_agent: UserAgent,
        router: Router,
        trunks: Mapping[str, Trunk],
        media: MediaEngine,
        admission: Admission,
        bounds: CallBounds,
        new_id: Callable[[], int],
        accepting: Callable[[], bool],
        on_event: Callable[[CallEvent], None],
        wake: Callable[[], None],
    ) -> None:
        self._shared = CallSurroundings(
            user_agent,
            router,
            trunks,
            media,
            admission,
            bounds,
            on_event,
            self._on_over,
            self._on_silence,
        )
        self._new_id = new_id
        self._accepting = accepting
        self._wake = wake
        # By their ids, kept in the order in which they came.
        self._calls: dict[int, JoinedCall] = {}
        self._silent: list[JoinedCall] = []
        self._draining = False
        self._deadline: float | None = None

    # What the owner asks

    @property
    def calls(self) -> int:
        return len(self._calls)

    def qualities(self, call_id: int) -> tuple[Quality, Quality] | None:
        """Of what the caller and the called side of this call have sent so far; None where there
        is none, or nothing was described yet."""
        call = self._calls.get(call_id)
        return call.qualities() if call is not None else None

    def drain(self, deadline: float) -> None:
        """Take no new calls; those that there are may go on until `deadline`."""
        self._draining = True
        self._deadline = deadline

    # The verbs of a core

    def take(self, event: LegEvent, now: float) -> None:
        """What the user agent tells of legs; what is outside of calls is for somebody else."""
        assert not isinstance(event, OutsideDialog | OutsideResponse)
        if isinstance(event, IncomingCall):
            self._receive_call(event.leg, event.request, now)
            return
        call = event.leg.user
        if isinstance(call, JoinedCall):
            call.take(event, now)
        elif isinstance(event, Asked) and not event.transaction.answered:
            self._shared.user_agent.respond(event.transaction, 481, now)

    def next_timer(self) -> float | None:
        if self._silent:
            return 0.0
        running = self._shared.timers.next_timer()
        if self._deadline is None or running is None:
            return running if self._deadline is None else self._deadline
        return min(running, self._deadline)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        silent, self._silent = self._silent, []
        for call in silent:
            if not call.over:
                call.silent(now)
        while fired := self._shared.timers.pop_due(now):
            timer, call = fired
            call.fire(timer, now)
        if self._deadline is not None and self._deadline <= now:
            self._deadline = None
            for call in list(self._calls.values()):
                call.end(TEMPORARY_FAILURE, now)

    # Calls

    def _receive_call(self, leg: IncomingLeg, request: SipRequest, now: float) -> None:
        full = len(self._calls) >= self._shared.bounds.calls_max
        if self._draining or full or not self._accepting():
            leg.refuse(503, now, RETRY_LATER)
            return
        try:
            refusal = self._refusal(request)
            admitted = refusal or self._shared.admission.check(request, leg.source, now)
        except GrammarError:
            leg.refuse(400, now)
            return
        if isinstance(admitted, Refusal):
            leg.refuse(admitted.status, now, admitted.headers)
            return
        call = Call(
            self._new_id(),
            admitted.account.sid,
            admitted.direction,
            admitted.caller,
            admitted.called,
            admitted.source,
            now,
            request.call_id,
            admitted.account.callback_of_calls(admitted.source),
            private=admitted.private,
            diversion=admitted.diversion,
        )
        joined = JoinedCall(self._shared, call, admitted, leg)
        self._calls[call.id] = joined
        joined.begin(now)

    def _refusal(self, request: SipRequest) -> Refusal | None:
        """What has gone around too often, or is our own (RFC 3261 §16.3: a B2BUA hides its Via, so
        the Call-ID of a leg of ours tells)."""
        if hops_left(request) < 0:
            return Refusal(483, "Max-Forwards is 0")
        if self._shared.user_agent.is_ours(request):
            return Refusal(482, "it is a request of ours")
        return None

    def _on_over(self, call: JoinedCall, now: float) -> None:
        del self._calls[call.history.call.id]
        for admitted in call.admitted:
            self._shared.admission.ended(admitted)

    def _on_silence(self, call: JoinedCall) -> None:
        if not call.over:
            self._silent.append(call)
            self._wake()
