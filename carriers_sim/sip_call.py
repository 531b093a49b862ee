"""One call at a simulated carrier, from either side: what was decided of it, done step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from carriers_sim.call_audio import CallAudio, CallAudios
from carriers_sim.call_behaviour import CallDecision
from carriers_sim.call_outcome import TRYING_STATUS
from carriers_sim.call_recorder import CallRecorder, RecordedCall
from carriers_sim.session_description import (
    G711,
    Direction,
    SessionDescription,
    answer_to,
    offer_of,
    parse_description,
)
from gateway.sip.headers import Field
from gateway.sip.incoming_leg import IncomingLeg
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    Ended,
    Provisional,
    Responded,
)
from gateway.sip.leg_state import CAPABILITIES, LegState, RequestPending
from gateway.sip.outgoing_leg import OutgoingLeg
from gateway.sip.own_request import OwnRequest

# A hold that meets a request of the customer's is tried again after so long.
POSTPONED_S = 0.5
NOT_ACCEPTABLE = 488

Step = Callable[[float], None]


class Surroundings(Protocol):
    """What a carrier gives its calls."""

    audios: CallAudios
    recorder: CallRecorder

    def after(self, seconds: float, step: Step, now: float) -> None:
        """Take this step in so many seconds, at once if they are none."""
        ...


class SipCall:
    """`leg.user` is the call, once it has taken its leg."""

    leg: Leg

    def __init__(self, carrier: Surroundings, record: RecordedCall, decision: CallDecision) -> None:
        self.record = record
        self._carrier = carrier
        self._decision = decision
        self._audio: CallAudio | None = None
        self._peer: SessionDescription | None = None
        self._description = b""
        self._version = 1
        self._hold: OwnRequest | None = None
        self._is_held = False
        self._is_settled = False

    def take(self, leg: Leg) -> None:
        self.leg = leg
        leg.user = self
        self.record.call_id = leg.call_id

    # A call of the customer's

    def begin(self, body: bytes, now: float) -> None:
        """`body` is the INVITE's."""
        decision = self._decision
        assert isinstance(self.leg, IncomingLeg)
        if body:
            self._peer = parse_description(body)
            if self._peer is None or self._peer.audio is None:
                self.leg.refuse(NOT_ACCEPTABLE, now)
                return
        if decision.status == TRYING_STATUS:
            return  # The transaction says 100 by itself.
        step = self._ring if decision.provisional else self._finish
        delay_s = decision.post_dial_delay_s + (0 if decision.provisional else decision.ring_s)
        self._after(delay_s, step, now)

    def _ring(self, now: float) -> None:
        decision = self._decision
        assert isinstance(self.leg, IncomingLeg)
        body = b""
        if decision.provisional == 183 and self._peer is not None:
            body = self._described()
            self._speak()
        self.leg.ring(decision.provisional, now, body=body, reliable=decision.reliable)
        self.record.rang_at = now
        self.record.provisionals.append(decision.provisional)
        self._after(decision.ring_s, self._finish, now)

    def _finish(self, now: float) -> None:
        decision = self._decision
        assert isinstance(self.leg, IncomingLeg)
        if not decision.is_answered:
            self.leg.refuse(decision.status, now, _refusal_headers(decision))
            return
        self.record.status, self.record.answered_at = decision.status, now
        self.leg.answer(now, self._described(), status=decision.status)
        if self._peer is not None:
            self._speak()

    # What the user agent tells

    def acknowledged(self, event: Acknowledged, now: float) -> None:
        if event.request.body:
            self._peer = parse_description(event.request.body)
            self._speak()
        self._settle(now)

    def provisional(self, event: Provisional, now: float) -> None:
        self.record.provisionals.append(event.response.status)
        self.record.rang_at = self.record.rang_at or now
        assert isinstance(self.leg, OutgoingLeg)
        if event.response.body:
            self._peer = parse_description(event.response.body)
        if event.prack:
            self.leg.prack(now, self._described())
        if self._peer is not None:
            self._speak()

    def answered(self, event: Answered, now: float) -> None:
        self.record.status, self.record.answered_at = event.response.status, now
        assert isinstance(self.leg, OutgoingLeg)
        if event.response.body:
            self._peer = parse_description(event.response.body)
        if event.acknowledge:
            self.leg.acknowledge_answer(now, self._described())
        if self._peer is not None:
            self._speak()
        self._settle(now)

    def asked(self, event: Asked, now: float) -> None:
        """A request within the dialog."""
        request = event.request
        self.record.note(request.method)
        if request.method in ("INVITE", "UPDATE"):
            self._answer_offer(event, now)
        elif request.method in ("INFO", "NOTIFY", "MESSAGE"):
            self.leg.respond(event.transaction, 200, now)
        else:
            self.leg.respond(event.transaction, 405, now, CAPABILITIES[:1])

    def _answer_offer(self, event: Asked, now: float) -> None:
        if event.request.body:
            peer = parse_description(event.request.body)
            if peer is None or peer.audio is None:
                self.leg.respond(event.transaction, NOT_ACCEPTABLE, now)
                return
            self._peer = peer
        else:
            self._peer = None  # The answer comes in the ACK.
        self._description = b""
        self._version += 1
        self.leg.respond(event.transaction, 200, now, body=self._described())
        if self._peer is not None:
            self._speak()

    def responded(self, event: Responded, now: float) -> None:
        """To a hold of ours, or its end."""
        if event.acknowledge:
            self.leg.acknowledge(event.request, now, self._described())
        if event.request is not self._hold or event.status < 200:
            return
        if event.response is not None and event.response.body:
            self._peer = parse_description(event.response.body) or self._peer
            self._speak()
        if event.status < 300 and self._is_held:
            self._after(self._decision.hold_s, self._take_back, now)

    def ended(self, event: Ended, now: float) -> None:
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        self._carrier.recorder.ended(self.record, event.status, event.cause.value, now)

    def never_was(self, now: float) -> None:
        """Its INVITE could not be sent."""
        if self._audio is not None:
            self._audio.close()
        self._carrier.recorder.ended(self.record, 0, "not sent", now)

    # What we do of our own accord

    def cancel(self, now: float) -> None:
        if self.record.answered_at is None:
            self.hang_up(now)

    def hang_up(self, now: float) -> None:
        if not self.leg.over:
            self.leg.hang_up(now)

    def press(self, digits: str) -> None:
        """Raises ValueError as `CallAudio.press` does."""
        if self._audio is None:
            raise ValueError("no keys can be pressed before the call stands")
        self._audio.press(digits)

    def _settle(self, now: float) -> None:
        """The call stands: what is to happen in it, and when it is to end."""
        if self._is_settled:
            return
        self._is_settled = True
        if self._decision.hold_after_s is not None:
            self._after(self._decision.hold_after_s, self._put_on_hold, now)
        if self._decision.talk_s is not None:
            self._after(self._decision.talk_s, self.hang_up, now)

    def _put_on_hold(self, now: float) -> None:
        self._reinvite(Direction.SENDONLY, self._put_on_hold, now)

    def _take_back(self, now: float) -> None:
        self._reinvite(Direction.SENDRECV, self._take_back, now)

    def _reinvite(self, direction: Direction, again: Step, now: float) -> None:
        if self.leg.state is not LegState.CONFIRMED:
            return
        self._version += 1
        self._description = b""
        try:
            body = self._described(direction)
            self._hold = self.leg.request("INVITE", now, body=body)
        except RequestPending:
            self._after(POSTPONED_S, again, now)
            return
        self._is_held = direction is Direction.SENDONLY

    # Sound

    def offer(self) -> bytes:
        """For an INVITE of ours."""
        return self._described()

    def _described(self, direction: Direction | None = None) -> bytes:
        """Our side of the session: an answer to the peer's, else an offer."""
        if self._description:
            return self._description
        if self._audio is None:
            self._audio = self._carrier.audios.open(self.record)
        host, port = self._audio.host, self._audio.port
        described: bytes | None = None
        if self._peer is not None:
            described = answer_to(self._peer, host, port, self._version, direction)
        if described is None:
            described = offer_of(host, port, self._version, direction or Direction.SENDRECV)
        self._description = described
        return described

    def _speak(self) -> None:
        audio = self._peer.audio if self._peer is not None else None
        if audio is None or self._audio is None:
            return
        payload_type = next(name for name in audio.formats if name in G711)
        source = self._decision.audio
        assert audio.direction is not None
        if not audio.direction.answer.sends:
            self._audio.mute()
            return
        event_type = audio.telephone_event
        self._audio.speak(audio.host, audio.port, payload_type, event_type, source)

    def _after(self, seconds: float, step: Step, now: float) -> None:
        def unless_over(when: float) -> None:
            if not self.leg.over:
                step(when)

        self._carrier.after(seconds, unless_over, now)


def _refusal_headers(decision: CallDecision) -> list[Field]:
    headers: list[Field] = []
    if decision.retry_after_s:
        headers.append(("Retry-After", str(decision.retry_after_s)))
    if decision.cause:
        headers.append(("Reason", f"Q.850;cause={decision.cause}"))
    return headers
