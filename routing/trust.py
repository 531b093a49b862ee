"""Whether receipts are true: messages said to be delivered should convert as often as elsewhere.

Each message is scored at a few ages, at each for the stretch since the one before: has it converted
in it? CUSUMs over messages in the order in which they were delivered tell whether fewer do.
"""

from __future__ import annotations

from math import log

from routing.cohort_run import COHORT_S, HALVED, HARDLY, NOTHING, PROVEN, CohortRun
from routing.conversion_rate import AGE_MAX_S, Stretch
from routing.fading import fading

# Without another route to compare with, the customer's feed may be what is broken.
THRESHOLD_ALONE = 16.0
CONVICTED_MIN = 0.1
HALF_LIFE_S = 120.0
# A suspicion of which nothing more is heard is dropped by half in this time.
SUSPICION_HALF_LIFE_S = 180.0
# Answers come for so long.
COHORTS_MAX = AGE_MAX_S // COHORT_S + 4
# From this suspicion on, one in so many messages that may convert is sent to settle it, where the
# others go elsewhere by now.
DOUBTED = 5.0
DOUBT_EVERY = 10
TRUST_MIN = 0.02
# So long after a conviction, what was sent before it is still being scored.
HELD_S = 60
# Then single messages try it anew, sparse at first, closer as they convert.
TRIAL_INTERVAL_S = 12.0
TRIAL_INTERVAL_MIN_S = 2.0
TRIAL_INTERVAL_MAX_S = 30.0
# No more than one in so many messages that may convert; fewer, once one has.
TRIAL_EVERY = 40
TRIAL_EVERY_MIN = 5
TRIAL_SLOWER = 1.3
TRIAL_SOONER = 0.25
# On trial, suspicion is never more than this, so that a few good answers can lift it.
ON_TRIAL_MAX = 4.0


class _Cohort:
    """What messages of a few seconds say, and how many of them should have converted, and did."""

    __slots__ = ("converted", "expected", "halved", "hardly")

    def __init__(self) -> None:
        self.halved = self.hardly = self.expected = self.converted = 0.0

    def fade(self, kept: float) -> None:
        self.halved *= kept
        self.hardly *= kept
        self.expected *= kept
        self.converted *= kept


