"""A way that loses, delays, swaps and doubles packets, by a seed, and knows what it has done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import NamedTuple

DELAY_S = 0.040


class Arrival(NamedTuple):
    at: float
    packet: bytes


@dataclass
class ImpairedPath:
    """Shares are of all packets. Each is DELAY_S under way and up to `jitter_s` longer, evenly; one
    that is `late` comes so much after that, behind others. A `double` comes right behind."""

    random: Random
    loss: float = 0.0
    jitter_s: float = 0.0
    late: float = 0.0
    late_s: float = 0.050
    double: float = 0.0
    lost: int = field(default=0, init=False)
    doubled: int = field(default=0, init=False)

    def carry(self, sent: Iterable[Arrival]) -> list[Arrival]:
        """In the order in which they arrive."""
        arrivals: list[Arrival] = []
        for at, packet in sent:
            if self.random.random() < self.loss:
                self.lost += 1
                continue
            arrives = at + DELAY_S + self.random.uniform(0, self.jitter_s)
            if self.random.random() < self.late:
                arrives += self.late_s
            arrivals.append(Arrival(arrives, packet))
            if self.random.random() < self.double:
                self.doubled += 1
                arrivals.append(Arrival(arrives + 0.0005, packet))
        return sorted(arrivals, key=lambda one: one.at)


def mean_change(arrivals: list[Arrival], ptime_s: float) -> float:
    """How much the spacing of packets in a row differs from `ptime_s`, in the mean: what the
    jitter of RFC 3550 §6.4.1 estimates."""
    gaps = [later.at - earlier.at for earlier, later in pairwise(arrivals)]
    return sum(abs(gap - ptime_s) for gap in gaps) / len(gaps)
