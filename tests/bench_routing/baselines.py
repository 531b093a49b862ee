"""The routers that others publish, each with the signals that it has: ours is measured by them."""

from __future__ import annotations

from collections import deque
from math import inf, log, sqrt
from random import Random

from tests.bench_routing.sms import Sms
from tests.bench_routing.world import VALUES, World

SILENCE_S = 120.0


class Baseline:
    """Knows which routes are up, what they cost, and which refused this message."""

    name = ""

    def __init__(self, world: World, seed: int) -> None:
        self.routes = tuple(world.routes)
        self.up = dict.fromkeys(self.routes, False)
        self.prices: dict[tuple[str, str], float] = {}
        self.random = Random(f"{self.name}/{seed}")

    def usable(self, sms: Sms) -> list[str]:
        return [route for route in self.routes if self.up[route] and route not in sms.tried]

    def choose(self, sms: Sms, now: float) -> str | None:
        usable = self.usable(sms)
        return self.pick(sms, usable, now) if usable else None

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        raise AssertionError

    def answered(self, sms: Sms, route: str, outcome: str, latency_s: float, now: float) -> None:
        if outcome == "throttled" and route not in sms.tried:
            sms.tried += (route,)

    def receipt(self, sms: Sms, route: str, seen: str, delay_s: float, now: float) -> None:
        pass

    def converted(self, sms: Sms, now: float) -> None:
        pass

    def link(self, route: str, up: bool, now: float) -> None:
        self.up[route] = up

    def price(self, route: str, network: str, price: float, now: float) -> None:
        self.prices[route, network] = price

    def tick(self, now: float) -> None:
        pass


class StaticPriority(Baseline):
    """The configured order, the next one only when one is down or refuses."""

    name = "static priority"

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        return usable[0]


class LeastCost(Baseline):
    name = "least cost"

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        return min(usable, key=lambda route: (self.prices[route, sms.network], route))


class RoundRobin(Baseline):
    """All weights equal."""

    name = "weighted round robin"

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.turn = 0

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        self.turn += 1
        return usable[self.turn % len(usable)]


class PeakEwma(Baseline):
    """Power of two choices by latency times what is under way (Finagle, linkerd)."""

    name = "P2C peak-EWMA"
    decay_s = 10.0

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.latency = dict.fromkeys(self.routes, 0.1)
        self.at = dict.fromkeys(self.routes, 0.0)
        self.under_way = dict.fromkeys(self.routes, 0)

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        two = self.random.sample(usable, 2) if len(usable) > 1 else usable
        chosen = min(two, key=lambda route: self.latency[route] * (self.under_way[route] + 1))
        self.under_way[chosen] += 1
        return chosen

    def answered(self, sms: Sms, route: str, outcome: str, latency_s: float, now: float) -> None:
        super().answered(sms, route, outcome, latency_s, now)
        self.under_way[route] -= 1
        if latency_s > self.latency[route]:
            self.latency[route] = latency_s
        else:
            kept = 0.5 ** ((now - self.at[route]) / self.decay_s)
            self.latency[route] = latency_s + kept * (self.latency[route] - latency_s)
        self.at[route] = now


class OutlierDetection(Baseline):
    """Round robin with Envoy's ejections: five failures in a row, or a success rate 1.9 standard
    deviations below the mean of all, every 10 s, for 30 s times the ejections. It is shown
    receipts, too."""

    name = "Envoy outlier detection"

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.turn = 0
        self.in_a_row = dict.fromkeys(self.routes, 0)
        self.counts = {route: [0, 0] for route in self.routes}
        self.ejected_until = dict.fromkeys(self.routes, -inf)
        self.ejections = dict.fromkeys(self.routes, 0)
        self.swept_at = 0.0

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        self.turn += 1
        left = [route for route in usable if self.ejected_until[route] <= now] or usable
        return left[self.turn % len(left)]

    def _seen(self, route: str, success: bool, now: float) -> None:
        self.counts[route][0] += success
        self.counts[route][1] += 1
        self.in_a_row[route] = 0 if success else self.in_a_row[route] + 1
        if self.in_a_row[route] >= 5:
            self._eject(route, now)

    def _eject(self, route: str, now: float) -> None:
        if sum(until > now for until in self.ejected_until.values()) < 2:
            self.ejections[route] += 1
            self.in_a_row[route] = 0
            self.ejected_until[route] = now + min(300.0, 30.0 * self.ejections[route])

    def answered(self, sms: Sms, route: str, outcome: str, latency_s: float, now: float) -> None:
        super().answered(sms, route, outcome, latency_s, now)
        self._seen(route, outcome == "ok", now)

    def receipt(self, sms: Sms, route: str, seen: str, delay_s: float, now: float) -> None:
        self._seen(route, seen != "undelivered", now)

    def tick(self, now: float) -> None:
        if now - self.swept_at < 10.0:
            return
        self.swept_at = now
        rates = {r: ok / total for r, (ok, total) in self.counts.items() if total >= 20}
        if len(rates) >= 3:
            mean = sum(rates.values()) / len(rates)
            deviation = sqrt(sum((rate - mean) ** 2 for rate in rates.values()) / len(rates))
            for route, rate in rates.items():
                if rate < mean - 1.9 * deviation and self.ejected_until[route] <= now:
                    self._eject(route, now)
        self.counts = {route: [0, 0] for route in self.routes}


