"""Which message finds out about a route that is sick or in doubt, and what the others do then."""

from __future__ import annotations

from routing.contest import Contest
from routing.conversions import Conversions
from routing.leaf import Leaf
from routing.policy import POOR_SHARE
from routing.ranking import Block, Blocked, Candidate, Mode, RouteRequest
from routing.traffic_class import TrafficClasses

# What blocks for a moment only: it is better to wait for a healthy route than to use a sick one.
PASSING = frozenset({Block.THROTTLED, Block.WINDOW_FULL, Block.RATE})
# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
PROBE, FORCED = Mode.PROBE, Mode.FORCED


class Probing:
    """`convertible` counts the messages sent that may convert."""

    def __init__(self, classes: TrafficClasses, conversions: Conversions) -> None:
        self._classes = classes
        self._conversions = conversions
        self.convertible = 0

    def admit(
        self,
        request: RouteRequest,
        contest: Contest,
        number: int,
        ready: list[Candidate],
        doubtful: list[Candidate],
        blocked: list[Blocked],
        mode: Mode,
        now: float,
    ) -> Mode:
        """What becomes of routes that are sick, flap, refuse the sender, or took the last code to
        this number: one may be due for a probe, some are merely poor, and the rest is better than
        nothing."""
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
                and place.leaf.refusals.barred_until <= now
                and place.estimate.trust > POOR_SHARE
                and place.estimate.quality[number] > POOR_SHARE * best
            ]:
                doubtful.remove(place)
                ready.append(place)
            if mode is not PROBE:
                ready.sort()
        elif not _is_worth_waiting(contest, blocked):
            ready.extend(doubtful)
            doubtful.clear()
            mode = FORCED
        for place in doubtful:
            barred_until = place.leaf.refusals.barred_until
            if barred_until > now:
                blocked.append(Blocked(place.bind, place.route, Block.SENDER_TYPE, barred_until))
            else:
                block = Block.SICK if place.estimate.sick else Block.RESEND
                blocked.append(Blocked(place.bind, place.route, block))
        return mode

    def settle(
        self,
        ready: list[Candidate],
        contest: Contest,
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

    def submitted(self, leaf: Leaf, at: float) -> None:
        """A message went to a route that is sick or in doubt."""
        leaf.outlier.probed(leaf.column.sent, at)
        leaf.trust.tried(self.convertible, at)
        leaf.of_bind.trust.tried(self.convertible, at)

    def _is_due(
        self, place: Candidate, contest: Contest, request: RouteRequest, number: int, now: float
    ) -> bool:
        """May this message find out?"""
        leaf = place.leaf
        if leaf.trust.is_open or leaf.of_bind.trust.is_open:
            # Only a message that may convert can tell whether receipts are true.
            trust = leaf.of_bind.trust if leaf.of_bind.trust.is_open else leaf.trust
            key = key_of(request.account, self._classes.all[number].name, contest.network)
            return trust.on_trial(self.convertible, now) and self._conversions.is_live(key)
        column = contest.column
        return leaf.outlier.is_due(column.sent, now) and column.is_cheapest(number, now)


def key_of(account: str, traffic_class: str, network: str) -> str:
    """Whose conversions are alike: a customer's, within one class and network."""
    return f"{account}/{traffic_class}/{network}"


def _is_worth_waiting(contest: Contest, blocked: list[Blocked]) -> bool:
    """Is a healthy route away only for a moment?"""
    return any(
        (rival := contest.rival(one.bind)) is not None and not rival.leaf.estimate.sick
        for one in blocked
        if one.block in PASSING
    )
