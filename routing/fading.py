"""Forgetting: what is left of a count after whole seconds, by its half-life."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def fading(seconds: int, half_life_s: float) -> float:
    return float(0.5 ** (seconds / half_life_s))
