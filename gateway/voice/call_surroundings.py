"""What all calls share, and the seam to what admits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from gateway.call import Call, CallDirection, CallEvent
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.sip.user_agent import UserAgent
from gateway.voice.call_timers import CallTimers
from gateway.voice.media_session import MediaEngine
from gateway.voice.trunk_choice import PlacesInTurn, Trunk, TrunkChoice, Way, Ways
from routing.router import Router

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall


class Admitted(Protocol):
    """A call that may be made. `source_id` is that of `Call.source`. Where there are `places`, it
    goes there; else over trunks."""

    @property
    def account_sid(self) -> str: ...

    @property
    def direction(self) -> CallDirection: ...

    @property
    def caller(self) -> str: ...

    @property
    def called(self) -> str: ...

    @property
    def source_id(self) -> str: ...

    @property
    def places(self) -> Sequence[Way]: ...


class Admission(Protocol):
    def check(self, request: SipRequest, source: Destination, now: float) -> Admitted | Refusal:
        """Who calls, and whether it may."""
        ...

    def check_transfer(self, call: Call, target: str, now: float) -> Admitted | Refusal:
        """Whether the account of this call may have it transferred to this URI."""
        ...

    def release(self, admitted: Admitted, now: float) -> None:
        """It is over: once for each that was admitted."""
        ...


class CallLimits(msgspec.Struct, frozen=True):
    """[sip]: so many calls at once, so long each, so long until it is answered."""

    calls_max: int
    call_max_s: float
    no_answer_s: float


class CallSurroundings:
    """`on_over` is told of each call once, after its last event."""

    __slots__ = (
        "admission",
        "limits",
        "media",
        "on_event",
        "on_over",
        "on_silence",
        "router",
        "timers",
        "trunks",
        "user_agent",
    )

    def __init__(
        self,
        user_agent: UserAgent,
        router: Router,
        trunks: Mapping[str, Trunk],
        media: MediaEngine,
        admission: Admission,
        limits: CallLimits,
        on_event: Callable[[CallEvent], None],
        on_over: Callable[[JoinedCall, float], None],
        on_silence: Callable[[JoinedCall], None],
    ) -> None:
        self.user_agent = user_agent
        self.router = router
        self.trunks = trunks
        self.media = media
        self.admission = admission
        self.limits = limits
        self.on_event = on_event
        self.on_over = on_over
        self.on_silence = on_silence
        self.timers: CallTimers[JoinedCall] = CallTimers()

    def ways(self, call: Call, admitted: Admitted) -> Ways:
        if admitted.places:
            return PlacesInTurn(admitted.places)
        return TrunkChoice(self.router, self.trunks, call)
