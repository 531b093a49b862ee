"""Many timers of many owners: each fires once, in order, unless it was stopped."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.timers import Timer, TimerQueues, TimerValues

INTERVALS = (0.5, 1.0, 2.0, 4.0, 32.0)


def fired(timers: TimerQueues, now: float) -> list[object]:
    owners = []
    while due := timers.pop_due(now):
        owners.append(due[1])
    return owners


def test_timers_of_all_intervals_fire_in_the_order_of_their_deadlines() -> None:
    timers = TimerQueues()
    for owner, interval in (("a", 32.0), ("b", 0.5), ("c", 4.0), ("d", 0.5)):
        timers.set(Timer.A, owner, interval, 0.0)
    assert timers.next_timer() == 0.5
    assert fired(timers, 100.0) == ["b", "d", "c", "a"]
    assert (timers.next_timer(), len(timers)) == (None, 0)


def test_nothing_fires_before_its_time() -> None:
    timers = TimerQueues()
    timers.set(Timer.A, "a", 0.5, 10.0)
    assert fired(timers, 10.4) == []
    assert fired(timers, 10.5) == ["a"]


def test_stopped_timer_does_not_fire_and_holds_its_owner_no_more() -> None:
    timers = TimerQueues()
    entry = timers.set(Timer.A, "a", 0.5, 0.0)
    entry.owner = None
    assert fired(timers, 1.0) == []
    assert len(timers) == 0


@given(st.lists(st.tuples(st.sampled_from(INTERVALS), st.floats(0, 5), st.booleans())))
def test_each_fires_once_at_its_deadline(settings: list[tuple[float, float, bool]]) -> None:
    timers, now, expected = TimerQueues(), 0.0, []
    for owner, (interval, pause, stopped) in enumerate(settings):
        now += pause
        entry = timers.set(Timer.A, owner, interval, now)
        if stopped:
            entry.owner = None
        else:
            expected.append((now + interval, owner))
    seen = []
    while (deadline := timers.next_timer()) is not None:
        seen += [(deadline, owner) for owner in fired(timers, deadline)]
    assert sorted(seen) == sorted(expected)


def test_intervals_follow_from_t1() -> None:
    values = TimerValues(t1=1.0)
    assert (values.timeout, values.timer_d) == (64.0, 64.0)
    assert TimerValues(t1=0.1).timer_d == 32.0
