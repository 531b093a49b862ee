"""Has a scope fallen silent? Judged by what became of the messages of each few seconds.

The counts of the last minute tell a change from the level before, but the good seconds before it
count as much as the bad ones since. Here each cohort of accepted messages is judged on its own, by
how many of its receipts should have come at its age, and a CUSUM over them finds the beginning.
"""

from __future__ import annotations

from math import log

from routing.cohort_run import COHORT_S, HALVED, HARDLY, NOTHING

# So many cohorts are judged anew as they grow older; of those before, all is known that will be.
COHORTS_MAX = 16
LEVEL_MAX = 0.97
# How many messages of earlier cohorts say what share of the next one's numbers will be to blame.
EXCUSED_WEIGHT = 3.0
_LOG_HALVED = log(HALVED)
_LOG_HARDLY = log(HARDLY)

Verdict = tuple[float, float, float, float]


class Cohort:
    """Messages accepted in a few seconds, and what receipts have said of them."""

    __slots__ = ("accepted", "delivered", "excused", "failed")

    def __init__(self) -> None:
        self.accepted = self.delivered = self.failed = self.excused = 0

    def verdict(self, level: float, spoken: float, excused: float) -> Verdict:
        """What the two explanations say, and how many deliveries were expected and seen. `level` is
        the share delivered in good times, `spoken` that of receipts that come by its age, `excused`
        that of messages whose numbers will be to blame."""
        delivered, failed = self.delivered, self.failed
        silent = self.accepted - delivered - failed - self.excused
        expected = level * spoken * (1.0 - excused)
        left, left_in_all = 1.0 - expected, 1.0 - level
        return (
            delivered * _LOG_HALVED
            + silent * log((1.0 - HALVED * expected) / left)
            + failed * log((1.0 - HALVED * level) / left_in_all),
            delivered * _LOG_HARDLY
            + silent * log((1.0 - HARDLY * expected) / left)
            + failed * log((1.0 - HARDLY * level) / left_in_all),
            expected * silent + delivered + level * failed,
            delivered,
        )


class Silence:
    """Of one scope. `run` as of the last judgement, `verdicts` of its cohorts then."""

    __slots__ = ("_before", "_cohorts", "run", "verdicts")

    def __init__(self) -> None:
        self._cohorts: dict[int, Cohort] = {}
        self._before = NOTHING
        self.run = NOTHING
        self.verdicts: dict[int, Verdict] = {}

    def accepted(self, second: int) -> None:
        place = second // COHORT_S
        cohort = self._cohorts.get(place)
        if cohort is None:
            cohort = self._cohorts[place] = Cohort()
        cohort.accepted += 1

    def receipt(self, accepted: int, delivered: bool) -> None:
        cohort = self._cohorts.get(accepted // COHORT_S)
        if cohort is not None:
            if delivered:
                cohort.delivered += 1
            else:
                cohort.failed += 1

    def excuse(self, accepted: int) -> None:
        """One of them says nothing: its number is to blame."""
        cohort = self._cohorts.get(accepted // COHORT_S)
        if cohort is not None:
            cohort.excused += 1

    def forget(self) -> None:
        self._cohorts.clear()
        self.verdicts.clear()
        self._before = self.run = NOTHING

    def since(self, place: int) -> tuple[float, float]:
        """How many deliveries were expected of cohorts from that on, and how many were seen."""
        expected = seen = 0.0
        for at, verdict in self.verdicts.items():
            if at >= place:
                expected += verdict[2]
                seen += verdict[3]
        return expected, seen

    def settle(self, level: float, spoken: tuple[float, ...], second: int) -> None:
        """Cohorts that are too old to be judged anew count for good."""
        for place in [at for at in self._cohorts if at <= second // COHORT_S - COHORTS_MAX]:
            verdict = self._cohorts.pop(place).verdict(min(LEVEL_MAX, level), spoken[-1], 0.0)
            self._before = self._before.after(place, *verdict)

    def judge(self, level: float, spoken: tuple[float, ...], second: int) -> None:
        """`spoken` for each age in seconds."""
        level = min(LEVEL_MAX, level)
        excused = 0.0
        run = self._before
        self.verdicts.clear()
        for place, cohort in self._cohorts.items():
            told = cohort.excused + cohort.delivered + cohort.failed
            excused = (EXCUSED_WEIGHT * excused + cohort.excused) / (EXCUSED_WEIGHT + told)
            # As old as the youngest of it.
            age = second - (place + 1) * COHORT_S
            if age > 0:
                verdict = self.verdicts[place] = cohort.verdict(level, spoken[age], excused)
                run = run.after(place, *verdict)
        self.run = run
