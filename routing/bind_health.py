"""What is known of a bind now: state, window, rate, circuit, latency. One owner, the router."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf

from routing.call_rate import CallRate
from routing.carrier_bind import CarrierBind, Kind
from routing.circuit_breaker import CLOSED, ROUNDING_S, CircuitBreaker, CircuitState
from routing.events import Outcome
from routing.learnt_rate import LearntRate
from routing.ranking import Block
from routing.sip_status import outcome as sip_outcome

# Response latency: a peak counts at once and is forgotten over this time (Finagle's peak EWMA).
LATENCY_DECAY_S = 10.0
LATENCY_UNKNOWN_S = 0.1
# A change of latency that matters at once: a smaller one is seen at the next tick.
LATENCY_STEP_S = 0.05
# A bind that answers in this time gets half the share of one that answers at once.
LATENCY_SCALE_S = 1.0
# From this occupancy of the window on, the share falls, down to a tenth when it is full.
OCCUPANCY_EASY = 0.7
OCCUPANCY_FULL_FACTOR = 0.1
# Utility falls by up to this much of a message's value as the window fills, and by a twentieth of
# it while everything is refused for speed: a refusal is quick, and must not look fast.
CROWDED_BURDEN = 0.3
THROTTLED_BURDEN = 0.05
THROTTLE_SHARE_MIN = 1e-4
SMOOTHING = 0.1
USUAL_SMOOTHING = 0.01
# Losses of the bind, of which half is forgotten in five minutes. From the third on, what is urgent
# keeps away for a while, longer each time.
FLAP_HALF_LIFE_S = 300.0
FLAPS_BORNE = 2.5
SHAKY_MAX_S = 20.0
# The least share of its weight that a bind keeps while it is usable, so that it can show that it
# is well again.
QUALITY_MIN = 0.05
CALL_ANSWERED = 200
RECEIPT_SMOOTHING = 0.1

# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
OK = Outcome.OK
TIMEOUT = Outcome.TIMEOUT
HARD_ERRORS = frozenset({Outcome.TEMPORARY, TIMEOUT})
THROTTLES = frozenset({Outcome.THROTTLED, Outcome.QUEUE_FULL})


@dataclass(frozen=True, slots=True)
class BindSnapshot:
    """A reading of one bind, for health pages and metrics. Latencies and delays in seconds."""

    bind: str
    carrier: str
    up: bool
    since: float
    drops: int
    block: Block | None
    retry_at: float | None
    window: int
    window_used: int
    tps_contract: float
    tps: float
    circuit: CircuitState
    error_share: float
    latency_s: float
    quality: float
    submitted: int
    results: dict[Outcome, int]
    receipts_delivered: int
    receipts_undelivered: int
    receipt_delay_s: float


class BindHealth:
    """Learns from events; `ready_at`, `burden` and `latency_seen_s` are what a ranking reads.

    `ready_at` is the time from which the bind can take a segment: infinite while only an event
    can free it. `latency_seen_s` follows the latency in steps that matter, so that rankings stay
    alike between them; `changes` counts whatever makes rankings differ, but for `ready_at`.
    """

    __slots__ = (
        "_accepted",
        "_bind",
        "_circuit",
        "_latency_at",
        "_others",
        "_rate",
        "_wait_for_it",
        "_window",
        "_window_easy",
        "_window_used",
        "burden",
        "changes",
        "data_points",
        "drops",
        "flaps",
        "flaps_at",
        "latency_s",
        "latency_seen_s",
        "ready_at",
        "receipt_delay_s",
        "receipts_delivered",
        "receipts_undelivered",
        "shaky_until",
        "since",
        "submitted_segments",
        "throttle_share",
        "up",
        "usual_latency_s",
    )

    def __init__(self, bind: CarrierBind, now: float) -> None:
        self._bind = bind
        self._rate = CallRate(bind.tps) if bind.kind is Kind.CALL else LearntRate(bind.tps)
        self._circuit = CircuitBreaker()
        self._window = bind.window
        self._window_used = 0
        self._window_easy = OCCUPANCY_EASY * bind.window
        self._latency_at = now
        self.latency_s = LATENCY_UNKNOWN_S
        self.up = False
        self.since = now
        self.drops = 0
        self.submitted_segments = 0
        self._accepted = 0
        self._others: dict[Outcome, int] = {}
        self.receipts_delivered = 0
        self.receipts_undelivered = 0
        self.receipt_delay_s = 0.0
        self.ready_at = inf
        self.changes = 0
        self.latency_seen_s = LATENCY_UNKNOWN_S
        self.throttle_share = 0.0
        self.usual_latency_s = LATENCY_UNKNOWN_S
        self.burden = 0.0
        self.flaps = 0.0
        self.flaps_at = now
        self.shaky_until = -inf
        self.data_points = 0
        self._wait_for_it: list[tuple[list[int], int]] = []
        self._read()

    def tell_when_free(self, told: list[int], place: int) -> None:
        """Put the place there, once, when only time keeps a segment away, or nothing at all."""
        self._wait_for_it.append((told, place))

    def forget_who_waits(self) -> None:
        self._wait_for_it.clear()

    def bind_up(self, at: float) -> None:
        if not self.up and self._flaps(at) > FLAPS_BORNE:
            self.shaky_until = at + min(SHAKY_MAX_S, 2.0 ** (self.flaps - 1.0))
        self.up = True
        self.changes += 1
        self.since = at
        self._empty_window()
        self._read()

    def bind_down(self, at: float) -> None:
        """Rate and circuit stay as learnt."""
        self.drops += self.up
        self.flaps = self._flaps(at) + self.up
        self.up = False
        self.changes += 1
        self.since = at
        self._empty_window()
        self._read()

    def window_is(self, window: int, used: int) -> None:
        """Of several sessions one has come or gone."""
        self._window = window
        self._window_used = used
        self._window_easy = OCCUPANCY_EASY * window
        self._read()

    def submitted(self, at: float) -> None:
        self.submitted_segments += 1
        self._window_used += 1
        self._rate.submitted(at)
        circuit = self._circuit
        if circuit.state is not CLOSED:
            circuit.submitted(at)
        elif self._rate.fraction == 1.0 and self._window_used <= self._window_easy:
            # As ever: only the token is gone.
            self.ready_at = (
                self._time_blocked_until() if self.up and self._window_used < self._window else inf
            )
            return
        self._read()

    @property
    def results(self) -> dict[Outcome, int]:
        """How many answers there were of each kind."""
        return dict.fromkeys(Outcome, 0) | self._others | {OK: self._accepted}

    @property
    def quality(self) -> float:
        """Between 0.05 and 1: how large a share of its weight it gets now."""
        quality = (
            self._rate.fraction
            * (1.0 - self._circuit.error_share)
            / (1.0 + self.latency_s / LATENCY_SCALE_S)
        )
        if self._window_used > self._window_easy:
            quality *= 1.0 - (1.0 - OCCUPANCY_FULL_FACTOR) * self._crowded()
        return quality if quality > QUALITY_MIN else QUALITY_MIN

    def _crowded(self) -> float:
        """From 0 at the easy occupancy of the window to 1 when it is full."""
        occupancy = self._window_used / self._window
        return min(1.0, (occupancy - OCCUPANCY_EASY) / (1.0 - OCCUPANCY_EASY))

    def answered(self, outcome: Outcome, latency_s: float, at: float) -> None:
        """A refusal for speed is quick and an error may be: neither makes the bind look fast."""
        self._hear(outcome, latency_s, at)
        self._read()

    def _hear(self, outcome: Outcome, latency_s: float, at: float) -> None:
        if outcome is OK:
            self._accepted += 1
        else:
            self._others[outcome] = self._others.get(outcome, 0) + 1
        sent_at = at - latency_s
        if sent_at < self.since - ROUNDING_S:
            # Sent in a session that was lost since: it left the window then, and the loss of the
            # session, not the bind as it is now, is why there was no answer.
            return
        if self._window_used:
            self._window_used -= 1
        if outcome is OK:
            self._rate.accepted()
            self._circuit.succeeded(sent_at, at)
            self._time(latency_s, at)
            if self.throttle_share:
                left = self.throttle_share - SMOOTHING * self.throttle_share
                self.throttle_share = left if left > THROTTLE_SHARE_MIN else 0.0
            self.usual_latency_s += USUAL_SMOOTHING * (latency_s - self.usual_latency_s)
        elif outcome in THROTTLES:
            self._rate.throttled(at)
            self.throttle_share += SMOOTHING * (1.0 - self.throttle_share)
        elif outcome in HARD_ERRORS:
            self._circuit.failed(sent_at, at)
            if outcome is TIMEOUT:
                self._time(latency_s, at)

    def call_answered(self, status: int, pdd_s: float, at: float, progress: bool = True) -> None:
        """The final response to an INVITE. A call that is answered keeps its channel."""
        outcome, _ = sip_outcome(status, progress)
        used = self._window_used
        self._hear(outcome, pdd_s, at)
        self._window_used = used if status == CALL_ANSWERED else max(0, used - 1)
        self._read()

    def call_ended(self) -> None:
        if self._window_used:
            self._window_used -= 1
        self._read()

    def _empty_window(self) -> None:
        """What waited in a lost session waits no more. Calls stand without one: of a trunk, being
        up is no more than that it answers."""
        if self._bind.kind is not Kind.CALL:
            self._window_used = 0

    @property
    def fraction(self) -> float:
        """Of the contracted rate, what the carrier takes at present."""
        return self._rate.fraction

    def receipt(self, delivered: bool, delay_s: float) -> None:
        """Counted and shown. What receipts say about quality is for the scorer to judge."""
        if delivered:
            self.receipts_delivered += 1
        else:
            self.receipts_undelivered += 1
        self.receipt_delay_s += RECEIPT_SMOOTHING * (delay_s - self.receipt_delay_s)

    def restore(self, usual_latency_s: float, fraction: float) -> None:
        """What an earlier run had learnt."""
        self.usual_latency_s = usual_latency_s
        self._rate.restore(fraction)
        self._read()

    def settle(self, now: float) -> None:
        """Let what recovers with time recover."""
        self._rate.settle(now)
        self._flaps(now)
        self._read()
        self._see_latency()
        self.data_points = self._count_data_points()

    def block(self, now: float) -> tuple[Block, float | None] | None:
        """What keeps a segment away now, and the earliest time at which it may be gone."""
        if not self.up:
            return Block.DOWN, None
        blocked_until = self._time_blocked_until()
        if self._circuit.blocked_until > now:
            return Block.CIRCUIT_OPEN, blocked_until
        if self._rate.held_until > now:
            return Block.THROTTLED, blocked_until
        if self._window_used >= self._window:
            return Block.WINDOW_FULL, None
        return (Block.RATE, blocked_until) if self._rate.token_at > now else None

    def snapshot(self, now: float) -> BindSnapshot:
        self.settle(now)
        block, retry_at = self.block(now) or (None, None)
        return BindSnapshot(
            bind=self._bind.id,
            carrier=self._bind.carrier,
            up=self.up,
            since=self.since,
            drops=self.drops,
            block=block,
            retry_at=retry_at,
            window=self._window,
            window_used=self._window_used,
            tps_contract=self._bind.tps,
            tps=self._rate.tps,
            circuit=self._circuit.state,
            error_share=self._circuit.error_share,
            latency_s=self.latency_s,
            quality=self.quality,
            submitted=self.submitted_segments,
            results=self.results,
            receipts_delivered=self.receipts_delivered,
            receipts_undelivered=self.receipts_undelivered,
            receipt_delay_s=self.receipt_delay_s,
        )

    def _time(self, latency_s: float, at: float) -> None:
        if latency_s >= self.latency_s:
            self.latency_s = latency_s
        else:
            kept = exp((self._latency_at - at) / LATENCY_DECAY_S)
            self.latency_s = latency_s + kept * (self.latency_s - latency_s)
        self._latency_at = at
        if not -LATENCY_STEP_S < self.latency_s - self.latency_seen_s < LATENCY_STEP_S:
            self._see_latency()

    def _see_latency(self) -> None:
        if self.latency_seen_s != self.latency_s:
            self.latency_seen_s = self.latency_s
            self.changes += 1

    def _time_blocked_until(self) -> float:
        """The latest of three; written out because `max` takes 0.1 µs longer."""
        until = self._rate.token_at
        held_until = self._rate.held_until
        if held_until > until:
            until = held_until
        circuit_until = self._circuit.blocked_until
        return circuit_until if circuit_until > until else until

    def _read(self) -> None:
        """Bring `ready_at` and `burden` up to date, so that a ranking need only compare."""
        used = self._window_used
        self.ready_at = self._time_blocked_until() if self.up and used < self._window else inf
        if self._wait_for_it and self.ready_at < inf:
            for told, place in self._wait_for_it:
                told.append(place)
            self._wait_for_it.clear()
        burden = THROTTLED_BURDEN * self.throttle_share
        if used > self._window_easy:
            burden += CROWDED_BURDEN * self._crowded()
        if burden != self.burden:
            self.burden = burden
            self.changes += 1

    def _flaps(self, now: float) -> float:
        if now > self.flaps_at:
            self.flaps *= 0.5 ** ((now - self.flaps_at) / FLAP_HALF_LIFE_S)
            self.flaps_at = now
        return self.flaps

    def _count_data_points(self) -> int:
        """How many of its readings are not empty: what a ranking consults beside the evidence."""
        rate = self._rate
        return (
            len(self._others)
            + (self._accepted > 0)
            + (self.submitted_segments > 0)
            + (self._window_used > 0)
            + (rate.fraction < 1.0)
            + (rate.held_until > 0.0)
            + (self._circuit.error_share > 0.0)
            + (self.throttle_share > 0.0)
            + (self.flaps > 0.01)
            + (self.drops > 0)
            + 6  # up, since, window, contract, latency, usual latency
        )
