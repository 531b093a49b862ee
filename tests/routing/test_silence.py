"""A scope falls silent: judged by cohorts of accepted messages, in virtual time."""

import pytest

from routing.cohort_run import COHORT_S, NOTHING, PROVEN
from routing.silence import COHORTS_MAX, Silence

# Every receipt is there after ten seconds.
SPOKEN = tuple(min(1.0, age / 10.0) for age in range(81))
LEVEL = 0.95


def after(seconds: int, per_second: int = 2, delivered: bool = True) -> Silence:
    silence = Silence()
    more(silence, 0, seconds, per_second, delivered)
    return silence


def more(silence: Silence, at: int, seconds: int, per_second: int, delivered: bool) -> None:
    for second in range(at, at + seconds):
        for _ in range(per_second):
            silence.accepted(second)
            if delivered:
                silence.receipt(second, True)


def suspicion(silence: Silence, second: int) -> float:
    silence.settle(LEVEL, SPOKEN, second)
    silence.judge(LEVEL, SPOKEN, second)
    return silence.run.suspicion


def test_messages_that_are_delivered_raise_no_suspicion() -> None:
    assert suspicion(after(20), 40) == 0.0


def test_five_messages_of_which_nothing_is_heard_are_a_proof() -> None:
    assert suspicion(after(5, per_second=1, delivered=False), 20) > PROVEN


def test_good_times_before_do_not_drown_the_silence_and_it_is_told_when_it_began() -> None:
    silence = after(40)
    more(silence, 40, 6, 2, delivered=False)
    assert suspicion(silence, 52) > PROVEN
    assert silence.run.since * COHORT_S == 40
    assert silence.run.share < 0.1


def test_what_is_too_young_to_have_spoken_says_nothing() -> None:
    assert suspicion(after(4, delivered=False), 4) == 0.0


def test_receipts_that_come_late_after_all_end_the_suspicion() -> None:
    silence = after(8, delivered=False)
    assert suspicion(silence, 20) > PROVEN
    for second in range(8):
        for _ in range(2):
            silence.receipt(second, True)
    assert suspicion(silence, 21) == 0.0


def test_a_receipt_that_says_undelivered_counts_at_once() -> None:
    silence = Silence()
    for _ in range(5):
        silence.accepted(0)
        silence.receipt(0, False)
    assert suspicion(silence, COHORT_S + 1) > PROVEN


def test_dead_numbers_excuse_themselves_and_those_that_will_be_dead() -> None:
    silence = after(8, delivered=False)
    for second in range(8):
        for _ in range(2):
            silence.excuse(second)
    more(silence, 8, 2, 1, delivered=False)
    assert suspicion(silence, 20) < 1.0


def test_old_cohorts_are_folded_and_their_suspicion_stays() -> None:
    silence = after(8, delivered=False)
    late = (COHORTS_MAX + 4) * COHORT_S
    assert suspicion(silence, late) > PROVEN
    assert silence.verdicts == {}
    silence.receipt(0, True)  # Too late to be of use.
    silence.excuse(0)
    silence.forget()
    assert silence.run is NOTHING


@pytest.mark.parametrize(("place", "expected"), [(0, True), (5, False)])
def test_what_was_expected_and_seen_since_a_cohort(place: int, expected: bool) -> None:
    silence = after(8)
    suspicion(silence, 20)
    assert silence.since(place) == (pytest.approx(16.0) if expected else 0.0, 16.0 * expected)
