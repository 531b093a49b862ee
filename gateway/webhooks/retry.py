"""When a webhook that failed is attempted again. Pure."""

from __future__ import annotations

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 900.0
DOUBLINGS_MAX = 32
GIVE_UP_AFTER_S = 14_400.0


def delay_s(attempts: int, chance: float) -> float:
    """After so many attempts: 1 s, 2 s, 4 s … 15 min; between half and all of that by `chance`."""
    longest_s = min(RETRY_FIRST_S * 2.0 ** min(attempts - 1, DOUBLINGS_MAX), RETRY_MAX_S)
    return longest_s * (0.5 + chance / 2)
