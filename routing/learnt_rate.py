"""How fast a bind takes segments: the contract, and what its refusals teach (AIMD over GCRA).

GCRA (ITU-T I.371) keeps one number, the theoretical arrival time of the next segment, and so
knows exactly when the next one may go. AIMD lowers the rate when the carrier throttles and finds
its way back by itself.
"""

from __future__ import annotations

from math import inf

# A sender that wakes late may catch up this much. The pace is stretched by the same share, which
# keeps every window of one second at or below the contract, at a cost of 2 % of the rate.
TOLERANCE_S = 0.02
CUT_FACTOR = 0.8
CUT_INTERVAL_S = 1.0
CALM_S = 2.0
RECOVERY_PER_S = 0.02
FRACTION_MIN = 0.05
# After a refusal the bind rests before it is asked again, longer each time it refuses anew.
HOLD_S = 0.1
HOLD_MAX_S = 5.0


class LearntRate:
    """Paces one bind. `fraction` is the share of the contract that the carrier takes at present."""

    __slots__ = (
        "_cut_at",
        "_hold_s",
        "_interval_s",
        "_recovering_from",
        "_tps",
        "fraction",
        "held_until",
        "token_at",
    )

    def __init__(self, tps: float) -> None:
        self._tps = tps
        self._cut_at = -inf
        self._hold_s = HOLD_S
        self._recovering_from = 0.0
        self._interval_s = (1.0 + TOLERANCE_S) / tps
        self.fraction = 1.0
        self.held_until = -inf
        self.token_at = -inf
        """When the next token is there: at or before `now`, a segment may go."""

    @property
    def tps(self) -> float:
        """Segments a second at present."""
        return self._tps * self.fraction

    def submitted(self, at: float) -> None:
        """A segment took its token, or borrowed it: the debt is paid by a longer wait."""
        if self.fraction < 1.0:
            self.settle(at)
        due = self.token_at + TOLERANCE_S
        self.token_at = (due if due > at else at) + self._interval_s - TOLERANCE_S

    def throttled(self, at: float) -> None:
        """RTHROTTLED or RMSGQFUL: rest, and at most once a second go slower."""
        self.settle(at)
        if at - self._cut_at >= CUT_INTERVAL_S:
            self._cut_at = at
            self._set(max(FRACTION_MIN, self.fraction * CUT_FACTOR))
        self._recovering_from = at + CALM_S
        # Refusals of segments that were on their way already say nothing new.
        if at >= self.held_until:
            self.held_until = at + self._hold_s
            self._hold_s = min(2.0 * self._hold_s, HOLD_MAX_S)

    def accepted(self) -> None:
        self._hold_s = HOLD_S

    def restore(self, fraction: float) -> None:
        self._set(min(1.0, max(FRACTION_MIN, fraction)))

    def settle(self, now: float) -> None:
        """Grow back by 2 % of the contract for every calm second since last settled."""
        calm_s = now - self._recovering_from
        if self.fraction < 1.0 and calm_s > 0.0:
            self._recovering_from = now
            self._set(min(1.0, self.fraction + RECOVERY_PER_S * calm_s))

    def _set(self, fraction: float) -> None:
        self.fraction = fraction
        self._interval_s = (1.0 + TOLERANCE_S) / (self._tps * fraction)
