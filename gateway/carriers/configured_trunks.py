"""The SIP trunks of the configuration, in the words of those who work with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from random import Random
from typing import NamedTuple

from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.carrier import Carrier
from gateway.sip.transaction import Destination
from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.events import BindDown, BindUp


def trunk_id(carrier: Carrier, trunk: str) -> str:
    return f"{carrier.id}/{trunk}"


class TrunkChanges(NamedTuple):
    """The ids of trunks that are taken over from a configuration."""

    new: list[str]
    changed: list[str]
    gone: list[str]


class SipTrunks(Mapping[str, SipTrunk]):
    """By their ids; a new one is down. `leaving` are those that are none of ours any more since the
    last time: their registrations are still to be taken back."""

    def __init__(
        self,
        random: Random,
        new_token: Callable[[], str],
        contact: Callable[[Destination], str],
        on_event: Callable[[BindUp | BindDown], None],
    ) -> None:
        self._made = partial(
            SipTrunk, random=random, new_token=new_token, contact=contact, on_event=on_event
        )
        self._trunks: dict[str, SipTrunk] = {}
        self.leaving: list[SipTrunk] = []

    def __getitem__(self, name: str) -> SipTrunk:
        return self._trunks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trunks)

    def __len__(self) -> int:
        return len(self._trunks)

    def take_over(self, carriers: Iterable[Carrier], now: float) -> TrunkChanges:
        """One that is reached otherwise than before is another trunk, and so begins as down."""
        wanted = {
            trunk_id(carrier, trunk.id): trunk for carrier in carriers for trunk in carrier.trunks
        }
        new = [name for name in wanted if name not in self._trunks]
        gone = [name for name in self._trunks if name not in wanted]
        changed = [name for name in wanted if name not in new and self[name].config != wanted[name]]
        moved = [name for name in changed if not self[name].reconfigured(wanted[name])]
        self.leaving = [self._trunks.pop(name) for name in (*gone, *moved)]
        for trunk in self.leaving:
            trunk.retire(now)
        for name in (*new, *moved):
            self._trunks[name] = self._made(name, wanted[name])
        return TrunkChanges(new, changed, gone)


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
