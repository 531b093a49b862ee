from hypothesis import given
from hypothesis import strategies as st

from carriers_sim.throttle import Throttle, TokenBucket


def admitted(bucket: TokenBucket, times: list[float], segments: int = 1) -> list[bool]:
    return [bucket.admit(segments, now) for now in times]


def test_a_burst_passes_until_the_bucket_is_empty() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=2), 0.0)
    assert admitted(bucket, [0.0] * 3) == [True, True, False]


def test_the_bucket_refills_at_its_rate() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=2, burst=1), 0.0)
    assert admitted(bucket, [0.0, 0.25, 0.5, 1.0]) == [True, False, True, True]


def test_a_penalty_refuses_what_the_rate_would_allow() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=1, penalty_s=5.0), 0.0)
    assert admitted(bucket, [0.0, 0.1, 3.0, 5.2]) == [True, False, False, True]


def test_a_refusal_within_the_penalty_does_not_prolong_it() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=1, penalty_s=5.0), 0.0)
    assert admitted(bucket, [0.0, 0.1, 5.0, 5.2])[-1]


def test_segments_are_counted_and_not_messages() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=10), 0.0)
    assert admitted(bucket, [0.0] * 4, segments=3) == [True, True, True, False]


def test_a_message_larger_than_the_bucket_passes_when_it_is_full() -> None:
    bucket = TokenBucket(Throttle(segments_per_s=2), 0.0)
    assert admitted(bucket, [0.0, 1.0], segments=5) == [True, False]


@given(st.lists(st.floats(0, 20), max_size=200), st.integers(1, 20))
def test_no_more_than_rate_and_burst_ever_pass(times: list[float], rate: int) -> None:
    bucket = TokenBucket(Throttle(segments_per_s=rate), 0.0)
    times.sort()
    passed = [now for now in times if bucket.admit(1, now)]
    for start in range(len(passed)):
        for end in range(start, len(passed)):
            allowed = rate + (passed[end] - passed[start]) * rate
            assert end - start + 1 <= allowed + 1e-6
