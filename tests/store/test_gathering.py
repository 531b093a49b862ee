"""When a batch is committed, and when it waits for more."""

import pytest

from gateway.store.gathering import FIRST_LOOK_S, QUIET_S, Gathering


def busy() -> Gathering:
    """Much comes, and a batch was committed at 0: the next is at 4 ms, at the latest."""
    gathering = Gathering(interval_s=0.004, enough=2_000)
    for commit in range(50):
        assert gathering.wait_s(2_000, (commit - 49) * 0.004) == 0.0
    return gathering


def test_after_a_lull_nothing_waits() -> None:
    assert busy().wait_s(1, 0.004) == 0.0


def test_where_little_comes_nothing_waits() -> None:
    gathering = Gathering(interval_s=0.004, enough=2_000)
    waits_s = [gathering.wait_s(1, number * 0.005) for number in range(100)]
    assert waits_s == [0.0] * 100


def test_soon_after_a_commit_more_is_awaited() -> None:
    assert busy().wait_s(1, 0.0005) == pytest.approx(FIRST_LOOK_S - 0.0005)


def test_when_nothing_more_comes_it_is_not_awaited_any_longer() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    assert gathering.wait_s(3, 0.0015) == 0.0


def test_while_more_comes_it_is_looked_at_again() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    assert [gathering.wait_s(4, 0.0015), gathering.wait_s(5, 0.0025)] == [QUIET_S, QUIET_S]


def test_while_more_comes_commits_keep_their_distance() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    gathering.wait_s(4, 0.0015)
    assert gathering.wait_s(5, 0.0038) == pytest.approx(0.0002)
    assert gathering.wait_s(6, 0.0041) == 0.0


def test_a_flush_that_takes_long_is_distance_enough() -> None:
    assert busy().wait_s(30, 0.0021) == 0.0


def test_enough_is_committed_at_once() -> None:
    assert busy().wait_s(2_000, 0.0001) == 0.0


def test_each_batch_is_gathered_anew() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    gathering.wait_s(3, 0.0015)
    assert gathering.wait_s(3, 0.0020) > 0.0
