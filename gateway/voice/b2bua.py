"""The back-to-back user agent (RFC 7092): calls that come in are admitted, and joined with a second
leg of ours. Events and `now` in; the next deadline out; what it says goes through the user agent.

It bounds how many calls there are, refuses what comes back to us, and ends all calls in good order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.call import Call, CallEvent
from gateway.sip.errors import GrammarError
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg_events import IncomingCall, LegEvent, OutsideDialog, OutsideResponse
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.user_agent import UserAgent
from gateway.voice.call_surroundings import Admission, CallBounds, CallSurroundings, OneWayCall
from gateway.voice.joined_call import JoinedCall
from gateway.voice.media_session import MediaEngine, Qualities
from gateway.voice.passed_headers import TEMPORARY_FAILURE, hops_left
from gateway.voice.trunk_choice import RETRY_AFTER_S, Trunk
from routing.router import Router

OUTSIDE = (OutsideDialog, OutsideResponse)
RETRY_LATER = (("Retry-After", str(RETRY_AFTER_S)),)


class B2bua:
    """`new_id` makes the ids of calls. No call is taken while `accepting` is false, for want of a
    place for its record. `wake` is called when `next_timer` has come nearer without
    anybody having asked: the media engine has replied, or tells something of a call."""

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
        on_one_way: Callable[[OneWayCall], None],
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
            on_one_way,
            self._on_over,
            self._on_ready,
        )
        self._new_id = new_id
        self._accepting = accepting
        self._wake = wake
        # By their ids, kept in the order in which they came.
        self._calls: dict[int, JoinedCall] = {}
        # That are to go on, in the order in which they may.
        self._ready: dict[JoinedCall, None] = {}
        self._draining = False
        self._deadline: float | None = None

    # What the owner asks

    @property
    def bounds(self) -> CallBounds:
        """Of calls from now on; those that stand keep what they have begun with."""
        return self._shared.bounds

    @bounds.setter
    def bounds(self, bounds: CallBounds) -> None:
        self._shared.bounds = bounds

    @property
    def calls(self) -> int:
        return len(self._calls)

    def query(self, call_id: int, on_known: Callable[[Qualities], None], now: float) -> bool:
        """Ask how the two sides of a call sound, once it has a session; False where that cannot be
        asked now."""
        call = self._calls.get(call_id)
        return call is not None and call.query(on_known, now)

    def drain(self, deadline: float) -> None:
        """Take no new calls; those that there are may go on until `deadline`."""
        self._draining = True
        self._deadline = deadline

    # The verbs of a core

    def take(self, event: LegEvent, now: float) -> None:
        """What the user agent tells of legs; what is outside of calls is for somebody else."""
        if isinstance(event, IncomingCall):
            self._receive_call(event.leg, event.request, now)
            return
        assert not isinstance(event, OUTSIDE)
        call = event.leg.user
        if isinstance(call, JoinedCall):
            call.take(event, now)
        else:
            self._shared.outlived(event, now)

    def next_timer(self) -> float | None:
        if self._ready:
            return 0.0
        running, deadline = self._shared.timers.next_timer(), self._deadline
        if deadline is None or running is None:
            return running if deadline is None else deadline
        return min(running, deadline)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        while self._ready:
            call = next(iter(self._ready))
            del self._ready[call]
            call.go_on(now)
        while fired := self._shared.timers.pop_due(now):
            timer, call = fired
            call.fire(timer, now)
        if self._deadline is not None and self._deadline <= now:
            self._deadline = None
            for call in list(self._calls.values()):
                call.leave(TEMPORARY_FAILURE, now)

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

    def _on_ready(self, call: JoinedCall) -> None:
        self._ready[call] = None
        self._wake()
