"""The whole of it: exclusion, pinning, explanations, failover, and hours of trouble."""

from collections import Counter
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import contest as contest_module
from routing.carrier_bind import RouteEntry
from routing.events import BindDown, BindUp, Event, Outcome, SubmitResult, Submitted
from routing.ranking import Block
from routing.router import Router
from tests.routing.builders import (
    NOW,
    a_bind,
    a_request,
    a_router,
    blocks,
    order,
    send,
    send_and_answer,
)


def test_every_kind_of_event_is_observed() -> None:
    assert set(a_router(a_bind("alpha/1"))._observers) == set(get_args(Event))


def test_a_bind_already_tried_is_left_out() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    request = a_request(excluded=("alpha/1",))
    assert order(router, request) == ["beta/1"]
    assert blocks(router, request=request) == {"alpha/1": Block.ALREADY_TRIED}


def test_a_pinned_message_sees_no_other_bind() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"), a_bind("gamma/1", sender_types=["x"]))
    assert order(router, a_request(pinned="beta/1")) == ["beta/1"]
    assert blocks(router, request=a_request(pinned="beta/1")) == {}


def test_a_pinned_bind_that_refuses_the_sender_is_named() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("gamma/1", sender_types=["x"]))
    assert blocks(router, request=a_request(pinned="gamma/1")) == {"gamma/1": Block.SENDER_TYPE}


def test_waiting_is_hopeless_when_nothing_that_blocks_can_lift() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("gamma/1", sender_types=["x"]))
    ranking = router.rank(a_request(excluded=("alpha/1",)), NOW)
    assert (ranking.best, ranking.may_clear, ranking.retry_at) == (None, False, None)


def test_waiting_for_a_bind_that_is_down_is_worth_while_but_has_no_time() -> None:
    ranking = Router([a_bind()]).rank(a_request(), NOW)
    assert (ranking.best, ranking.may_clear, ranking.retry_at) == (None, True, None)


def test_the_earliest_of_several_times_is_when_to_ask_again() -> None:
    router = a_router(a_bind("alpha/1", tps=1.0), a_bind("beta/1", tps=10.0))
    send(router, NOW)
    send(router, NOW)
    assert router.rank(a_request(), NOW).retry_at == pytest.approx(NOW + 0.082)


def test_a_bind_says_when_it_takes_a_segment() -> None:
    router = a_router(a_bind("alpha/1", tps=1.0))
    assert router.ready_at("alpha/1") <= NOW
    send(router, NOW)
    assert NOW < router.ready_at("alpha/1") <= NOW + 1.02
    router.observe(BindDown("alpha/1", NOW))
    assert router.ready_at("alpha/1") == inf


@pytest.mark.parametrize(
    ("name", "judged_as"),
    [("otp", "otp"), ("2FA", "otp"), ("promo", "promotional"), ("", "transactional")],
)
def test_a_class_of_traffic_has_many_names(name: str, judged_as: str) -> None:
    assert a_router(a_bind()).traffic_class(name) == judged_as


def test_the_sentence_names_the_best_the_next_and_what_is_blocked() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("+49", weight=2.0)),
        a_bind("beta/1"),
        a_bind("gamma/1"),
        a_bind("delta/1", sender_types=["short_code"]),
    )
    router.observe(BindDown("gamma/1", NOW))
    assert router.rank(a_request(), NOW).why == (
        "alpha/1 goes first of 2: priority 1 for +49, utility 0.2395 at price 0, "
        "delivers 0.920, turn 0.000; "
        "next beta/1: priority 1 for any destination, utility 0.2395 at price 0, "
        "delivers 0.920, turn 0.000; blocked: gamma/1 down; delta/1 sender type not allowed"
    )


def test_the_sentence_for_a_single_bind_is_short() -> None:
    why = a_router(a_bind()).rank(a_request(), NOW).why
    assert why == (
        "alpha/1 goes first of 1: priority 1 for any destination, utility 0.2395 at price 0, "
        "delivers 0.920, turn 0.000"
    )


def test_the_sentence_for_nobody_says_when_it_may_change() -> None:
    router = a_router(a_bind(tps=10.0))
    send(router, NOW)
    why = router.rank(a_request(), NOW).why
    assert why == "no bind can take it now: alpha/1 rate for 0.082 s"


def test_the_sentence_for_no_route_does_not_name_the_number() -> None:
    assert a_router(a_bind("alpha/1", RouteEntry("+33"))).rank(a_request(), NOW).why == (
        "no route to it"
    )


def test_an_event_of_an_unknown_bind_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError):
        a_router(a_bind()).observe(BindUp("omega/1", NOW))


def test_remembered_destinations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest_module, "REMEMBERED_MAX", 3)
    router = a_router(a_bind("alpha/1", RouteEntry("+49"), RouteEntry("+49151")))
    seen = [router.reachable(f"+{number}", "long_code") for number in range(49000, 49010)]
    assert seen == [True] * 10


def test_traffic_fails_over_and_comes_back() -> None:
    router = a_router(*(a_bind(f"alpha/{n}") for n in range(4)))
    router.observe(BindDown("alpha/0", NOW))
    for _ in range(3):
        send_and_answer(router, "alpha/1", Outcome.TEMPORARY, NOW)
    send_and_answer(router, "alpha/2", Outcome.THROTTLED, NOW, latency_s=0.01)
    assert order(router, now=NOW + 0.1) == ["alpha/3"]
    router.observe(BindUp("alpha/0", NOW + 6.0))
    assert set(order(router, now=NOW + 6.0)) == {"alpha/0", "alpha/1", "alpha/2", "alpha/3"}


