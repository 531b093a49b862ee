"""The search for somebody who answers: one way is tried after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gateway.sip.errors import SipError
from gateway.sip.headers import Field
from gateway.sip.message import SipResponse
from gateway.sip.reasons import reason_of
from gateway.sip.transaction_layer import TransactionsFull
from gateway.sip.user_agent import LegsFull
from gateway.voice.call_attempt import NO_WAY_THERE, NONE_IN_TIME, Attempt
from gateway.voice.call_outcome import may_try_another
from gateway.voice.call_surroundings import CallSurroundings
from gateway.voice.call_timers import CallTimer
from gateway.voice.media_session import MediaRefused, Side
from gateway.voice.trunk_choice import RETRY_AFTER_S, NoWay, Way, Ways
from media.profile import Profile

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall


class Failure:
    """What the last way that was tried came to."""

    __slots__ = ("response", "status")

    def __init__(self, status: int, response: SipResponse | None) -> None:
        self.status = status
        self.response = response


class Hunt:
    """For somebody who joins `side`, which offers `sdp`, if anything. `attempt` is the one under
    way. It is `settled` on that one when its side has been heard, or has agreed with the caller on
    a session: nobody else is tried any more."""

    __slots__ = (
        "_call",
        "_headers",
        "_hops",
        "_offer",
        "_profile",
        "_reliable",
        "_shared",
        "_side",
        "_ways",
        "attempt",
        "failure",
        "sdp",
        "settled",
    )

    def __init__(
        self,
        shared: CallSurroundings,
        call: JoinedCall,
        ways: Ways,
        side: Side,
        sdp: bytes,
        headers: tuple[Field, ...],
        hops: int,
        reliable: bool = True,
    ) -> None:
        self._shared = shared
        self._call = call
        self._ways = ways
        self._headers = headers
        self._hops = hops
        self._reliable = reliable
        self._side = side
        self.sdp = sdp
        # The last way's, which the next one's may be too.
        self._profile: Profile | None = None
        self._offer = b""
        self.attempt: Attempt | None = None
        self.failure: Failure | None = None
        self.settled = False

    async def dial(self) -> NoWay | None:
        """Try the next way; None: it is being tried, or nobody is there to try for."""
        call = self._call
        while isinstance(way := self._ways.next(call.now), Way):
            if self.sdp and way.profile is not self._profile:
                try:
                    self._offer = await call.session.offer(self._side, self.sdp, way.profile)
                except MediaRefused as refused:
                    return no_media(refused)
                self._profile = way.profile
                if call.hunts_for_nobody:
                    return None
            now = call.now
            invitation = replace(
                way.invitation,
                headers=(*way.invitation.headers, *self._headers),
                body=self._offer,
                max_forwards=self._hops,
                reliable=self._reliable,
            )
            try:
                leg = self._shared.user_agent.invite(
                    invitation, way.destination, now, way.credentials
                )
            except (LegsFull, TransactionsFull):
                return NoWay(503, RETRY_AFTER_S)
            except SipError:  # Its rules make an INVITE that cannot be written.
                self.failure = Failure(500, None)
                continue
            leg.user = call
            call_number = call.history.call.id
            self.attempt = Attempt(self._shared.router, call_number, way, leg, now)
            self._shared.timers.set(CallTimer.NO_RESPONSE, call, way.no_answer_s, now)
            return None
        return way

    def rang(self, now: float) -> None:
        assert self.attempt is not None
        self.attempt.rang(now)
        self._shared.timers.stop(CallTimer.NO_RESPONSE, self._call)

    def answered(self, now: float) -> Attempt:
        attempt = self._take_attempt()
        self._call.history.attempts.append(attempt.answered(now))
        return attempt

    def rejected(self, status: int, response: SipResponse | None, now: float) -> bool:
        """The leg is over before its answer, by a `response` or for want of one. Whether another
        way may be tried."""
        silent = response is None and status in (NONE_IN_TIME, NO_WAY_THERE)
        attempt = self._take_attempt()
        reason = reason_of(status) if response is None else response.reason
        self._call.history.attempts.append(attempt.failed(status, reason, not silent, now))
        self.failure = Failure(status, response)
        return not self.settled and may_try_another(status, attempt.way.no_failover)

    def cancelled(self, now: float) -> Attempt | None:
        """The one under way, if there is one, is to be hung up."""
        attempt = self.attempt
        if attempt is not None:
            self._take_attempt()
            self._call.history.attempts.append(attempt.cancelled(now))
        return attempt

    def _take_attempt(self) -> Attempt:
        attempt, self.attempt = self.attempt, None
        assert attempt is not None
        self._shared.timers.stop(CallTimer.NO_RESPONSE, self._call)
        return attempt


def no_media(refused: MediaRefused) -> NoWay:
    """Where there is no room for media now, there may be soon."""
    return NoWay(refused.status, RETRY_AFTER_S if refused.status == 503 else 0)
