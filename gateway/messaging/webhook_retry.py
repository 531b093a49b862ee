"""When a webhook that failed is attempted no more, there or anywhere. Pure."""

from __future__ import annotations

from gateway.messaging.webhook_delivery import Delivery
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Failure
from gateway.webhooks.retry import GIVE_UP_AFTER_S

# Twilio's own `rc`: so often the URL is tried again before its fallback is called.
RETRIES_BEFORE_FALLBACK = 1


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
