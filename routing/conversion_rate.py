"""How often messages convert, and by what age, by customer, class and network.

Were a rate learnt from conversions as they arrive it would be too high: the yes comes in half a
minute, the no never. So each message is asked at a few ages, by which given shares of all
conversions have usually come, and only for as long as it has not converted: what is learnt is a
chance for each stretch between two ages (a life table, as actuaries keep it), and silence says
something from the first age on.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import NamedTuple

from routing.delay_law import AGES_UNKNOWN, DelayLaw
from routing.fading import fading

# Those told apart; those beyond share one rate.
KEYS_MAX = 16_384
HALF_LIFE_S = 1500.0
# The ages at which messages are asked, before it is seen when conversions come.
AGES_AT_FIRST = (15, 30, 60)
AGE_MAX_S = 240
SEEN_MIN = 100
# Ages are kept while none is further than this from what is seen.
AGE_TOLERANCE = 0.35
AGE_TOLERANCE_S = 2
# Before so many messages have been asked, nothing is known of a stretch.
LEARNT_MIN = 10.0
RATE_MAX = 0.9
CAUTION = 1.5


class Stretch(NamedTuple):
    """Of all messages, `share` should convert between two ages; `before` have by then, and `after`
    will later."""

    share: float
    before: float
    after: float


class ConversionRate:
    """Of one customer, class and network. Each bind is compared with the others."""

    __slots__ = ("_by_bind", "_known", "_second", "_total", "ages", "law", "live")

    def __init__(self, second: int) -> None:
        self._second = second
        self.live = False
        self.law = DelayLaw(second)
        self.ages: tuple[int, ...] = AGES_AT_FIRST
        # For each stretch how many were asked, and how many had converted.
        self._total = [0.0] * (2 * len(self.ages))
        self._by_bind: dict[str, list[float]] = {}
        self._known: dict[str, tuple[Stretch, ...]] = {}

    def conversion(self, delay_s: float) -> None:
        """One came, so long after the carrier took the message."""
        self.live = True
        self.law.add(delay_s)

    def learn(self, bind: str, stage: int, converted: bool, second: int) -> None:
        self._fade(second)
        own = self._by_bind.get(bind)
        if own is None:
            own = self._by_bind[bind] = [0.0] * len(self._total)
        own[2 * stage] += 1.0
        self._total[2 * stage] += 1.0
        if converted:
            own[2 * stage + 1] += 1.0
            self._total[2 * stage + 1] += 1.0

    def expected(self, bind: str, second: int) -> tuple[Stretch, ...]:
        """What a message over this bind should do at least, stretch by stretch: as well as others'
        messages, and as well as its own have done."""
        self._fade(second)
        known = self._known.get(bind)
        if known is None:
            total = self._total
            own = self._by_bind.get(bind) or [0.0] * len(total)
            others = [all_ - of_own for all_, of_own in zip(total, own, strict=True)]
            known = _stretches(own if _sure(own) > _sure(others) else others)
            self._known[bind] = known
        return known

    def _fade(self, second: int) -> None:
        if second > self._second:
            self._known.clear()
            if self.law.changed:
                self.law.settle(second)
                self._choose_ages()
            kept = fading(second - self._second, HALF_LIFE_S)
            self._second = second
            self._total = [kept * count for count in self._total]
            for bind, own in self._by_bind.items():
                self._by_bind[bind] = [kept * count for count in own]

    def _choose_ages(self) -> None:
        """Rates at different ages are not alike: ages are kept while they will do."""
        if self.law.seen < SEEN_MIN or self.law.ages is AGES_UNKNOWN:
            return
        wanted = tuple(sorted({min(AGE_MAX_S, age) for age in self.law.ages}))
        if len(wanted) != len(self.ages) or any(
            abs(age - new) > AGE_TOLERANCE * new + AGE_TOLERANCE_S
            for age, new in zip(self.ages, wanted, strict=True)
        ):
            self.ages = wanted
            self._total = [0.0] * (2 * len(wanted))
            self._by_bind.clear()

    @property
    def counts(self) -> tuple[list[float], dict[str, list[float]]]:
        """Of all, and of each bind."""
        return self._total, self._by_bind

    def restore(
        self, ages: tuple[int, ...], total: list[float], by_bind: dict[str, list[float]]
    ) -> None:
        """ValueError: there are not two counts for each age."""
        if any(len(counts) != 2 * len(ages) for counts in (total, *by_bind.values())):
            raise ValueError("a rate of conversion has not two counts for each age")
        self.ages, self._total = ages, list(total)
        self._by_bind = {bind: list(own) for bind, own in by_bind.items()}
        self._known.clear()


def _hazards(counts: list[float]) -> list[float]:
    """Of those that are asked, how many convert, stretch by stretch."""
    return [
        counts[place + 1] / counts[place] if counts[place] >= LEARNT_MIN else 0.0
        for place in range(0, len(counts), 2)
    ]


def _converted(hazards: list[float]) -> float:
    return 1.0 - prod(1.0 - hazard for hazard in hazards)


def _sure(counts: list[float]) -> float:
    """The share that converts at least: what is known of few messages may be luck."""
    rate = min(RATE_MAX, _converted(_hazards(counts)))
    return max(0.0, rate - CAUTION * sqrt(rate * (1.0 - rate) / (counts[0] + 1.0)))


def _stretches(counts: list[float]) -> tuple[Stretch, ...]:
    hazards = _hazards(counts)
    sure = _sure(counts)
    scale = sure / _converted(hazards) if sure else 0.0
    before, left = 0.0, scale
    stretches: list[Stretch] = []
    for hazard in hazards:
        share = left * hazard
        left -= share
        stretches.append(Stretch(share, before, sure - before - share))
        before += share
    return tuple(stretches)
