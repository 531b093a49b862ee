"""The carriers of the configuration, in the words of those who work with them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway.carriers.bind_events import BindEvent
from gateway.carriers.bind_pool import BindPool
from gateway.carriers.link import Link
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import Clock
from gateway.config import BindType, Carrier
from gateway.config.dialect import IdFormat
from gateway.messaging.carrier_ids import CarrierIds
from gateway.net.network import Network
from routing.carrier_bind import CarrierBind as RoutedBind
from routing.carrier_bind import RouteEntry


def bind_id(carrier: Carrier, bind: str) -> str:
    return f"{carrier.id}/{bind}"


def links(
    carriers: tuple[Carrier, ...],
    network: Network,
    clock: Clock,
    random: Random,
    on_event: Callable[[BindEvent], None],
) -> dict[str, Link]:
    """The binds by their ids, those of several sessions as pools. None of them runs yet."""
    return {
        bind_id(carrier, bind.id): (BindPool if bind.sessions > 1 else SmppBind)(
            bind_id(carrier, bind.id), bind, network, clock, random, on_event
        )
        for carrier in carriers
        for bind in carrier.binds
    }


def silent_binds(carriers: tuple[Carrier, ...]) -> frozenset[str]:
    """The binds that are asked for no receipts."""
    return frozenset(
        bind_id(carrier, bind.id)
        for carrier in carriers
        for bind in carrier.binds
        if not bind.receipts
    )


def carrier_ids(carriers: tuple[Carrier, ...]) -> dict[str, CarrierIds]:
    """Of the carriers whose ids need not be the same octets in a receipt."""
    return {
        carrier.id: CarrierIds(carrier.response_id, carrier.receipt_id)
        for carrier in carriers
        if carrier.receipt_id is not IdFormat.EXACT
    }


def routed_binds(carriers: tuple[Carrier, ...]) -> list[RoutedBind]:
    """The carriers of the configuration in the router's words."""
    return [
        RoutedBind(
            id=bind_id(carrier, bind.id),
            routes=tuple(
                RouteEntry(
                    match=match,
                    priority=route.priority,
                    weight=route.weight,
                    price=route.price,
                    sender_types=frozenset(kind.value for kind in route.sender_types),
                )
                for route in carrier.routes
                for match in (*(f"+{prefix}" for prefix in route.prefixes), *route.mccmnc)
            ),
            window=bind.window * bind.sessions,
            tps=bind.tps,
            receipts=bind.receipts,
        )
        for carrier in carriers
        for bind in carrier.binds
        if bind.bind_type is not BindType.RECEIVER
    ]
