"""The question to the router and its answer. Raw values are kept; sentences are made on demand."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from routing.carrier_bind import Kind
from routing.estimate import Estimate
from routing.leaf import Leaf
from routing.numbering_plan import NumberRange
from routing.route_table import Route


class Block(StrEnum):
    """Why a bind cannot take the message now."""

    DOWN = "down"
    CIRCUIT_OPEN = "circuit open"
    THROTTLED = "throttled"
    WINDOW_FULL = "window full"
    RATE = "rate"
    SENDER_TYPE = "sender type not allowed"
    ALREADY_TRIED = "already tried"
    SICK = "probes only"
    RESEND = "took the last one to this number"


# These do not lift for the message, however long it waits.
LASTING = frozenset({Block.SENDER_TYPE, Block.ALREADY_TRIED})


class Mode(StrEnum):
    """Why the first candidate is the first.

    BEST: it brings the most. EXPLORE: it might bring more, and a cheap message finds out. PROBE: it
    was sick, and a cheap message finds out whether it is well. FORCED: there is no better one.
    FAILOVER: the best of those that have not refused the message. PINNED: the other parts went
    there.
    """

    BEST = "best"
    EXPLORE = "explore"
    PROBE = "probe"
    FORCED = "forced"
    FAILOVER = "failover"
    PINNED = "pinned"


class RouteRequest(NamedTuple):
    """One segment, or the first of several, that is about to leave its queue.

    `destination` is E.164 with `+`. `excluded` holds the binds already tried. `pinned` names the
    bind that took the first part: no other is eligible. `mccmnc` is the network where a look-up
    (HLR, number portability) knows better than the numbering plan. `account` tells customers
    apart whose messages convert at different rates.
    """

    message_id: int
    destination: str
    sender_type: str
    segments: int = 1
    traffic_class: str = ""
    excluded: frozenset[str] | tuple[str, ...] = ()
    pinned: str = ""
    attempt: int = 1
    mccmnc: str = ""
    account: str = ""
    kind: Kind = Kind.MESSAGE


class Candidate(NamedTuple):
    """A bind that can take a segment now. The smallest goes first: earlier priority (`tier`), then
    lower `cost`, which is the utility's opposite, then the more specific match (`number`).

    `turn` is where its next segment stands among rivals of equal utility: lowest goes first.
    `estimate` is what is believed of the route, from the evidence of `leaf`; `price` of a segment,
    `latency_s` and `burden` are as of this moment.
    """

    tier: int
    cost: float
    number: int
    bind: str
    route: Route
    estimate: Estimate
    price: float
    latency_s: float
    burden: float
    turn: float
    group: object
    leaf: Leaf

    @property
    def utility(self) -> float:
        """The money that the message should bring there, after its price."""
        return -self.cost

    @property
    def reason(self) -> str:
        entry = self.route.entry
        return (
            f"priority {entry.priority} for {entry.match or 'any destination'}, "
            f"utility {self.utility:.4f} at price {self.price:g}, "
            f"delivers {self.estimate.p:.3f}, turn {self.turn:.3f}"
        )


class Blocked(NamedTuple):
    """A bind that cannot. `retry_at` is the earliest time it may, where time alone decides that."""

    bind: str
    route: Route
    block: Block
    retry_at: float | None = None

    def reason(self, now: float) -> str:
        if self.retry_at is None:
            return self.block.value
        return f"{self.block.value} for {self.retry_at - now:.3f} s"


class Ranking(NamedTuple):
    """Candidates in order of preference, and the rest with what blocks each.

    `network` is the MCC-MNC, or what comes nearest to it; `traffic_class` the class by which the
    message was judged, and `value` the money that its delivery is worth. Of many binds only the
    foremost are looked at closely: `unseen` tells how many were not.
    """

    request: RouteRequest
    at: float
    number_range: NumberRange | None
    candidates: tuple[Candidate, ...]
    blocked: tuple[Blocked, ...]
    mode: Mode
    network: str
    traffic_class: str
    value: float
    data_points: int
    unseen: int = 0

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None

    @property
    def may_clear(self) -> bool:
        """Is it worth while to wait? False where no bind could ever take this message."""
        return any(blocked.block not in LASTING for blocked in self.blocked)

    @property
    def retry_at(self) -> float | None:
        """The earliest time at which a block may lift by itself; None: only an event lifts one."""
        times = [blocked.retry_at for blocked in self.blocked if blocked.retry_at is not None]
        return min(times, default=None)

    @property
    def why(self) -> str:
        """One sentence for people. It names no number."""
        blocked = "; ".join(f"{one.bind} {one.reason(self.at)}" for one in self.blocked)
        if self.best is None:
            return f"no bind can take it now: {blocked}{self.rest}" if blocked else "no route to it"
        parts = [f"{self.best.bind} goes first of {len(self.candidates)}: {self.best.reason}"]
        if len(self.candidates) > 1:
            second = self.candidates[1]
            parts.append(f"next {second.bind}: {second.reason}")
        if blocked:
            parts.append(f"blocked: {blocked}")
        return "; ".join(parts) + self.rest

    @property
    def rest(self) -> str:
        """What is said of those that were not looked at."""
        return f"; {self.unseen} more not looked at: no better when last seen" * bool(self.unseen)
