"""Candidates by longest prefix, MCC and MCC-MNC, and by the type of the sender."""

import pytest

from routing.carrier_bind import RouteEntry
from routing.numbering_plan import NumberingPlan, NumberRange
from routing.ranking import Block
from routing.router import Router
from tests.routing.builders import NOW, a_bind, a_request, a_router, blocks, order, route_to

PLAN = NumberingPlan(
    [
        NumberRange("49", "DE", "262"),
        NumberRange("49151", "DE", "262", "01"),
        NumberRange("1", "US"),
    ]
)


def test_a_longer_prefix_goes_before_a_shorter_one() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("+49")),
        a_bind("beta/1"),
        a_bind("gamma/1", RouteEntry("+49151")),
        a_bind("delta/1", RouteEntry("+4916")),
    )
    assert order(router) == ["gamma/1", "alpha/1", "beta/1"]


def test_the_network_goes_before_the_prefix_and_the_country_before_its_calling_code() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("+49")),
        a_bind("beta/1", RouteEntry("262")),
        a_bind("gamma/1", RouteEntry("+49151")),
        a_bind("delta/1", RouteEntry("26201")),
        plan=PLAN,
    )
    assert order(router) == ["delta/1", "gamma/1", "beta/1", "alpha/1"]


def test_priority_goes_before_specificity() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("+49151", priority=2)), a_bind("beta/1", RouteEntry("+49"))
    )
    assert order(router) == ["beta/1", "alpha/1"]


def test_a_bind_goes_by_its_most_specific_route() -> None:
    router = a_router(a_bind("alpha/1", RouteEntry(), RouteEntry("+49"), RouteEntry("+49151")))
    assert route_to(router, "alpha/1").entry.match == "+49151"


def test_of_two_equal_matches_a_bind_uses_the_one_of_earlier_priority() -> None:
    router = a_router(a_bind("alpha/1", RouteEntry("+49", priority=2), RouteEntry("+49")))
    assert route_to(router, "alpha/1").entry.priority == 1


def test_a_looked_up_network_goes_before_the_plans() -> None:
    router = a_router(
        a_bind("alpha/1", RouteEntry("26201")), a_bind("beta/1", RouteEntry("26203")), plan=PLAN
    )
    assert order(router, a_request(mccmnc="26203")) == ["beta/1"]


def test_a_network_is_used_where_the_plan_knows_nothing() -> None:
    router = a_router(a_bind("alpha/1", RouteEntry("262")))
    assert order(router, a_request(mccmnc="26203")) == ["alpha/1"]


def test_the_ranking_tells_what_the_plan_knows_of_the_number() -> None:
    router = a_router(a_bind(), plan=PLAN)
    assert router.rank(a_request(), NOW).number_range == NumberRange("49151", "DE", "262", "01")


@pytest.mark.parametrize("destination", ["55501", "DEMO", "", "+", "+0151"])
def test_what_is_not_e164_has_no_route(destination: str) -> None:
    assert not a_router(a_bind()).reachable(destination, "long_code")


def test_a_type_of_sender_that_no_entry_allows_is_refused() -> None:
    router = a_router(
        a_bind("alpha/1", sender_types=["short_code"]), a_bind("beta/1", sender_types=["long_code"])
    )
    assert order(router) == ["beta/1"]
    assert blocks(router) == {"alpha/1": Block.SENDER_TYPE}


def test_a_bind_falls_back_to_a_shorter_match_that_allows_the_sender() -> None:
    only_short_codes = RouteEntry("+49151", sender_types=frozenset({"short_code"}))
    router = a_router(a_bind("alpha/1", RouteEntry("+49"), only_short_codes))
    assert route_to(router, "alpha/1").entry.match == "+49"


def test_reachable_does_not_ask_for_health() -> None:
    router = Router([a_bind("alpha/1", RouteEntry("+49"), sender_types=["long_code"])])
    assert router.reachable("+4915112345678", "long_code")
    assert not router.reachable("+4915112345678", "alphanumeric")
    assert not router.reachable("+33612345678", "long_code")


def test_two_binds_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="bind alpha/1 stands twice"):
        Router([a_bind(), a_bind()])
