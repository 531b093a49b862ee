"""The trunks of the configuration, as the router and the calls see them."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from gateway.carriers.configured_trunks import routed_trunks, sip_trunks
from gateway.config.carrier import Carrier
from gateway.config.trunk import CallRoute
from routing.carrier_bind import Kind, RouteEntry
from tests.carriers.trunks import PLAIN
from tests.sip.transactions import tokens

ROUTE = CallRoute(("49", "43"), priority=2, weight=3, price=0.01)
ALPHA = Carrier("alpha", trunks=(PLAIN, replace(PLAIN, id="2")), call_routes=(ROUTE,))
INBOUND = Carrier("inbound", trunks=(PLAIN,))


def test_the_router_knows_a_trunk_by_its_channels_and_calls_a_second() -> None:
    first, _ = routed_trunks([ALPHA, INBOUND])
    assert (first.id, first.kind, first.window, first.tps) == ("alpha/1", Kind.CALL, 100, 10.0)
    assert first.routes == (RouteEntry("+49", 2, 3, 0.01), RouteEntry("+43", 2, 3, 0.01))


def test_a_carrier_without_call_routes_is_not_the_routers() -> None:
    assert [bind.id for bind in routed_trunks([ALPHA, INBOUND])] == ["alpha/1", "alpha/2"]


def test_each_trunk_is_there_for_calls_by_its_id() -> None:
    made = sip_trunks([ALPHA, INBOUND], Random(1), tokens(), lambda _: "<sip:gw>", lambda _: None)
    assert list(made) == ["alpha/1", "alpha/2", "inbound/1"]
    assert not any(trunk.up for trunk in made.values())
