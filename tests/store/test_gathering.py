"""When a batch is committed, and when it waits for more."""

from gateway.store.gathering import QUIET_S, Gathering


def busy(now: float = 0.0) -> Gathering:
    """One that commits at `now`, and the next time 4 ms later while more comes."""
    gathering = Gathering(interval_s=0.004, enough=1_000)
    assert gathering.wait_s(1, now) == 0.0
    return gathering


def test_after_a_lull_nothing_waits() -> None:
    assert busy(now=5.0).wait_s(1, 5.0 + 0.004) == 0.0


def test_soon_after_a_commit_more_is_awaited() -> None:
    assert busy().wait_s(1, 0.0005) == QUIET_S


def test_when_nothing_more_comes_it_is_not_awaited_any_longer() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    assert gathering.wait_s(3, 0.0015) == 0.0


def test_while_more_comes_commits_keep_their_distance() -> None:
    gathering = busy()
    waits_s = [gathering.wait_s(waiting, waiting * 0.001) for waiting in range(1, 5)]
    assert waits_s == [QUIET_S, QUIET_S, QUIET_S, 0.0]


def test_no_wait_goes_beyond_the_distance() -> None:
    assert 0.0 < busy().wait_s(1, 0.0035) < 0.0006


def test_enough_is_committed_at_once() -> None:
    assert busy().wait_s(1_000, 0.0001) == 0.0


def test_each_batch_is_gathered_anew() -> None:
    gathering = busy()
    gathering.wait_s(3, 0.0005)
    gathering.wait_s(3, 0.0015)
    assert gathering.wait_s(3, 0.0020) == QUIET_S
