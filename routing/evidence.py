"""What has been seen of a route, forgotten exponentially: fast for alarms, slow for the level.

Evidence stands in a tree: bind, country, network (MCC-MNC), type of sender. Events reach the leaf;
once a second what is new goes up the tree, and belief comes down it: a scope begins with what is
believed of the scope above, as if it had seen a few messages of its own.
"""

from __future__ import annotations

from math import sqrt

from routing.estimate import Level, Scope
from routing.fading import fading
from routing.outlier import Outlier

FAST_HALF_LIFE_S = 60.0
SLOW_HALF_LIFE_S = 1500.0
DELAY_HALF_LIFE_S = 120.0

# Before anything is seen, so many in a hundred are believed to be delivered.
DELIVERED_UNKNOWN = 0.92
# How many messages the belief of the level above counts as, by level.
PRIOR_WEIGHT = (20.0, 20.0, 10.0, 10.0)
# The level above counts as so many messages of the last minute.
FAST_PRIOR_WEIGHT = 5.0
# How much z must be beyond before the last minute moves the belief: down soon, up late.
DOWN_FROM_Z = -1.2
DOWN_OVER_Z = 1.5
UP_FROM_Z = 2.4
UP_OVER_Z = 2.0
# No level is so sure that a few failures could not happen.
SURE = 0.98
# Exposures come in parts, and failures in runs: a single one proves nothing.
ROUNDING = 1.0
# Late deliveries are believed of a route as of these that nobody has seen.
ON_TIME_PRIOR = (9.5, 10.0)


