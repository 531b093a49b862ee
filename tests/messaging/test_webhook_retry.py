"""When a webhook that failed is attempted again."""

import pytest

from gateway.messaging.webhook_retry import is_over
from gateway.webhooks.request import Failure
from gateway.webhooks.retry import GIVE_UP_AFTER_S, RETRY_MAX_S, delay_s
from tests.messaging.outbox_world import (
    DOWN,
    FORBIDDEN,
    NOW,
    POSTPONED,
    REFUSED,
    UNUSABLE,
    a_delivery,
)


@pytest.mark.parametrize(
    ("attempts", "chance", "seconds"),
    [(1, 1.0, 1), (1, 0.0, 0.5), (2, 1.0, 2), (5, 1.0, 16), (11, 1.0, 900), (9_999, 0.0, 450)],
)
def test_delays_double_up_to_a_quarter_of_an_hour(
    attempts: int, chance: float, seconds: float
) -> None:
    assert delay_s(attempts, chance) == seconds <= RETRY_MAX_S


@pytest.mark.parametrize(
    ("fragment", "fallback", "attempts", "failure", "over"),
    [
        # Four hours, whatever the trouble.
        ("", "", 500, DOWN, False),
        ("", "", 500, REFUSED, False),
        # The customer's own number, and kinds.
        ("rc=2", "", 2, DOWN, False),
        ("rc=2", "", 3, DOWN, True),
        ("rp=5xx", "", 1, DOWN, True),
        # With a fallback as often as Twilio, or as the customer says.
        ("", "b", 1, DOWN, False),
        ("", "b", 2, DOWN, True),
        ("rc=5", "b", 5, DOWN, False),
        ("rp=5xx", "b", 1, DOWN, True),
        # Nothing would be different the next time.
        ("", "", 1, FORBIDDEN, True),
        ("", "", 1, UNUSABLE, True),
        # Not the server's trouble.
        ("rc=0", "b", 9, POSTPONED, False),
    ],
)
def test_kind_and_count_say_whether_it_is_over(
    fragment: str, fallback: str, attempts: int, failure: Failure, over: bool
) -> None:
    delivery = a_delivery(1, fragment=fragment, fallback=fallback)
    delivery.since, delivery.attempts = int(NOW), attempts
    assert is_over(delivery, failure, NOW + 1) is over


@pytest.mark.parametrize("failure", [DOWN, REFUSED, POSTPONED])
def test_it_is_over_after_four_hours(failure: Failure) -> None:
    delivery = a_delivery(1)
    delivery.since, delivery.attempts = int(NOW), 1
    assert not is_over(delivery, failure, NOW + GIVE_UP_AFTER_S)
    assert is_over(delivery, failure, NOW + GIVE_UP_AFTER_S + 1)
