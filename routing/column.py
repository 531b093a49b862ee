"""One network over all routes: is it the network itself that fails? And what may be tried there."""

from __future__ import annotations

from math import inf, sqrt

from routing.evidence import ROUNDING, SURE, Evidence

TESTED_MIN = 3.0
BAD_SHARE = 0.7
BESIDE_Z = -2.5
WELL_SHARE = 0.85
WELL_EXPOSED_MIN = 4.0
OUTAGE_MIN = 0.05

COLUMNS_MAX = 4096

BUDGET_MAX = 3.0
# Enough to try what nothing is known of when traffic begins.
BUDGET_AT_FIRST = 3.0
EXPLORE_INTERVAL_S = 1.0
# Where nothing was worth exploring, the next look is not taken at once.
LOOK_INTERVAL_S = 0.02
# A class counts as present for so long after a message of it.
PRESENT_S = 60.0


class Column:
    """`factor` is what untested routes are believed to deliver, against their own level."""

    __slots__ = (
        "_budget",
        "_explored_at",
        "_looked_at",
        "_seen",
        "delivered",
        "exposed",
        "factor",
        "first_at",
        "lost",
        "network",
        "outage",
        "sent",
        "tested",
    )

    def __init__(self, network: str, classes: int) -> None:
        self.network = network
        self.tested: list[Evidence] = []
        self.exposed = self.delivered = 0.0
        self.outage = False
        self.first_at = 0
        self.lost = 0.0
        self.factor = 1.0
        self.sent = 0
        self._seen = [-inf] * classes
        self._budget = 0.0
        self._explored_at = -inf
        self._looked_at = -inf

    def begin(self) -> None:
        self.tested.clear()
        self.exposed = self.delivered = 0.0

    def add(self, one: Evidence) -> None:
        """The counts of one route into the network, where they suffice."""
        if one.exposed_fast >= TESTED_MIN:
            self.tested.append(one)
            self.exposed += one.exposed_fast * one.outlier.healthy
            self.delivered += one.delivered_fast

    def fails(self) -> bool:
        """Two routes at least have been tested, and all are bad; and it is no chance that those
        beside the one with most of the traffic are."""
        if len(self.tested) < 2 or any(
            one.delivered_fast >= BAD_SHARE * one.outlier.healthy * one.exposed_fast
            for one in self.tested
        ):
            return False
        main = max(self.tested, key=_exposed)
        short = variance = 0.0
        for one in self.tested:
            if one is not main:
                healthy = min(SURE, one.outlier.healthy)
                short += one.delivered_fast - healthy * one.exposed_fast
                variance += one.exposed_fast * healthy * (1.0 - healthy)
        return short < BESIDE_Z * sqrt(variance + ROUNDING)

    def is_well(self) -> bool:
        return any(
            one.exposed_fast >= WELL_EXPOSED_MIN
            and (
                one.delivered_fast > WELL_SHARE * one.outlier.healthy * one.exposed_fast
                or one.z > 3.5
            )
            for one in self.tested
        )

    # Exploration

    def submitted(self, class_number: int, at: float, share: float) -> None:
        self.sent += 1
        if share:
            first = self._seen[class_number] == -inf
            self._budget = min(BUDGET_MAX, self._budget + (BUDGET_AT_FIRST if first else share))
        self._seen[class_number] = at

    def may_explore(self, now: float) -> bool:
        return (
            self._budget >= 1.0
            and now >= self._looked_at + LOOK_INTERVAL_S
            and now - self._explored_at >= EXPLORE_INTERVAL_S
        )

    def found_nothing(self, at: float) -> None:
        """A message went out that might have explored: there was nothing worth it."""
        if at >= self._looked_at + LOOK_INTERVAL_S:
            self._looked_at = at

    def explored(self, at: float) -> None:
        self._budget -= 1.0
        self._explored_at = at

    def is_cheapest(self, class_number: int, now: float) -> bool:
        """Is no class of less value seen here at present? Probes are its messages. What is worth
        most is none before it is known that there is nothing else."""
        if class_number == 0 and now - self._seen[0] > PRESENT_S:
            return False
        return all(now - seen > PRESENT_S for seen in self._seen[class_number + 1 :])


def _exposed(one: Evidence) -> float:
    return one.exposed_fast
