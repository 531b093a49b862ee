"""When a scope has gone bad, and what brings it back: probes, sparse at first, then closer.

WELL  the last minute is far below the level before (z), or below 4/5 of the healthy level -> SICK
SICK  probes succeed far above what is now believed, or the level is nearly healthy    -> WELL
"""

from __future__ import annotations

from math import inf

RAISE_Z = -3.2
CLEAR_Z = 3.5
EXPOSED_MIN = 4.0
DEGRADED_SHARE = 0.8
DEGRADED_Z = -2.2
DEGRADED_EXPOSED_MIN = 12.0
CLEARED_SHARE = 0.92
CLEAR_AFTER_S = 30
# A suspicion is when the first evidence of a later alarm came.
SUSPECT_Z = -1.2
HEALTHY_TIME_S = 1500
# The belief that a recovered scope gets back counts as so many messages.
REHABILITATION = 40.0

PROBE_INTERVAL_S = 12.0
PROBE_INTERVAL_MAX_S = 60.0
PROBE_INTERVAL_MIN_S = 2.0
PROBE_SLOWER = 1.5
# Where there is little traffic, no more than one message in so many.
PROBE_EVERY = 8
PROBE_SOONER = 0.35


class Outlier:
    """`healthy` is the level of good times; `lost` how many messages fell short of it since the
    first evidence of trouble, of which `exposed` and `delivered` are the counts."""

    __slots__ = (
        "_short",
        "_well_s",
        "by_association",
        "delivered",
        "exposed",
        "first_at",
        "healthy",
        "lost",
        "probe_after",
        "probe_at",
        "probe_interval_s",
        "sick",
        "since",
    )

    def __init__(self, healthy: float) -> None:
        self.healthy = healthy
        self.sick = False
        self.by_association = False
        self.since = 0
        self.first_at = 0
        self.lost = 0.0
        self.probe_at = -inf
        self.probe_after = 0
        self.probe_interval_s = PROBE_INTERVAL_S
        self.exposed = 0.0
        self.delivered = 0.0
        self._short = 0.0
        self._well_s = 30

    def count(self, exposed: float, delivered: float) -> None:
        short = exposed * self.healthy - delivered
        if self.sick:
            self.lost += short
        else:
            self._short += short
            self.exposed += exposed
            self.delivered += delivered

    def settle(self, p_slow: float, z: float, exposed: float, second: int, elapsed: int) -> None:
        """In health: remember its level, and when it was last beyond suspicion."""
        if z > SUSPECT_Z:
            self.first_at = 0
            self.exposed = self.delivered = self._short = 0.0
            if exposed > EXPOSED_MIN:
                self._well_s = min(HEALTHY_TIME_S, self._well_s + elapsed)
                self.healthy += (p_slow - self.healthy) * min(1.0, elapsed / self._well_s)
        elif not self.first_at:
            self.first_at = second

    def is_bad(self, z: float, exposed: float, p: float) -> bool:
        return (exposed >= EXPOSED_MIN and z < RAISE_Z) or (
            exposed >= DEGRADED_EXPOSED_MIN and p < DEGRADED_SHARE * self.healthy and z < DEGRADED_Z
        )

    def is_well(self, z: float, p_slow: float, exposed: float, second: int) -> bool:
        return z > CLEAR_Z or (
            exposed >= EXPOSED_MIN
            and second - self.since >= CLEAR_AFTER_S
            and p_slow > CLEARED_SHARE * self.healthy
        )

    def fall_sick(self, second: int, by_association: bool = False) -> None:
        self.sick = True
        self.by_association = by_association
        self.since = second
        self.first_at = self.first_at or second
        self.lost = self._short
        self.probe_interval_s = PROBE_INTERVAL_S
        self.probe_at = second + PROBE_INTERVAL_S

    def recover(self) -> None:
        self.sick = False
        self.by_association = False
        self.first_at = 0
        self.lost = self._short = 0.0

    def is_due(self, sent: int, now: float) -> bool:
        """May the next message be a probe, when `sent` have gone to that network?"""
        return now >= self.probe_at and sent >= self.probe_after

    def probed(self, sent: int, at: float) -> None:
        self.probe_after = sent + PROBE_EVERY
        self.probe_at = at + self.probe_interval_s
        self.probe_interval_s = min(PROBE_INTERVAL_MAX_S, self.probe_interval_s * PROBE_SLOWER)

    def probe_succeeded(self, at: float) -> None:
        self.probe_interval_s = max(PROBE_INTERVAL_MIN_S, self.probe_interval_s * PROBE_SOONER)
        self.probe_at = min(self.probe_at, at + self.probe_interval_s)

    @property
    def data_points(self) -> int:
        return 1 + self.sick + (self.first_at > 0)
