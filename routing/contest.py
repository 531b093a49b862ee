"""Who competes for one kind of destination and sender, and how that stands at present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

from routing.bind_health import BindHealth
from routing.carrier_bind import Kind
from routing.column import Column
from routing.e164 import leading_digits
from routing.estimate import Scope
from routing.evidence_tree import EvidenceTree
from routing.numbering_plan import NumberingPlan, NumberRange
from routing.policy import Contender, are_equal
from routing.ranking import Block, Blocked, Candidate
from routing.route_table import RoutesFound, RouteTable
from routing.shortlist import Rival, Shortlist
from routing.traffic_class import TrafficClasses

# Destinations are remembered by the digits that can matter to the plan or a route. When so many
# differ that this is reached, all are forgotten and looked up anew.
REMEMBERED_MAX = 16_384
# A shortlist takes some 200 octets for each rival.
SHORTLISTS_MAX = 256

# The digits that can matter, the sender type, the network that was looked up, and whether it is a
# call.
Key = tuple[str, str, str, bool]
# Makes a NamedTuple in half the time that its class takes.
new = tuple.__new__
# What stays until a bind's health changes.
STANDING = frozenset({Block.DOWN, Block.SENDER_TYPE})
TURN = Candidate._fields.index("turn")


class Standing:
    """How the rivals of a contest stand for one class: `ready`, best first. It holds within one
    `epoch` of belief and prices, while no bind's health has changed. `explore` is the place of a
    candidate that is worth exploring, 0 for none. Equals take their turns."""

    __slots__ = (
        "_equals",
        "_orders",
        "blocked",
        "data_points",
        "down",
        "epoch",
        "explore",
        "ready",
        "unseen",
        "up",
    )

    def __init__(
        self,
        epoch: int,
        ready: Sequence[Candidate],
        blocked: Sequence[Blocked],
        rivals: Sequence[Rival],
        value: float,
        explore: int,
        data_points: int,
        unseen: int,
    ) -> None:
        self.epoch = epoch
        self.ready = tuple(ready)
        self.blocked = tuple(blocked)
        self.explore = explore
        self.data_points = data_points
        self.unseen = unseen
        by_bind = {rival.contender.bind: rival.contender for rival in rivals}
        seen = [(by_bind[bind].health, by_bind[bind].health.changes) for bind in by_bind]
        self.up: tuple[tuple[BindHealth, int], ...] = tuple(one for one in seen if one[0].up)
        self.down: tuple[tuple[BindHealth, int], ...] = tuple(o for o in seen if not o[0].up)
        best = self.ready[0]
        self._equals = tuple(
            (place, by_bind[other.bind])
            for place, other in enumerate(self.ready)
            if other.tier == best.tier and are_equal(best, other, value)
        )
        self._orders: dict[int, tuple[Candidate, ...]] = {0: self.ready}

    @property
    def is_lasting(self) -> bool:
        """Rivals of different matches that are equal are compared anew each time."""
        group = self._equals[0][1].group
        return all(contender.group is group for _, contender in self._equals)

    def holds(self, epoch: int, now: float) -> bool:
        if self.epoch != epoch:
            return False
        for health, changes in self.up:
            if health.ready_at > now or health.changes != changes:
                return False
        return all(health.changes == changes for health, changes in self.down)

    def in_turn(self) -> tuple[Candidate, ...]:
        """With the one first whose turn it is."""
        equals = self._equals
        if len(equals) == 1:
            return self.ready
        place, contender = equals[0]
        turn_now = contender.group.turn_now
        turn = contender.next_turn
        if turn < turn_now:
            turn = turn_now
        for other_place, contender in equals:
            other = contender.next_turn
            if other < turn and turn > turn_now:
                place, turn = other_place, other if other > turn_now else turn_now
        order = self._orders.get(place)
        if order is None:
            first = self.ready[place]
            rest = (one for one in self.ready if one is not first)
            order = self._orders[place] = (first, *rest)
        first = order[0]
        return (new(Candidate, (*first[:TURN], turn, *first[TURN + 1 :])), *order[1:])


class Contest:
    """Everything about a kind of destination and sender that does not change, and for each class
    how it stands. `shortlists`, by class and segments, are made where there are many rivals."""

    __slots__ = (
        "_by_bind",
        "column",
        "network",
        "number_range",
        "refused",
        "rivals",
        "shortlists",
        "standings",
    )

    def __init__(
        self,
        number_range: NumberRange | None,
        network: str,
        column: Column,
        rivals: tuple[Rival, ...],
        refused: tuple[Blocked, ...],
        classes: int,
    ) -> None:
        self.number_range = number_range
        self.network = network
        self.column = column
        self.rivals = rivals
        self.refused = refused
        self.standings: list[Standing | None] = [None] * classes
        self.shortlists: dict[tuple[int, int], Shortlist] = {}
        self._by_bind = {rival.contender.bind: rival for rival in rivals}

    def of_range(self, number_range: NumberRange | None) -> Contest:
        """The same contest, for other numbers."""
        twin = copy(self)
        twin.number_range = number_range
        return twin

    def rival(self, bind: str) -> Rival | None:
        return self._by_bind.get(bind)

    def stands(
        self,
        number: int,
        epoch: int,
        ready: Sequence[Candidate],
        blocked: Sequence[Blocked],
        value: float,
        explore: int,
        data_points: int,
        unseen: int,
    ) -> None:
        """Remember it for the next message of the class, if it may be the same for that."""
        if all(one.block in STANDING for one in blocked):
            standing = Standing(
                epoch, ready, blocked, self.rivals, value, explore, data_points, unseen
            )
            self.standings[number] = standing if standing.is_lasting else None


class Contests:
    """Found once, then remembered. Numbers of different ranges share what is alike."""

    def __init__(
        self,
        table: RouteTable,
        plan: NumberingPlan,
        contenders: Sequence[Contender],
        classes: TrafficClasses,
    ) -> None:
        self._table = table
        self._plan = plan
        self._contenders = contenders
        self._classes = classes
        self._known: dict[Key, Contest] = {}
        self._alike: dict[tuple[str, str, str, bool], tuple[RoutesFound, Contest]] = {}
        self._shortlists: list[Shortlist] = []
        self.known: Callable[[Key], Contest | None] = self._known.get

    def clear(self) -> None:
        self._known.clear()
        self._alike.clear()
        self._shortlists.clear()
        for contender in self._contenders:
            contender.health.forget_who_waits()

    def find(self, key: Key, tree: EvidenceTree) -> Contest:
        contest = self._known.get(key)
        if contest is None:
            if len(self._known) >= REMEMBERED_MAX:
                self.clear()
            contest = self._known[key] = self._find(*key, tree)
        return contest

    def shortlist(self, contest: Contest, number: int, segments: int) -> Shortlist:
        """Made at its first use. When there are too many, all is found anew."""
        about = 1 << (segments - 1).bit_length()
        found = contest.shortlists.get((number, about))
        if found is None:
            if len(self._shortlists) >= SHORTLISTS_MAX:
                self.clear()
            traffic = self._classes.all[number]
            found = contest.shortlists[number, about] = Shortlist(
                contest.rivals, number, about, traffic.value, traffic.deadline_s
            )
            self._shortlists.append(found)
        return found

    def see_anew(self) -> None:
        """Prices have changed."""
        for shortlist in self._shortlists:
            shortlist.see_anew()

    def _find(
        self, prefix: str, sender_type: str, mccmnc: str, is_call: bool, tree: EvidenceTree
    ) -> Contest:
        digits = leading_digits(prefix)
        if not digits:
            return Contest(None, "", Column("", 0), (), (), len(self._classes.all))
        number_range = self._plan.find(digits)
        if number_range and not mccmnc:
            mcc, mccmnc = number_range.mcc, number_range.mccmnc
        else:
            mcc = mccmnc[:3]
        kind = Kind.CALL if is_call else Kind.MESSAGE
        found = self._table.find(digits, mcc, mccmnc, sender_type, kind)
        country = mcc or (number_range.country if number_range else "")
        matches = [route.entry.match for route in found.usable]
        network = mccmnc or country or max(matches, key=len, default="") or "*"
        if is_call:
            network = f"call {network}"
        like = country, network, sender_type, is_call
        alike = self._alike.get(like)
        if alike and alike[0] == found:
            return alike[1].of_range(number_range)
        priorities = sorted({route.entry.priority for route in found.usable})
        tiers = {priority: tier for tier, priority in enumerate(priorities)}
        contest = Contest(
            number_range,
            network,
            tree.column(network),
            tuple(
                Rival(
                    tiers[route.entry.priority],
                    place,
                    self._contenders[route.number],
                    tree.leaf(Scope(route.bind, country, network, sender_type)),
                )
                for place, route in enumerate(found.usable)
            ),
            tuple(Blocked(route.bind, route, Block.SENDER_TYPE) for route in found.refused),
            len(self._classes.all),
        )
        self._alike[like] = found, contest
        return contest
