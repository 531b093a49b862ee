"""One simulated carrier for calls: a SIP server, what it decides of each call, and the calls that
it makes itself.

Here is who is answered, and what tests and the control interface ask. What happens within a call
stands in `sip_call`, what happens to messages on the way in `sip_wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import assert_never

import msgspec

from carriers_sim.behaviour import carrier_seed, message_chance
from carriers_sim.call_audio import CallAudios
from carriers_sim.call_behaviour import CallBehaviour, CallDecision, OfferedCall, decide_call
from carriers_sim.call_out import CallOut
from carriers_sim.call_outcome import SILENCE
from carriers_sim.call_recorder import CallRecorder, RecordedCall, user_of
from carriers_sim.config import SipCarrierConfig
from carriers_sim.refused_calls import RefusedCalls
from carriers_sim.remember import remember
from carriers_sim.sip_call import SipCall, Step
from carriers_sim.sip_registrar import SipRegistrar
from carriers_sim.sip_violations import SipInvariant
from carriers_sim.sip_wire import SipWire
from carriers_sim.sip_witness import SipWitness
from carriers_sim.throttle import Counted, Throttle, TokenBucket
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.violations import Violations
from carriers_sim.watchers import Watchers
from gateway.clock import Clock
from gateway.net.sip_endpoint import SipListen, Verdict
from gateway.sip.leg import Leg
from gateway.sip.leg_events import (
    Acknowledged,
    Answered,
    Asked,
    EndCause,
    Ended,
    IncomingCall,
    LegEvent,
    OutsideDialog,
    OutsideResponse,
    Pracked,
    Provisional,
    Responded,
    Withdrawn,
)
from gateway.sip.leg_state import CAPABILITIES
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination

CALLS_MAX = 20_000
DECISIONS_MAX = 100_000


class CallsFull(Exception):
    """Too many calls are under way."""


class SipCarrier:
    """Build it, and everything it is given, inside a running event loop."""

    def __init__(
        self,
        config: SipCarrierConfig,
        *,
        seed: int,
        clock: Clock,
        recorder: CallRecorder,
        violations: Violations,
        refused: RefusedCalls,
    ) -> None:
        self.config = config
        self.port = config.port
        self.behaviour = config.behaviour
        self.recorder = recorder
        self.audios = CallAudios(config.host)
        self._clock = clock
        self._violations = violations
        self._refused = refused
        self._seed = carrier_seed(seed, config.name)
        self._number = 0
        self._decisions: dict[tuple[str, str], CallDecision] = {}
        self._withheld: dict[str, None] = {}
        self._calls: set[SipCall] = set()
        self._steps: TimerHeap[Step] = TimerHeap(clock, self._take_step)
        self._watchers = Watchers(config.name)
        self._registrar = SipRegistrar(config)
        self._wire: SipWire | None = None
        self._throttle = self._new_throttle()

    # What tests and the control interface ask

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def host(self) -> str:
        return self.config.host

    @property
    def calls(self) -> list[RecordedCall]:
        """Those that came here and those made here, in the order in which they began."""
        return self.recorder.calls_of(self.name)

    @property
    def bindings(self) -> dict[str, str]:
        """Who has registered here, with the Contact."""
        return dict(self._registrar.bindings)

    def stats(self) -> dict[str, object]:
        """Counters of `call_recorder.CallCounts`, and what is under way."""
        return self.recorder.counts(self.name).as_json() | {
            "bindings": len(self._registrar.bindings)
        }

    async def wait_for_calls(self, count: int, timeout_s: float = 5.0) -> list[RecordedCall]:
        """All calls, once `count` are over since the start or the last reset.

        Raises:
            TimeoutError: fewer were within `timeout_s`.
        """

        def over() -> int:
            return sum(self.recorder.counts(self.name).ends.values())

        await self.wait_until(
            lambda: over() >= count, timeout_s, lambda: f"{over()} of {count} calls are over"
        )
        return self.calls

    async def wait_until(
        self,
        condition: Callable[[], bool],
        timeout_s: float = 5.0,
        progress: Callable[[], str] = lambda: "the condition does not hold",
    ) -> None:
        """Until `condition` holds; looked at after each event here. Raises TimeoutError."""
        await self._watchers.wait_until(condition, timeout_s, progress)

    # What they ask for

    def set_behaviour(self, behaviour: CallBehaviour) -> None:
        """Switch at once; what was decided before is not undone."""
        self.behaviour = behaviour
        self._throttle = self._new_throttle()
        if self._wire is not None:
            self._wire.lost = behaviour.lost

    def call(self, caller: str, called: str, host: str, port: int, **keys: object) -> RecordedCall:
        """Call the customer. `keys` are those of `CallOut`. Raises as `call_out` does."""
        form = {"from": caller, "to": called, "host": host, "port": port} | keys
        return self.call_out(msgspec.convert(form, CallOut))

    def call_out(self, out: CallOut) -> RecordedCall:
        """
        Raises:
            CallsFull: too many calls are under way.
            SipError: a header cannot be written.
        """
        assert self._wire is not None
        if len(self._calls) >= CALLS_MAX:
            raise CallsFull(f"{CALLS_MAX} calls are under way")
        now = self._clock.now()
        record = self.recorder.made(self.name, "", out.caller, out.called, now)
        call = SipCall(self, record, out.decision)
        try:
            invitation = out.invitation(self.host, self.port, call.offer())
            leg = self._wire.user_agent.invite(
                invitation, out.destination, now, self._registrar.credentials()
            )
        except BaseException:
            call.never_was(now)
            raise
        self._begin(call, leg)
        if out.unacknowledged:
            remember(self._withheld, leg.call_id, None, DECISIONS_MAX)
        if out.cancel_after_s is not None:
            self._steps.add(now + out.cancel_after_s, call.cancel)
        self._wire.flush()
        return record

    def press(self, record: RecordedCall, digits: str) -> None:
        """Keys, within a call that stands.

        Raises:
            ValueError: it does not, or there are no such keys.
        """
        call = next((call for call in self._calls if call.record is record), None)
        if call is None:
            raise ValueError("the call is over")
        call.press(digits)

    def hang_up(self) -> int:
        """End all calls; how many there were."""
        assert self._wire is not None
        calls, now = list(self._calls), self._clock.now()
        for call in calls:
            call.hang_up(now)
        self._wire.flush()
        return len(calls)

    def reset(self) -> None:
        """The configured behaviour again, and calls numbered from 1. Calls go on."""
        self._number = 0
        self._decisions.clear()
        self.set_behaviour(self.config.behaviour)

    async def start(self) -> None:
        """Raises ListenError."""
        config = self.config
        self._wire = SipWire(
            SipListen(config.host, self.port),
            self._on_event,
            self._on_message,
            self._clock,
            Random(self._seed),
            interval=SessionInterval(config.session_expires_s, config.min_se_s),
            witness=SipWitness(),
            chance=Random(self._seed + 1),
            withholds=self._withholds,
            on_violation=self._on_violation,
            on_lost=self._on_lost,
        )
        self._wire.lost = self.behaviour.lost
        await self._wire.start()
        self.port = self._wire.addresses["UDP"][1]

    async def stop(self) -> None:
        """End the calls, then close the ports."""
        if self._wire is None:
            return
        self.hang_up()
        await self._wire.drain()
        self._steps.keep(lambda _: False)
        self.audios.close()
        self._wire = None

    # For its calls

    def after(self, seconds: float, step: Step, now: float) -> None:
        if seconds:
            self._steps.add(now + seconds, step)
        else:
            step(now)

    def _take_step(self, step: Step) -> None:
        step(self._clock.now())
        if self._wire is not None:
            self._wire.flush()

    def _begin(self, call: SipCall, leg: Leg) -> None:
        call.take(leg)
        self._calls.add(call)

    # Requests, before the user agent sees them

    def _on_message(
        self, request: SipRequest, source: Destination, now: float
    ) -> SipResponse | Verdict | None:
        """Whoever is to hear nothing hears nothing, not even 100."""
        if request.method == "OPTIONS" and self.behaviour.options == SILENCE:
            return Verdict.DROP
        if request.method == "REGISTER" and self.behaviour.register == SILENCE:
            return Verdict.DROP
        if request.to_tag is None and request.method in ("INVITE", "ACK", "CANCEL"):
            key = (request.call_id, request.from_tag or "")
            decision = self._decisions.get(key)
            if decision is None and request.method == "INVITE":
                decision = self._decide(request, now)
                remember(self._decisions, key, decision, DECISIONS_MAX)
                if decision.is_silent:
                    self._keep_silent(request, decision, now)
            if decision is not None and decision.is_silent:
                return Verdict.DROP
        return None

    def _decide(self, request: SipRequest, now: float) -> CallDecision:
        self._number += 1
        behaviour = self.behaviour
        called = user_of(request.request_uri)
        channels = behaviour.channels_max
        offered = OfferedCall(
            self.name,
            called,
            self._refused.by(called),
            is_throttled=self._throttle is not None and not self._throttle.admit(1, now),
            is_full=bool(channels) and len(self._calls) >= channels,
        )
        decision = decide_call(behaviour, offered, message_chance(self._seed, self._number))
        if decision.is_remembered:
            self._refused.add(called, self.name)
        return decision

    def _keep_silent(self, request: SipRequest, decision: CallDecision, now: float) -> None:
        record = self.recorder.came(self.name, request, now)
        record.reason = decision.reason
        self.recorder.counts(self.name).silent += 1
        self.recorder.ended(record, 0, SILENCE, now)
        self._watchers.tell()

    def _new_throttle(self) -> TokenBucket | None:
        rate = self.behaviour.calls_per_s_max
        if not rate:
            return None
        throttle = Throttle(segments_per_s=rate, counted=Counted.MESSAGES)
        return TokenBucket(throttle, self._clock.now())

    # What the user agent tells

    def _on_event(self, event: LegEvent, now: float) -> None:
        match event:
            case IncomingCall():
                self._receive_call(event, now)
            case OutsideDialog():
                self._receive_outside(event, now)
            case Provisional(leg):
                leg.user.provisional(event, now)
            case Answered(leg):
                leg.user.answered(event, now)
            case Acknowledged(leg):
                leg.user.acknowledged(event, now)
            case Asked(leg):
                leg.user.asked(event, now)
            case Responded(leg):
                leg.user.responded(event, now)
            case Ended(leg):
                self._end(leg.user, event, now)
            case OutsideResponse() | Pracked() | Withdrawn():
                pass
            case _:
                assert_never(event)
        self._watchers.tell()

    def _receive_call(self, event: IncomingCall, now: float) -> None:
        request, leg = event.request, event.leg
        if self.behaviour.challenge and not self._registrar.knows(
            request, "Proxy-Authorization", now
        ):
            leg.refuse(407, now, self._registrar.challenges("Proxy-Authenticate", now))
            return
        decision = self._decisions.get((request.call_id, request.from_tag or ""))
        if decision is None or len(self._calls) >= CALLS_MAX:
            leg.refuse(503, now)
            return
        record = self.recorder.came(self.name, request, now)
        record.reason = decision.reason
        call = SipCall(self, record, decision)
        self._begin(call, leg)
        call.begin(request.body, now)

    def _end(self, call: SipCall | None, event: Ended, now: float) -> None:
        if call is None:
            return  # It was refused before it was a call.
        if event.cause is EndCause.NO_ACK:
            self._on_violation(SipInvariant.ACK_MISSING, "to 200", now)
        self._calls.discard(call)
        call.ended(event, now)

    def _receive_outside(self, event: OutsideDialog, now: float) -> None:
        """A request that is for no call."""
        assert self._wire is not None
        respond = self._wire.user_agent.respond
        request = event.request
        counts = self.recorder.counts(self.name)
        match request.method:
            case "OPTIONS":
                counts.options += 1
                more = [*CAPABILITIES, ("Accept", "application/sdp")]
                respond(event.transaction, int(self.behaviour.options), now, more)
            case "REGISTER":
                challenge = self.behaviour.challenge
                if challenge and not self._registrar.knows(request, "Authorization", now):
                    headers = self._registrar.challenges("WWW-Authenticate", now)
                    respond(event.transaction, 401, now, headers)
                    return
                status = int(self.behaviour.register)
                headers = self._registrar.bind(request) if status < 300 else []
                counts.registered += status < 300
                respond(event.transaction, status, now, headers)
            case _:
                respond(event.transaction, 405, now, CAPABILITIES[:1])

    # The wire

    def _withholds(self, message: SipMessage) -> bool:
        """The ACKs to the 2xx of some calls never leave."""
        is_ack = isinstance(message, SipRequest) and message.method == "ACK"
        return is_ack and message.call_id in self._withheld

    def _on_violation(self, invariant: SipInvariant, detail: str, now: float) -> None:
        self._violations.add(invariant, self.name, detail, now)

    def _on_lost(self) -> None:
        self.recorder.counts(self.name).datagrams_lost += 1
