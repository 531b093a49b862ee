"""When a webhook that failed is attempted again, and when no more. Pure."""

from __future__ import annotations

from gateway.messaging.webhook_delivery import Delivery
from gateway.messaging.webhook_destination import FailureKind
from gateway.messaging.webhook_request import Failure

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 900.0
DOUBLINGS_MAX = 32
GIVE_UP_AFTER_S = 14_400.0
# Twilio's own `rc`: so often the URL is tried again before its fallback is called.
RETRIES_BEFORE_FALLBACK = 1


def delay_s(attempts: int, chance: float) -> float:
    """After so many attempts: 1 s, 2 s, 4 s … 15 min; between half and all of that by `chance`."""
    longest_s = min(RETRY_FIRST_S * 2.0 ** min(attempts - 1, DOUBLINGS_MAX), RETRY_MAX_S)
    return longest_s * (0.5 + chance / 2)


def is_over(delivery: Delivery, failure: Failure, due: float) -> bool:
    """Whether this server is not to be asked again, which would be when it is `due`."""
    if due > delivery.since + GIVE_UP_AFTER_S:
        return True
    if failure.kind is FailureKind.POSTPONED:
        return False
    overrides = delivery.destination.overrides
    has_enough = delivery.attempts > RETRIES_BEFORE_FALLBACK and overrides.retries_max is None
    if delivery.fallback and has_enough:
        return True
    return not overrides.retries(failure.kind, delivery.attempts)
