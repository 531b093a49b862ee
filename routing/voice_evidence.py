"""What calls over a trunk were like: how long, and how well they were heard."""

from __future__ import annotations

from routing.fading import fading

SMOOTHING = 0.05
MINUTES_UNKNOWN = 2.0
MOS_UNKNOWN = 4.1
# G.711 at its best is heard at 4.4 (ITU-T G.107); from 1 up to there counts.
MOS_BEST = 4.4
MOS_WORST = 1.0
# Nobody hangs up so soon who meant to call: false answer supervision looks like this.
SHORT_CALL_S = 6.0
# What was heard counts for hours, also where few calls go: who is not called any more because of it
# is given another chance by then.
HALF_LIFE_S = 21_600.0
# Of its calls, so many go one way when people are told of it, and so few when it is over. It may be
# left for less: four in a row are enough for an alarm.
ONE_WAY_RAISE = 0.15
ONE_WAY_CLEAR = 0.05


class VoiceEvidence:
    """Of one trunk into one network. `clearness` is between 0 and 1, as is `one_way`, the share of
    calls whose called side was not heard though the caller spoke; of them there were
    `one_way_calls`, the first of those that still count at `one_way_at`."""

    __slots__ = ("calls", "minutes", "mos", "one_way", "one_way_at", "one_way_calls", "second")

    def __init__(self, second: int) -> None:
        self.second = second
        self.minutes = MINUTES_UNKNOWN
        self.mos = MOS_UNKNOWN
        self.one_way = 0.0
        self.one_way_at = 0.0
        self.one_way_calls = 0
        self.calls = 0

    def call(self, duration_s: float, mos: float, one_way: bool, at: float) -> None:
        self.calls += 1
        self.one_way += SMOOTHING * (one_way - self.one_way)
        if one_way:
            self.one_way_at = self.one_way_at or at
            self.one_way_calls += 1
        self.minutes += SMOOTHING * (duration_s / 60.0 - self.minutes)
        if mos and not one_way:
            self.mos += SMOOTHING * (mos - self.mos)

    def fade(self, second: int) -> None:
        """Bring it up to that second."""
        elapsed = second - self.second
        if elapsed > 0:
            self.second = second
            left = fading(elapsed, HALF_LIFE_S)
            self.one_way *= left
            self.mos = MOS_UNKNOWN + left * (self.mos - MOS_UNKNOWN)

    def forget_one_way(self) -> None:
        self.one_way_at = 0.0
        self.one_way_calls = 0

    @property
    def clearness(self) -> float:
        """Of a call that goes one way nothing is heard."""
        heard = (self.mos - MOS_WORST) / (MOS_BEST - MOS_WORST)
        return min(1.0, max(0.0, heard)) * (1.0 - self.one_way)
