"""What is known of a bind as a whole beside its counts: delays, coverage, trust, and the row.

Coverage is the share of messages that converted, and so must have arrived, for which a receipt
came. It tells a broken receipt feed from a broken route.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

from routing.cohort_run import NOTHING, CohortRun
from routing.delay_law import DelayLaw
from routing.estimate import Level, Scope
from routing.evidence import FAST_PRIOR_WEIGHT, Evidence
from routing.fading import fading
from routing.trust import Trust

if TYPE_CHECKING:
    from routing.leaf import Leaf

COVERAGE_HALF_LIFE_S = 900.0
COVERAGE_FAST_HALF_LIFE_S = 46.0
COVERAGE_PRIOR = (24.0, 25.0)
# A CUSUM of "half of the receipts are lost" against "as many come as ever".
BLIND_SHARE = 0.5
BLIND_THRESHOLD = 6.0
UNCOVERED_MIN = 0.02
SIGHT_SHARE = 0.75
SIGHT_CONVERSIONS = 2.0
# The row falls short by so much, its worst network left out: those without traffic suffer too.
DRIFT_Z = -2.5
ROW_EXPOSED_MIN = 4.0
# The worst network left out, the others must be silent, too.
REST_SUSPICION = 2.5


class BindEvidence:
    """`drift` is what the last minute of all networks but the worst says of every one; `in_time`
    the share of deliveries within each of the deadlines."""

    __slots__ = (
        "anonymous",
        "blind",
        "blind_lost_at",
        "blindness",
        "converted",
        "converted_fast",
        "covered",
        "covered_fast",
        "data_points",
        "deadlines",
        "drift",
        "has_receipts",
        "in_time",
        "law",
        "receipts",
        "root",
        "row_z",
        "run",
        "second",
        "trust",
    )

    def __init__(
        self,
        bind: str,
        has_receipts: bool,
        pool: DelayLaw,
        deadlines: tuple[float, ...],
        second: int,
    ) -> None:
        self.root = Evidence(Scope(bind), Level.BIND, None, second)
        self.law = DelayLaw(second, pool)
        self.trust = Trust(second)
        self.has_receipts = has_receipts
        self.receipts = 0
        self.anonymous = False
        self.second = second
        self.converted = self.covered = 0.0
        self.converted_fast = self.covered_fast = 0.0
        self.blind = False
        self.blind_lost_at = 0
        self.blindness = 0.0
        self.drift = 1.0
        self.row_z = 0.0
        self.run = NOTHING
        self.deadlines = deadlines
        self.in_time = (1.0,) * len(deadlines)
        self.data_points = 0

    def conversion(self, with_receipt: bool, second: int) -> None:
        """One message converted; had its receipt come?"""
        self._fade(second)
        missing = max(UNCOVERED_MIN, 1.0 - self.coverage)
        if with_receipt:
            self.blindness = max(0.0, self.blindness + log(BLIND_SHARE / (1.0 - missing)))
        else:
            self.blindness += log(BLIND_SHARE / missing)
        if missing >= BLIND_SHARE or not self.blindness:
            self.blindness = 0.0
            self.blind_lost_at = 0
        self.converted += 1.0
        self.converted_fast += 1.0
        if with_receipt:
            self.covered += 1.0
            self.covered_fast += 1.0
        elif not self.blind_lost_at:
            self.blind_lost_at = second

    @property
    def share_of_late(self) -> float:
        """What the whole bind has delivered of late, at most."""
        root = self.root
        of_late = min(1.0, (root.delivered_fast + 1.0) / (root.exposed_fast + 1.0))
        return min(of_late, self.run.share) if self.run.suspicion else of_late

    @property
    def coverage(self) -> float:
        covered, converted = COVERAGE_PRIOR
        return (self.covered + covered) / (self.converted + converted)

    def looks_blind(self) -> bool:
        return self.blindness > BLIND_THRESHOLD

    def go_blind(self) -> None:
        """What came before says nothing of when receipts come again."""
        self.blind = True
        self.converted_fast = self.covered_fast = 0.0
        self.root.exposed_fast = self.root.delivered_fast = 0.0

    def looks_sighted(self) -> bool:
        """Conversions have receipts again, or receipts come as they did."""
        root = self.root
        return (
            self.converted_fast > SIGHT_CONVERSIONS
            and self.covered_fast > SIGHT_SHARE * self.converted_fast
        ) or (
            root.exposed_fast > 10.0
            and root.delivered_fast > SIGHT_SHARE * root.outlier.healthy * root.exposed_fast
        )

    def hear(self, leaves: list[Leaf]) -> None:
        """Has the whole bind fallen silent? Not if only one of its networks has."""
        self.run = NOTHING
        if len(leaves) < 2:
            return
        worst = max(leaves, key=lambda leaf: leaf.silence.run.suspicion)
        rest = _together([leaf for leaf in leaves if leaf is not worst])
        if rest.suspicion > REST_SUSPICION:
            self.run = _together(leaves)

    def read_row(self, networks: list[Evidence]) -> None:
        """Is the whole bind short, and not merely the worst of its networks?"""
        short = variance = expected = delivered = exposed = 0.0
        worst: Evidence | None = None
        for one in networks:
            wanted = one.exposed_fast * one.p_slow
            short += one.delivered_fast - wanted
            expected += wanted
            delivered += one.delivered_fast
            exposed += one.exposed_fast
            variance += one.exposed_fast * one.p_slow * (1.0 - one.p_slow)
            if worst is None or one.z < worst.z:
                worst = one
        if worst is not None and not self.anonymous:
            wanted = worst.exposed_fast * worst.p_slow
            short -= worst.delivered_fast - wanted
            expected -= wanted
            delivered -= worst.delivered_fast
            exposed -= worst.exposed_fast
            variance -= wanted * (1.0 - worst.p_slow)
        if exposed < ROW_EXPOSED_MIN:
            self.row_z, self.drift = 0.0, 1.0
            return
        self.row_z = short / sqrt(max(0.0, variance) + 0.5)
        if self.row_z < DRIFT_Z:
            self.drift = (delivered + FAST_PRIOR_WEIGHT) / (expected + FAST_PRIOR_WEIGHT)
        else:
            self.drift = 1.0

    def settle_law(self, second: int) -> None:
        if self.law.changed:
            self.law.settle(second)
            self.in_time = tuple(self.law.share_within(deadline) for deadline in self.deadlines)

    def settle(self, second: int) -> None:
        self._fade(second)
        self.data_points = self._count_data_points()
        if self.covered_fast > BLIND_SHARE * self.converted_fast:
            self.blind_lost_at = self.blind_lost_at if self.blind else 0

    def _fade(self, second: int) -> None:
        elapsed = second - self.second
        if elapsed > 0:
            self.second = second
            slow = fading(elapsed, COVERAGE_HALF_LIFE_S)
            self.converted *= slow
            self.covered *= slow
            fast = fading(elapsed, COVERAGE_FAST_HALF_LIFE_S)
            self.converted_fast *= fast
            self.covered_fast *= fast

    def _count_data_points(self) -> int:
        """How many of its readings are not empty, beside those of its counts."""
        trust = self.trust
        return (
            self.law.data_points
            + (self.converted > 0.01)
            + (self.covered > 0.01)
            + (self.converted_fast > 0.01)
            + (self.covered_fast > 0.01)
            + (trust.expected > 0.01)
            + (trust.converted > 0.01)
            + (trust.suspicion > 0.0)
            + (self.row_z != 0.0)
        )


def _together(leaves: list[Leaf]) -> CohortRun:
    """As if they were one scope."""
    cohorts: dict[int, list[float]] = {}
    for leaf in leaves:
        for place, verdict in leaf.silence.verdicts.items():
            sums = cohorts.setdefault(place, [0.0, 0.0, 0.0, 0.0])
            for index, part in enumerate(verdict):
                sums[index] += part
    run = NOTHING
    for place in sorted(cohorts):
        run = run.after(place, *cohorts[place])
    return run
