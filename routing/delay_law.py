"""How long receipts take: a histogram that forgets, and the ages at which silence says something.

Of a message that was accepted, nothing is known at first; that no receipt has come means the more
the later it is. Were every receipt to come by the age at which half of them usually have, a message
of that age would have spoken with a chance of one half: it has half an exposure by then. So each
message adds its exposure bit by bit, at the ages by which given shares of all receipts are there.
Delivered over exposed is then an estimate of the share delivered that is right at any moment,
without waiting for receipts that will never come (Kaplan and Meier's for a cure model).
"""

from __future__ import annotations

from math import log2

from routing.fading import fading

# Two bins an octave, from a quarter of a second to an hour and more.
BINS = 30
SHORTEST_S = 0.25
LONGEST_S = SHORTEST_S * 2.0 ** ((BINS - 2) / 2.0)
HALF_LIFE_S = 240.0
FEW = 20.0
# Receipts of the pool that a law of its own begins with.
POOLED_WEIGHT = 8.0

# The receipts of the first minute are the quick ones: nothing is made of them yet.
MATURE_S = 60

# By these ages so much more of the receipts should have come, together the whole.
SHARES = (0.125, 0.375, 0.625, 0.825, 0.95)
WEIGHTS = (0.25, 0.25, 0.25, 0.15, 0.10)
# No exposure is put off longer than this.
AGE_MAX_S = 900
# The share of receipts that have come is told for ages up to this.
LAST_AGE_S = 80
# Believed of carriers from which no receipt has been seen; late on purpose.
AGES_UNKNOWN = (15, 30, 60, 90, 180)

Ages = tuple[int, ...]


class DelayLaw:
    """Learns from the delays of delivered messages."""

    __slots__ = (
        "_counts",
        "_mature_at",
        "_pool",
        "_second",
        "_spoken",
        "_spoken_of",
        "ages",
        "changed",
        "seen",
    )

    def __init__(self, second: int, pool: DelayLaw | None = None) -> None:
        self._counts = [0.0] * BINS
        self._pool = pool
        self._second = second
        self.ages: Ages = pool.ages if pool else AGES_UNKNOWN
        self._spoken_of: tuple[Ages, bool] = ((), False)
        self._spoken: tuple[float, ...] = ()
        self.seen = 0
        self.changed = False
        self._mature_at: int = pool._mature_at if pool else second + MATURE_S

    def add(self, delay_s: float) -> None:
        """One more delivery, of which the pool learns as well."""
        place = _bin(delay_s)
        self._counts[place] += 1.0
        self.seen += 1
        self.changed = True
        pool = self._pool
        if pool is None:
            if self.seen == 1:
                self._mature_at = self._second + MATURE_S
            return
        if not pool.seen:
            pool._mature_at = pool._second + MATURE_S
        pool._counts[place] += 1.0
        pool.seen += 1
        pool.changed = True

    def settle(self, second: int) -> None:
        """Forget, and read the ages anew."""
        if second > self._second:
            kept = fading(second - self._second, HALF_LIFE_S)
            self._counts = [kept * count for count in self._counts]
            self._second = second
        self.changed = False
        counts = self._counts
        total = sum(counts)
        if second < self._mature_at:
            return
        if self._pool is None:
            if self.seen >= POOLED_WEIGHT:
                self._keep(_ages(counts, total))
            return
        pooled = self._pool.counts
        pooled_total = sum(pooled)
        if pooled_total >= POOLED_WEIGHT:
            share = POOLED_WEIGHT / pooled_total
            mixed = [own + share * of_pool for own, of_pool in zip(counts, pooled, strict=True)]
            self._keep(_ages(mixed, total + POOLED_WEIGHT))

    def _keep(self, ages: Ages) -> None:
        """One value while it stays the same."""
        if ages != self.ages:
            self.ages = ages

    def share_within(self, deadline_s: float) -> float:
        """Of the deliveries, those that come in time."""
        total = sum(self._counts)
        if total < POOLED_WEIGHT:
            return 1.0
        return sum(self._counts[: _bin(deadline_s) + 1]) / total

    @property
    def usual_s(self) -> int:
        """About the median; 0 where none has been seen."""
        return 0 if self.ages is AGES_UNKNOWN else (self.ages[1] + self.ages[2]) // 2

    def spoken(self) -> tuple[float, ...]:
        """For each age up to LAST_AGE_S seconds, the share of receipts that have come by then; of
        a bind of which few have been seen, they may take twice as long as elsewhere."""
        few = self.ages is not AGES_UNKNOWN and sum(self._counts) < FEW
        wanted = (self.ages, few)
        if self._spoken_of != wanted:
            self._spoken_of = wanted
            self._spoken = _spoken(tuple(2 * age for age in self.ages) if few else self.ages)
        return self._spoken

    def speaks_at(self, second: float) -> bool:
        """Was it known then when silence means something?"""
        return second >= self._mature_at and self.ages is not AGES_UNKNOWN

    @property
    def data_points(self) -> int:
        return len(self._counts) - self._counts.count(0.0)

    @property
    def counts(self) -> list[float]:
        return self._counts

    def restore(self, counts: list[float], seen: int, second: int) -> None:
        self._counts = [float(count) for count in counts]
        self.seen = seen
        later = self._second
        self._second = second
        self._mature_at = second if seen else self._mature_at
        self.settle(later)


def _bin(delay_s: float) -> int:
    if delay_s <= SHORTEST_S:
        return 0
    if delay_s >= LONGEST_S:
        return BINS - 1
    return int(2.0 * log2(delay_s / SHORTEST_S)) + 1


def _ages(counts: list[float], total: float) -> Ages:
    """The ages in whole seconds, by which the SHARES have come; inside a bin evenly spread."""
    ages: list[int] = []
    shares = iter(SHARES)
    wanted = next(shares) * total
    below = 0.0
    for place, count in enumerate(counts):
        while count and below + count >= wanted:
            low = SHORTEST_S * 2.0 ** ((place - 1) / 2.0) if place else 0.0
            high = SHORTEST_S * 2.0 ** (place / 2.0)
            age = low + (high - low) * (wanted - below) / count
            ages.append(min(AGE_MAX_S, int(age) + 1))
            share = next(shares, None)
            if share is None:
                return tuple(ages)
            wanted = share * total
        below += count
    return tuple(ages + [AGE_MAX_S] * (len(SHARES) - len(ages)))


def _spoken(ages: Ages) -> tuple[float, ...]:
    """Evenly between the ages; none at all while nothing is known."""
    if ages is AGES_UNKNOWN:
        return (0.0,) * (LAST_AGE_S + 1)
    points = [(0, 0.0), *zip(ages, SHARES, strict=True), (2 * AGE_MAX_S + 1, SHARES[-1])]
    shares: list[float] = []
    place = 0
    for age in range(LAST_AGE_S + 1):
        while points[place + 1][0] <= age:
            place += 1
        (low, below), (high, above) = points[place], points[place + 1]
        shares.append(below + (above - below) * (age - low) / (high - low))
    return tuple(shares)
