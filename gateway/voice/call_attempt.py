"""One INVITE of ours: what the router and the record hear of it, each once."""

from __future__ import annotations

from gateway.call import CallAttempt, Quality
from gateway.sip.outgoing_leg import OutgoingLeg
from gateway.sip.reasons import reason_of
from gateway.voice.call_outcome import SILENCE
from gateway.voice.trunk_choice import Way
from routing.events import CallEnded, CallResult
from routing.router import Router

NONE_IN_TIME = 408
NO_WAY_THERE = 503
CANCELLED = 487
ANSWERED = 200


class Attempt:
    """`early_media` is set once the called side is heard before it answers."""

    __slots__ = ("_call_number", "_router", "answered_at", "began_at", "leg", "rang_at", "way")

    def __init__(
        self, router: Router, call_number: int, way: Way, leg: OutgoingLeg, now: float
    ) -> None:
        self._router = router
        self._call_number = call_number
        self.way = way
        self.leg = leg
        self.began_at = now
        self.rang_at = 0.0
        self.answered_at = 0.0
        submitted = way.submitted(now)
        if submitted is not None:
            router.observe(submitted)

    def rang(self, now: float) -> None:
        self.rang_at = self.rang_at or now

    def answered(self, now: float) -> CallAttempt:
        self.answered_at = now
        return self._closed(ANSWERED, ANSWERED, reason_of(ANSWERED), now)

    def failed(self, status: int, reason: str, heard: bool, now: float) -> CallAttempt:
        """By a final response that was `heard`, or for want of one: 408 in time, 503 no way. Who
        said 100 Trying is slow, but it is there."""
        if not heard and not self.leg.heard and self.way.trunk is not None:
            self.way.trunk.unreachable(self.way.destination, now)
        return self._closed(status, status if heard else SILENCE, reason, now)

    def cancelled(self, now: float) -> CallAttempt:
        return self._closed(CANCELLED, CANCELLED, reason_of(CANCELLED), now)

    def ended(self, quality: Quality, now: float) -> None:
        """After its answer: the channel is free. `quality` is that of what came over it."""
        if self.way.candidate is not None:
            duration_s = now - self.answered_at
            self._router.observe(
                CallEnded(
                    self.way.name,
                    duration_s,
                    now,
                    quality.mos,
                    self._call_number,
                    quality.one_way,
                )
            )

    def _closed(self, status: int, told: int, reason: str, now: float) -> CallAttempt:
        if self.way.candidate is not None:
            pdd_s = (self.rang_at or now) - self.began_at
            progress = bool(self.rang_at)
            self._router.observe(
                CallResult(self.way.name, told, pdd_s, now, self._call_number, progress)
            )
        return CallAttempt(
            self.way.name, status, reason, self.began_at, self.rang_at, now, self.leg.call_id
        )
