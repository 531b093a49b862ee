"""Which bind takes a message now, and why. Ask with `rank`; tell what happened with `observe`.

The router decides and never acts. It owns each bind's window and pace, so a candidate of a
ranking can take a segment at that moment; the caller reports every segment it sends. Nothing
here is random, reads a clock or does I/O: the same calls give the same rankings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from routing.bind_health import BindHealth, BindSnapshot
from routing.carrier_bind import CarrierBind
from routing.e164 import leading_digits
from routing.events import (
    BindDown,
    BindUp,
    Event,
    ReceiptSeen,
    SubmitResult,
    Submitted,
    WindowIs,
)
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan, NumberRange
from routing.policy import Contender, contenders
from routing.ranking import Block, Blocked, Candidate, Ranking, RouteRequest
from routing.route_table import RouteTable

# Destinations are remembered by the digits that can matter to the plan or a route. When so many
# differ that this is reached, all are forgotten and looked up anew.
REMEMBERED_MAX = 16_384


class _Contest(NamedTuple):
    """Everything about a kind of destination and sender that does not change."""

    number_range: NumberRange | None
    contenders: tuple[tuple[int, Contender], ...]
    refused: tuple[Blocked, ...]


class Router:
    """Ranks the binds for a message. Every bind is down until a BindUp is observed."""

    def __init__(
        self, binds: Iterable[CarrierBind], plan: NumberingPlan = EMPTY_PLAN, now: float = 0.0
    ) -> None:
        self._plan = plan
        self._table = RouteTable(binds)
        self._health = {bind.id: BindHealth(bind, now) for bind in self._table.binds}
        self._contenders = contenders(self._table.routes, self._health)
        digits_max = max(1, plan.prefix_digits_max, self._table.prefix_digits_max)
        self._prefix_length = len("+") + digits_max
        self._contests: dict[tuple[str, str, str], _Contest] = {}

    def rank(self, request: RouteRequest, now: float) -> Ranking:
        """The binds for one segment, or for the first of a message. Changes nothing."""
        contest = self._contest(request.destination, request.sender_type, request.mccmnc)
        excluded = request.excluded
        pinned = request.pinned
        ready: list[tuple[int, float, float, int, Contender]] = []
        blocked: list[Blocked] = []
        for group, contender in contest.contenders:
            bind = contender.bind
            if pinned and bind != pinned:
                continue
            route = contender.route
            if excluded and bind in excluded:
                blocked.append(Blocked(bind, route, Block.ALREADY_TRIED))
                continue
            health = contender.health
            if health.ready_at > now and (block := health.block(now)):
                blocked.append(Blocked(bind, route, *block))
            else:
                turn = contender.turn
                ready.append((group, turn, -contender.utility, route.number, contender))
        ready.sort()
        for refusal in contest.refused:
            if not pinned or refusal.bind == pinned:
                blocked.append(refusal)
        return Ranking(
            request,
            now,
            contest.number_range,
            tuple(
                [
                    Candidate(contender.bind, contender.route, -cost, turn)
                    for _, turn, cost, _, contender in ready
                ]
            ),
            tuple(blocked),
        )

    def observe(self, event: Event) -> None:
        """Learn from what happened. KeyError: the event names a bind that the router lacks."""
        if isinstance(event, Submitted):
            contender = self._contenders[event.route.number]
            contender.submitted(event.part)
            contender.health.submitted(event.at)
        elif isinstance(event, SubmitResult):
            self._health[event.bind].answered(event.outcome, event.latency_s, event.at)
        elif isinstance(event, ReceiptSeen):
            self._health[event.bind].receipt(event.delivered, event.delay_s)
        elif isinstance(event, BindUp):
            self._health[event.bind].bind_up(event.at)
        elif isinstance(event, BindDown):
            self._health[event.bind].bind_down(event.at)
        elif isinstance(event, WindowIs):
            self._health[event.bind].window_is(event.window, event.used)
        else:
            assert_never(event)

    def tick(self, now: float) -> None:
        """Once a second is often enough: lets idle binds recover what time gives back."""
        for health in self._health.values():
            health.settle(now)

    def reachable(self, destination: str, sender_type: str) -> bool:
        """Does any route lead there from this type of sender, whatever the binds' health?"""
        return bool(self._contest(destination, sender_type, "").contenders)

    def snapshot(self, now: float) -> tuple[BindSnapshot, ...]:
        """A reading of every bind, in the order in which they were configured."""
        return tuple(health.snapshot(now) for health in self._health.values())

    def _contest(self, destination: str, sender_type: str, mccmnc: str) -> _Contest:
        key = (destination[: self._prefix_length], sender_type, mccmnc)
        contest = self._contests.get(key)
        if contest is None:
            if len(self._contests) >= REMEMBERED_MAX:
                self._contests.clear()
            contest = self._contests[key] = self._find(*key)
        return contest

    def _find(self, prefix: str, sender_type: str, mccmnc: str) -> _Contest:
        digits = leading_digits(prefix)
        if not digits:
            return _Contest(None, (), ())
        number_range = self._plan.find(digits)
        if number_range and not mccmnc:
            mcc, mccmnc = number_range.mcc, number_range.mccmnc
        else:
            mcc = mccmnc[:3]
        found = self._table.find(digits, mcc, mccmnc, sender_type)
        kinds = [(route.entry.priority, -route.entry.specificity) for route in found.usable]
        order = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
        return _Contest(
            number_range,
            tuple(
                (order[kind], self._contenders[route.number])
                for kind, route in zip(kinds, found.usable, strict=True)
            ),
            tuple(Blocked(route.bind, route, Block.SENDER_TYPE) for route in found.refused),
        )
