"""How long to wait after a failure: exponentially longer, with jitter. Pure."""

from __future__ import annotations

from random import Random

FIRST_DELAY_S = 1.0
DELAY_MAX_S = 60.0


class Backoff:
    """1 s doubling to 60 s, each +/- 25 %, so that many who lost one peer do not return at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0

    def delay_s(self) -> float:
        """The wait after one more failure."""
        delay_s = min(DELAY_MAX_S, FIRST_DELAY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return delay_s * self._random.uniform(0.75, 1.25)

    def reset(self) -> None:
        """It has succeeded."""
        self._failures = 0
