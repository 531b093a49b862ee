"""Who goes first: priority, then the most money per message, then turns among equals."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.carrier_bind import RouteEntry
from routing.events import BindDown, BindUp, Outcome, PriceChanged, SubmitResult, Submitted
from tests.routing.builders import NOW, a_bind, a_request, a_router, order, send, send_and_answer

FOUR = ("alpha/1", "alpha/2", "beta/1", "gamma/1")


def test_four_equal_binds_take_turns() -> None:
    router = a_router(*(a_bind(name) for name in FOUR))
    assert [send(router, NOW + n) for n in range(8)] == [*FOUR, *FOUR]


def test_ranking_alone_takes_no_turn() -> None:
    router = a_router(*(a_bind(name) for name in FOUR))
    assert order(router) == order(router) == list(FOUR)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_segments_are_shared_by_weight_to_within_one_turn(weights: list[int]) -> None:
    router = a_router(
        *(
            a_bind(f"alpha/{n}", RouteEntry(weight=weight), window=10**6)
            for n, weight in enumerate(weights)
        )
    )
    total = 20 * sum(weights)
    sent = Counter(send(router, NOW + n / 100) for n in range(total))
    assert all(abs(sent[f"alpha/{n}"] - 20 * w) <= 1 for n, w in enumerate(weights))


def test_a_heavy_bind_is_spread_among_the_others_rather_than_served_in_a_row() -> None:
    router = a_router(a_bind("alpha/1", RouteEntry(weight=2.0)), a_bind("beta/1"))
    sent = "".join(send(router, NOW + n)[0] for n in range(9))
    assert "aaa" not in sent
    assert "bb" not in sent


def test_of_two_that_deliver_alike_the_cheaper_one_takes_all() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry(price=0.02)), a_bind("beta/1", RouteEntry(price=0.01))
    )
    assert {send(router, NOW + n) for n in range(30)} == {"beta/1"}


def test_a_difference_in_price_that_hardly_matters_to_the_message_makes_no_difference() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry(price=0.0310)), a_bind("beta/1", RouteEntry(price=0.0302))
    )
    assert Counter(send(router, NOW + n) for n in range(30)) == {"alpha/1": 15, "beta/1": 15}


def test_the_more_specific_match_goes_first_of_equals_and_a_cheaper_one_before_it() -> None:
    specific, general = RouteEntry("+49151", price=0.03), RouteEntry("+49", price=0.03)
    equal = a_router(a_bind("alpha/1", general), a_bind("beta/1", specific))
    assert order(equal) == ["beta/1", "alpha/1"]
    cheap = RouteEntry("+49", price=0.01)
    assert order(a_router(a_bind("alpha/1", cheap), a_bind("beta/1", specific)))[0] == "alpha/1"


def test_a_route_whose_price_changes_is_judged_by_the_new_one() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry(price=0.01)), a_bind("beta/1", RouteEntry(price=0.02))
    )
    router.observe(PriceChanged("alpha/1", 0.05, NOW))
    assert order(router) == ["beta/1", "alpha/1"]
    router.observe(PriceChanged("alpha/1", 0.001, NOW, match="+33"))
    assert order(router) == ["beta/1", "alpha/1"]


def test_a_later_priority_is_used_only_when_no_bind_of_an_earlier_one_can() -> None:
    router = a_router(
        a_bind("alpha/1"), a_bind("beta/1"), a_bind("gamma/1", RouteEntry(priority=2))
    )
    assert "gamma/1" not in {send(router, NOW + n) for n in range(20)}
    router.observe(BindDown("alpha/1", NOW))
    router.observe(BindDown("beta/1", NOW))
    assert order(router) == ["gamma/1"]


def test_a_bind_that_comes_back_has_no_claim_on_what_it_missed() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    router.observe(BindDown("beta/1", NOW))
    for n in range(50):
        send(router, NOW + n)
    router.observe(BindUp("beta/1", NOW + 50.0))
    sent = Counter(send(router, NOW + 50.0 + n) for n in range(10))
    assert sent == {"alpha/1": 5, "beta/1": 5}


def test_parts_on_one_bind_cost_it_turns_and_its_rivals_none() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    first = router.rank(a_request(), NOW).best
    assert first is not None
    for part in range(1, 6):
        router.observe(Submitted(first.route, NOW, part))
    sent = [send(router, NOW + 1.0 + n) for n in range(6)]
    assert sent == ["beta/1"] * 5 + ["alpha/1"]


def test_groups_of_other_destinations_keep_their_own_turns() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("+49"), RouteEntry("+33")), a_bind("beta/1", RouteEntry("+33"))
    )
    for n in range(50):
        send(router, NOW + n)
    to_france = a_request("+33612345678")
    sent = Counter(send(router, NOW + 50.0 + n, to_france) for n in range(10))
    assert sent == {"alpha/1": 5, "beta/1": 5}


@pytest.mark.parametrize(("slow_s", "share"), [(0.1, 0.5), (1.0, 0.355), (4.0, 0.18)])
def test_a_slow_bind_takes_less(slow_s: float, share: float) -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    sent: Counter[str] = Counter()
    for n in range(500):
        now = NOW + 10.0 * n
        name = send(router, now)
        latency_s = slow_s if name == "beta/1" else 0.1
        router.observe(SubmitResult(name, Outcome.OK, latency_s, now + latency_s))
        sent[name] += 1
    assert sent["beta/1"] / 500 == pytest.approx(share, abs=0.02)


def test_a_bind_whose_window_fills_takes_less() -> None:
    router = a_router(a_bind("alpha/1", window=100), a_bind("beta/1", window=1000))
    sent = [send(router, NOW + n) for n in range(200)]
    assert sent[:140].count("alpha/1") == 70
    assert sent[140:].count("alpha/1") < 25


def test_a_fast_refusal_does_not_look_fast() -> None:
    router = a_router(a_bind("alpha/1"), a_bind("beta/1"))
    send_and_answer(router, "alpha/1", Outcome.THROTTLED, NOW, latency_s=0.001)
    assert order(router, now=NOW + 1.0) == ["beta/1", "alpha/1"]
    alpha, beta = router.snapshot(NOW + 1.0)
    assert alpha.quality < beta.quality
