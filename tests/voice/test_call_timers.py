"""The timers of calls as values."""

from gateway.voice.call_timers import CallTimer, CallTimers

NO_RESPONSE, LONGEST = CallTimer.NO_RESPONSE, CallTimer.LONGEST


def test_earliest_is_next_whatever_its_interval() -> None:
    timers: CallTimers[str] = CallTimers()
    timers.set(LONGEST, "a", 100.0, 0.0)
    timers.set(NO_RESPONSE, "b", 6.0, 10.0)
    assert timers.next_timer() == 16.0
    assert timers.pop_due(15.9) is None
    assert timers.pop_due(16.0) == (NO_RESPONSE, "b")
    assert timers.pop_due(16.0) is None
    assert timers.next_timer() == 100.0


def test_timer_that_is_set_anew_runs_once() -> None:
    timers: CallTimers[str] = CallTimers()
    timers.set(NO_RESPONSE, "a", 6.0, 0.0)
    timers.set(NO_RESPONSE, "a", 6.0, 3.0)
    assert len(timers) == 1
    assert timers.pop_due(6.0) is None
    assert timers.next_timer() == 9.0


def test_stopped_timer_is_not_kept() -> None:
    timers: CallTimers[str] = CallTimers()
    timers.set(LONGEST, "a", 14_400.0, 0.0)
    timers.stop(LONGEST, "a")
    timers.stop(LONGEST, "a")
    assert len(timers) == 0
    assert timers.next_timer() is None
    assert timers.pop_due(20_000.0) is None
