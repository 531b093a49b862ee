"""The trunks of the configuration, as the router and the calls see them."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from gateway.carriers.configured_trunks import SipTrunks, TrunkChanges, routed_trunks
from gateway.config.carrier import Carrier
from gateway.config.trunk import CallRoute, CarrierTrunk
from routing.carrier_bind import Kind, RouteEntry
from routing.events import BindDown, Event
from tests.carriers.trunks import FIRST, NOW, PLAIN
from tests.sip.transactions import tokens

ROUTE = CallRoute(("49", "43"), priority=2, weight=3, price=0.01)
ALPHA = Carrier("alpha", trunks=(PLAIN, replace(PLAIN, id="2")), call_routes=(ROUTE,))
INBOUND = Carrier("inbound", trunks=(PLAIN,))


def some_trunks(*carriers: Carrier, told: list[Event] | None = None) -> SipTrunks:
    heard: list[Event] = [] if told is None else told
    made = SipTrunks(Random(1), tokens(), lambda _: "<sip:gw>", heard.append)
    made.take_over(carriers, NOW)
    return made


def reached(*trunks: CarrierTrunk) -> Carrier:
    return Carrier("alpha", trunks=trunks)


def test_the_router_knows_a_trunk_by_its_channels_and_calls_a_second() -> None:
    first, _ = routed_trunks([ALPHA, INBOUND])
    assert (first.id, first.kind, first.window, first.tps) == ("alpha/1", Kind.CALL, 100, 10.0)
    assert first.routes == (RouteEntry("+49", 2, 3, 0.01), RouteEntry("+43", 2, 3, 0.01))


def test_a_carrier_without_call_routes_is_not_the_routers() -> None:
    assert [bind.id for bind in routed_trunks([ALPHA, INBOUND])] == ["alpha/1", "alpha/2"]


def test_each_trunk_is_there_for_calls_by_its_id() -> None:
    made = some_trunks(ALPHA, INBOUND)
    assert list(made) == ["alpha/1", "alpha/2", "inbound/1"]
    assert not any(trunk.up for trunk in made.values())


def test_trunk_that_is_spoken_to_otherwise_stays_up() -> None:
    made = some_trunks(reached(replace(PLAIN, options_s=0.0)))
    trunk = made["alpha/1"]
    trunk.resolved([FIRST], NOW)
    later = replace(PLAIN, options_s=0.0, no_answer_s=2.0)
    assert made.take_over([reached(later)], NOW) == TrunkChanges([], ["alpha/1"], [])
    assert made["alpha/1"] is trunk
    assert (trunk.up, trunk.no_answer_s) == (True, 2.0)


def test_trunk_that_is_reached_otherwise_is_another_and_down() -> None:
    told: list[Event] = []
    made = some_trunks(reached(replace(PLAIN, options_s=0.0)), told=told)
    before = made["alpha/1"]
    before.resolved([FIRST], NOW)
    changes = made.take_over([reached(replace(PLAIN, host="b.example"))], NOW + 1)
    assert changes == TrunkChanges([], ["alpha/1"], [])
    assert (made["alpha/1"].up, made.leaving) == (False, [before])
    assert told[1:] == [BindDown("alpha/1", NOW + 1)]


def test_trunk_that_is_gone_is_down_and_tells_nothing_more() -> None:
    told: list[Event] = []
    made = some_trunks(reached(replace(PLAIN, options_s=0.0)), told=told)
    gone = made["alpha/1"]
    gone.resolved([FIRST], NOW)
    assert made.take_over([INBOUND], NOW + 1) == TrunkChanges(["inbound/1"], [], ["alpha/1"])
    gone.resolved([FIRST], NOW + 2)
    assert told[1:] == [BindDown("alpha/1", NOW + 1)]


def test_what_is_as_before_is_left_alone() -> None:
    made = some_trunks(ALPHA)
    before = dict(made)
    assert made.take_over([ALPHA], NOW) == TrunkChanges([], [], [])
    assert dict(made) == before
