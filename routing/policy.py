"""Who goes first among binds that can all go: priority groups, and turns within a group.

A group is all routes of one match and one priority; a later group is asked only when no bind of
an earlier one can take the segment. Within a group, start-time fair queueing (Goyal, Vin, Cheng
1996) shares segments in proportion to utility, smoothly and without chance: every segment moves
its route's next turn on by 1/utility, and the earliest turn goes first. A route that comes back
after a pause joins at the present turn; it has no claim on what it missed.
"""

from __future__ import annotations

from collections.abc import Iterable

from routing.bind_health import BindHealth
from routing.route_table import Route


class RouteGroup:
    """Rivals for the same traffic. `turn_now` is the turn of the message that went last."""

    __slots__ = ("price_min", "turn_now")

    def __init__(self, routes: Iterable[Route]) -> None:
        self.price_min = min((r.entry.price for r in routes if r.entry.price > 0), default=0.0)
        self.turn_now = 0.0


class Contender:
    """A route with its bind's health and its place among its group's turns."""

    __slots__ = ("_group", "_next_turn", "bind", "health", "route", "value")

    def __init__(self, route: Route, group: RouteGroup, health: BindHealth) -> None:
        self.route = route
        self.bind = route.bind
        self.health = health
        self._group = group
        self._next_turn = 0.0
        # A route twice as dear as its cheapest rival takes half the share. To use the dear one
        # only when the cheap one cannot, give it a later priority.
        price = route.entry.price
        self.value = route.entry.weight * (group.price_min / price if price > 0 else 1.0)

    @property
    def utility(self) -> float:
        return self.value * self.health.quality

    @property
    def turn(self) -> float:
        turn_now = self._group.turn_now
        return self._next_turn if self._next_turn > turn_now else turn_now

    def submitted(self, part: int) -> None:
        """The route pays for a segment; the group's turn follows the first part of a message, so
        that rivals keep their place while the other parts go out on the same bind."""
        turn = self.turn
        self._next_turn = turn + 1.0 / self.utility
        if part == 1:
            self._group.turn_now = turn


def contenders(routes: Iterable[Route], health: dict[str, BindHealth]) -> tuple[Contender, ...]:
    """One contender a route, in the order of the routes' numbers."""
    rivals: dict[tuple[str, int], list[Route]] = {}
    ordered = tuple(routes)
    for route in ordered:
        rivals.setdefault((route.entry.match, route.entry.priority), []).append(route)
    groups = {key: RouteGroup(members) for key, members in rivals.items()}
    return tuple(
        Contender(route, groups[route.entry.match, route.entry.priority], health[route.bind])
        for route in ordered
    )
