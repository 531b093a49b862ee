"""How long to wait after a failure."""

from random import Random

from gateway.streams.backoff import Backoff


def test_wait_doubles_up_to_a_minute() -> None:
    backoff = Backoff(Random(1))
    wanted = [1, 2, 4, 8, 16, 32, 60, 60]
    delays = [backoff.delay_s() for _ in wanted]
    assert all(
        0.75 * want <= delay <= 1.25 * want for want, delay in zip(wanted, delays, strict=True)
    )


def test_two_who_failed_together_do_not_come_back_together() -> None:
    assert Backoff(Random(1)).delay_s() != Backoff(Random(2)).delay_s()


def test_wait_is_short_again_after_a_success() -> None:
    backoff = Backoff(Random(1))
    for _ in range(9):
        backoff.delay_s()
    backoff.reset()
    assert backoff.delay_s() <= 1.25
