"""The SIP trunks of the configuration, in the words of those who work with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.carrier import Carrier
from gateway.sip.transaction import Destination
from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.events import BindDown, BindUp


def trunk_id(carrier: Carrier, trunk: str) -> str:
    return f"{carrier.id}/{trunk}"


def sip_trunks(
    carriers: Iterable[Carrier],
    random: Random,
    new_token: Callable[[], str],
    contact: Callable[[Destination], str],
    on_event: Callable[[BindUp | BindDown], None],
) -> dict[str, SipTrunk]:
    """By their ids; all of them are down."""
    return {
        trunk_id(carrier, trunk.id): SipTrunk(
            trunk_id(carrier, trunk.id), trunk, random, new_token, contact, on_event
        )
        for carrier in carriers
        for trunk in carrier.trunks
    }


def routed_trunks(carriers: Iterable[Carrier]) -> list[CarrierBind]:
    """In the router's words. A carrier without call routes only sends us calls."""
    return [
        CarrierBind(
            id=trunk_id(carrier, trunk.id),
            routes=tuple(
                RouteEntry(f"+{prefix}", route.priority, route.weight, route.price)
                for route in carrier.call_routes
                for prefix in route.prefixes
            ),
            window=trunk.channels,
            tps=trunk.cps,
            kind=Kind.CALL,
        )
        for carrier in carriers
        if carrier.call_routes
        for trunk in carrier.trunks
    ]
