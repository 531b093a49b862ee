"""What a bind and its routes may say."""

import pytest

from routing.carrier_bind import CarrierBind, RouteEntry
from tests.routing.builders import a_bind


def test_the_carrier_is_the_first_half_of_the_name() -> None:
    assert a_bind("alpha/2").carrier == "alpha"


@pytest.mark.parametrize("name", ["alpha", "alpha/", "/1", ""])
def test_a_bind_is_named_carrier_slash_bind(name: str) -> None:
    with pytest.raises(ValueError, match="is not named carrier/bind"):
        CarrierBind(name, (RouteEntry(),))


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="window 0 is below 1"):
        a_bind(window=0)


@pytest.mark.parametrize("tps", [0.0, -1.0, float("nan")])
def test_a_rate_of_nothing_is_refused(tps: float) -> None:
    with pytest.raises(ValueError, match="is not above 0"):
        a_bind(tps=tps)


@pytest.mark.parametrize("match", ["49", "+", "+0", "2620", "2620101", "DE", "26²"])
def test_a_match_is_a_prefix_or_a_network(match: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        RouteEntry(match)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_is_above_nothing(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        RouteEntry(weight=weight)


@pytest.mark.parametrize("price", [-0.01, float("nan")])
def test_a_price_is_not_negative(price: float) -> None:
    with pytest.raises(ValueError, match="price"):
        RouteEntry(price=price)


def test_a_network_is_more_specific_than_a_prefix_and_a_prefix_than_everything() -> None:
    matches = ["26201", "+491512345678901", "+4915", "262", "+491", "+49", ""]
    specificity = [RouteEntry(match).specificity for match in matches]
    assert specificity == [16.0, 15.0, 4.0, 3.5, 3.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("of_entry", "of_bind", "allowed"),
    [
        ((), (), True),
        ((), ("short_code",), False),
        ((), ("long_code",), True),
        (("long_code",), ("short_code",), True),
        (("short_code",), ("long_code",), False),
    ],
)
def test_the_entrys_sender_types_go_before_the_binds(
    of_entry: tuple[str, ...], of_bind: tuple[str, ...], allowed: bool
) -> None:
    entry = RouteEntry(sender_types=frozenset(of_entry))
    assert a_bind("alpha/1", entry, sender_types=of_bind).allows(entry, "long_code") is allowed
