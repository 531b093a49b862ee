"""When a scope has gone bad, and what brings it back: probes, sparse at first, then closer.

WELL  the last minute is far below the level before (z), or below 4/5 of the healthy level -> SICK
SICK  its probes, judged one by one, say that it is as well as before                      -> WELL
      or, where they are not known by message, the level is nearly healthy again           -> WELL

Probes are judged by a sequential test (Wald 1945) of "as well as before" against "as bad as when it
fell sick".
"""

from __future__ import annotations

from math import inf, log
from typing import Protocol

RAISE_Z = -3.2
CLEAR_Z = 3.5
EXPOSED_MIN = 4.0
DEGRADED_SHARE = 0.8
DEGRADED_Z = -2.2
DEGRADED_EXPOSED_MIN = 12.0
CLEARED_SHARE = 0.92
CLEAR_AFTER_S = 30
# In doubt: messages may leave it by now, but for some to settle it.
DOUBT_Z = -2.0
# A suspicion is when the first evidence of a later alarm came.
SUSPECT_Z = -1.2
HEALTHY_TIME_S = 1500
# The belief that a recovered scope gets back counts as so many messages.
REHABILITATION = 40.0

# The sequential test: so much must speak for health; and a sick scope is at its best so bad.
PROVEN = 4.0
# Scopes that fell sick together may prove it together, if each has something to show.
PROVEN_TOGETHER = 6.0
BAD_MIN = 0.25
# Of a sick scope that takes more than probes, the latest messages are judged.
PROBES_MAX = 64
PROBE_LOST_S = 30

PROBE_INTERVAL_S = 12.0
PROBE_INTERVAL_MAX_S = 60.0
PROBE_INTERVAL_MIN_S = 2.0
PROBE_SLOWER = 1.5
# Where there is little traffic, no more than one message in so many.
PROBE_EVERY = 8
PROBE_SOONER = 0.35


class Probe(Protocol):
    """A message that went to a sick scope."""

    sent: int
    accepted: int
    ages: tuple[int, ...]
    receipt: bool | None


class Outlier:
    """`healthy` is the level of good times; `lost` how many messages fell short of it since the
    first evidence of trouble, of which `exposed` and `delivered` are the counts."""

    __slots__ = (
        "_bad",
        "_probes",
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
        "proof",
        "sick",
        "since",
        "with_bind",
    )

    def __init__(self, healthy: float) -> None:
        self.healthy = healthy
        self.sick = False
        self.by_association = False
        self.with_bind = False
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
        self._probes: list[Probe] = []
        self.proof = 0.0
        self._bad = BAD_MIN

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

    def since_silent(self, since: int, expected: float, seen: float) -> None:
        """The trouble began then, and so much should have been delivered since, and was."""
        self.first_at = min(self.first_at or since, since)
        self.exposed = expected / max(0.5, self.healthy)
        self.delivered = seen
        self._short = max(self._short, expected - seen)

    def is_bad(self, z: float, exposed: float, p: float) -> bool:
        return (exposed >= EXPOSED_MIN and z < RAISE_Z) or (
            exposed >= DEGRADED_EXPOSED_MIN and p < DEGRADED_SHARE * self.healthy and z < DEGRADED_Z
        )

    def watch(self, probe: Probe) -> None:
        """What becomes of this message tells whether the scope is well."""
        if len(self._probes) < PROBES_MAX:
            self._probes.append(probe)

    def judge_probes(self, second: int) -> bool:
        """Do they prove that it is well?"""
        healthy, bad = min(0.98, self.healthy), self._bad
        waiting: list[Probe] = []
        for probe in self._probes:
            if probe.receipt:
                self.proof += log(healthy / bad)
            elif probe.receipt is False or (probe.ages and _is_late(probe, second)):
                self.proof = max(0.0, self.proof + log((1.0 - healthy) / (1.0 - bad)))
            elif probe.accepted or second - probe.sent < PROBE_LOST_S:
                waiting.append(probe)
        self._probes = waiting
        return self.proof > PROVEN

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
        self._probes.clear()
        self.proof = 0.0
        level = (self.delivered + 0.5) / (self.exposed + 1.0)
        self._bad = max(BAD_MIN, min(DEGRADED_SHARE * self.healthy, level))
        self.probe_interval_s = PROBE_INTERVAL_S
        self.probe_at = second + PROBE_INTERVAL_S

    def recover(self) -> None:
        self.sick = False
        self.by_association = self.with_bind = False
        self.first_at = 0
        self.lost = self._short = 0.0
        self.exposed = self.delivered = 0.0
        self._probes.clear()

    def is_due(self, sent: int, now: float) -> bool:
        """May the next message be a probe, when `sent` have gone to that network?"""
        return sent >= self.probe_after and (now >= self.probe_at or not self.sick)

    def probed(self, sent: int, at: float) -> None:
        self.probe_after = sent + PROBE_EVERY
        if not self.sick:
            return  # Only in doubt: that is settled soon.
        self.probe_at = at + self.probe_interval_s
        self.probe_interval_s = min(PROBE_INTERVAL_MAX_S, self.probe_interval_s * PROBE_SLOWER)

    def probe_succeeded(self, at: float) -> None:
        self.probe_interval_s = max(PROBE_INTERVAL_MIN_S, self.probe_interval_s * PROBE_SOONER)
        self.probe_at = min(self.probe_at, at + self.probe_interval_s)

    @property
    def data_points(self) -> int:
        return 1 + self.sick + (self.first_at > 0)


def _is_late(probe: Probe, second: int) -> bool:
    """Four in five receipts would be there by now."""
    return second - probe.accepted > probe.ages[3]
