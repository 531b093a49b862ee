"""Of many binds a ranking looks at few, and nobody is worse off for that."""

from collections import Counter

import pytest

from routing.carrier_bind import RouteEntry
from routing.contest import SHORTLISTS_MAX
from routing.events import BindDown, BindUp, Outcome, PriceChanged, SubmitResult, Submitted
from routing.ranking import Block, Mode, RouteRequest
from routing.router import Router
from routing.shortlist import CLOSELY, WHOLE_MAX
from tests.routing.builders import NOW, a_bind, a_request, a_router, order
from tests.routing.traffic import TELEKOM, Traffic

MANY = 60


def name(number: int) -> str:
    return f"carrier/{number}"


def by_price(count: int = MANY, window: int = 100, tps: float = 1000.0) -> Router:
    """Each a little dearer than the one before it."""
    return a_router(
        *(
            a_bind(name(number), RouteEntry(price=0.01 + 0.002 * number), window=window, tps=tps)
            for number in range(count)
        )
    )


def equals(count: int = MANY, weights: tuple[float, ...] = (1.0,), window: int = 10_000) -> Router:
    return a_router(
        *(
            a_bind(name(number), RouteEntry(weight=weights[number % len(weights)]), window=window)
            for number in range(count)
        )
    )


def take(router: Router, now: float = NOW, request: RouteRequest | None = None) -> str:
    best = router.rank(request or a_request(), now).best
    assert best is not None
    router.observe(Submitted(best.route, now))
    return best.bind


def test_the_cheapest_of_many_equally_good_goes_first() -> None:
    ranking = by_price().rank(a_request(), NOW)
    assert [one.bind for one in ranking.candidates[:CLOSELY]] == [
        name(number) for number in range(CLOSELY)
    ]
    assert ranking.unseen == MANY - len(ranking.candidates)
    assert ranking.why.endswith(f"{ranking.unseen} more not looked at: no better when last seen")


def test_the_record_of_a_decision_tells_how_many_were_not_looked_at() -> None:
    router = by_price()
    ranking = router.rank(a_request(), NOW)
    record = router.explain_ranking(ranking)
    assert record["not_looked_at"] == ranking.unseen > 0
    assert len(record["candidates"]) + ranking.unseen == MANY


def test_few_are_all_looked_at() -> None:
    ranking = by_price(WHOLE_MAX).rank(a_request(), NOW)
    assert (len(ranking.candidates), ranking.unseen) == (WHOLE_MAX, 0)


def test_equals_take_turns_by_weight() -> None:
    router = equals(weights=(1.0, 2.0))
    taken = Counter(take(router, NOW + number / 1000) for number in range(15 * MANY))
    assert {taken[name(number)] for number in range(0, MANY, 2)} <= {9, 10, 11}
    assert {taken[name(number)] for number in range(1, MANY, 2)} <= {19, 20, 21}


def test_one_that_goes_down_is_left_out_and_comes_back_at_once() -> None:
    router = by_price()
    router.observe(BindDown(name(0), NOW))
    assert order(router)[0] == name(1)
    router.observe(BindUp(name(0), NOW))
    assert order(router)[0] == name(0)


def test_those_that_are_full_let_the_next_ones_go_until_they_have_room() -> None:
    router = by_price(window=1)
    assert [take(router) for _ in range(MANY)] == [name(number) for number in range(MANY)]
    router.observe(SubmitResult(name(41), Outcome.OK, 0.1, NOW + 0.1))
    assert order(router, now=NOW + 0.1) == [name(41)]


def test_one_whose_pace_allows_it_again_comes_back_with_time() -> None:
    router = by_price(tps=1.0)
    assert [take(router), take(router)] == [name(0), name(1)]
    assert order(router, now=NOW + 2.0)[0] == name(0)