class Bandit(Baseline):
    """Learns deliveries by route and network; silence is a failure after two minutes."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.waiting: deque[tuple[float, int, str, str]] = deque()
        self.told: set[int] = set()

    def answered(self, sms: Sms, route: str, outcome: str, latency_s: float, now: float) -> None:
        super().answered(sms, route, outcome, latency_s, now)
        if outcome == "ok":
            self.waiting.append((now + SILENCE_S, sms.id, route, sms.network))
        elif outcome != "throttled":
            self.learn(route, sms.network, False, now)

    def receipt(self, sms: Sms, route: str, seen: str, delay_s: float, now: float) -> None:
        if delay_s < SILENCE_S:
            self.told.add(sms.id)
            self.learn(route, sms.network, seen == "delivered", now)

    def tick(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            _, message_id, route, network = self.waiting.popleft()
            if message_id in self.told:
                self.told.discard(message_id)
            else:
                self.learn(route, network, False, now)

    def learn(self, route: str, network: str, delivered: bool, now: float) -> None:
        raise AssertionError


class DiscountedThompson(Bandit):
    """A beta posterior that forgets with a half-life of five minutes."""

    name = "discounted Thompson"
    half_life_s = 300.0

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.counts: dict[tuple[str, str], list[float]] = {}

    def _counts(self, route: str, network: str, now: float) -> list[float]:
        counts = self.counts.setdefault((route, network), [0.0, 0.0, now])
        kept = 0.5 ** ((now - counts[2]) / self.half_life_s)
        counts[0] *= kept
        counts[1] *= kept
        counts[2] = now
        return counts

    def learn(self, route: str, network: str, delivered: bool, now: float) -> None:
        self._counts(route, network, now)[0 if delivered else 1] += 1.0

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        def worth(route: str) -> float:
            good, bad, _ = self._counts(route, sms.network, now)
            chance = self.random.betavariate(good + 1.8, bad + 0.2)
            return VALUES[sms.kind] * chance - self.prices[route, sms.network]

        return max(usable, key=worth)


class SlidingUcb(Bandit):
    """The mean of ten minutes and its confidence bound."""

    name = "sliding-window UCB"
    window_s = 600.0

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.seen: dict[tuple[str, str], deque[tuple[float, bool]]] = {}
        self.good: dict[tuple[str, str], int] = {}

    def learn(self, route: str, network: str, delivered: bool, now: float) -> None:
        self.seen.setdefault((route, network), deque()).append((now, delivered))
        self.good[route, network] = self.good.get((route, network), 0) + delivered

    def pick(self, sms: Sms, usable: list[str], now: float) -> str:
        total = 2
        for route in usable:
            seen = self.seen.setdefault((route, sms.network), deque())
            while seen and seen[0][0] < now - self.window_s:
                self.good[route, sms.network] -= seen.popleft()[1]
            total += len(seen)

        def worth(route: str) -> float:
            n = len(self.seen[route, sms.network])
            if not n:
                return inf
            mean = self.good[route, sms.network] / n
            bound = min(1.0, mean + 0.5 * sqrt(log(total) / n))
            return VALUES[sms.kind] * bound - self.prices[route, sms.network]

        return max(usable, key=worth)


BASELINES = (
    StaticPriority,
    LeastCost,
    RoundRobin,
    PeakEwma,
    OutlierDetection,
    DiscountedThompson,
    SlidingUcb,
)
