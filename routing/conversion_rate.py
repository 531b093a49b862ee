"""How often messages convert, by customer, class and network, learnt from messages of one age.

Were a rate learnt from conversions as they arrive it would be too high: the yes comes in half a
minute, the no never. So each message is asked once, at an age by which most conversions are there.
"""

from __future__ import annotations

from math import sqrt

from routing.delay_law import DelayLaw
from routing.fading import fading

# Those told apart; those beyond share one rate.
KEYS_MAX = 16_384
HALF_LIFE_S = 1500.0
# Age at which a message is asked. It follows what is seen: most conversions should have come.
AGE_S = 60
AGE_MIN_S = 15
AGE_MAX_S = 240
SEEN_MIN = 100
# Others' messages that make a comparison.
WITNESSES_MIN = 10.0
OWN_PRIOR = 5.0
RATE_MIN = 0.02
RATE_MAX = 0.9
CAUTION = 1.5


class ConversionRate:
    """Of one customer, class and network. Each bind is compared with the others."""

    __slots__ = ("_by_bind", "_second", "age_s", "asked", "converted", "law", "live")

    def __init__(self, second: int) -> None:
        self._second = second
        self.live = False
        self.law = DelayLaw(second)
        self.age_s = AGE_S
        self.asked = 0.0
        self.converted = 0.0
        self._by_bind: dict[str, list[float]] = {}

    def conversion(self, delay_s: float) -> None:
        """One came, so long after the carrier took the message."""
        self.live = True
        self.law.add(delay_s)

    def learn(self, bind: str, converted: bool, second: int) -> None:
        self._fade(second)
        own = self._by_bind.setdefault(bind, [0.0, 0.0])
        own[0] += 1.0
        own[1] += converted
        self.asked += 1.0
        self.converted += converted

    def expected(self, bind: str) -> float:
        """The rate that a message over this bind should have at least, by others' messages, or for
        want of them by its own."""
        own = self._by_bind.get(bind, (0.0, 0.0))
        overall = (self.converted + 0.1) / (self.asked + 0.5)
        others = self.asked - own[0]
        if others < WITNESSES_MIN:
            return _cautious(overall, self.asked)
        rate = (self.converted - own[1] + OWN_PRIOR * overall) / (others + OWN_PRIOR)
        return _cautious(rate, others)

    def _fade(self, second: int) -> None:
        if second > self._second:
            if self.law.changed:
                self.law.settle(second)
                self._choose_age()
            kept = fading(second - self._second, HALF_LIFE_S)
            self._second = second
            self.asked *= kept
            self.converted *= kept
            for own in self._by_bind.values():
                own[0] *= kept
                own[1] *= kept

    def _choose_age(self) -> None:
        """Rates at different ages are not alike: an age is kept while it will do."""
        wanted = min(AGE_MAX_S, max(AGE_MIN_S, self.law.ages[2]))
        if self.law.seen >= SEEN_MIN and not wanted <= self.age_s <= 1.5 * wanted:
            self.age_s = min(AGE_MAX_S, int(1.2 * wanted) + 1)
            self.asked = self.converted = 0.0
            self._by_bind.clear()

    @property
    def by_bind(self) -> dict[str, list[float]]:
        return {bind: list(own) for bind, own in self._by_bind.items()}

    def restore(self, asked: float, converted: float, by_bind: dict[str, list[float]]) -> None:
        self.asked, self.converted = asked, converted
        self._by_bind = {bind: list(own) for bind, own in by_bind.items()}


def _cautious(rate: float, asked: float) -> float:
    """What is known of few messages may be luck."""
    rate = min(RATE_MAX, rate)
    return max(RATE_MIN, rate - CAUTION * sqrt(rate * (1.0 - rate) / (asked + 1.0)))
