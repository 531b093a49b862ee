"""Which routes lead to a destination: longest prefix, MCC and MCC-MNC, before anything live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routing.carrier_bind import CarrierBind, Kind, RouteEntry
from routing.e164 import longest_first


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of one bind. `number` is its place in the table, unique there."""

    number: int
    bind: str
    entry: RouteEntry


@dataclass(frozen=True, slots=True)
class RoutesFound:
    """`usable` in groups by priority, then by specificity; `refused`: none for the sender type."""

    usable: tuple[Route, ...]
    refused: tuple[Route, ...]


class RouteTable:
    """All routes of all binds, by what they match. It never changes once made."""

    def __init__(self, binds: Iterable[CarrierBind]) -> None:
        self._binds: dict[str, CarrierBind] = {}
        self._by_match: dict[str, list[Route]] = {}
        routes: list[Route] = []
        for bind in binds:
            if bind.id in self._binds:
                raise ValueError(f"bind {bind.id} stands twice")
            self._binds[bind.id] = bind
            for entry in bind.routes:
                route = Route(len(routes), bind.id, entry)
                routes.append(route)
                self._by_match.setdefault(entry.match, []).append(route)
        self.routes = tuple(routes)
        self.prefix_digits_max = max(
            (len(route.entry.match) - 1 for route in routes if route.entry.match.startswith("+")),
            default=0,
        )

    @property
    def binds(self) -> tuple[CarrierBind, ...]:
        return tuple(self._binds.values())

    def find(
        self,
        digits: str,
        mcc: str,
        mccmnc: str,
        sender_type: str,
        kind: Kind = Kind.MESSAGE,
    ) -> RoutesFound:
        """Each bind's most specific route for the number and sender type, best group first.

        A bind that serves the destination, but not from this type of sender, is refused.
        """
        matches = {"", mcc, mccmnc}
        matches.update("+" + prefix for prefix in longest_first(digits) if prefix)
        matching = [route for match in matches for route in self._by_match.get(match, ())]
        matching.sort(key=_most_specific_first)
        usable: dict[str, Route] = {}
        refused: dict[str, Route] = {}
        for route in matching:
            bind = self._binds[route.bind]
            if bind.kind is not kind:
                continue
            allowed = bind.allows(route.entry, sender_type)
            (usable if allowed else refused).setdefault(route.bind, route)
        return RoutesFound(
            usable=tuple(sorted(usable.values(), key=_preferred_first)),
            refused=tuple(route for bind, route in refused.items() if bind not in usable),
        )


def _most_specific_first(route: Route) -> tuple[float, int, int]:
    return -route.entry.specificity, route.entry.priority, route.number


def _preferred_first(route: Route) -> tuple[int, float, int]:
    return route.entry.priority, -route.entry.specificity, route.number
