"""What calls over a trunk were like: how long, and how well they were heard."""

from __future__ import annotations

SMOOTHING = 0.05
MINUTES_UNKNOWN = 2.0
MOS_UNKNOWN = 4.1
# G.711 at its best is heard at 4.4 (ITU-T G.107); from 1 up to there counts.
MOS_BEST = 4.4
MOS_WORST = 1.0
# Nobody hangs up so soon who meant to call: false answer supervision looks like this.
SHORT_CALL_S = 6.0


class VoiceEvidence:
    """Of one trunk into one network. `clearness` is between 0 and 1."""

    __slots__ = ("calls", "minutes", "mos")

    def __init__(self) -> None:
        self.minutes = MINUTES_UNKNOWN
        self.mos = MOS_UNKNOWN
        self.calls = 0

    def call(self, duration_s: float, mos: float) -> None:
        self.calls += 1
        self.minutes += SMOOTHING * (duration_s / 60.0 - self.minutes)
        if mos:
            self.mos += SMOOTHING * (mos - self.mos)

    @property
    def clearness(self) -> float:
        return min(1.0, max(0.0, (self.mos - MOS_WORST) / (MOS_BEST - MOS_WORST)))
