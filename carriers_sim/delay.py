"""How long something takes at a carrier: fixed, uniform or lognormal, in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Annotated

import msgspec

DELAY_MAX_S = 7 * 86_400.0

Seconds = Annotated[float, msgspec.Meta(ge=0, le=DELAY_MAX_S)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Weights = dict[str, Annotated[float, msgspec.Meta(ge=0)]]


class Lognormal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape that networks show: half of the draws are below `median_s`, a few far above.

    `sigma` is the standard deviation of the logarithm: 0.3 is steady, 1.0 has a long tail, which
    `max_s` cuts.
    """

    median_s: Seconds
    sigma: Annotated[float, msgspec.Meta(ge=0, le=5)]
    max_s: Seconds = 60.0


# `0.02` is fixed, `[0.2, 2.0]` is uniform, `{ median_s = 0.05, sigma = 0.5 }` is lognormal. The
# numbers are plain, and `require_delay` holds them to their bounds, because msgspec 0.22 reads wild
# memory where one union has a number with bounds and a tuple of fixed length.
Delay = float | tuple[float, float] | Lognormal


def draw(delay: Delay, chance: Random) -> float:
    """One delay in seconds."""
    if isinstance(delay, tuple):
        low, high = delay
        return low + (high - low) * chance.random()
    if isinstance(delay, Lognormal):
        return min(delay.median_s * math.exp(chance.gauss(0.0, delay.sigma)), delay.max_s)
    return delay


def happens(share: float, chance: Random) -> bool:
    """Whether something that befalls `share` of the messages befalls this one."""
    return share > 0 and chance.random() < share


def pick(weights: Mapping[str, float], chance: Random) -> str:
    """One of the names, in proportion to its weight."""
    if len(weights) == 1:
        return next(iter(weights))
    remaining = chance.random() * sum(weights.values())
    picked = ""
    for name, weight in weights.items():
        picked = name if weight else picked
        remaining -= weight
        if remaining < 0:
            break
    return picked


def require_delay(delay: Delay) -> None:
    """Raises ValueError for a delay that is out of bounds, or that ends before it begins."""
    if isinstance(delay, Lognormal):
        return
    low, high = delay if isinstance(delay, tuple) else (delay, delay)
    if not 0 <= low <= DELAY_MAX_S or not 0 <= high <= DELAY_MAX_S:
        raise ValueError(f"a delay is from 0 to {DELAY_MAX_S:.0f} seconds")
    if low > high:
        raise ValueError(f"a uniform delay is [low, high], not [{low}, {high}]")


def require_weight(weights: Mapping[str, float], key: str) -> None:
    """Raises ValueError where no outcome can be drawn."""
    if not 0 < sum(weights.values()) < math.inf:
        raise ValueError(f"{key} needs at least one outcome with a weight above 0")