class Evidence:
    """One scope. The `new_…` counts are since the last fold, the others up to `second`."""

    __slots__ = (
        "children",
        "data_points",
        "delivered_fast",
        "delivered_slow",
        "deliveries",
        "exposed_fast",
        "exposed_slow",
        "level",
        "new_delivered",
        "new_deliveries",
        "new_exposed",
        "new_on_time",
        "news_at",
        "number_faults",
        "on_time",
        "outlier",
        "p_slow",
        "parent",
        "prior",
        "scope",
        "second",
        "touched",
        "z",
    )

    def __init__(self, scope: Scope, level: Level, parent: Evidence | None, second: int) -> None:
        self.scope = scope
        self.level = level
        self.parent = parent
        self.children: list[Evidence] = []
        if parent is not None:
            parent.children.append(self)
        self.second = second
        self.news_at = second
        self.touched = False
        self.exposed_fast = self.delivered_fast = 0.0
        self.exposed_slow = self.delivered_slow = 0.0
        self.on_time = self.deliveries = 0.0
        self.number_faults = 0.0
        self.new_exposed = self.new_delivered = 0.0
        self.new_on_time = self.new_deliveries = 0.0
        self.prior: float = parent.p_slow if parent else DELIVERED_UNKNOWN
        self.p_slow: float = self.prior
        self.z = 0.0
        self.data_points = 0
        self.outlier = Outlier(self.prior)

    def fold(self, second: int, frozen: bool) -> None:
        """Bring the counts up to `second` and hand what is new to the level above. `frozen`: the
        receipts of the bind are broken, so the slow level is kept as it is."""
        elapsed = second - self.second
        if elapsed > 0:
            self.second = second
            fast = fading(elapsed, FAST_HALF_LIFE_S)
            self.exposed_fast *= fast
            self.delivered_fast *= fast
            slow = fading(elapsed, SLOW_HALF_LIFE_S)
            self.exposed_slow *= slow
            self.delivered_slow *= slow
            late = fading(elapsed, DELAY_HALF_LIFE_S)
            self.on_time *= late
            self.deliveries *= late
            self.number_faults *= late
        exposed, delivered = self.new_exposed, self.new_delivered
        if exposed or delivered:
            self.news_at = second
            self.exposed_fast += exposed
            self.delivered_fast += delivered
            if not frozen:
                self.exposed_slow += exposed
                self.delivered_slow += delivered
            self.on_time += self.new_on_time
            self.deliveries += self.new_deliveries
            parent = self.parent
            if parent is not None:
                parent.new_exposed += exposed
                parent.new_delivered += delivered
                parent.new_on_time += self.new_on_time
                parent.new_deliveries += self.new_deliveries
            self.outlier.count(exposed, delivered)
            self.new_exposed = self.new_delivered = 0.0
            self.new_on_time = self.new_deliveries = 0.0

    def judge(self) -> None:
        """The slow level and how far the last minute is from it; parents first."""
        if self.parent is not None:
            self.prior = self.parent.p_slow
        weight = PRIOR_WEIGHT[self.level]
        p = (self.delivered_slow + weight * self.prior) / (self.exposed_slow + weight)
        self.p_slow = p = min(1.0, max(0.001, p))
        spread = p * (1.0 - p) if p < SURE else SURE * (1.0 - SURE)
        self.z = (self.delivered_fast - self.exposed_fast * p) / sqrt(
            self.exposed_fast * spread + ROUNDING
        )
        self.data_points = self._count_data_points()

    def blend(self, drift: float) -> tuple[float, float, float]:
        """Belief, its deviation, and how many messages it rests on. `drift` is what other scopes
        say of this one: it matters less the more has been seen here."""
        p_slow = self.p_slow
        exposed = self.exposed_fast
        if drift < 1.0:
            drift = 1.0 - (1.0 - drift) * FAST_PRIOR_WEIGHT / (exposed + FAST_PRIOR_WEIGHT)
        prior = p_slow * drift
        p_fast = (self.delivered_fast + FAST_PRIOR_WEIGHT * prior) / (exposed + FAST_PRIOR_WEIGHT)
        z = self.z
        if z < DOWN_FROM_Z:
            weight = min(1.0, (DOWN_FROM_Z - z) / DOWN_OVER_Z)
        elif z > UP_FROM_Z:
            weight = min(1.0, (z - UP_FROM_Z) / UP_OVER_Z)
        else:
            weight = 0.0
        p = prior + weight * (p_fast - prior)
        n = (1.0 - weight) * (self.exposed_slow + PRIOR_WEIGHT[self.level]) + weight * (
            exposed + FAST_PRIOR_WEIGHT
        )
        p = min(1.0, max(0.0, p))
        return p, sqrt(p * (1.0 - p) / (n + 1.0) + 1e-5), n

    @property
    def share_on_time(self) -> float:
        on_time, deliveries = ON_TIME_PRIOR
        if self.parent is not None and self.parent.deliveries > deliveries:
            on_time = deliveries * min(1.0, self.parent.on_time / self.parent.deliveries)
        return min(1.0, (self.on_time + on_time) / (self.deliveries + deliveries))

    def restart(self, exposed: float, delivered: float) -> None:
        """What was before says nothing any more: only what came since the change counts."""
        self.exposed_fast = self.exposed_slow = exposed
        self.delivered_fast = self.delivered_slow = delivered

    def rehabilitate(self, level: float, messages: float) -> None:
        """It is well again: believe it as well as it was, on the strength of so many messages."""
        self.restart(0.0, 0.0)
        self.exposed_slow = messages
        self.delivered_slow = messages * level
        self.z = 0.0

    @property
    def is_idle(self) -> bool:
        return self.exposed_fast < 0.3 and not self.outlier.sick

    def _count_data_points(self) -> int:
        """How many of its readings are not empty."""
        return (
            (self.exposed_fast > 0.0)
            + (self.delivered_fast > 0.0)
            + (self.exposed_slow > 0.0)
            + (self.delivered_slow > 0.0)
            + (self.on_time > 0.0)
            + (self.deliveries > 0.0)
            + (self.number_faults > 0.0)
            + (self.z != 0.0)
            + self.outlier.data_points
        )
