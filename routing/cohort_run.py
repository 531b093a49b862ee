"""Two CUSUMs (Page 1954) over cohorts of messages, in the order in which these were sent.

They add up how much better "half of it is left", and "hardly any is left", explain what became of
messages than "all is as usual", and never fall below nothing. In the order of sending, not of the
answers: else the late answers to the good times before drown the first ones to the bad times since.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

# Messages of so many seconds are added up as one cohort.
COHORT_S = 4
# What is left of the usual, by the two explanations.
HALVED = 0.5
HARDLY = 0.1
# Beyond this it is proven: by chance alone, once in many ten thousand messages.
PROVEN = 11.0
# Before any evidence, trouble is so unlikely (e to the minus this).
UNLIKELY = 8.0


class CohortRun(NamedTuple):
    """The CUSUMs up to some cohort, and what was `expected` and `seen` since the cohort `since`,
    the first after both were nothing."""

    halved: float = 0.0
    hardly: float = 0.0
    since: int = 0
    expected: float = 0.0
    seen: float = 0.0

    def after(
        self, place: int, halved: float, hardly: float, expected: float, seen: float
    ) -> CohortRun:
        """With one more cohort, of which the two explanations say so much."""
        halved = max(0.0, self.halved + halved)
        hardly = max(0.0, self.hardly + hardly)
        if not (halved or hardly):
            return NOTHING
        return CohortRun(
            halved, hardly, self.since or place, self.expected + expected, self.seen + seen
        )

    def faded(self, kept: float) -> CohortRun:
        return CohortRun(
            kept * self.halved,
            kept * self.hardly,
            self.since,
            kept * self.expected,
            kept * self.seen,
        )

    @property
    def suspicion(self) -> float:
        return max(self.halved, self.hardly)

    @property
    def share(self) -> float:
        """What is left of the usual, should the suspicion be true."""
        return min(1.0, (self.seen + 0.02) / (self.expected + 1.0))

    @property
    def belief(self) -> float:
        """What is left of the usual on balance, true or not."""
        if not (self.halved or self.hardly):
            return 1.0
        likely = 1.0 / (1.0 + exp(UNLIKELY - self.suspicion))
        return 1.0 - likely * (1.0 - self.share)


NOTHING = CohortRun()
