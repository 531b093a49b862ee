"""Which bind takes a message now, and why. Ask with `rank`; tell what happened with `observe`.

The router decides and never acts. It owns each bind's window and pace, so a candidate of a
ranking can take a segment at that moment; the caller reports every segment it sends, and what came
of it. Nothing here is random, reads a clock or does I/O: the same calls give the same rankings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from routing.alarm import Alarm
from routing.bind_alarms import watch_binds
from routing.bind_health import BindHealth, BindSnapshot
from routing.carrier_bind import CarrierBind, Kind
from routing.column import Column
from routing.e164 import leading_digits
from routing.estimate import Scope
from routing.events import (
    BindDown,
    BindUp,
    CallEnded,
    CallResult,
    Converted,
    Event,
    Outcome,
    PriceChanged,
    ReceiptSeen,
    SubmitResult,
    Submitted,
    WindowIs,
)
from routing.explanation import Decision, Decisions, explain
from routing.flight import Flight
from routing.leaf import Leaf
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan, NumberRange
from routing.policy import (
    POOR_SHARE,
    SLOWNESS_MAX,
    Contender,
    contenders,
    first_of_equals,
    worth_exploring,
)
from routing.ranking import Block, Blocked, Candidate, Mode, Ranking, RouteRequest
from routing.resends import Resends
from routing.route_table import RouteTable
from routing.router_state import restore, state_of
from routing.scorer import Scorer
from routing.traffic_class import CLASSES, TrafficClass, TrafficClasses

# Destinations are remembered by the digits that can matter to the plan or a route. When so many
# differ that this is reached, all are forgotten and looked up anew.
REMEMBERED_MAX = 16_384
# What blocks for a moment only: it is better to wait for a healthy route than to use a sick one.
PASSING = frozenset({Block.THROTTLED, Block.WINDOW_FULL, Block.RATE})

# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
BEST, EXPLORE, PROBE, FORCED, FAILOVER, PINNED = Mode
ALREADY_TRIED = Block.ALREADY_TRIED
OK = Outcome.OK
CALL = Kind.CALL
# Makes a NamedTuple in half the time that its class takes.
new = tuple.__new__


# The digits that can matter, the sender type, the network that was looked up, and whether it is a
# call.
_Key = tuple[str, str, str, bool]


class _Rival(NamedTuple):
    """A contender for one kind of destination and sender, and what is believed of it there.
    `place`: the more specific its match, the smaller."""

    tier: int
    place: int
    contender: Contender
    leaf: Leaf


class _Contest(NamedTuple):
    """Everything about a kind of destination and sender that does not change."""

    number_range: NumberRange | None
    network: str
    column: Column
    rivals: tuple[_Rival, ...]
    refused: tuple[Blocked, ...]


class Router:
    """Ranks the binds for a message. Every bind is down until a BindUp is observed."""

    def __init__(
        self,
        binds: Iterable[CarrierBind],
        plan: NumberingPlan = EMPTY_PLAN,
        now: float = 0.0,
        classes: Iterable[TrafficClass] = CLASSES,
    ) -> None:
        self._plan = plan
        self._table = RouteTable(binds)
        self._health = {bind.id: BindHealth(bind, now) for bind in self._table.binds}
        self._contenders = contenders(self._table.routes, self._health)
        self._classes = TrafficClasses(classes)
        self._contests: dict[_Key, _Contest] = {}
        self._scorer = Scorer(self._table.binds, self._classes, int(now), self._contests.clear)
        self._decisions = Decisions()
        self._resends = Resends()
        self._down_at: dict[str, float] = {}
        self._convertible = 0
        digits_max = max(1, plan.prefix_digits_max, self._table.prefix_digits_max)
        self._prefix_length = len("+") + digits_max
        self._observers: dict[type[Event], Callable[[Any], None]] = {
            Submitted: self._submitted,
            SubmitResult: self._answered,
            ReceiptSeen: self._receipt_seen,
            Converted: self._converted,
            BindUp: self._bind_up,
            BindDown: self._bind_down,
            WindowIs: self._window_is,
            PriceChanged: self._price_changed,
            CallResult: self._call_result,
            CallEnded: self._call_ended,
        }

    # Asking

    def rank(self, request: RouteRequest, now: float) -> Ranking:
        """The binds for one segment, or for the first of a message. Changes nothing."""
        destination = request.destination
        is_call = request.kind is CALL
        key = destination[: self._prefix_length], request.sender_type, request.mccmnc, is_call
        contest = self._contests.get(key) or self._contest(key)
        number = self._classes.number(request.traffic_class, is_call)
        traffic = self._classes.all[number]
        value = traffic.value
        deadline_s = traffic.deadline_s
        segments = request.segments
        excluded = request.excluded
        pinned = request.pinned
        avoided = (
            self._resends.last_bind(destination, request.message_id, now)
            if number == 0 and not pinned
            else ""
        )
        ready: list[Candidate] = []
        doubtful: list[Candidate] = []
        blocked: list[Blocked] = []
        data_points = 0
        is_in_doubt = False
        for tier, place, contender, leaf in contest.rivals:
            bind = contender.bind
            if pinned and bind != pinned:
                continue
            if excluded and bind in excluded:
                blocked.append(Blocked(bind, contender.route, ALREADY_TRIED))
                continue
            health = contender.health
            if health.ready_at > now and (block := health.block(now)):
                blocked.append(Blocked(bind, contender.route, *block))
                continue
            estimate = leaf.estimate
            data_points += estimate.data_points + health.data_points
            latency_s = health.latency_s
            slowness = latency_s / deadline_s
            if slowness > SLOWNESS_MAX:
                slowness = SLOWNESS_MAX
            burden = health.burden
            price = contender.price
            route = contender.route
            group = contender.group
            turn = contender.next_turn
            candidate = new(
                Candidate,
                (
                    tier,
                    price * segments * estimate.units
                    - value * (estimate.quality[number] * (1.0 - slowness) - burden),
                    place,
                    bind,
                    route,
                    estimate,
                    price,
                    latency_s,
                    burden,
                    turn if turn > group.turn_now else group.turn_now,
                    group,
                    leaf,
                ),
            )
            if not pinned and (
                estimate.sick or bind == avoided or (number == 0 and health.shaky_until > now)
            ):
                doubtful.append(candidate)
            else:
                ready.append(candidate)
                if estimate.in_doubt:
                    is_in_doubt = True
        mode = PINNED if pinned else FAILOVER if request.attempt > 1 else BEST
        if len(ready) > 1:
            ready.sort()
        if doubtful:
            mode = self._admit(request, contest, number, ready, doubtful, blocked, mode, now)
        if len(ready) > 1 and mode is not PROBE:
            chosen = 0
            if traffic.explore_share and mode is BEST and contest.column.may_explore(now):
                chosen = worth_exploring(ready, number, value, self._classes.all[0].value)
                if chosen:
                    mode = EXPLORE
            chosen = chosen or first_of_equals(ready, value)
            if is_in_doubt and mode is BEST and self._settle(ready, contest, request, number, now):
                mode = PROBE
            elif chosen:
                ready.insert(0, ready.pop(chosen))
        for refusal in contest.refused:
            if not pinned or refusal.bind == pinned:
                blocked.append(refusal)
        return new(
            Ranking,
            (
                request,
                now,
                contest.number_range,
                tuple(ready),
                tuple(blocked),
                mode,
                contest.network,
                traffic.name,
                value,
                data_points,
            ),
        )

    def reachable(self, destination: str, sender_type: str, kind: Kind = Kind.MESSAGE) -> bool:
        """Does any route lead there from this type of sender, whatever the binds' health?"""
        key = destination[: self._prefix_length], sender_type, "", kind is CALL
        return bool(self._contest(key).rivals)

    def explain(self, message_id: int) -> dict[str, Any] | None:
        """Why a message of late went where it went; None where that is not known any more."""
        decision = self._decisions.find(message_id)
        if decision is None:
            return None
        return explain(decision.ranking, decision.bind, self._scorer.alarms.standing())

    def explain_ranking(self, ranking: Ranking) -> dict[str, Any]:
        """The same record for a ranking that was only asked for."""
        return explain(ranking, "", self._scorer.alarms.standing())

    def alarms(self) -> tuple[Alarm, ...]:
        """Those that stand now."""
        return self._scorer.alarms.standing()

    def events(self) -> list[Alarm]:
        """Alarms raised and cleared (`cleared_at`) since this was last asked."""
        return self._scorer.alarms.changes()

    def snapshot(self, now: float) -> tuple[BindSnapshot, ...]:
        """A reading of every bind, in the order in which they were configured."""
        return tuple(health.snapshot(now) for health in self._health.values())

    def state(self) -> dict[str, Any]:
        """What was learnt, fit for JSON, for `restore` in a later run."""
        return state_of(self._scorer, self._health)

    def restore(self, state: Mapping[str, Any], age_s: float) -> None:
        """Take over what an earlier run had learnt `age_s` ago. Before anything is observed.
        ValueError: it is of another version."""
        restore(self._scorer, self._health, state, age_s)

    # Telling

    def observe(self, event: Event) -> None:
        """Learn from what happened. KeyError: the event names a bind that the router lacks."""
        if event.at >= self._scorer.second + 1.0:
            self.tick(event.at)
        self._observers[type(event)](event)

    def tick(self, now: float) -> None:
        """Once a second is often enough: judges what has come in since, and lets idle binds recover
        what time gives back."""
        for health in self._health.values():
            health.settle(now)
        self._scorer.tick(int(now))
        watch_binds(self._health, self._scorer.alarms, now)

    def _submitted(self, event: Submitted) -> None:
        route, at, part, ranking = event
        contender = self._contenders[route.number]
        contender.submitted(part)
        contender.health.submitted(at)
        if part > 1:
            return
        if ranking is None:
            self._scorer.probed(contender.bind, at)
            return
        request = ranking.request
        bind = contender.bind
        self._decisions.keep(new(Decision, (ranking, bind)))
        for candidate in ranking.candidates:
            if candidate.route is route:
                leaf = candidate.leaf
                break
        else:
            return
        number = self._classes.number(ranking.traffic_class)
        traffic = self._classes.all[number]
        column = leaf.column
        column.submitted(number, at, traffic.explore_share)
        mode = ranking.mode
        if mode is BEST:
            if traffic.explore_share:
                column.found_nothing(at)
        elif mode is EXPLORE and ranking.candidates[0].bind == bind:
            column.explored(at)
        # As `_key` says it, written out for its time.
        key = f"{request.account}/{ranking.traffic_class}/{ranking.network}"
        flight = Flight(leaf, key, int(at))
        if leaf.estimate.sick or leaf.estimate.in_doubt:
            if leaf.estimate.sick:
                leaf.outlier.watch(flight)
            leaf.outlier.probed(column.sent, at)
            leaf.trust.tried(self._convertible, at)
            leaf.of_bind.trust.tried(self._convertible, at)
        self._convertible += self._scorer.conversions.is_live(key)
        if number == 0:
            self._resends.sent(request.destination, request.message_id, bind, at)
        self._scorer.flights.take_off(request.message_id, flight)

    def _answered(self, event: SubmitResult) -> None:
        bind, outcome, latency_s, at, message_id, _ = event
        self._health[bind].answered(outcome, latency_s, at)
        if outcome is OK:
            self._scorer.accepted(bind, message_id, at)

    def _receipt_seen(self, event: ReceiptSeen) -> None:
        bind, delivered, delay_s, at, message_id, fault = event
        self._health[bind].receipt(delivered, delay_s)
        self._scorer.receipt(bind, delivered, delay_s, at, message_id, fault)

    def _converted(self, event: Converted) -> None:
        self._scorer.converted(event.message_id, event.at)

    def _bind_up(self, event: BindUp) -> None:
        self._health[event.bind].bind_up(event.at)
        down_at = self._down_at.pop(event.bind, event.at)
        self._scorer.bind_up(event.bind, int(event.at - down_at))

    def _bind_down(self, event: BindDown) -> None:
        self._health[event.bind].bind_down(event.at)
        self._down_at.setdefault(event.bind, event.at)
        watch_binds(self._health, self._scorer.alarms, event.at)

    def _window_is(self, event: WindowIs) -> None:
        self._health[event.bind].window_is(event.window, event.used)

    def _price_changed(self, event: PriceChanged) -> None:
        self._health[event.bind]
        for contender in self._contenders:
            if contender.bind == event.bind and event.match in (None, contender.route.entry.match):
                contender.price = event.price

    def _call_result(self, event: CallResult) -> None:
        self._health[event.bind].call_answered(event.status, event.pdd_s, event.at)
        self._scorer.call_result(event.bind, event.status, event.message_id, event.progress)

    def _call_ended(self, event: CallEnded) -> None:
        self._health[event.bind].call_ended()
        self._scorer.call_ended(event.bind, event.message_id, event.duration_s, event.mos, event.at)

    # Choosing

    def _admit(
        self,
        request: RouteRequest,
        contest: _Contest,
        number: int,
        ready: list[Candidate],
        doubtful: list[Candidate],
        blocked: list[Blocked],
        mode: Mode,
        now: float,
    ) -> Mode:
        """What becomes of routes that are sick, flap, or took the last code to this number: one may
        be due for a probe, some are merely poor, and the rest is better than nothing."""
        doubtful.sort()
        if ready and request.attempt == 1:
            for place in doubtful:
                if place.estimate.sick and self._is_due(place, contest, request, number, now):
                    ready.insert(0, place)
                    doubtful.remove(place)
                    mode = PROBE
                    break
        if ready:
            best = max(place.estimate.quality[number] for place in ready)
            for place in [
                place
                for place in doubtful
                if place.estimate.sick
                and place.estimate.trust > POOR_SHARE
                and place.estimate.quality[number] > POOR_SHARE * best
            ]:
                doubtful.remove(place)
                ready.append(place)
            if mode is not PROBE:
                ready.sort()
        elif not self._is_worth_waiting(contest, blocked, now):
            ready.extend(doubtful)
            doubtful.clear()
            mode = FORCED
        for place in doubtful:
            block = Block.SICK if place.estimate.sick else Block.RESEND
            blocked.append(Blocked(place.bind, place.route, block))
        return mode

    def _settle(
        self,
        ready: list[Candidate],
        contest: _Contest,
        request: RouteRequest,
        number: int,
        now: float,
    ) -> bool:
        """Should a route go first that is in doubt and has lost its traffic for that, so that the
        doubt may end?"""
        for index in range(1, len(ready)):
            place = ready[index]
            if place.tier != ready[0].tier:
                break
            if place.estimate.in_doubt and self._is_due(place, contest, request, number, now):
                ready.insert(0, ready.pop(index))
                return True
        return False

    def _is_due(
        self, place: Candidate, contest: _Contest, request: RouteRequest, number: int, now: float
    ) -> bool:
        """May this message find out whether a sick route is well?"""
        leaf = place.leaf
        if leaf.trust.is_open or leaf.of_bind.trust.is_open:
            # Only a message that may convert can tell whether receipts are true.
            trust = leaf.of_bind.trust if leaf.of_bind.trust.is_open else leaf.trust
            key = self._key(request, number, contest.network)
            return trust.on_trial(self._convertible, now) and self._scorer.conversions.is_live(key)
        column = contest.column
        return leaf.outlier.is_due(column.sent, now) and column.is_cheapest(number, now)

    def _is_worth_waiting(self, contest: _Contest, blocked: list[Blocked], now: float) -> bool:
        """Is a healthy route away only for a moment?"""
        passing = {one.bind for one in blocked if one.block in PASSING}
        return any(
            rival.contender.bind in passing and not rival.leaf.estimate.sick
            for rival in contest.rivals
        )

    def _key(self, request: RouteRequest, number: int, network: str) -> str:
        """Whose conversions are alike: a customer's, within one class and network."""
        return f"{request.account}/{self._classes.all[number].name}/{network}"

    def _contest(self, key: _Key) -> _Contest:
        contest = self._contests.get(key)
        if contest is None:
            if len(self._contests) >= REMEMBERED_MAX:
                self._contests.clear()
            contest = self._contests[key] = self._find(*key)
        return contest

    def _find(self, prefix: str, sender_type: str, mccmnc: str, is_call: bool) -> _Contest:
        digits = leading_digits(prefix)
        if not digits:
            return _Contest(None, "", Column("", 0), (), ())
        number_range = self._plan.find(digits)
        if number_range and not mccmnc:
            mcc, mccmnc = number_range.mcc, number_range.mccmnc
        else:
            mcc = mccmnc[:3]
        found = self._table.find(
            digits, mcc, mccmnc, sender_type, CALL if is_call else Kind.MESSAGE
        )
        country = mcc or (number_range.country if number_range else "")
        matches = [route.entry.match for route in found.usable]
        network = mccmnc or country or max(matches, key=len, default="") or "*"
        if is_call:
            network = f"call {network}"
        tiers = {
            priority: tier
            for tier, priority in enumerate(sorted({r.entry.priority for r in found.usable}))
        }
        return _Contest(
            number_range,
            network,
            self._scorer.tree.column(network),
            tuple(
                _Rival(
                    tiers[route.entry.priority],
                    place,
                    self._contenders[route.number],
                    self._scorer.tree.leaf(Scope(route.bind, country, network, sender_type)),
                )
                for place, route in enumerate(found.usable)
            ),
            tuple(Blocked(route.bind, route, Block.SENDER_TYPE) for route in found.refused),
        )
