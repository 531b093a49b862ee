"""Whether receipts are true: messages said to be delivered should convert as often as elsewhere.

Each message is scored once, a fixed time after the carrier took it: had it converted by then? A
CUSUM (Page 1954) adds up how much better "conversions are halved" explains the answers than "all
is as usual", and never falls below nothing. To score a message at one age only keeps the end of a
burst from looking like trouble.
"""

from __future__ import annotations

from math import log

from routing.fading import fading

THRESHOLD = 8.0
# Without another route to compare with, the customer's feed may be what is broken.
THRESHOLD_ALONE = 12.0
HALVED = 0.5
LN_CONVERTED = log(HALVED)
HALF_LIFE_S = 120.0
# What is believed of a route that nothing is known of: as often as elsewhere.
PRIOR_WEIGHT = 5.0
TRUST_MIN = 0.02
HELD_S = 300
HELD_TIMES_MAX = 4
# After the time held, so many seconds lie between the messages that try it anew.
TRIAL_INTERVAL_S = 6.0
# It starts half convicted, and is acquitted when as much speaks for it as did against.
TRIED_FROM = 4.0
ACQUITTED_TRIALS = 8.0


class Trust:
    """Of one bind, or of one bind in one network. `share` is what its receipts are worth."""

    __slots__ = (
        "converted",
        "convicted",
        "expected",
        "first_at",
        "held_until",
        "lost",
        "second",
        "share",
        "since",
        "suspicion",
        "times",
        "trial_at",
        "trials",
    )

    def __init__(self, second: int) -> None:
        self.second = second
        self.expected = 0.0
        self.converted = 0.0
        self.suspicion = 0.0
        self.convicted = False
        self.held_until = 0
        self.times = 0
        self.first_at = 0
        self.since = 0
        self.share = 1.0
        self.trial_at = 0.0
        self.trials = 0.0
        self.lost = 0.0

    def score(self, rate: float, converted: bool, second: int) -> None:
        """`rate` is how often messages like this one have converted by this age elsewhere."""
        self._fade(second)
        self.expected += rate
        self.converted += converted
        if self.convicted and second >= self.held_until:
            self.trials += rate
        if converted:
            self.suspicion += LN_CONVERTED
        else:
            self.suspicion += log((1.0 - HALVED * rate) / (1.0 - rate))
            if self.suspicion > 0.0 and not self.first_at:
                self.first_at = second
        self.lost += rate - converted if self.first_at else 0.0
        if self.suspicion <= 0.0:
            self.suspicion = 0.0
            if not self.convicted:
                self.first_at = 0
                self.lost = 0.0

    def should_convict(self, alone: bool) -> bool:
        return not self.convicted and self.suspicion > (THRESHOLD_ALONE if alone else THRESHOLD)

    def convict(self, second: int) -> None:
        self.times = min(HELD_TIMES_MAX, self.times + 1)
        self.convicted = True
        self.since = self.since or second
        self.held_until = second + HELD_S * self.times
        self.trials = 0.0
        self._read()

    def settle(self, second: int) -> bool:
        """Let the time held pass and its trials decide; True when it is acquitted now."""
        if not self.convicted or second < self.held_until:
            return False
        if not self.trials and self.suspicion > TRIED_FROM:
            self.suspicion = TRIED_FROM
            self.expected = self.converted = 0.0
        if self.suspicion > THRESHOLD:
            self.convict(second)
        elif self.suspicion <= 0.0 or self.trials > ACQUITTED_TRIALS:
            self.acquit()
            return True
        return False

    def acquit(self) -> None:
        self.convicted = False
        self.suspicion = 0.0
        self.first_at = self.since = 0
        self.expected = self.converted = self.lost = 0.0
        self.share = 1.0

    def on_trial(self, now: float) -> bool:
        """May a message try it now?"""
        return self.convicted and now >= self.held_until and now >= self.trial_at

    def tried(self, now: float) -> None:
        self.trial_at = now + TRIAL_INTERVAL_S

    def _fade(self, second: int) -> None:
        if second > self.second:
            kept = fading(second - self.second, HALF_LIFE_S)
            self.expected *= kept
            self.converted *= kept
            self.second = second

    def _read(self) -> None:
        share = (self.converted + PRIOR_WEIGHT * self.share) / (self.expected + PRIOR_WEIGHT)
        self.share = min(1.0, max(TRUST_MIN, share))
