"""Whether receipts are true: messages said to be delivered should convert as often as elsewhere.

Each message is scored once, a fixed time after the carrier took it: had it converted by then? A
CUSUM (Page 1954) adds up how much better "conversions are halved" explains the answers than "all
is as usual", and never falls below nothing. To score a message at one age only keeps the end of a
burst from looking like trouble.
"""

from __future__ import annotations

from math import log

from routing.fading import fading

THRESHOLD = 11.0
# Without another route to compare with, the customer's feed may be what is broken.
THRESHOLD_ALONE = 16.0
HALVED = 0.5
CONVICTED_MIN = 0.1
HALF_LIFE_S = 120.0
TRUST_MIN = 0.02
# So long after a conviction, what was sent before it is still being scored.
HELD_S = 60
# Then single messages try it anew, sparse at first, closer as they convert.
TRIAL_INTERVAL_S = 12.0
TRIAL_INTERVAL_MIN_S = 2.0
TRIAL_INTERVAL_MAX_S = 30.0
# No more than one in so many messages that may convert.
TRIAL_EVERY = 40
TRIAL_SLOWER = 1.3
TRIAL_SOONER = 0.5
# On trial, suspicion is never more than this, so that a few good answers can lift it.
ON_TRIAL_MAX = 4.0


class Trust:
    """Of one bind, or of one bind in one network. `share` is what its receipts are worth."""

    __slots__ = (
        "converted",
        "convicted",
        "expected",
        "first_at",
        "held_until",
        "lost",
        "run_converted",
        "run_expected",
        "second",
        "share",
        "since",
        "suspicion",
        "trial_after",
        "trial_at",
        "trial_interval_s",
    )

    def __init__(self, second: int) -> None:
        self.second = second
        self.expected = 0.0
        self.converted = 0.0
        self.suspicion = 0.0
        self.run_expected = 0.0
        self.run_converted = 0.0
        self.convicted = False
        self.held_until = 0
        self.first_at = 0
        self.since = 0
        self.share = 1.0
        self.trial_at = 0.0
        self.trial_after = 0
        self.trial_interval_s = TRIAL_INTERVAL_S
        self.lost = 0.0

    def score(self, rate: float, converted: bool, second: int) -> None:
        """`rate` is how often messages like this one have converted by this age elsewhere."""
        self._fade(second)
        self.expected += rate
        self.converted += converted
        # On trial it is asked whether it is still as bad as it was.
        part = max(CONVICTED_MIN, self.share) if self.convicted else HALVED
        if converted:
            self.suspicion += log(part)
            self.trial_interval_s = max(TRIAL_INTERVAL_MIN_S, TRIAL_SOONER * self.trial_interval_s)
        else:
            self.suspicion += log((1.0 - part * rate) / (1.0 - rate))
            if self.suspicion > 0.0 and not self.first_at:
                self.first_at = second
        self.lost += rate - converted if self.first_at else 0.0
        self.run_expected += rate
        self.run_converted += converted
        if self.suspicion <= 0.0:
            self.suspicion = 0.0
            self.run_expected = self.run_converted = 0.0
            if not self.convicted:
                self.first_at = 0
                self.lost = 0.0

    def should_convict(self, alone: bool) -> bool:
        return not self.convicted and self.suspicion > (THRESHOLD_ALONE if alone else THRESHOLD)

    def convict(self, second: int) -> None:
        self.convicted = True
        self.since = second
        self.held_until = second + HELD_S
        self.trial_interval_s = TRIAL_INTERVAL_S
        # Only what came since the first evidence counts, not the good times before.
        share = (self.run_converted + TRUST_MIN) / (self.run_expected + 1.0)
        self.share = min(1.0, max(TRUST_MIN, share))

    def settle(self, second: int) -> bool:
        """Let its trials decide; True when it is acquitted now."""
        if not self.convicted or second < self.held_until:
            return False
        if self.suspicion > ON_TRIAL_MAX:
            self.suspicion = ON_TRIAL_MAX
        elif self.suspicion <= 0.0:
            self.acquit()
            return True
        return False

    def acquit(self) -> None:
        self.convicted = False
        self.suspicion = 0.0
        self.first_at = self.since = 0
        self.expected = self.converted = self.lost = 0.0
        self.share = 1.0

    def on_trial(self, sent: int, now: float) -> bool:
        """May a message try it now, when `sent` messages that may convert have gone anywhere?"""
        return (
            self.convicted
            and now >= self.held_until
            and now >= self.trial_at
            and sent >= self.trial_after
        )

    def tried(self, sent: int, now: float) -> None:
        self.trial_after = sent + TRIAL_EVERY
        self.trial_at = now + self.trial_interval_s
        self.trial_interval_s = min(TRIAL_INTERVAL_MAX_S, TRIAL_SLOWER * self.trial_interval_s)

    def _fade(self, second: int) -> None:
        if second > self.second:
            kept = fading(second - self.second, HALF_LIFE_S)
            self.expected *= kept
            self.converted *= kept
            self.second = second
