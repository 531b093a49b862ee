"""A ranking may be reused while nothing that it rests on has changed: nobody can tell."""

import pytest

from routing.carrier_bind import RouteEntry
from routing.events import BindDown, BindUp, Event, Outcome, PriceChanged, SubmitResult, Submitted
from routing.ranking import RouteRequest
from routing.router import Router
from tests.routing.builders import NOW, a_bind, a_request, a_router, order, route_to, send

ALPHA, BETA, GAMMA = "alpha/1", "beta/1", "gamma/1"


def three(price: float = 0.01) -> Router:
    return a_router(*(a_bind(bind, RouteEntry(price=price)) for bind in (ALPHA, BETA, GAMMA)))


def an_otp() -> RouteRequest:
    return a_request()._replace(traffic_class="otp")


def test_the_second_ranking_is_the_first_one_again() -> None:
    router = three()
    first, second = (router.rank(an_otp(), NOW) for _ in range(2))
    assert second.candidates == first.candidates
    assert second.blocked == first.blocked


def test_equals_still_take_turns() -> None:
    router = three()
    taken = [send(router, NOW + number, an_otp()) for number in range(6)]
    assert [taken.count(bind) for bind in (ALPHA, BETA, GAMMA)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("event", "gone"),
    [
        (BindDown(ALPHA, NOW), True),
        (PriceChanged(ALPHA, 0.02, NOW), False),
        (SubmitResult(ALPHA, Outcome.OK, 20.0, NOW + 30.0), False),
    ],
)
def test_what_changes_the_order_is_seen_at_once(event: Event, gone: bool) -> None:
    router = three()
    assert order(router, an_otp())[0] == ALPHA
    router.observe(event)
    ranked = order(router, an_otp())
    assert ranked[0] != ALPHA
    assert (ALPHA not in ranked) is gone


def test_a_bind_that_comes_back_is_ranked_again() -> None:
    router = three()
    router.observe(BindDown(ALPHA, NOW))
    assert order(router, an_otp()) == [BETA, GAMMA]
    assert order(router, an_otp()) == [BETA, GAMMA]
    router.observe(BindUp(ALPHA, NOW))
    assert set(order(router, an_otp())) == {ALPHA, BETA, GAMMA}


def test_a_bind_that_is_full_is_blocked_at_once() -> None:
    router = a_router(a_bind(ALPHA, RouteEntry(price=0.01), window=1), a_bind(BETA))
    assert set(order(router, an_otp())) == {ALPHA, BETA}
    router.observe(Submitted(route_to(router, ALPHA), NOW))
    assert order(router, an_otp()) == [BETA]
