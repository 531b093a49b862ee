"""One call: two legs of which neither knows the other, joined by us (RFC 7092).

The theory: the called side is hunted for until somebody answers (`call_setup`); then both talk
(`passed_requests`, `transfer`), until one side ends it or we do (`call_end`). What happens to a
call are steps, one after the other: while one waits for the media engine, the others stand in line.
So after each wait a leg may be over, which is told next; all else is as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.call import Call, EndedBy
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    Ended,
    Pracked,
    Provisional,
    Responded,
    Withdrawn,
)
from gateway.voice.call_end import CallEnd
from gateway.voice.call_history import CallHistory
from gateway.voice.call_legs import CallLegs
from gateway.voice.call_session import CallSession, other
from gateway.voice.call_setup import CallSetup
from gateway.voice.call_surroundings import Admitted, CallSurroundings, OneWayCall
from gateway.voice.call_timers import CallTimer
from gateway.voice.hunt import Hunt
from gateway.voice.media_session import (
    MEDIA_REPLY_S,
    Digit,
    Lost,
    MediaEvent,
    MediaRefused,
    OneWay,
    Qualities,
    Side,
    Silence,
)
from gateway.voice.passed_headers import TEMPORARY_FAILURE, TIMER_EXPIRED
from gateway.voice.passed_requests import PassedRequests
from gateway.voice.steps import Reply, Step, Steps
from gateway.voice.transfer import Transfer

LegTold = Provisional | Answered | Acknowledged | Pracked | Asked | Withdrawn | Responded | Ended


class JoinedCall:
    """`admitted` are those whose limits it counts in: its own, and those of its transfers. `now` is
    the time of the step under way. It is `over` when its end has begun."""

    __slots__ = (
        "_gone",
        "_requests",
        "_session",
        "_steps",
        "admitted",
        "end",
        "history",
        "hunt",
        "legs",
        "now",
        "offer_again_to",
        "over",
        "setup",
        "shared",
        "transfer",
    )

    def __init__(
        self, shared: CallSurroundings, call: Call, admitted: Admitted, leg: IncomingLeg
    ) -> None:
        self.shared = shared
        self.admitted = [admitted]
        self.now = call.started_at
        self.over = self._gone = False
        self.legs = CallLegs(leg)
        self.hunt: Hunt | None = None
        self.transfer: Transfer | None = None
        self.offer_again_to: Side | None = None
        self.setup = CallSetup(self, leg)
        self.end = CallEnd(self, leg)
        self._session: CallSession | None = None
        self._requests = PassedRequests(self)
        self._steps = Steps(partial(shared.on_ready, self))
        leg.user = self
        self.history = CallHistory(call, shared.on_event)

    @property
    def session(self) -> CallSession:
        assert self._session is not None
        return self._session

    @property
    def has_session(self) -> bool:
        return self._session is not None

    @property
    def requests(self) -> PassedRequests:
        return self._requests

    @property
    def talks(self) -> bool:
        return self.legs.called is not None

    @property
    def hunts_for_nobody(self) -> bool:
        """Who would talk with the one that is hunted for has left, which is told next."""
        side = Side.CALLER if self.transfer is None else other(self.transfer.side)
        leg = self.legs.caller if side is Side.CALLER else self.legs.called
        return leg is None or leg.over

    def leg(self, side: Side) -> Leg | None:
        """Of the called side, also while it rings."""
        if side is Side.CALLER:
            return self.legs.caller
        if not self.talks and self.hunt is not None and self.hunt.attempt is not None:
            return self.hunt.attempt.leg
        return self.legs.called

    def side(self, leg: Leg) -> Side:
        if leg is self.legs.caller:
            return Side.CALLER
        if leg is self.legs.called or self.transfer is None:
            return Side.CALLED
        return self.transfer.side

    def open_session(self) -> None:
        """Raises MediaRefused: there is no room."""
        self._session = CallSession(self.shared.media.open(self._on_media))

    # What comes to it, each with the time

    def begin(self, now: float) -> None:
        self._begin(now, self.setup.begin)

    def take(self, event: LegTold, now: float) -> None:
        steps = self._steps
        if steps.reply is not None and steps.full and self._turns_away(event, now):
            return
        self._begin(now, self._take, event)

    def fire(self, timer: CallTimer, now: float) -> None:
        if timer is CallTimer.REPLY:
            before, self.now = self._steps.reply, now
            try:
                self._steps.give_up(MediaRefused(503, "the media engine does not answer"))
            finally:
                self._watch(before)
            return
        self.shared.timers.hold(timer, self)
        self._begin(now, self._fire, timer)

    def leave(self, headers: tuple[Field, ...], now: float) -> None:
        """By us, however it stands."""
        self._begin(now, self._leave, headers)

    def query(self, on_known: Callable[[Qualities], None], now: float) -> bool:
        """False where it cannot be asked now; else `on_known` is told, at once or later."""
        if self.over or not self.has_session or self._steps.full:
            return False
        self._begin(now, self._query, on_known)
        return True

    def go_on(self, now: float) -> None:
        """After `on_ready` was told of it."""
        before, self.now = self._steps.reply, now
        try:
            self._steps.go_on()
        finally:
            self._watch(before)

    def _on_media(self, event: MediaEvent) -> None:
        """What the engine tells at any time. It repeats itself, but for a loss, and for digits that
        nobody could dial that fast."""
        if not self.over and (not self._steps.full or isinstance(event, Lost)):
            self._steps.post(self._hear, event)

    def _turns_away(self, event: LegTold, now: float) -> bool:
        """The line is full of what the peer asks; what we have asked for is bounded by that."""
        match event:
            case Asked(leg, transaction):
                leg.respond(transaction, 503, now)
            case Provisional(prack=False):
                pass
            case Responded(status=status) if status < 200:
                pass
            case _:
                return False
        return True

    def _begin(self, now: float, step: Callable[..., Step], *args: object) -> None:
        before, self.now = self._steps.reply, now
        try:
            self._steps.begin(step, *args)
        finally:
            self._watch(before)

    def _watch(self, before: Reply[object] | None) -> None:
        """Each reply is waited for as long."""
        reply = self._steps.reply
        if reply is not before:
            if reply is None:
                self.shared.timers.stop(CallTimer.REPLY, self)
            else:
                self.shared.timers.set(CallTimer.REPLY, self, MEDIA_REPLY_S, self.now)
        if self.over and not self._steps.waiting and not self._gone:
            self._go()

    def _go(self) -> None:
        """Of what knows the call it knows nothing any more: so it needs no collector to be freed.
        Its legs are parted with, and nobody asks it for anything."""
        self._gone = True
        self._steps.let_go()
        self._session = self.hunt = self.transfer = None
        del self.setup, self.end, self._requests

    # Its steps

    async def _take(self, event: LegTold) -> None:
        if event.leg.user is not self:  # It was parted with while this stood in line.
            self.shared.outlived(event, self.now)
            return
        match event:
            case Provisional():
                await self.setup.receive_provisional(event)
            case Answered():
                await self.setup.receive_answer(event)
            case Acknowledged(leg, request) | Pracked(leg, request):
                await self.setup.receive_owed(leg, request, isinstance(event, Pracked))
            case Asked(leg, _, request):
                if request.method == "REFER":
                    await self._receive_refer(event)
                else:
                    await self._requests.asked(event, self.side(leg))
            case Withdrawn(leg):
                self._requests.withdrawn(event, self.side(leg))
            case Responded(leg):
                await self._requests.responded(event, self.side(leg))
            case Ended():
                await self.end.receive(event)
        again = self.offer_again_to
        if again is not None and not self.over and await self._requests.offer_again(again):
            self.offer_again_to = None

    async def _receive_refer(self, event: Asked) -> None:
        transfer = Transfer.asked(self, event, self.side(event.leg))
        if transfer is not None:
            self.transfer = transfer
            await transfer.begin(event.request)

    async def _fire(self, timer: CallTimer) -> None:
        if not self.shared.timers.release(timer, self):
            return  # It was stopped while this stood in line.
        match timer:
            case CallTimer.NO_RESPONSE:
                await self.setup.no_response()
            case CallTimer.UNANSWERED:
                await self.end.unanswered()
            case CallTimer.LONGEST:
                await self.end.by_us(TIMER_EXPIRED)
            case CallTimer.REPLY:
                raise AssertionError(timer)

    async def _query(self, on_known: Callable[[Qualities], None]) -> None:
        on_known(Qualities() if self.over else await self.session.qualities())

    async def _leave(self, headers: tuple[Field, ...]) -> None:
        if not self.over:
            await self.end.by_us(headers)

    async def _hear(self, event: MediaEvent) -> None:
        if self.over:
            return
        if isinstance(event, Lost):
            await self.end.by_us(TEMPORARY_FAILURE, EndedBy.MEDIA)
        elif isinstance(event, Silence) and self.talks:
            await self.end.by_us(TIMER_EXPIRED)
        elif isinstance(event, OneWay):
            self.session.went_one_way(event.side)
            if self.talks:
                trunk = self.legs.way(Side.CALLED)
                self.shared.on_one_way(OneWayCall(self.history.call, event.side, trunk))
        elif isinstance(event, Digit) and not event.passed:
            self._requests.tell_digit(other(event.side), event.digit, event.duration_ms)
