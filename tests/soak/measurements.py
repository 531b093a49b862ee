"""What the daemon takes of the machine, sampled from outside, and whether that grows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    """At `age_s` seconds of a process's life: octets of memory, open descriptors; files and octets
    of the store's directory."""

    age_s: float
    rss: int
    descriptors: int
    files: int
    octets: int


def sample(pid: int, store: Path, age_s: float) -> Sample | None:
    """None: the process or its directory is not there (any more)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        sizes = [entry.stat().st_size for entry in os.scandir(store)]
    except OSError:
        return None
    rss = pages * os.sysconf("SC_PAGE_SIZE")
    return Sample(age_s, rss, descriptors, len(sizes), sum(sizes))


@dataclass(frozen=True)
class Bounds:
    """What may be used more, at the end, than in the middle of a run. Memory is compared within
    the last life, once it is `warm_s` old; everything else over all lives. An endpoint that comes
    back is called over up to 64 connections, which are kept, and there are three of them.
    """

    warm_s: float = 60.0
    rss: int = 24 * MIB
    descriptors: int = 160
    files: int = 8
    octets: int = 12 * MIB


@dataclass(slots=True)
class Measurements:
    """Samples of each life of the daemon, in order."""

    lives: list[list[Sample]] = field(default_factory=list)

    def begin(self) -> None:
        """The daemon has been started."""
        self.lives.append([])

    def add(self, sample: Sample) -> None:
        self.lives[-1].append(sample)

    @property
    def last(self) -> Sample | None:
        return next((life[-1] for life in reversed(self.lives) if life), None)

    def growth(self, bounds: Bounds) -> list[str]:
        """What has grown more than is allowed: nothing, if all is well."""
        grown = []
        everything = [each for life in self.lives for each in life]
        for name in ("descriptors", "files", "octets"):
            before, after = peaks([getattr(each, name) for each in everything])
            if after - before > getattr(bounds, name):
                grown.append(f"{name} from {before:,} to {after:,}")
        warm = [each.rss for each in self.lives[-1] if each.age_s >= bounds.warm_s]
        before, after = peaks(warm)
        if after - before > bounds.rss:
            grown.append(f"memory from {before // MIB} to {after // MIB} MiB within one life")
        before, after = peaks([life[-1].rss for life in self.lives if life])
        if after - before > 2 * bounds.rss:
            grown.append(f"memory from {before // MIB} to {after // MIB} MiB over all lives")
        return grown

    def slope(self, bounds: Bounds) -> float:
        """MiB a minute by which the memory of the last life grows once it is warm."""
        warm = [each for each in self.lives[-1] if each.age_s >= bounds.warm_s]
        return slope([(each.age_s / 60, each.rss / MIB) for each in warm])


def peaks(values: Sequence[int]) -> tuple[int, int]:
    """The highest of the middle third and of the last one; zeros where there are too few."""
    third = len(values) // 3
    if not third:
        return 0, 0
    return max(values[third : 2 * third]), max(values[2 * third :])


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By least squares; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
