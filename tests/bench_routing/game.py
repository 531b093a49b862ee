"""Plays a scenario: messages come, a router sends them, carriers answer, the world keeps score.

Fates are drawn, but the score is what a route was worth in expectation when it took the message, so
that luck does not decide between routers. The clairvoyant knows each route's chances, price and
room at every moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import exp, inf
from random import Random

from tests.bench_routing.scenarios import MIX, Scenario, make_world
from tests.bench_routing.sms import Answer, Chooser, ChooserFactory, Receipt, Sms
from tests.bench_routing.world import World

ATTEMPTS_MAX = 6
PATIENCE_S = 60.0
ASK_AGAIN_S = 0.25
TIMEOUT_S = 10.0
REFUSAL_S = 0.02
CONVERTING = {"otp": 0.72, "transactional": 0.0, "promotional": 0.0}
CONVERSION_MEDIAN_S = 25.0
BUCKET_S = 10.0
# A message is lost to a bad route as far as that falls short of its good times by more than this.
USUAL_LOSS = 0.1
HARMFUL = frozenset({"grey", "fake", "undelivered", "errors", "silence"})


@dataclass
class Result:
    """`to_bad` counts, for each 10 s, the messages on the troubled route and all beside them."""

    utility: float = 0.0
    best: float = 0.0
    messages: int = 0
    lost: float = 0.0
    price: float = 0.0
    to_bad: dict[int, list[int]] = field(default_factory=dict)
    detected_s: float = inf
    recovered_s: float = inf

    @property
    def share(self) -> float:
        """Of the clairvoyant's utility."""
        return self.utility / self.best

    @property
    def lost_per_1000(self) -> float:
        return 1000.0 * self.lost / self.messages


@dataclass(frozen=True, slots=True)
class Tick:
    pass