class Trust:
    """Of one bind, or of one bind in one network. `share` is what its receipts are worth."""

    __slots__ = (
        "_before",
        "_cohorts",
        "_is_news",
        "_share_if_true",
        "converted",
        "converted_at",
        "convicted",
        "expected",
        "first_at",
        "held_until",
        "lost",
        "scored_at",
        "second",
        "share",
        "since",
        "suspicion",
        "trial_after",
        "trial_at",
        "trial_every",
        "trial_interval_s",
    )

    def __init__(self, second: int) -> None:
        self.second = second
        self.expected = 0.0
        self.converted = 0.0
        self.converted_at = 0
        self.scored_at = second
        self.suspicion = 0.0
        self._cohorts: dict[int, _Cohort] = {}
        self._before: CohortRun = NOTHING
        self._is_news = False
        self._share_if_true = TRUST_MIN
        self.convicted = False
        self.held_until = 0
        self.first_at = 0
        self.since = 0
        self.share = 1.0
        self.trial_at = 0.0
        self.trial_after = 0
        self.trial_every = TRIAL_EVERY
        self.trial_interval_s = TRIAL_INTERVAL_S
        self.lost = 0.0

    def score(self, usual: Stretch, converted: bool, told: int, second: int) -> None:
        """`usual` is what messages like this one do elsewhere between two ages: this one, which was
        delivered at `told`, had not converted by the first, and has by the second, or not."""
        share, before, after = usual
        if before + share >= 1.0 or share <= 0.0:
            return
        self._fade(second)
        expected = share + after if converted else share
        self.expected += expected
        self.converted += converted
        self.scored_at = second
        if converted:
            self.converted_at = second
        if self.convicted:
            # On trial it is asked whether it is still as bad as it was.
            part = max(CONVICTED_MIN, self.share)
            self.suspicion = max(0.0, self.suspicion + _says(part, share, before, converted))
            self.lost += expected - converted
            if converted:
                self._try_sooner(second)
            return
        cohort = self._cohorts.get(told // COHORT_S)
        if cohort is None:
            cohort = self._cohorts[told // COHORT_S] = _Cohort()
        cohort.halved += _says(HALVED, share, before, converted)
        cohort.hardly += _says(HARDLY, share, before, converted)
        cohort.expected += expected
        cohort.converted += converted
        self._is_news = True

    def _suspect(self) -> None:
        """Add up the cohorts, oldest first; those of which all is known for good."""
        self._is_news = False
        cohorts = self._cohorts
        run = self._before
        for place in sorted(cohorts):
            one = cohorts[place]
            run = run.after(place, one.halved, one.hardly, one.expected, one.converted)
            if len(cohorts) > COHORTS_MAX:
                self._before = run
                del cohorts[place]
        self.suspicion = run.suspicion
        self.share = run.belief
        self._share_if_true = run.share
        self.first_at = run.since * COHORT_S
        self.lost = max(0.0, run.expected - run.seen)

    def should_convict(self, alone: bool) -> bool:
        return not self.convicted and self.suspicion > (THRESHOLD_ALONE if alone else PROVEN)

    def convict(self, second: int) -> None:
        self.convicted = True
        self.since = second
        self.held_until = second + HELD_S
        self.trial_interval_s = TRIAL_INTERVAL_S
        self.trial_every = TRIAL_EVERY
        self.share = max(TRUST_MIN, self._share_if_true)
        self._cohorts.clear()
        self._before = NOTHING

    def settle(self, second: int) -> bool:
        """Let its trials decide; True when it is acquitted now."""
        if not self.convicted:
            self._doubt(second)
            return False
        if second < self.held_until:
            return False
        if self.suspicion > ON_TRIAL_MAX:
            self.suspicion = ON_TRIAL_MAX
            self.trial_every = TRIAL_EVERY
        elif self.suspicion <= 0.0:
            self.acquit()
            return True
        return False

    def _doubt(self, second: int) -> None:
        """A suspicion counts before it is proven, by as much as it is likely to be true: where
        another route is about as good it costs nothing to take that one."""
        if self._is_news:
            self._suspect()
        elif self.suspicion:
            kept = fading(second - self.scored_at, SUSPICION_HALF_LIFE_S)
            self._before = self._before.faded(kept)
            for cohort in self._cohorts.values():
                cohort.fade(kept)
            self.scored_at = second
            self._suspect()

    def acquit(self) -> None:
        self.convicted = False
        self._cohorts.clear()
        self._before = NOTHING
        self.suspicion = 0.0
        self.first_at = self.since = 0
        self.expected = self.converted = self.lost = 0.0
        self.share = 1.0

    @property
    def is_open(self) -> bool:
        """Are there messages wanted that may convert, to find out?"""
        return self.convicted or self.suspicion > DOUBTED

    def on_trial(self, sent: int, now: float) -> bool:
        """May a message try it now, when `sent` messages that may convert have gone anywhere?"""
        if sent < self.trial_after:
            return False
        if not self.convicted:
            return self.suspicion > DOUBTED
        return now >= self.held_until and now >= self.trial_at

    def tried(self, sent: int, now: float) -> None:
        if not self.convicted:
            self.trial_after = sent + DOUBT_EVERY
            return
        self.trial_after = sent + self.trial_every
        self.trial_at = now + self.trial_interval_s
        self.trial_interval_s = min(TRIAL_INTERVAL_MAX_S, TRIAL_SLOWER * self.trial_interval_s)

    def _try_sooner(self, second: int) -> None:
        self.trial_interval_s = max(TRIAL_INTERVAL_MIN_S, TRIAL_SOONER * self.trial_interval_s)
        self.trial_at = min(self.trial_at, second + self.trial_interval_s)
        self.trial_after -= self.trial_every - TRIAL_EVERY_MIN
        self.trial_every = TRIAL_EVERY_MIN

    def _fade(self, second: int) -> None:
        if second > self.second:
            kept = fading(second - self.second, HALF_LIFE_S)
            self.expected *= kept
            self.converted *= kept
            self.second = second


def _says(part: float, share: float, before: float, converted: bool) -> float:
    """The log likelihood ratio of "only so large a part converts" against "as many as usual", for
    a message that had not converted `before`."""
    if converted:
        return log(part * (1.0 - before) / (1.0 - part * before))
    left = 1.0 - before
    return log((1.0 - part * (before + share)) / (1.0 - part * before) * left / (left - share))