def test_where_none_can_go_some_are_named_to_wait_for() -> None:
    router = by_price(tps=1.0)
    for _ in range(MANY):
        take(router)
    ranking = router.rank(a_request(), NOW)
    assert ranking.candidates == ()
    assert 0 < len(ranking.blocked) < MANY == len(ranking.blocked) + ranking.unseen
    assert ranking.may_clear
    assert ranking.retry_at == min(router.ready_at(name(number)) for number in range(MANY))


def test_full_windows_are_rather_waited_for_than_binds_that_are_down() -> None:
    router = by_price(window=1)
    for number in range(0, MANY, 2):
        router.observe(BindDown(name(number), NOW))
    for _ in range(MANY // 2):
        take(router)
    blocked = router.rank(a_request(), NOW).blocked
    assert Block.WINDOW_FULL in {one.block for one in blocked}


def test_many_that_were_tried_leave_the_others_to_it() -> None:
    tried = tuple(name(number) for number in range(MANY - 1))
    ranking = by_price().rank(a_request(excluded=tried), NOW)
    assert [one.bind for one in ranking.candidates] == [name(MANY - 1)]
    assert {one.block for one in ranking.blocked} == {Block.ALREADY_TRIED}


def test_a_pinned_one_is_found_however_far_back() -> None:
    ranking = by_price().rank(a_request(pinned=name(MANY - 1)), NOW)
    assert [one.bind for one in ranking.candidates] == [name(MANY - 1)]
    assert ranking.mode is Mode.PINNED


def test_a_new_price_is_seen_at_once() -> None:
    router = by_price()
    assert order(router)[0] == name(0)
    router.observe(PriceChanged(name(MANY - 1), 0.001, NOW))
    assert order(router)[0] == name(MANY - 1)


def test_what_a_long_message_costs_decides_for_it() -> None:
    """One delivers slowly and is cheap: ten segments outweigh that."""
    binds = [a_bind(name(number), RouteEntry(price=0.02)) for number in range(MANY)]
    router = a_router(*binds, a_bind("cheap/1", RouteEntry(price=0.0)))
    for step in range(3):
        router.observe(SubmitResult("cheap/1", Outcome.OK, 4.0, NOW + 5 + step))
    urgent = a_request()._replace(traffic_class="otp")
    assert "cheap/1" not in order(router, urgent, NOW + 8)[:1]
    assert order(router, urgent._replace(segments=10), NOW + 8)[0] == "cheap/1"


def test_a_sick_one_of_many_is_found_out_probed_and_found_well_again() -> None:
    router = equals(20)
    traffic = Traffic(router, rate=20.0, networks=(TELEKOM,), converting=False)

    def fate(bind: str, network: str, elapsed_s: float) -> str:
        return "silent" if bind == name(3) and 60.0 < elapsed_s < 180.0 else "delivered"

    assert traffic.play(60.0, fate)[name(3), TELEKOM] > 60
    traffic.play(30.0, fate)
    assert traffic.play(90.0, fate)[name(3), TELEKOM] < 10
    assert traffic.modes[Mode.PROBE] > 0
    assert [alarm.bind for alarm in router.alarms()] == [name(3)]
    traffic.play(120.0, fate)
    assert router.alarms() == ()
    assert traffic.play(60.0, fate)[name(3), TELEKOM] > 60


@pytest.mark.parametrize("segments", [1, 3])
def test_more_kinds_of_destination_than_are_remembered_are_no_trouble(segments: int) -> None:
    router = by_price(WHOLE_MAX + 1)
    for number in range(SHORTLISTS_MAX + 10):
        request = a_request(mccmnc=f"262{number:03}")._replace(segments=segments)
        assert order(router, request)[0] == name(0)
    assert len(router._contests._shortlists) <= SHORTLISTS_MAX


def test_networks_that_share_their_routes_share_how_these_stand() -> None:
    router = by_price()
    for number in range(200):
        take(router, NOW, a_request(f"+49151{number:08}"))
    assert len(router._contests._shortlists) == 1