class Game:
    def __init__(self, scenario: Scenario, seed: int, factory: ChooserFactory) -> None:
        self.scenario = scenario
        self.world, self.bad, self.network = make_world(scenario, seed)
        self.chooser: Chooser = factory(self.world, seed)
        self.result = Result()
        self._traffic = Random(f"{scenario.name}/{seed}/traffic")
        self._chance = Random(f"{scenario.name}/{seed}/fate")
        self._serial = count()
        self._heap: list[tuple[float, int, Tick | Sms | Answer | Receipt | int]] = []
        self._converting: dict[int, Sms] = {}
        self._links = dict.fromkeys(self.world.routes, False)
        self._prices: dict[tuple[str, str], float] = {}
        self._oracle_free_at = dict.fromkeys(self.world.routes, 0.0)
        self._regional = any(trouble.network for trouble in self.world.troubles)

    def play(self) -> Result:
        traffic = self._messages()
        self._later(0.0, Tick())
        following = next(traffic, None)
        while self._heap or following:
            if following and (not self._heap or following.at <= self._heap[0][0]):
                self.result.messages += 1
                self.result.best += self._best(following)
                self._send(following, following.at)
                following = next(traffic, None)
                continue
            now, _, what = heappop(self._heap)
            if isinstance(what, Tick):
                self._tick(now)
            elif isinstance(what, Sms):
                self._send(what, now)
            elif isinstance(what, Answer):
                self._answered(what, now)
            elif isinstance(what, Receipt):
                self.chooser.receipt(what.sms, what.route, what.seen, what.delay_s, now)
            else:
                self.chooser.converted(self._converting.pop(what), now)
        read_times(self.world, self.scenario, self.bad, self.result)
        return self.result

    def _messages(self) -> Iterator[Sms]:
        random = self._traffic
        names, shares = list(self.world.networks), list(self.world.networks.values())
        at = 0.0
        for number in count(1):
            at += random.expovariate(self.scenario.rate)
            if at > self.scenario.length_s:
                return
            kind = random.choices(list(MIX), list(MIX.values()))[0]
            yield Sms(
                number,
                at,
                kind,
                random.choices(names, shares)[0],
                f"+49151{random.randrange(10**8):08d}",
                random.random() < CONVERTING[kind],
            )

    def _later(self, at: float, what: Tick | Sms | Answer | Receipt | int) -> None:
        if at <= self.scenario.length_s:
            heappush(self._heap, (at, next(self._serial), what))

    def _tick(self, now: float) -> None:
        for route, was in self._links.items():
            up = self.world.up(route, now)
            if up is not was:
                self._links[route] = up
                self.chooser.link(route, up, now)
            for network in self.world.networks:
                price = self.world.price(route, network, now)
                if self._prices.get((route, network)) != price:
                    self._prices[route, network] = price
                    self.chooser.price(route, network, price, now)
        self.chooser.tick(now)
        self._later(now + 1.0, Tick())

    def _best(self, sms: Sms) -> float:
        """What a clairvoyant makes of it, in the room that it has left itself."""
        now, world = sms.at, self.world
        best, chosen = -inf, ""
        for route, up in self._links.items():
            if not up or self._oracle_free_at[route] > now + 0.1:
                continue
            answered = 1.0 - world.strength("silence", route, now)
            utility = world.utility(sms.kind, route, sms.network, now) * answered
            if utility > best:
                best, chosen = utility, route
        if not chosen:
            return 0.0
        free_at = max(self._oracle_free_at[chosen], now)
        self._oracle_free_at[chosen] = free_at + 1.0 / max(0.01, world.tps(chosen, now))
        return best

    def _send(self, sms: Sms, now: float) -> None:
        world, result = self.world, self.result
        route = self.chooser.choose(sms, now)
        if route is None:
            if now - sms.at < PATIENCE_S:
                self._later(now + ASK_AGAIN_S, sms)
            else:
                result.lost += 1.0
            return
        latency_s = world.latency(route, now)
        failure = "timeout" if not world.up(route, now) else world.errs(route, now, self._chance)
        if failure == "timeout":
            self._later(now + TIMEOUT_S, Answer(sms, route, failure, TIMEOUT_S))
        elif failure:
            self._later(now + latency_s, Answer(sms, route, failure, latency_s))
        elif not world.takes(route, now):
            self._later(now + REFUSAL_S, Answer(sms, route, "throttled", REFUSAL_S))
        else:
            fate = world.fate(route, sms.network, now, self._chance)
            self._later(now + latency_s, Answer(sms, route, "ok", latency_s, fate))
            self._keep_score(sms, route, now)

    def _keep_score(self, sms: Sms, route: str, now: float) -> None:
        world, result = self.world, self.result
        result.utility += world.utility(sms.kind, route, sms.network, now)
        result.price += world.price(route, sms.network, now)
        usual = world.routes[route].lines[sms.network].delivered
        delivered = world.delivered(route, sms.network, now)
        result.lost += max(0.0, usual - delivered - USUAL_LOSS)
        if not self._regional or sms.network == self.network:
            bucket = result.to_bad.setdefault(int(now / BUCKET_S), [0, 0])
            bucket[0] += route == self.bad
            bucket[1] += 1

    def _answered(self, answer: Answer, now: float) -> None:
        sms, route, fate = answer.sms, answer.route, answer.fate
        self.chooser.answered(sms, route, answer.outcome, answer.latency_s, now)
        if fate is not None:
            if fate.receipt:
                receipt = Receipt(sms, route, fate.receipt, fate.receipt_after)
                self._later(now + fate.receipt_after, receipt)
            if fate.arrives < inf and sms.converts:
                asked_s = CONVERSION_MEDIAN_S * exp(self._chance.gauss(0.0, 0.5))
                self._converting[sms.id] = sms
                self._later(now + fate.arrives + asked_s, sms.id)
        elif answer.outcome != "timeout" and sms.attempt < ATTEMPTS_MAX:
            sms.attempt += 1
            if answer.outcome == "temporary":
                sms.tried += (route,)
            self._send(sms, now)
        else:
            self.result.lost += 1.0


def play(scenario: Scenario, seed: int, factory: ChooserFactory) -> Result:
    return Game(scenario, seed, factory).play()


def read_times(world: World, scenario: Scenario, bad: str, result: Result) -> None:
    """How long the troubled route kept its traffic, and how long until it had it again."""
    trouble = next(
        (one for one in world.troubles if one.route == bad and one.kind in HARMFUL), None
    )
    if trouble is None or trouble.ramp_s:
        return
    share = {bucket: hits / total for bucket, (hits, total) in result.to_bad.items()}
    before = [
        part
        for bucket, part in share.items()
        if trouble.start - 200.0 <= bucket * BUCKET_S < trouble.start
    ]
    usual = sum(before) / len(before) if before else 0.0
    if usual < 0.2:
        return
    first, last = int(trouble.start / BUCKET_S), int(min(trouble.end, 1e6) / BUCKET_S)
    for bucket in range(first, min(last, int(scenario.length_s / BUCKET_S))):
        if max(share.get(bucket, 0.0), share.get(bucket + 1, 0.0)) < 0.2 * usual:
            result.detected_s = bucket * BUCKET_S - trouble.start + BUCKET_S / 2
            break
    for bucket in range(last, int(scenario.length_s / BUCKET_S)):
        if share.get(bucket, 0.0) > 0.5 * usual:
            result.recovered_s = bucket * BUCKET_S - trouble.end + BUCKET_S / 2
            break
