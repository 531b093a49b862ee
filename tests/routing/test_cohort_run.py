"""Two CUSUMs that tell a route of which half is left, and one of which hardly anything is."""

from functools import reduce
from math import log

import pytest

from routing.cohort_run import HALVED, HARDLY, NOTHING, PROVEN, CohortRun


def cohort(run: CohortRun, place: int, expected: float, seen: float) -> CohortRun:
    """One more cohort of messages by Poisson's law: how much better either explanation does."""
    halved, hardly = [expected * (1.0 - left) + seen * log(left) for left in (HALVED, HARDLY)]
    return run.after(place, halved, hardly, expected, seen)


def cohorts(expected: float, seen: float, count: int, run: CohortRun = NOTHING) -> CohortRun:
    return reduce(lambda so_far, place: cohort(so_far, place, expected, seen), range(count), run)


def test_as_usual_is_never_suspected() -> None:
    assert cohorts(9.0, 9.0, 1_000) == NOTHING


def test_silence_is_proven_by_a_dozen_messages() -> None:
    assert cohorts(9.0, 0.0, 1).suspicion < PROVEN < cohorts(9.0, 0.0, 2).suspicion


def test_half_is_proven_too_but_later() -> None:
    halved = cohorts(9.0, 4.5, 8)
    assert halved.hardly == 0.0
    assert halved.suspicion == halved.halved > PROVEN
    assert halved.share == pytest.approx(0.5, abs=0.01)


def test_good_times_before_do_not_hide_bad_ones_since() -> None:
    after_all = cohorts(9.0, 0.0, 2, cohorts(9.0, 9.0, 1_000))
    assert after_all.suspicion == cohorts(9.0, 0.0, 2).suspicion


def test_what_is_seen_counts_since_the_suspicion_began() -> None:
    run = cohort(cohort(NOTHING, 41, 9.0, 9.0), 42, 9.0, 0.0)
    run = cohort(run, 43, 9.0, 0.0)
    assert (run.since, run.expected, run.seen) == (42, 18.0, 0.0)


def test_belief_goes_from_all_to_the_share_as_the_suspicion_grows() -> None:
    beliefs = [cohorts(3.0, 0.0, count).belief for count in (0, 1, 3, 6)]
    assert beliefs[0] == 1.0
    assert beliefs == sorted(beliefs, reverse=True)
    assert beliefs[-1] < 0.1


def test_it_fades() -> None:
    run = cohorts(9.0, 0.0, 2)
    assert run.faded(0.5).suspicion == 0.5 * run.suspicion
    assert run.faded(0.5).since == run.since
