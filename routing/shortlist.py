"""Which of many rivals a ranking looks at: it costs the same whether there are twenty or thousands.

The rivals stand in an order, as they were when last seen. A ranking looks closely at the first that
can take a segment, corrects their places by what it finds, and looks at a few others in turn: those
that are sick or in doubt, so that they may be probed, and those further back, so that nobody is
forgotten. A rival that is blocked leaves the order until its time comes, or until its bind says
that it can take something again. From time to time all are seen anew.

Those that are as good as the best stand first, by their turns; the rest by what they cost.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heappop, heappush, nsmallest
from itertools import islice
from math import inf
from typing import NamedTuple

from routing.bind_health import BindHealth
from routing.leaf import Leaf
from routing.policy import EQUAL_SHARE, SLOWNESS_MAX, Contender, are_equal
from routing.ranking import Candidate

# Rivals of whom a ranking looks at each.
WHOLE_MAX = 16
# Of more: so many that can take a segment, so many that are suspect, and every so many rankings one
# of the rest.
CLOSELY = 4
SUSPECTS_IN_TURN = 1
OTHER_EVERY = 4
# Where none can, so many of each kind that is blocked: whoever waits, waits for those.
BLOCKED_SHOWN = 8
BLOCKED_SCANNED = 64
# All are seen anew after so many rankings for each rival, and when so much time has passed.
SEEN_ANEW_AFTER = 4
SEEN_ANEW_S = 60.0

BETTER, EQUAL, REST = -1, 0, 1

# The tier, whether it is as good as the best, then the group and the turn or else the cost, and the
# place of the rival.
Key = tuple[int, int, float, float, int]


class Rival(NamedTuple):
    """A contender for one kind of destination and sender, and what is believed of it there.
    `place`: the more specific its match, the smaller."""

    tier: int
    place: int
    contender: Contender
    leaf: Leaf


class Shortlist:
    """The rivals for messages of one class and about so many `segments`. A rival stands in the
    order, or waits for a time, or for its bind; suspects may stand in the order beside."""

    __slots__ = (
        "_away",
        "_best",
        "_costs",
        "_cursor",
        "_deadline_s",
        "_freed",
        "_groups",
        "_keys",
        "_number",
        "_order",
        "_rankings",
        "_rivals",
        "_seen_at",
        "_segments",
        "_suspects",
        "_timed",
        "_value",
        "_waits_until",
        "looked_at",
    )

    def __init__(
        self,
        rivals: Sequence[Rival],
        number: int,
        segments: int,
        value: float,
        deadline_s: float,
    ) -> None:
        self._rivals = rivals
        self._number = number
        self._segments = segments
        self._value = value
        self._deadline_s = deadline_s
        groups = dict.fromkeys(rival.contender.group for rival in rivals)
        ranks = {group: rank for rank, group in enumerate(groups)}
        self._groups = [ranks[rival.contender.group] for rival in rivals]
        self._order: list[Key] = []
        self._keys: list[Key | None] = [None] * len(rivals)
        # As of those keys.
        self._costs = [0.0] * len(rivals)
        # By tier, who was the best when all were seen.
        self._best: dict[int, Candidate] = {}
        self._timed: list[tuple[float, int]] = []
        self._waits_until = [0.0] * len(rivals)
        self._away: dict[int, None] = {}
        # Places of those that were away and are so no more.
        self._freed: list[int] = []
        self._suspects: dict[int, None] = {}
        self._rankings = 0
        self._seen_at = -inf
        self._cursor = 0
        # The places that the last ranking has looked at.
        self.looked_at: set[int] = set()

    # Looking

    def looks(self, now: float, excluded: Collection[str], explores: bool) -> Iterator[list[Rival]]:
        """Whom to look at, until one of them is found to be ready: the first in order with some
        others in turn, then those behind them, suspects, and last of all some that are blocked.
        What they were found to be is told by `saw` before more are asked for. `explores`: may the
        message go to one of the others, to find out about it?"""
        self._rankings += 1
        if (
            self._rankings >= SEEN_ANEW_AFTER * len(self._rivals)
            or now - self._seen_at >= SEEN_ANEW_S
        ):
            self._see_all(now)
        self._take_back(now)
        looked_at, last = self._foremost(now, excluded)
        self.looked_at = {rival.place for rival in looked_at}
        in_turn = self._suspects_in_turn(SUSPECTS_IN_TURN) if self._suspects else []
        if (explores or not self._rankings % OTHER_EVERY) and len(self._order) > last:
            self._cursor += 1
            in_turn.append(self._order[last + self._cursor % (len(self._order) - last)][-1])
        if in_turn:
            looked_at += self._fresh(in_turn, now)
        yield looked_at
        while found := self._fresh([one.place for one in self._foremost(now, excluded)[0]], now):
            yield found
        yield self._fresh(self._suspects_in_turn(CLOSELY), now)
        yield self._fresh(self._blocked(), inf)

    def see_anew(self) -> None:
        """All, for the next ranking."""
        self._seen_at = -inf

    def _fresh(self, places: Iterable[int], now: float) -> list[Rival]:
        """Of these, whom this ranking has not looked at, and who can take a segment by then."""
        fresh = []
        for place in places:
            rival = self._rivals[place]
            if place not in self.looked_at and rival.contender.health.ready_at <= now:
                self.looked_at.add(place)
                fresh.append(rival)
        return fresh

    def _blocked(self) -> list[int]:
        """Some of those that wait: the soonest, then those whose windows are full, then others."""
        soonest = [place for _, place in nsmallest(BLOCKED_SHOWN, self._timed)]
        full: list[int] = []
        down: list[int] = []
        for place in list(islice(self._away, BLOCKED_SCANNED)):
            (full if self._rivals[place].contender.health.up else down).append(place)
            # Next time those behind it.
            del self._away[place]
            self._away[place] = None
        return [*soonest, *full[:BLOCKED_SHOWN], *down[:BLOCKED_SHOWN]]

    def saw(self, ready: Iterable[Candidate], doubtful: Iterable[Candidate], avoided: str) -> None:
        """What they were found to be. Who is doubtful stands no longer in the order, but for the
        one that this message alone avoids."""
        suspects = self._suspects
        for one in ready:
            place = one.number
            if self._keys[place] is None or self._costs[place] != one.cost:
                self._put(place, self._key(one))
            if one.estimate.in_doubt:
                suspects[place] = None
            elif suspects and place in suspects:
                del suspects[place]
        for one in doubtful:
            if one.bind != avoided:
                self._take_out(one.number)
                suspects[one.number] = None

    def _foremost(self, now: float, excluded: Collection[str]) -> tuple[list[Rival], int]:
        """The first in order that can take a segment, and where in it the last of them stands."""
        order, rivals = self._order, self._rivals
        looked_at: list[Rival] = []
        wanted = CLOSELY
        index = 0
        while index < len(order) and wanted:
            tier, standing, group, turn, place = order[index]
            rival = rivals[place]
            contender = rival.contender
            if contender.health.ready_at > now:
                del order[index]
                self._keys[place] = None
                self._wait(place, contender.health)
            elif standing == EQUAL and contender.next_turn > turn:
                del order[index]
                key = tier, standing, group, contender.next_turn, place
                self._keys[place] = key
                insort(order, key)
            else:
                looked_at.append(rival)
                index += 1
                wanted -= contender.bind not in excluded
        return looked_at, index

    def _suspects_in_turn(self, count: int) -> list[int]:
        suspects = self._suspects
        places = []
        for _ in range(min(count, len(suspects))):
            place = next(iter(suspects))
            del suspects[place]
            suspects[place] = None
            places.append(place)
        return places

    # Places

    def _see_all(self, now: float) -> None:
        self._rankings = 0
        self._seen_at = now
        self._timed.clear()
        self._waits_until = [0.0] * len(self._rivals)
        self._suspects.clear()
        self._keys = [None] * len(self._rivals)
        seen: list[Candidate] = []
        for rival in self._rivals:
            health = rival.contender.health
            if health.ready_at > now:
                self._wait(rival.place, health)
                continue
            self._away.pop(rival.place, None)
            one = self._see(rival)
            if one.estimate.sick or one.estimate.in_doubt:
                self._suspects[rival.place] = None
            if not one.estimate.sick:
                seen.append(one)
        seen.sort(key=_by_cost)
        self._best = {}
        for one in seen:
            self._best.setdefault(one.tier, one)
        self._order = sorted(self._key(one) for one in seen)
        for key in self._order:
            self._keys[key[-1]] = key

    def _see(self, rival: Rival) -> Candidate:
        """As a ranking would."""
        tier, place, contender, leaf = rival
        health, estimate = contender.health, leaf.estimate
        slowness = min(SLOWNESS_MAX, health.latency_seen_s / self._deadline_s)
        quality = estimate.quality[self._number] * (1.0 - slowness) - health.burden
        return Candidate(
            tier,
            contender.price * self._segments * estimate.units - self._value * quality,
            place,
            contender.bind,
            contender.route,
            estimate,
            contender.price,
            health.latency_seen_s,
            health.burden,
            contender.next_turn,
            contender.group,
            leaf,
        )

    def _key(self, one: Candidate) -> Key:
        self._costs[one.number] = one.cost
        best = self._best.get(one.tier)
        if best is None:
            best = self._best[one.tier] = one
        if one.cost < best.cost - EQUAL_SHARE * self._value:
            return one.tier, BETTER, one.cost, 0.0, one.number
        if are_equal(best, one, self._value):
            turn = self._rivals[one.number].contender.next_turn
            return one.tier, EQUAL, self._groups[one.number], turn, one.number
        return one.tier, REST, one.cost, 0.0, one.number

    def _put(self, place: int, key: Key) -> None:
        if self._keys[place] != key:
            self._take_out(place)
            self._keys[place] = key
            insort(self._order, key)

    def _take_out(self, place: int) -> None:
        key = self._keys[place]
        if key is not None:
            del self._order[bisect_left(self._order, key)]
            self._keys[place] = None

    def _wait(self, place: int, health: BindHealth) -> None:
        """Until the time at which it can take a segment, or until its bind says so."""
        if health.ready_at < inf:
            self._away.pop(place, None)
            if self._waits_until[place] != health.ready_at:
                self._waits_until[place] = health.ready_at
                heappush(self._timed, (health.ready_at, place))
        elif place not in self._away:
            self._away[place] = None
            health.tell_when_free(self._freed, place)

    def _take_back(self, now: float) -> None:
        """Those whose time has come, or whose binds have said so."""
        for place in self._freed:
            if place in self._away:
                del self._away[place]
                self._come_back(place, now)
        self._freed.clear()
        timed = self._timed
        while timed and timed[0][0] <= now:
            when, place = heappop(timed)
            if self._waits_until[place] == when:
                self._waits_until[place] = 0.0
                self._come_back(place, now)

    def _come_back(self, place: int, now: float) -> None:
        """Its wait is over, as it seems."""
        rival = self._rivals[place]
        health = rival.contender.health
        if health.ready_at > now:
            self._wait(place, health)
            return
        one = self._see(rival)
        if one.estimate.sick:
            self._suspects[place] = None
        else:
            self._put(place, self._key(one))


def _by_cost(one: Candidate) -> tuple[int, float, int]:
    return one.tier, one.cost, one.number
