"""Whether a refused message may be tried again, and when."""

from __future__ import annotations

from gateway.cli.message_client import Refusal

QUEUE_FULL = 21611
TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
UNREACHABLE = 0

BACKOFF_FIRST_S = 0.25
BACKOFF_MAX_S = 10.0
# Some two minutes of a gateway that is down or overloaded.
ATTEMPTS_MAX = 15
# A sender's queue holds up to ten hours of its rate, so that long it may take to have room.
QUEUE_FULL_ATTEMPTS_MAX = 5_000


def retry_wait_s(refusal: Refusal, attempt: int, chance: float) -> float | None:
    """Seconds until the next try, or None where another would be refused as well.

    `attempt` counts from 1, `chance` is from 0 to 1 and spreads those that wait for the same.
    """
    if refusal.code == QUEUE_FULL:
        attempts_max = QUEUE_FULL_ATTEMPTS_MAX
    elif refusal.status in (TOO_MANY_REQUESTS, UNAVAILABLE, UNREACHABLE):
        attempts_max = ATTEMPTS_MAX
    else:
        return None
    if attempt >= attempts_max:
        return None
    backoff_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(attempt - 1, 16))
    return refusal.retry_after_s + backoff_s * (0.5 + chance / 2)


def is_down(refusal: Refusal) -> bool:
    """Whether the gateway as a whole takes nothing, so that other messages need not be tried."""
    return refusal.status in (UNAVAILABLE, UNREACHABLE)
