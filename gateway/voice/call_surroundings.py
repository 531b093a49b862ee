"""What all calls share, and the seam to what admits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from gateway.account import Account
from gateway.call import Call, CallDirection, CallEvent
from gateway.sip.leg_events import Asked, LegEvent
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.sip.uri import Uri
from gateway.sip.user_agent import UserAgent
from gateway.voice.call_timers import CallTimers
from gateway.voice.media_session import MediaEngine, Side
from gateway.voice.trunk_choice import PlacesInTurn, Trunk, TrunkChoice, Way, Ways
from media.profile import Profile
from routing.router import Router

# RFC 3323 §4.1.1.3.
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
# A phone that does not say within this time that it rings is not there.
PLACE_NO_ANSWER_S = 10.0

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall

# Who is reached over a WebSocket is a browser (RFC 7118), and is offered media as one.
BROWSERS_TRANSPORTS = frozenset({"WS", "WSS"})


class Target(Protocol):
    """One place of an account's: its name in the attempts, and the way there."""

    @property
    def name(self) -> str: ...

    @property
    def uri(self) -> str: ...

    @property
    def destination(self) -> Destination: ...

    @property
    def routes(self) -> tuple[str, ...]: ...


class Admitted(Protocol):
    """A call that may be made, in the words of `Call`. Where it has `targets`, it goes to them in
    turn; else over trunks."""

    @property
    def account(self) -> Account: ...

    @property
    def direction(self) -> CallDirection: ...

    @property
    def caller(self) -> str: ...

    @property
    def called(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def private(self) -> bool: ...

    @property
    def diversion(self) -> str: ...

    @property
    def targets(self) -> Sequence[Target]: ...


class Admission(Protocol):
    def check(self, request: SipRequest, source: Destination, now: float) -> Admitted | Refusal:
        """Who calls, and whether it may."""
        ...

    def check_transfer(self, call: Call, target: Uri, now: float) -> Admitted | Refusal:
        """Whether the account of this call may have it transferred there."""
        ...

    def ended(self, admitted: Any) -> None:
        """Once for each that was admitted, which is given back as it came."""
        ...


class CallBounds(msgspec.Struct, frozen=True):
    """[sip]: so many calls at once, so long each, so long until it is answered. `domain` is ours,
    where an account is told who calls."""

    calls_max: int
    call_max_s: float
    no_answer_s: float
    domain: str


class OneWayCall(msgspec.Struct, frozen=True):
    """Who talks in this call, and should be heard, is not: `silent`. `trunk` took the call."""

    call: Call
    silent: Side
    trunk: str


class CallSurroundings:
    """`on_over` is told of each call once, after its last event; `on_ready` of one that is to go
    on, since something that it waited for has come; `on_one_way` of one whose audio is missed, once
    until it was heard again."""

    __slots__ = (
        "admission",
        "bounds",
        "media",
        "on_event",
        "on_one_way",
        "on_over",
        "on_ready",
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
        bounds: CallBounds,
        on_event: Callable[[CallEvent], None],
        on_one_way: Callable[[OneWayCall], None],
        on_over: Callable[[JoinedCall, float], None],
        on_ready: Callable[[JoinedCall], None],
    ) -> None:
        self.user_agent = user_agent
        self.router = router
        self.trunks = trunks
        self.media = media
        self.admission = admission
        self.bounds = bounds
        self.on_event = on_event
        self.on_one_way = on_one_way
        self.on_over = on_over
        self.on_ready = on_ready
        self.timers: CallTimers[JoinedCall] = CallTimers()

    def outlived(self, event: LegEvent, now: float) -> None:
        """What a leg that is no call's any more tells."""
        if isinstance(event, Asked) and not event.transaction.answered:
            self.user_agent.respond(event.transaction, 481, now)

    def ways(self, call: Call, admitted: Admitted) -> Ways:
        if not admitted.targets:
            return TrunkChoice(self.router, self.trunks, call)
        from_ = ANONYMOUS if call.private else f"<sip:{call.caller}@{self.bounds.domain}>"
        return PlacesInTurn(
            [
                Way(
                    target.name,
                    Invitation(target.uri, from_, f"<{target.uri}>", routes=target.routes),
                    target.destination,
                    PLACE_NO_ANSWER_S,
                    profile=profile_of(target.destination),
                )
                for target in admitted.targets
            ]
        )


def profile_of(place: Destination) -> Profile:
    """What somebody there is offered, of whom nothing else is known."""
    return Profile.WEBRTC if place.transport in BROWSERS_TRANSPORTS else Profile.PLAIN
