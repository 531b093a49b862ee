"""The guard against endless conversations."""

from gateway.messaging.reply_loop import REPLIES_MAX, WINDOW_S, ReplyLoopGuard

NUMBER, TEXTER = "+15005550006", "+15005550009"


def exhausted(now: float = 0.0) -> ReplyLoopGuard:
    guard = ReplyLoopGuard()
    assert all(guard.allows(NUMBER, TEXTER, now) for _ in range(REPLIES_MAX))
    return guard


def test_more_than_thirty_replies_in_thirty_seconds_are_not_sent() -> None:
    assert not exhausted().allows(NUMBER, TEXTER, WINDOW_S - 0.1)


def test_replies_are_sent_again_when_the_window_has_passed() -> None:
    assert exhausted().allows(NUMBER, TEXTER, WINDOW_S)


def test_reply_that_was_not_sent_does_not_count() -> None:
    guard = exhausted()
    guard.allows(NUMBER, TEXTER, WINDOW_S - 0.1)
    assert all(guard.allows(NUMBER, TEXTER, WINDOW_S) for _ in range(REPLIES_MAX))


def test_another_texter_is_answered() -> None:
    assert exhausted().allows(NUMBER, "+15005550010", 0.0)


def test_slow_conversation_goes_on_for_ever() -> None:
    guard = ReplyLoopGuard()
    assert all(guard.allows(NUMBER, TEXTER, i * 1.01) for i in range(1_000))


def test_table_forgets_the_pair_that_was_quiet_longest() -> None:
    guard = ReplyLoopGuard(pairs_max=2)
    for _ in range(REPLIES_MAX):
        guard.allows(NUMBER, "a", 0.0)
        guard.allows(NUMBER, "b", 0.0)
    guard.allows(NUMBER, "c", 0.0)
    assert len(guard) == 2
    assert not guard.allows(NUMBER, "b", 0.0)
