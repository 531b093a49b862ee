"""Which bind takes a message now, and why. Ask with `rank`; tell what happened with `observe`.

The router decides and never acts. It owns each bind's window and pace, so a candidate of a
ranking can take a segment at that moment; the caller reports every segment it sends, and what came
of it. Nothing here is random, reads a clock or does I/O: the same calls give the same rankings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from routing.alarm import Alarm
from routing.bind_alarms import watch_binds
from routing.bind_health import BindHealth, BindSnapshot
from routing.carrier_bind import CarrierBind, Kind
from routing.contest import Contests
from routing.events import (
    BindDown,
    BindUp,
    CallEnded,
    CallResult,
    Converted,
    Event,
    Fault,
    Outcome,
    PriceChanged,
    ReceiptSeen,
    SubmitResult,
    Submitted,
    WindowIs,
)
from routing.explanation import Decision, Decisions, explain
from routing.flight import Flight
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan
from routing.policy import SLOWNESS_MAX, contenders, first_of_equals, worth_exploring
from routing.probing import Probing, key_of
from routing.ranking import Block, Blocked, Candidate, Mode, Ranking, RouteRequest
from routing.resends import Resends
from routing.route_table import RouteTable
from routing.router_state import restore, state_of
from routing.scorer import Scorer
from routing.shortlist import WHOLE_MAX, Rival, Shortlist
from routing.traffic_class import CLASSES, TrafficClass, TrafficClasses

# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
BEST, EXPLORE, PROBE, _, FAILOVER, PINNED = Mode
ALREADY_TRIED = Block.ALREADY_TRIED
OK = Outcome.OK
CALL = Kind.CALL
# Makes a NamedTuple in half the time that its class takes.
new = tuple.__new__


class Router:
    """Ranks the binds for a message. Every bind is down until a BindUp is observed."""

    def __init__(
        self,
        binds: Iterable[CarrierBind],
        plan: NumberingPlan = EMPTY_PLAN,
        now: float = 0.0,
        classes: Iterable[TrafficClass] = CLASSES,
    ) -> None:
        self._table = RouteTable(binds)
        self._health = {bind.id: BindHealth(bind, now) for bind in self._table.binds}
        self._contenders = contenders(self._table.routes, self._health)
        self._classes = TrafficClasses(classes)
        self._contests = Contests(self._table, plan, self._contenders, self._classes)
        self._scorer = Scorer(self._table.binds, self._classes, int(now), self._contests.clear)
        self._probing = Probing(self._classes, self._scorer.conversions)
        self._decisions = Decisions()
        self._resends = Resends()
        self._down_at: dict[str, float] = {}
        # Moves on with whatever rankings rest on, but for the binds' health.
        self._epoch = 0
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
        contest = self._contests.known(key) or self._contests.find(key, self._scorer.tree)
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
        is_plain = not (avoided or pinned or excluded or segments > 1 or request.attempt > 1)
        standing = contest.standings[number] if is_plain else None
        if (
            standing is not None
            and standing.holds(self._epoch, now)
            and not (standing.explore and contest.column.may_explore(now))
        ):
            return new(
                Ranking,
                (
                    request,
                    now,
                    contest.number_range,
                    standing.in_turn(),
                    standing.blocked,
                    BEST,
                    contest.network,
                    traffic.name,
                    value,
                    standing.data_points,
                    standing.unseen,
                ),
            )
        ready: list[Candidate] = []
        doubtful: list[Candidate] = []
        blocked: list[Blocked] = []
        data_points = 0
        is_in_doubt = False
        shortlist: Shortlist | None = None
        explores = bool(traffic.explore_share)
        if pinned:
            rival = contest.rival(pinned)
            looks: Iterable[Sequence[Rival]] = ((rival,),) if rival else ()
        elif len(contest.rivals) > WHOLE_MAX:
            shortlist = self._contests.shortlist(contest, number, segments)
            explores = explores and contest.column.may_explore(now)
            looks = shortlist.looks(now, excluded, explores)
            is_plain = False
        else:
            looks = (contest.rivals,)
        for rivals in looks:
            for tier, place, contender, leaf in rivals:
                bind = contender.bind
                if excluded and bind in excluded:
                    blocked.append(Blocked(bind, contender.route, ALREADY_TRIED))
                    continue
                health = contender.health
                if health.ready_at > now and (block := health.block(now)):
                    blocked.append(Blocked(bind, contender.route, *block))
                    continue
                estimate = leaf.estimate
                data_points += estimate.data_points + health.data_points
                latency_s = health.latency_seen_s
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
                    estimate.sick
                    or bind == avoided
                    or (number == 0 and health.shaky_until > now)
                    or leaf.refusals.barred_until > now
                ):
                    doubtful.append(candidate)
                else:
                    ready.append(candidate)
                    if estimate.in_doubt:
                        is_in_doubt = True
            if shortlist is not None:
                shortlist.saw(ready, doubtful, avoided)
                if ready:
                    break
        mode = PINNED if pinned else FAILOVER if request.attempt > 1 else BEST
        if len(ready) > 1:
            ready.sort()
        if doubtful:
            mode = self._probing.admit(
                request, contest, number, ready, doubtful, blocked, mode, now
            )
            is_plain = False
        unseen = len(contest.rivals) - len(shortlist.looked_at) if shortlist is not None else 0
        if pinned:
            blocked += [refusal for refusal in contest.refused if refusal.bind == pinned]
        else:
            blocked += contest.refused[:WHOLE_MAX]
            unseen += max(0, len(contest.refused) - WHOLE_MAX)
        if ready and mode is not PROBE:
            explore = 0
            if explores and mode is BEST and len(ready) > 1:
                explore = worth_exploring(ready, number, value, self._classes.all[0].value)
            if is_plain and not is_in_doubt:
                contest.stands(
                    number, self._epoch, ready, blocked, value, explore, data_points, unseen
                )
            chosen = first_of_equals(ready, value)
            if explore and contest.column.may_explore(now):
                mode, chosen = EXPLORE, explore
            if (
                is_in_doubt
                and mode is BEST
                and self._probing.settle(ready, contest, request, number, now)
            ):
                mode = PROBE
            elif chosen:
                ready.insert(0, ready.pop(chosen))
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
                unseen,
            ),
        )

    def ready_at(self, bind: str) -> float:
        """When the bind takes a segment, were there no other; infinite: when something happens."""
        return self._health[bind].ready_at

    def traffic_class(self, name: str) -> str:
        """By which class a message of this name is judged."""
        return self._classes.all[self._classes.number(name)].name

    def reachable(self, destination: str, sender_type: str, kind: Kind = Kind.MESSAGE) -> bool:
        """Does any route lead there from this type of sender, whatever the binds' health?"""
        key = destination[: self._prefix_length], sender_type, "", kind is CALL
        return bool(self._contests.find(key, self._scorer.tree).rivals)

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

    def state(self) -> Iterator[dict[str, Any]]:
        """What was learnt, for `restore` in a later run: in slices fit for JSON, between which
        other work may be done."""
        return state_of(self._scorer, self._health)

    def restore(self, state: Iterable[Mapping[str, Any]], age_s: float) -> None:
        """Take over what an earlier run had learnt `age_s` ago. Before anything is observed.
        ValueError: it is of another version."""
        restore(self._scorer, self._health, state, age_s)
        self._epoch += 1

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
        self._epoch += 1
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
        key = key_of(request.account, ranking.traffic_class, ranking.network)
        flight = Flight(leaf, key, int(at))
        if leaf.estimate.sick or leaf.estimate.in_doubt:
            if leaf.estimate.sick:
                leaf.outlier.watch(flight)
            self._probing.submitted(leaf, at)
        self._probing.convertible += self._scorer.conversions.is_live(key)
        if number == 0:
            self._resends.sent(request.destination, request.message_id, bind, at)
        self._scorer.flights.take_off(request.message_id, flight)

    def _answered(self, event: SubmitResult) -> None:
        bind, outcome, latency_s, at, message_id, fault = event
        self._health[bind].answered(outcome, latency_s, at)
        if outcome is OK:
            self._scorer.accepted(bind, message_id, at)
        elif fault is Fault.CONFIGURATION and self._scorer.refused(bind, message_id, at):
            self._epoch += 1

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
        self._epoch += 1
        self._contests.see_anew()

    def _call_result(self, event: CallResult) -> None:
        self._health[event.bind].call_answered(event.status, event.pdd_s, event.at, event.progress)
        self._scorer.call_result(event.bind, event.status, event.message_id, event.progress)

    def _call_ended(self, event: CallEnded) -> None:
        self._health[event.bind].call_ended()
        self._scorer.call_ended(event)