class Carrier:
    """Takes `taken_tps` segments a second, errs or is silent between the times given."""

    def __init__(self, taken_tps: float = 1000.0, errs: tuple[float, float] = (0.0, 0.0)) -> None:
        self._interval_s = 1.0 / taken_tps
        self._errs = errs
        self._free_at = 0.0

    def answer(self, elapsed_s: float) -> Outcome:
        if self._errs[0] <= elapsed_s < self._errs[1]:
            return Outcome.TEMPORARY
        if self._free_at > elapsed_s + 0.05:
            return Outcome.THROTTLED
        self._free_at = max(self._free_at, elapsed_s) + self._interval_s
        return Outcome.OK


def run(
    router: Router,
    carriers: dict[str, Carrier],
    rate: float,
    seconds: float,
    start_s: float = 0.0,
) -> Counter[Outcome]:
    """Offer `rate` segments a second; one that nobody can take at once is not offered again."""
    results: Counter[Outcome] = Counter()
    answers: list[tuple[float, int, str, Outcome]] = []
    serial = count()
    for n in range(int(rate * seconds)):
        elapsed_s = start_s + n / rate
        now = NOW + elapsed_s
        while answers and answers[0][0] <= now:
            at, _, name, outcome = heappop(answers)
            results[outcome] += 1
            router.observe(SubmitResult(name, outcome, 0.1, at))
        best = router.rank(a_request(), now).best
        if best is not None:
            router.observe(Submitted(best.route, now))
            outcome = carriers[best.bind].answer(elapsed_s)
            heappush(answers, (now + 0.1, next(serial), best.bind, outcome))
    return results


def test_an_hour_with_one_bind_in_error_loses_few_segments_to_it() -> None:
    carriers = {f"alpha/{n}": Carrier() for n in range(4)}
    carriers["alpha/2"] = Carrier(errs=(600.0, 3000.0))
    router = a_router(*(a_bind(name) for name in carriers))
    results = run(router, carriers, rate=10.0, seconds=3600.0)
    assert results[Outcome.TEMPORARY] < 60
    assert results.total() - results[Outcome.TEMPORARY] == results[Outcome.OK]


def test_after_the_trouble_every_bind_has_its_share_again() -> None:
    carriers = {f"alpha/{n}": Carrier() for n in range(4)}
    carriers["alpha/2"] = Carrier(errs=(60.0, 300.0))
    router = a_router(*(a_bind(name) for name in carriers))
    run(router, carriers, rate=20.0, seconds=600.0)
    before = {seen.bind: seen.submitted for seen in router.snapshot(NOW + 600.0)}
    run(router, carriers, rate=20.0, seconds=100.0, start_s=600.0)
    after = {seen.bind: seen.submitted for seen in router.snapshot(NOW + 700.0)}
    assert all(abs(after[name] - before[name] - 500) < 25 for name in carriers)


def test_a_carrier_that_takes_a_tenth_of_its_contract_is_rarely_asked_for_more() -> None:
    carriers = {"alpha/1": Carrier(), "beta/1": Carrier(taken_tps=10.0)}
    router = a_router(*(a_bind(name, tps=100.0) for name in carriers))
    results = run(router, carriers, rate=80.0, seconds=300.0)
    assert results[Outcome.THROTTLED] < 0.02 * results[Outcome.OK]
    assert router.snapshot(NOW + 300.0)[1].tps < 25.0


BINDS = tuple(a_bind(f"alpha/{n}", window=3, tps=5.0) for n in range(4))
INDEX = st.integers(0, 3)
STEP = st.tuples(
    st.sampled_from(["up", "down", "send", *Outcome]),
    INDEX,
    st.floats(0.0, 2.0),
    st.floats(0.0, 3.0),
)


@settings(max_examples=60)
@given(st.lists(STEP, max_size=80))
def test_whatever_happens_each_bind_is_either_free_or_blocked_for_a_reason(
    steps: list[tuple[str, int, float, float]],
) -> None:
    router = Router(BINDS, now=NOW)
    now = NOW
    for what, index, pause_s, latency_s in steps:
        now += pause_s
        name = f"alpha/{index}"
        if what == "up":
            router.observe(BindUp(name, now))
        elif what == "down":
            router.observe(BindDown(name, now))
        elif what == "send":
            if best := router.rank(a_request(), now).best:
                router.observe(Submitted(best.route, now))
        else:
            router.observe(SubmitResult(name, Outcome(what), latency_s, now))
        ranking = router.rank(a_request(), now)
        free = {one.bind for one in ranking.candidates}
        taken = {one.bind for one in ranking.blocked}
        assert not free & taken
        assert free | taken == {bind.id for bind in BINDS}
        assert all(one.retry_at is None or one.retry_at > now for one in ranking.blocked)
        for seen in router.snapshot(now):
            assert 0 <= seen.window_used <= seen.window
            assert 0.05 <= seen.quality <= 1.0
            assert (seen.block is None) == (seen.bind in free)


@given(st.lists(st.sampled_from(Outcome), min_size=1, max_size=40))
def test_the_same_history_gives_the_same_rankings(outcomes: list[Outcome]) -> None:
    def history() -> list[str]:
        router = a_router(*BINDS)
        told = []
        for n, outcome in enumerate(outcomes):
            now = NOW + n
            ranking = router.rank(a_request(), now)
            told.append(ranking.why)
            if ranking.best:
                router.observe(Submitted(ranking.best.route, now))
                router.observe(SubmitResult(ranking.best.bind, outcome, 0.5, now + 0.5))
        return told

    assert history() == history()
