"""Who goes first among binds that can all go: priority, then money, then turns among equals.

Priority is the operator's word: a later one is asked only when no bind of an earlier one can take
the segment, or all of those are sick. Within a priority the route goes first that brings most:

    utility = value * (quality * (1 - slowness) - burden) - price * segments

Of routes whose utilities are as good as equal, or that cost the same and cannot be told apart by
what has been seen, the more specific match goes first; those of one match share by weight.
Start-time fair queueing (Goyal, Vin, Cheng 1996) does that smoothly and without chance: every
segment moves its route's next turn on by 1/weight, and the earliest turn goes first. A route that
comes back after a pause joins at the present turn; it has no claim on what it missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from routing.bind_health import BindHealth
from routing.ranking import Candidate
from routing.route_table import Route

# Utilities closer than this share of a message's value are equal.
EQUAL_SHARE = 0.006
# Routes of one price are equal, too, while they are closer than this many standard deviations.
EQUAL_DEVIATIONS = 0.5
# A sick route of at least this share of the best one's quality is merely a poor one.
POOR_SHARE = 0.5
# What might be found out: how many standard deviations above belief a route is given a chance.
OPTIMISM = 1.3
# An exploring message may not be expected to lose more than this share of its value.
EXPLORE_LOSS_MAX = 0.5
SLOWNESS_MAX = 0.8


class RouteGroup:
    """Rivals for the same traffic. `turn_now` is the turn of the message that went last."""

    __slots__ = ("turn_now",)

    def __init__(self) -> None:
        self.turn_now = 0.0


class Contender:
    """A route with its bind's health, its price now, and its place among its group's turns."""

    __slots__ = ("bind", "group", "health", "next_turn", "price", "route", "weight")

    def __init__(self, route: Route, group: RouteGroup, health: BindHealth) -> None:
        self.route = route
        self.bind = route.bind
        self.health = health
        self.price = route.entry.price
        self.weight = route.entry.weight
        self.group = group
        self.next_turn = 0.0

    def submitted(self, part: int) -> None:
        """The route pays for a segment; the group's turn follows the first part of a message, so
        that rivals keep their place while the other parts go out on the same bind."""
        group = self.group
        turn = self.next_turn
        if turn < group.turn_now:
            turn = group.turn_now
        self.next_turn = turn + 1.0 / (self.weight * self.health.quality)
        if part == 1:
            group.turn_now = turn


def contenders(routes: Iterable[Route], health: dict[str, BindHealth]) -> tuple[Contender, ...]:
    """One contender a route, in the order of the routes' numbers."""
    groups: dict[tuple[str, int], RouteGroup] = {}
    return tuple(
        Contender(
            route,
            groups.setdefault((route.entry.match, route.entry.priority), RouteGroup()),
            health[route.bind],
        )
        for route in routes
    )


def first_of_equals(ready: list[Candidate], value: float) -> int:
    """The index of who goes first among those as good as the first: the route with the more
    specific match, and among those of one match the one with the earliest turn."""
    best = first = ready[0]
    chosen = 0
    for index in range(1, len(ready)):
        other = ready[index]
        if other.tier != best.tier:
            break
        ahead = (
            other.turn < first.turn if other.group is first.group else other.number < first.number
        )
        if ahead and are_equal(best, other, value):
            chosen, first = index, other
    return chosen


def are_equal(best: Candidate, other: Candidate, value: float) -> bool:
    gap = other.cost - best.cost
    if gap <= EQUAL_SHARE * value:
        return True
    if other.price != best.price:
        return False
    one, two = best.estimate.deviation, other.estimate.deviation
    return gap <= EQUAL_DEVIATIONS * value * sqrt(one * one + two * two)


def worth_exploring(ready: list[Candidate], number: int, value: float, value_max: float) -> int:
    """The index of the route that might be better than the best, for this class or for the most
    valuable one, and of which least is known; 0 where there is none."""
    best = ready[0]
    chosen, least_known = 0, 0.0
    best_price = best.price
    for index in range(1, len(ready)):
        other = ready[index]
        if other.tier != best.tier:
            break
        estimate = other.estimate
        if estimate.deviation <= least_known or estimate.p <= 0.0:
            continue
        if other.cost - best.cost > EXPLORE_LOSS_MAX * value or are_equal(best, other, value):
            continue
        lift = min(1.0, estimate.p + OPTIMISM * estimate.deviation) / estimate.p
        quality = estimate.quality[number]
        of_urgent = estimate.quality[0]
        price = other.price
        if (
            value * quality * (lift - 1.0) > other.cost - best.cost
            or value_max * (of_urgent * lift - best.estimate.quality[0]) > price - best_price
        ):
            chosen, least_known = index, estimate.deviation
    return chosen
