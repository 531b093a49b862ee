import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.message_client import Refusal
from gateway.cli.retry import (
    ATTEMPTS_MAX,
    BACKOFF_MAX_S,
    QUEUE_FULL_ATTEMPTS_MAX,
    retry_wait_s,
)

BUSY = [Refusal(429, 20429), Refusal(503, 20503), Refusal(0)]
FULL = Refusal(400, 21611)


@pytest.mark.parametrize("refusal", [*BUSY, FULL])
def test_waits_grow(refusal: Refusal) -> None:
    waits = [retry_wait_s(refusal, attempt, 1.0) or 0 for attempt in range(1, ATTEMPTS_MAX)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] == BACKOFF_MAX_S


@given(attempt=st.integers(1, QUEUE_FULL_ATTEMPTS_MAX - 1), chance=st.floats(0, 1))
def test_waits_are_bounded_and_spread(attempt: int, chance: float) -> None:
    wait_s = retry_wait_s(FULL, attempt, chance)
    assert wait_s is not None
    assert 0 < wait_s <= BACKOFF_MAX_S


def test_retry_after_comes_on_top() -> None:
    refusal = Refusal(503, 20503, retry_after_s=30)
    assert 30 < (retry_wait_s(refusal, 1, 0.5) or 0) < 31


@pytest.mark.parametrize("refusal", BUSY)
def test_attempts_end(refusal: Refusal) -> None:
    assert retry_wait_s(refusal, ATTEMPTS_MAX, 0.5) is None


def test_a_full_queue_is_waited_for_as_long_as_a_queue_can_be() -> None:
    total_s = QUEUE_FULL_ATTEMPTS_MAX * BACKOFF_MAX_S / 2
    assert total_s >= 25_000
    assert retry_wait_s(FULL, QUEUE_FULL_ATTEMPTS_MAX, 0.5) is None


@pytest.mark.parametrize("refusal", [Refusal(400, 21211), Refusal(401, 20003), Refusal(500, 20500)])
def test_other_refusals_are_final(refusal: Refusal) -> None:
    assert retry_wait_s(refusal, 1, 0.5) is None
